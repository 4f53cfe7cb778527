# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a report as they are shown: what is missing or odd in them is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .pictures import STAGES
from .places import file_name
from .wording import LONGEST_SENTENCE, number, text, whole

DONE, FAILED, CANCELLED, UNKNOWN = "done", "failed", "cancelled", "unknown"
STATUSES = (DONE, FAILED, CANCELLED)
SPELT = {"canceled": CANCELLED}
# Nothing of a take has more of these; a report that says so is not followed.
MOST_MARKERS = 2000
MOST_STAGES = 20
MOST_SENTENCES = 40
MOST_FILES = 40


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far bodies are from where `xpos.parquet` has them (mm); None where it is not known."""

    largest_mm: float | None
    mean_mm: float | None
    body: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One take.

    Attributes:
        number: from 1, in the order of the report.
        name: of the take.
        status: `done`, `failed`, `cancelled`, or whatever the report says.
        error: a sentence, or empty.
        warnings: sentences, the first few.
        further: how many warnings there are besides.
        action: name of the new action.
        armature: name of the armature object.
        frames: keyed moments.
        capture_rate: frames per second of the take; None where it is not known.
        scene_rate: of the scene.
        spent: stage and time (s), for those that took any.
        coverage: marker and share of frames (0 to 1) in which it is seen.
        distance: from `xpos.parquet`.
        bone_map: what said which bone follows what.
        direction_error_deg: the largest angle between a bone and where it should point.
        joint_angles: how many joints have a curve.
        meshes: how many meshes hang on bones.
        files: what each file is and its path as the report has it; no empty ones.
        out: path of the result.
        thumbnail: path of its picture.
        job_id: on the service.
    """

    number: int
    name: str
    status: str
    error: str
    warnings: tuple[str, ...]
    further: int
    action: str
    armature: str
    frames: int
    capture_rate: float | None
    scene_rate: float | None
    spent: tuple[tuple[str, float], ...]
    coverage: tuple[tuple[str, float], ...]
    distance: Distance | None
    bone_map: str
    direction_error_deg: float | None
    joint_angles: int
    meshes: int
    files: tuple[tuple[str, str], ...]
    out: str
    thumbnail: str
    job_id: str

    @property
    def seconds(self) -> float:
        """All stages together."""
        return math.fsum(time_s for _, time_s in self.spent)

    @property
    def warning_count(self) -> int:
        """How many warnings there are, shown or not."""
        return len(self.warnings) + self.further


def row(take: object, number: int, *, hide: Callable[[str, Iterable[str]], str]) -> Row:
    """A row of the report.

    Args:
        take: as `TakeReport.as_dict` gives it, or whatever else stands there.
        number: from 1.
        hide: takes out of a text what is nobody's business, given the paths it may hold.
    """
    told = _mapping(take)
    files = tuple(_files(told))[:MOST_FILES]
    out, thumbnail = _path(told.get("out")), _path(told.get("thumbnail"))
    paths = [path for path in (*(path for _, path in files), out, thumbnail) if path]

    def clean(said: str) -> str:
        return hide(said, paths) if said else said

    warnings = _sentences(told.get("warnings"))
    return Row(
        number=number,
        name=clean(_name(told, number)),
        status=_status(told.get("status")),
        error=clean(text(told.get("error"), longest=LONGEST_SENTENCE)),
        warnings=tuple(map(clean, warnings[:MOST_SENTENCES])),
        further=len(warnings[MOST_SENTENCES:]),
        action=clean(text(told.get("action"))),
        armature=clean(text(told.get("armature"))),
        frames=whole(told.get("frames")),
        capture_rate=_positive(told.get("capture_rate")),
        scene_rate=_positive(told.get("scene_rate")),
        spent=_spent(told.get("seconds")),
        coverage=tuple(_coverage(told.get("coverage")))[:MOST_MARKERS],
        distance=_distance(told.get("xpos")),
        bone_map=clean(text(told.get("bone_map"))),
        direction_error_deg=_not_negative(told, "direction_error_deg"),
        joint_angles=whole(told.get("joint_angles")),
        meshes=whole(told.get("meshes")),
        files=files,
        out=out,
        thumbnail=thumbnail,
        job_id=clean(text(told.get("job_id"))),
    )


def _not_negative(told: Mapping[str, Any], key: str) -> float | None:
    """A number that cannot be negative; None where there is none."""
    found = number(told.get(key))
    return None if found is None or found < 0.0 else found


def _path(value: object) -> str:
    """A path as it stands in the report: nothing of it is changed, for it names a file."""
    return value if isinstance(value, str) else text(value, longest=10_000)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _items(value: object) -> Sequence[object]:
    """The items of a list; none of anything else."""
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _name(told: Mapping[str, Any], number: int) -> str:
    """What the take is called, or what it is known by."""
    if name := text(told.get("name")):
        return name
    if take := text(file_name(_path(told.get("c3d")))):
        return take.rpartition(".")[0] or take
    return text(told.get("action")) or text(told.get("source")) or f"Take {number}"


def _status(value: object) -> str:
    said = text(value, longest=40).lower()
    return SPELT.get(said, said) or UNKNOWN


def _sentences(value: object) -> list[str]:
    said = (value,) if isinstance(value, str) else _items(value)
    return [sentence for one in said if (sentence := text(one, longest=LONGEST_SENTENCE))]


def _positive(value: object) -> float | None:
    found = number(value)
    return found if found is not None and found > 0.0 else None


def _spent(value: object) -> tuple[tuple[str, float], ...]:
    """In the order of the stages, those that nobody knows last."""
    found = {
        stage: time_s
        for name, spent in _mapping(value).items()
        if (stage := text(name, longest=40)) and (time_s := _positive(spent)) is not None
    }
    known = [stage for stage in STAGES if stage in found]
    others = [stage for stage in found if stage not in STAGES]
    return tuple((stage, found[stage]) for stage in (*known, *others)[:MOST_STAGES])


def _coverage(value: object) -> Iterator[tuple[str, float]]:
    """Marker and share, however they are paired."""
    for name, share in _pairs(value):
        marker, part = text(name, longest=60), number(share)
        if marker and part is not None:
            yield marker, min(max(part, 0.0), 1.0)


def _pairs(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, Mapping):
        yield from cast("Mapping[object, object]", value).items()
        return
    for one in _items(value):
        if isinstance(one, Mapping):
            told = _mapping(cast("object", one))
            yield told.get("marker"), told.get("share")
        elif len(pair := _items(one)) == len(("marker", "share")):
            yield pair[0], pair[1]


def _distance(value: object) -> Distance | None:
    told = _mapping(value)
    largest, mean = _not_negative(told, "largest_mm"), _not_negative(told, "mean_mm")
    if largest is None and mean is None:
        return None
    return Distance(largest_mm=largest, mean_mm=mean, body=text(told.get("body")))


def _files(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    outputs = [("Output", one) for one in _items(told.get("output_files"))]
    given = [("Take", told.get("c3d")), ("Markerset", told.get("markerset"))]
    made = [("Result", told.get("out")), ("Joint angles", told.get("angles_file"))]
    for what, path in (*given, *made, *outputs):
        if found := _path(path):
            yield what, found
