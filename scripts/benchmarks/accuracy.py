# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the bones of a rig are from the bodies of a take, evaluated by every Blender.

The rig has the proportions of the recorded person, an A-pose, and random rolls.
"""

from __future__ import annotations

from pathlib import Path

import _env

from . import inside
from .figure import Figure

INSIDE = Path(__file__).with_name("accuracy_inside.py")
DIRECTION_DEG = {"mean": 0.05, "largest": 0.5}


def figures(data: Path) -> list[Figure]:
    """Angles between bones and bodies, by Blender."""
    rows: list[Figure] = []
    for environment in _env.bpy_environments():
        _env.ensure(environment)
        found = inside.run(environment.executable, INSIDE, str(data / "walk"))
        where = f"Blender {found['blender']}"
        rows += [
            _figure(f"{kind} direction, {when}, {where}", found[when][kind], limit)
            for when in ("on keys", "between keys")
            for kind, limit in DIRECTION_DEG.items()
        ]
    return rows


def _figure(name: str, value: float, reference: float) -> Figure:
    return Figure(name=f"accuracy: {name}", value=value, unit="deg", reference=reference)
