# SPDX-License-Identifier: GPL-3.0-or-later
"""What one retarget job is to do, as a value that survives on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from ..errors import InputError

GENDERS = ("male", "female")
ROTATIONS = ("yup_to_zup", "ydown_to_zup")
# What a person can be; beyond it a unit was mistaken.
HEIGHT_RANGE_M = (0.3, 2.8)
WEIGHT_RANGE_KG = (2.0, 650.0)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The recorded person; what is None is left to the service.

    Raises:
        InputError: a value that no person has.
    """

    height_m: float | None = None
    weight_kg: float | None = None
    gender: str | None = None

    def __post_init__(self) -> None:
        _check_range("height", self.height_m, HEIGHT_RANGE_M, "m")
        _check_range("weight", self.weight_kg, WEIGHT_RANGE_KG, "kg")
        if self.gender is not None and self.gender not in GENDERS:
            raise InputError(f"The subject's gender {self.gender!r} must be male or female.")


@dataclass(frozen=True, kw_only=True)
class SolveOptions:
    """Options that servers of revision 2 know; revision 1 has none of them.

    Attributes:
        mocap_scale: the take's units per metre; None takes it from the take's own units.
        rotation: None, "yup_to_zup" or "ydown_to_zup".
        clip_length: frames to solve, -1 for all.
        chunk_size: frames per piece, -1 for the whole take at once.
        disable_contacts: solve without regard to the floor.
        n_frames_scaling: frames that the subject's scale is fitted on.

    Raises:
        InputError: a value that the service cannot take.
    """

    mocap_scale: int | None = None
    rotation: str | None = None
    clip_length: int = -1
    chunk_size: int = -1
    disable_contacts: bool = True
    n_frames_scaling: int = 10

    def __post_init__(self) -> None:
        if self.rotation is not None and self.rotation not in ROTATIONS:
            raise InputError(f"The rotation {self.rotation!r} must be one of {ROTATIONS}.")
        if self.mocap_scale is not None and self.mocap_scale <= 0:
            raise InputError("The take's units per metre must be more than 0.")
        if self.n_frames_scaling <= 0:
            raise InputError("The number of frames for scaling must be more than 0.")


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """One retarget job, from files to files.

    A job that was started elsewhere is only fetched: it has neither take nor markerset here,
    and of its specification `out_dir` and `outputs` alone mean something.

    Attributes:
        c3d: the take, C3D or TRC; None for a job that was started elsewhere.
        markerset: its markerset (XML); None together with the take.
        out_dir: where the output files go.
        character_id: None for the service's first ready character.
        character_version: None for its newest ready version.
        enable_scaling: whether the character is scaled to the subject.
        metadata: goes with the job, each value shortened to 200 characters; the client token
            is added to it.
        outputs: which outputs to fetch (`motion`, `qpos`, …); None for all there are.

    Raises:
        InputError: a take without a markerset, or a markerset without a take.
    """

    c3d: Path | None
    markerset: Path | None
    out_dir: Path
    character_id: str | None = None
    character_version: str | None = None
    subject: Subject = field(default_factory=Subject)
    enable_scaling: bool = True
    options: SolveOptions = field(default_factory=SolveOptions)
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    outputs: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.c3d is None) is not (self.markerset is None):
            raise InputError("A take needs a markerset, and a markerset a take: give both files.")

    def inputs(self) -> tuple[Path, Path]:
        """The take and its markerset.

        Raises:
            InputError: the job was started elsewhere, so that its files are not known here.
        """
        if self.c3d is None or self.markerset is None:
            raise InputError(
                "This job was started elsewhere, and its take and markerset are not known here: "
                "choose both files and start a new job."
            )
        return self.c3d, self.markerset

    def as_dict(self) -> dict[str, Any]:
        """JSON; paths are made absolute, since who reads it may run elsewhere."""
        return {
            "c3d": _absolute(self.c3d),
            "markerset": _absolute(self.markerset),
            "out_dir": _absolute(self.out_dir),
            "character_id": self.character_id,
            "character_version": self.character_version,
            "subject": asdict(self.subject),
            "enable_scaling": self.enable_scaling,
            "options": asdict(self.options),
            "metadata": dict(self.metadata),
            "outputs": None if self.outputs is None else list(self.outputs),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """From `as_dict`.

        Raises:
            KeyError, TypeError, InputError: it is not one.
        """
        outputs = value["outputs"]
        return cls(
            c3d=None if value["c3d"] is None else Path(value["c3d"]),
            markerset=None if value["markerset"] is None else Path(value["markerset"]),
            out_dir=Path(value["out_dir"]),
            character_id=value["character_id"],
            character_version=value["character_version"],
            subject=Subject(**value["subject"]),
            enable_scaling=value["enable_scaling"],
            options=SolveOptions(**value["options"]),
            metadata=MappingProxyType(dict(value["metadata"])),
            outputs=None if outputs is None else tuple(outputs),
        )


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _check_range(name: str, value: float | None, bounds: tuple[float, float], unit: str) -> None:
    if value is not None and not bounds[0] <= value <= bounds[1]:
        raise InputError(
            f"The subject's {name} of {value:g} {unit} must be between "
            f"{bounds[0]:g} and {bounds[1]:g} {unit}."
        )
