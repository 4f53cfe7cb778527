# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a take and its markerset together, before anything is sent or paid for.

The service matches a label to a marker when the label equals the marker's name, or when one
of the label's words does. Two labels for one marker, or labels of two subjects, make the job
fail; a marker without a label, or with one that is missing in over 80 % of the frames, is
left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import markerset, take
from .info import TakeInfo
from .markerset import Markerset

LOWEST_COVERAGE = 0.2
# A rigid body takes three points; a person is known by the pelvis, a leg and the trunk at least.
FEWEST_MARKERS = 6
FEWEST_BODIES = 3
KNOWN_UNITS = ("mm", "cm", "dm", "m")
# So many names are read in one sentence.
NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What was found.

    Attributes:
        info: the take.
        markerset: the markerset.
        matched: marker to label, for those that the solve will use.
        missing: markers without a label.
        doubled: marker to its labels, where there is more than one.
        dropped: label to the fraction of frames (0 to 1) in which it is there, where that is
            too little.
        unused: labels that are no marker.
        subjects: the subjects' names in the labels; "" for labels without one.
        coverage: label to fraction of frames, for those in `matched`.
        errors: why the job would fail, as sentences.
        warnings: what to know, as sentences.
    """

    info: TakeInfo
    markerset: Markerset
    matched: Mapping[str, str]
    missing: tuple[str, ...]
    doubled: Mapping[str, tuple[str, ...]]
    dropped: Mapping[str, float]
    unused: tuple[str, ...]
    subjects: tuple[str, ...]
    coverage: Mapping[str, float]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        """Whether the job may succeed."""
        return not self.errors

    @property
    def summary(self) -> str:
        """In one line: `41/41 markers, 412 frames at 120 Hz, 3.4 s`."""
        info = self.info
        markers = f"{len(self.matched)}/{len(self.markerset.markers)} markers"
        return (
            f"{markers}, {info.frame_count} frames at {info.rate_hz:g} Hz, {info.duration_s:.1f} s"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON."""
        info = self.info
        return {
            "ok": self.is_ok,
            "summary": self.summary,
            "c3d": str(info.path),
            "markerset": str(self.markerset.path),
            "model": self.markerset.model,
            "frames": info.frame_count,
            "first_frame": info.first_frame,
            "rate_hz": info.rate_hz,
            "duration_s": info.duration_s,
            "units": info.units,
            "byte_order": info.byte_order,
            "labels": list(info.labels),
            "markers": [marker.name for marker in self.markerset.markers],
            "matched": dict(self.matched),
            "missing": list(self.missing),
            "doubled": {name: list(labels) for name, labels in self.doubled.items()},
            "dropped": dict(self.dropped),
            "unused": list(self.unused),
            "subjects": list(self.subjects),
            "coverage": dict(self.coverage),
            "errors": list(self.errors),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, kw_only=True)
class _Match:
    """Labels against markers: marker to the points that fit, whether or not they are there."""

    labels: tuple[str, ...]
    fitting: Mapping[str, tuple[int, ...]]
    alive: frozenset[int]

    def usable(self, marker: str) -> tuple[int, ...]:
        return tuple(point for point in self.fitting[marker] if point in self.alive)

    def subjects(self, points: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted({subject_of(self.labels[point]) for point in points}))

    def points(self, *, alive: bool) -> tuple[int, ...]:
        """The points that fit some marker; all, or those that are there."""
        fitting = (point for points in self.fitting.values() for point in points)
        return tuple(point for point in fitting if not alive or point in self.alive)


def check(take_path: Path, markerset_path: Path) -> Preflight:
    """Look at a take and its markerset.

    Raises:
        TakeError: the take cannot be read.
        MarkersetError: the markerset cannot be read.
    """
    info = take.read_info(take_path)
    markers = markerset.read(markerset_path)
    there = take.read_coverage(take_path, info)
    coverage = [float(fraction) for fraction in there]
    match = _match(info, markers, coverage)
    matched = {name: match.usable(name) for name in match.fitting if match.usable(name)}
    dropped = [point for point in match.points(alive=False) if point not in match.alive]
    used = set(match.points(alive=False))
    return Preflight(
        info=info,
        markerset=markers,
        matched={name: info.labels[points[0]] for name, points in matched.items()},
        missing=tuple(m.name for m in markers.markers if m.name not in match.fitting),
        doubled=_doubled(match),
        dropped={info.labels[point]: coverage[point] for point in dropped},
        unused=tuple(
            label for point, label in enumerate(info.labels) if label and point not in used
        ),
        subjects=match.subjects(match.points(alive=True)),
        coverage={info.labels[points[0]]: coverage[points[0]] for points in matched.values()},
        errors=tuple(_errors(info, markers, match)),
        warnings=tuple(_warnings(info, markers, match, coverage)),
    )


def words(label: str) -> frozenset[str]:
    """A label and its words: what stands between spaces, colons and other signs."""
    return frozenset([label, *re.split(r"[\s:]+", label), *re.findall(r"\w+", label)]) - {""}


def subject_of(label: str) -> str:
    """What stands before a label's last colon; "" where there is none."""
    return label.rpartition(":")[0].strip()


def _match(info: TakeInfo, markers: Markerset, coverage: list[float]) -> _Match:
    points_of_word: dict[str, list[int]] = {}
    for point, label in enumerate(info.labels):
        for word in words(label):
            points_of_word.setdefault(word, []).append(point)
    fitting = {
        marker.name: tuple(points_of_word[marker.name])
        for marker in markers.markers
        if marker.name in points_of_word
    }
    alive = frozenset(point for point, part in enumerate(coverage) if part >= LOWEST_COVERAGE)
    return _Match(labels=info.labels, fitting=fitting, alive=alive)


def _doubled(match: _Match) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(match.labels[point] for point in points)
        for name, points in match.fitting.items()
        if len(points) > 1
    }


def _errors(info: TakeInfo, markers: Markerset, match: _Match) -> Iterable[str]:
    """Why the job would fail."""
    if not match.fitting:
        yield (
            f"No label of {info.path.name} ({_list(info.labels)}) is a marker of "
            f"{markers.path.name} ({_list(m.name for m in markers.markers)}): "
            "choose the markerset that the take was recorded with."
        )
        return
    if not match.points(alive=True):
        yield f"No marker of {info.path.name} is there in more than {LOWEST_COVERAGE:.0%} of it."
        return
    subjects = [name for name in match.subjects(match.points(alive=True)) if name]
    if len(subjects) > 1:
        yield (
            f"{info.path.name} holds {len(subjects)} subjects ({_list(subjects)}); "
            "the service takes one: export one subject per take."
        )
        return
    for name in match.fitting:
        points = match.usable(name)
        if len(points) > 1:
            labels = _list(match.labels[point] for point in points)
            yield f"The marker {name} has {len(points)} labels ({labels}): leave it only one."


def _warnings(
    info: TakeInfo, markers: Markerset, match: _Match, coverage: list[float]
) -> Iterable[str]:
    """What the job would pass over."""
    missing = [m.name for m in markers.markers if m.name not in match.fitting]
    if missing and match.fitting:
        yield f"{_count(missing, 'marker has', 'markers have')} no label: {_list(missing)}."
    for point in match.points(alive=False):
        if point not in match.alive:
            gone = 1.0 - coverage[point]
            yield f"The label {info.labels[point]} is missing in {gone:.0%} of the frames."
    yield from _thinness(markers, match)
    if info.units.lower() not in KNOWN_UNITS:
        yield f"The take's unit {info.units!r} is not known; millimetres are taken."
    if info.frame_count == 1:
        yield "The take has a single frame."
    yield from info.notes


def _thinness(markers: Markerset, match: _Match) -> Iterable[str]:
    """Whether so few markers can tell a pose."""
    used = [m for m in markers.markers if m.name in match.fitting and match.usable(m.name)]
    bodies = {marker.body for marker in used}
    if used and (len(used) < FEWEST_MARKERS or len(bodies) < FEWEST_BODIES):
        yield (
            f"Only {_count(used, 'marker', 'markers')} on "
            f"{_count(list(bodies), 'body', 'bodies')} can be used: that is too few for a pose."
        )


def _count(items: list[Any], one: str, many: str) -> str:
    return f"{len(items)} {one if len(items) == 1 else many}"


def _list(names: Iterable[str]) -> str:
    """Some names for a sentence."""
    named = [name for name in names if name]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more or "none"
