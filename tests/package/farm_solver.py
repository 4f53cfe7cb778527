# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for the local service: what the real one made of the sample, for every take.

A take whose file ends with `BAD` fails.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

BAD = b"BAD."
KEPT = "MYOSAPIENS_TEST_KEPT"


class SolveError(Exception):
    error_type = "bad_take"
    message = "This take is bad; record it again."


class SolveOptions:
    def __init__(self, **wanted: object) -> None:
        self.wanted = wanted


@dataclass(frozen=True, kw_only=True)
class SolveResult:
    outputs: dict[str, Path]
    warnings: list[str] = field(default_factory=list)
    mujoco_version: str = "0.0.0"


def keep(folder: Path, sample: Path) -> None:
    """Solve the sample; each output goes into a folder that is called like its role."""
    from local_service import solve

    made = folder / "made"
    made.mkdir(parents=True)
    solved = solve.run(
        c3d=sample / "walk.c3d",
        markerset=sample / "markerset.xml",
        out_dir=made,
        options=solve.SolveOptions(export_glb=True),
    )
    for role, path in solved.outputs.items():
        (folder / "roles" / role).mkdir(parents=True)
        path.rename(folder / "roles" / role / path.name)


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    if c3d.read_bytes().endswith(BAD):
        raise SolveError
    outputs: dict[str, Path] = {}
    for path in (Path(os.environ[KEPT]) / "roles").glob("*/*"):
        outputs[path.parent.name] = out_dir / path.name
        shutil.copyfile(path, out_dir / path.name)
    return SolveResult(outputs=outputs)
