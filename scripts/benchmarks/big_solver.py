# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for the local service that is quick and leaves large results."""

from __future__ import annotations

import os
from pathlib import Path

from . import big_motion
from .solver_parts import SolveError, SolveOptions, SolveResult

__all__ = ["SolveError", "SolveOptions", "SolveResult", "run"]

FRAMES = 10_000
BODIES = 70
OTHER_BYTES = 300_000_000
PIECE_BYTES = 1_000_000


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:  # noqa: ARG001
    """Leave a motion of many frames, and a file as large as the take."""
    motion, other = out_dir / "motion.glb", out_dir / "xpos.parquet"
    big_motion.write(motion, frames=FRAMES, bodies=BODIES)
    piece = os.urandom(PIECE_BYTES)
    with other.open("wb") as stream:
        for _ in range(OTHER_BYTES // PIECE_BYTES):
            stream.write(piece)
    outputs = {"motion": motion, "xpos": other}
    return SolveResult(outputs=outputs)
