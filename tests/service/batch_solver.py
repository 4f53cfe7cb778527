# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for tests of batches: kept outputs at once, but for takes that end with `fail`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.kept_solver import run as run_kept
from benchmarks.solver_parts import SolveError, SolveOptions, SolveResult

__all__ = ["SolveError", "SolveOptions", "SolveResult", "run"]
BAD = b"fail"


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    if c3d.read_bytes().endswith(BAD):
        raise SolveError(f"{c3d.name} is bad; record it again.")
    return run_kept(c3d=c3d, markerset=markerset, out_dir=out_dir, options=options)
