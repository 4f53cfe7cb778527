# SPDX-License-Identifier: GPL-3.0-or-later
"""What is landed to see how exact it is: output files, what they need, and the truth of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myosapiens_addon.motion import mjcf, npz
from tests.helpers import exact_truth, real_character, solved_take
from tests.helpers.exact_truth import Truth

REAL_RATE_HZ = 120.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One output file on its way.

    Attributes:
        title: what it is.
        output: the file.
        truth: the saved world poses that it must give.
        model: the character's definition; None where the file needs none.
        rate_hz: frames per second of the capture; None where the file says it.
        has_lengths: whether its positions are the subject's.
    """

    title: str
    output: Path
    truth: Path
    model: Path | None = None
    rate_hz: float | None = None
    has_lengths: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The case as JSON holds it."""
        return {
            "title": self.title,
            "output": str(self.output),
            "truth": str(self.truth),
            "model": str(self.model or ""),
            "rate_hz": self.rate_hz,
        }


def prepare(walk: Path, folder: Path) -> list[Case]:
    """All cases, with what they need in a folder; says what is left out."""
    (folder / "solved").mkdir()
    return [*_recorded(walk, folder), *_solved(folder / "solved")]


def _recorded(walk: Path, folder: Path) -> list[Case]:
    """The real take's."""
    golden = exact_truth.golden(walk)
    glb = Case(
        title="motion.glb",
        output=walk / "motion_nomesh.glb",
        truth=golden.save(folder / "golden.npz"),
        has_lengths=True,
    )
    try:
        return [glb, *_recorded_numbers(walk, folder, golden, real_character.find())]
    except FileNotFoundError as missing:
        print(f"exactness: no figures of the real qpos.parquet and output.npz, because {missing}.")
        return [glb]


def _recorded_numbers(walk: Path, folder: Path, golden: Truth, model: Path) -> list[Case]:
    """The character's definition has not the subject's lengths: positions are MuJoCo's on it."""
    placed = solved_take.truth_by_definition(model, walk / "qpos.parquet")
    truth = exact_truth.on_other_lengths(golden, placed)
    qpos = Case(
        title="qpos.parquet",
        output=walk / "qpos.parquet",
        truth=truth.save(folder / "on_definition.npz"),
        model=model,
    )
    angles = Case(
        title="output.npz",
        output=walk / "output.npz",
        truth=_turns(golden, walk / "output.npz", model).save(folder / "golden_turns.npz"),
        model=model,
        rate_hz=REAL_RATE_HZ,
    )
    return [qpos, angles]


def _solved(folder: Path) -> list[Case]:
    """The local service's: the model has the subject's lengths."""
    solved_take.solve(folder)
    saved, model = folder / solved_take.TRUTH, folder / solved_take.DEFINITION
    glb = Case(
        title="motion.glb solved here",
        output=folder / "motion.glb",
        truth=saved,
        has_lengths=True,
    )
    qpos = Case(
        title="qpos.parquet solved here",
        output=folder / "qpos.parquet",
        truth=saved,
        model=model,
        has_lengths=True,
    )
    angles = Case(
        title="output.npz solved here",
        output=folder / "output.npz",
        truth=_turns(Truth.load(saved), folder / "output.npz", model).save(folder / "turns.npz"),
        model=model,
    )
    return [glb, qpos, angles]


def _turns(truth: Truth, output: Path, model: Path) -> Truth:
    """Joint angles alone have no root: bodies are held against their parents."""
    names = npz.read(output).joint_names
    return exact_truth.by_angles_alone(truth, mjcf.read(model), names)
