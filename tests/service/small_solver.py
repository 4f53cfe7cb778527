# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for tests of the service around it: quick, and obedient to the first word of the take.

`fail` raises its error, `crash` an unexpected one, `vanish` ends the process, `chatter` writes to
standard output, `hang` sleeps for ever. Anything else succeeds: every output holds its role and
the options as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROLES_2 = {"qpos": "qpos.parquet", "xpos": "xpos.parquet", "model": "model.mjb"}


class SolveError(Exception):
    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


@dataclass(frozen=True, kw_only=True)
class SolveOptions:
    revision: int = 2
    enable_scaling: bool = True
    subject_gender: str | None = None
    subject_height_m: float | None = None
    subject_weight_kg: float | None = None
    export_glb: bool = False
    mocap_scale: int | None = None
    rotation: str | None = None
    clip_length: int = -1
    chunk_size: int = -1
    disable_contacts: bool = True
    n_frames_scaling: int = 10
    character: str = "local"


@dataclass(frozen=True, kw_only=True)
class SolveResult:
    outputs: dict[str, Path]
    warnings: list[str]
    mujoco_version: str


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    word = c3d.read_bytes()[:20].split()[:1]
    _obey(word[0].decode(errors="replace") if word else "", c3d.name)
    names = {"retarget_output": "output.npz"} if options.revision == 1 else dict(ROLES_2)
    if options.revision == 2 and options.export_glb:
        names["motion"] = "motion.glb"
    outputs = {role: out_dir / name for role, name in names.items()}
    for role, path in outputs.items():
        facts = {"role": role, "markerset": markerset.name, "options": asdict(options)}
        path.write_text(json.dumps(facts))
    return SolveResult(outputs=outputs, warnings=["one warning"], mujoco_version="0.0.0")


def _obey(word: str, name: str) -> None:
    if word == "fail":
        raise SolveError("bad_take", f"{name} is bad; record it again.")
    if word == "crash":
        raise ValueError("nobody expected this")
    if word == "vanish":
        os._exit(3)
    if word == "hang":
        time.sleep(3600)
    if word == "chatter":
        sys.stdout.write("x" * 1_000_000)
