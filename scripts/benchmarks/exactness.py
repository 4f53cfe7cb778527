# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a take on an armature is from the truth, evaluated by every Blender of the matrix.

Every output that holds a motion is landed: those of a real take, whose golden world poses
(MuJoCo's own) are read from `--data`, and those of the local service's solve of the sample take.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import _env

from . import exactness_cases, exactness_decoded, inside
from .figure import Figure

INSIDE = Path(__file__).with_name("exactness_inside.py")
DECODED_LIMITS = {"position": 0.01, "rotation": 0.001, "turn": 0.001}
EVALUATED_LIMITS = {"position": 0.1, "rotation": 0.01, "turn": 0.01}
UNITS = {"position": "mm", "rotation": "deg", "turn": "deg"}


def figures(data: Path) -> list[Figure]:
    """Largest errors over all bodies and frames: of the decoder, and of each Blender."""
    with tempfile.TemporaryDirectory() as folder:
        cases = exactness_cases.prepare(data / "walk", Path(folder))
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps([case.as_dict() for case in cases]))
        rows = exactness_decoded.figures(cases)
        for place, environment in enumerate(_env.bpy_environments()):
            _env.ensure(environment)
            found = inside.run(environment.executable, INSIDE, str(plan))
            if place == 0:
                rows += _figures("decoded", found["decoded"], DECODED_LIMITS)
            version = ".".join(found["blender"].split(".")[:2])
            rows += _figures(f"Blender {version}", found["evaluated"], EVALUATED_LIMITS)
    return rows


def _figures(where: str, found: dict[str, Any], limits: dict[str, float]) -> list[Figure]:
    return [
        Figure(
            name=f"exactness: {kind}, {output}, {where}",
            value=value,
            unit=UNITS[kind],
            reference=limits[kind],
        )
        for output, errors in found.items()
        for kind, value in sorted(errors.items())
    ]
