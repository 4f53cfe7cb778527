# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for tests of batches: kept outputs at once, but for takes that end with `fail`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.kept_solver import SolveOptions, SolveResult
from benchmarks.kept_solver import run as run_kept

__all__ = ["SolveError", "SolveOptions", "SolveResult", "run"]


class SolveError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.error_type = "bad_take"
        self.message = message


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    if c3d.read_bytes().endswith(b"fail"):
        raise SolveError(f"{c3d.name} is bad; record it again.")
    return run_kept(c3d=c3d, markerset=markerset, out_dir=out_dir, options=options)
