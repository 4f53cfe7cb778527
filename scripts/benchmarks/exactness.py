# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a take on an armature is from the truth, evaluated by every Blender of the matrix.

The truth are golden world poses of a real take (MuJoCo's own), read from `--data`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import _env

from .figure import Figure

INSIDE = Path(__file__).with_name("exactness_inside.py")
DECODED_LIMITS = {"position": 0.01, "rotation": 0.001}
EVALUATED_LIMITS = {"position": 0.1, "rotation": 0.01}
UNITS = {"position": "mm", "rotation": "deg"}


def figures(data: Path) -> list[Figure]:
    """Largest errors over all bodies and frames: of the decoder, and of each Blender."""
    rows: list[Figure] = []
    for environment in _env.bpy_environments():
        _env.ensure(environment)
        found = _measure(environment.executable, data / "walk")
        if not rows:
            rows += _figures("decoded", found["decoded"], DECODED_LIMITS)
        rows += _figures(f"Blender {found['blender']}", found["evaluated"], EVALUATED_LIMITS)
    return rows


def _measure(python: Path, walk: Path) -> dict[str, dict[str, float]]:
    run = subprocess.run(
        [str(python), str(INSIDE), str(walk)], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise SystemExit(f"{run.stderr}The benchmark failed in {python}.")
    return json.loads(run.stdout.strip().splitlines()[-1])


def _figures(where: str, found: dict[str, float], limits: dict[str, float]) -> list[Figure]:
    return [
        Figure(
            name=f"exactness: largest {kind} error, {where}",
            value=found[kind],
            unit=UNITS[kind],
            reference=limits[kind],
        )
        for kind in limits
    ]
