# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for the local service that is quick and leaves large results."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from . import big_motion

FRAMES = 10_000
BODIES = 70
OTHER_BYTES = 300_000_000
PIECE_BYTES = 1_000_000


class SolveError(Exception):
    """What the service expects a solver to raise; this one never does."""

    error_type = ""
    message = ""


class SolveOptions:
    """Whatever a job asks for; nothing of it changes the result."""

    def __init__(self, **wanted: object) -> None:
        self.wanted = wanted


@dataclass(frozen=True, kw_only=True)
class SolveResult:
    """What the service wants to know: files by role, sentences, and the version it shows."""

    outputs: dict[str, Path]
    warnings: list[str]
    mujoco_version: str


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:  # noqa: ARG001
    """Leave a motion of many frames, and a file as large as the take."""
    motion, other = out_dir / "motion.glb", out_dir / "xpos.parquet"
    big_motion.write(motion, frames=FRAMES, bodies=BODIES)
    piece = os.urandom(PIECE_BYTES)
    with other.open("wb") as stream:
        for _ in range(OTHER_BYTES // PIECE_BYTES):
            stream.write(piece)
    outputs = {"motion": motion, "xpos": other}
    return SolveResult(outputs=outputs, warnings=[], mujoco_version="0.0.0")
