# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for the local service that takes no time: every job gets the same kept outputs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

# A folder with the files that the real solver left once.
KEPT_VARIABLE = "MYOSAPIENS_KEPT_OUTPUTS"
FILES = {"motion": "motion.glb", "qpos": "qpos.parquet", "xpos": "xpos.parquet"}


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
    """Leave copies of the kept files."""
    kept = Path(os.environ[KEPT_VARIABLE])
    outputs = {role: out_dir / name for role, name in FILES.items()}
    for path in outputs.values():
        shutil.copyfile(kept / path.name, path)
    return SolveResult(outputs=outputs, warnings=[], mujoco_version="0.0.0")
