# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the bones of a rig are from the bodies of a take, evaluated by every Blender.

The rig has the proportions of the recorded person, an A-pose, and random rolls.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import _env

from . import inside
from .figure import Figure

INSIDE = Path(__file__).with_name("accuracy_inside.py")
DIRECTION_DEG = {"mean": 0.05, "largest": 0.5}
TWIST_DEG = 1.0
VARIANT_DEG = 0.01
SPINE_DEG = 0.5


def figures(data: Path) -> list[Figure]:
    """Angles between bones and bodies: directions by Blender, all else the largest of them all."""
    found: list[dict[str, Any]] = []
    for environment in _env.bpy_environments():
        _env.ensure(environment)
        found.append(inside.run(environment.executable, INSIDE, str(data / "walk")))
    rows = [figure for one in found for figure in _directions(one)]
    rows += [
        _figure(
            f"twist of {limbs}, {shape}",
            max(one["twists"][shape][limbs] for one in found),
            TWIST_DEG,
        )
        for shape, groups in found[0]["twists"].items()
        for limbs in groups
    ]
    rows.append(_figure("palms by their knuckles", max(one["palms"] for one in found), TWIST_DEG))
    rows += [
        _figure(
            f"difference with {name}",
            max(one["variants"][name] for one in found),
            VARIANT_DEG,
        )
        for name in found[0]["variants"]
    ]
    return rows + [
        _figure(
            f"{count} spine bones: {words}",
            max(one["spines"][count][key] for one in found),
            SPINE_DEG,
        )
        for count in found[0]["spines"]
        for key, words in (("turns", "turns of chest and head"), ("arms", "directions of arms"))
    ]


def _directions(found: dict[str, Any]) -> list[Figure]:
    return [
        _figure(f"{kind} direction {when}, Blender {found['blender']}", row[kind], limit)
        for when, row in found["directions"].items()
        for kind, limit in DIRECTION_DEG.items()
    ]


def _figure(name: str, value: float, reference: float) -> Figure:
    return Figure(name=f"accuracy: {name}", value=value, unit="deg", reference=reference)
