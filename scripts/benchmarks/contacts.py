# SPDX-License-Identifier: GPL-3.0-or-later
"""How well planted feet stay on longer and shorter legs, evaluated by Blender."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import _env

from . import inside
from .figure import Figure

INSIDE = Path(__file__).with_name("contacts_inside.py")
SLIDE_MM_S = 2.0
SINK_MM = 2.0
HARDER = 1.5
STRAY_MM = 2.0
MISSED = 0.02
# What 32-bit matrices leave of two motions that are the same.
SAME = {"mm": 0.01, "degrees": 0.01}


def figures(data: Path) -> list[Figure]:
    """Sliding and sinking as it is and without corrections, and what knees and hips pay for it."""
    environment = _env.bpy_environments()[-1]
    _env.ensure(environment)
    found = inside.run(environment.executable, INSIDE, str(data / "walk"))
    rows = [_figure("stance that no contact covers", found["missed"], "share", MISSED)]
    for scale, row in found["legs"].items():
        legs = f"legs x {scale}"
        rows += _of_legs(legs, row["corrected"], row["uncorrected"])
        stray = row["strays"]
        rows.append(_figure(f"stray at 24 fps and between, {legs}", stray, "mm", STRAY_MM))
        rows += _of_rest(legs, row["untouched"])
    return rows


def _of_legs(legs: str, held: dict[str, Any], free: dict[str, Any]) -> list[Figure]:
    rows = [
        _figure(f"planted toes move, {legs}", held["slide"], "mm/s", SLIDE_MM_S),
        _figure(f"planted toes move, {legs}, uncorrected", free["slide"], "mm/s", SLIDE_MM_S),
        _figure(f"planted feet sink, {legs}", held["sink"], "mm", SINK_MM),
        _figure(f"planted feet sink, {legs}, uncorrected", free["sink"], "mm", SINK_MM),
    ]
    return rows + [
        _figure(f"hardest turn of {joint}s, {legs}", held[joint] / free[joint], "x", HARDER)
        for joint in ("knee", "hip")
    ]


def _of_rest(legs: str, found: dict[str, float]) -> list[Figure]:
    """Outside contacts and blends nothing differs, and above the legs nothing ever."""
    if not found["frames"]:
        raise SystemExit("No moment of the take is away from contacts.")
    return [
        _figure(
            f"bones turned away from contacts, {legs}", found["degrees"], "deg", SAME["degrees"]
        ),
        _figure(f"bones moved away from contacts, {legs}", found["mm"], "mm", SAME["mm"]),
        _figure(f"other bones turned at any time, {legs}", found["others"], "deg", SAME["degrees"]),
    ]


def _figure(name: str, value: float, unit: str, reference: float) -> Figure:
    return Figure(name=f"contacts: {name}", value=value, unit=unit, reference=reference)
