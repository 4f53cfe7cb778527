# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take costs on somebody's rig: time against the bare keys and a bake, and memory.

8,000 frames of a walk, there and back, with every joint turning, go onto 60 bones of other
names, other rolls and another rest pose: from the motion in memory to keys in Blender.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import _env

from . import inside
from .figure import Figure

INSIDE = Path(__file__).with_name("retarget_inside.py")
# The oldest and the newest Blender: the layout of actions differs.
ENDS = (0, -1)
TIMES_BARE = {"no contacts": 2.5, "contacts": 4.0}
FASTER_THAN_BAKE = 10.0
GROWTH = 1.2
MEMORY_SHARE = 0.5
PAIRS = (("8000", "2000"), ("32000", "2000"), ("32000", "8000"))


def figures(data: Path) -> list[Figure]:
    """Ratios within one run; medians."""
    rows: list[Figure] = []
    environments = _env.bpy_environments()
    for environment in (environments[place] for place in ENDS):
        _env.ensure(environment)
        walk = str(data / "walk")
        found = inside.run(environment.executable, INSIDE, walk, "time")
        held = {way: _memory(environment.executable, walk, way) for way in TIMES_BARE}
        where = f"Blender {found['blender']}"
        _log(where, found, held)
        rows += _of_time(found, where) + _of_length(found, where) + _of_memory(held, where)
    return rows


def _memory(python: Path, walk: str, way: str) -> dict[str, float]:
    found = inside.run(python, INSIDE, walk, "memory", way)
    found |= inside.run(python, INSIDE, walk, "peak", way)
    return {**found, "process": found["peak"] - found["kept"]}


def _of_time(found: dict[str, Any], where: str) -> list[Figure]:
    rows: list[Figure] = []
    for way, row in found["ways"].items():
        if way not in TIMES_BARE:
            continue
        times = row["to bare"]
        rows.append(_figure(f"to bare keys, {way}, {where}", times, "x", TIMES_BARE[way]))
        times = row["to finished"]
        name = f"to bare keys with update(), {way}, {where}"
        rows.append(_figure(name, times, "x", TIMES_BARE[way]))
        times = found["baked"][way]
        name = f"a bake takes, {way}, {where}"
        rows.append(_figure(name, times, "x (more)", FASTER_THAN_BAKE))
    resampled = found["ways"]["scene rate"]["whole"] / found["ways"]["contacts"]["whole"]
    return [*rows, _figure(f"scene rate to capture rate, {where}", resampled, "x", 1.0)]


def _of_length(found: dict[str, Any], where: str) -> list[Figure]:
    """What a frame costs in longer takes, and what Blender itself takes for its bare keys."""
    lengths = found["lengths"]
    return [
        _figure(
            f"{what}, {longer} to {shorter} frames, {where}",
            lengths[longer][key] / int(longer) / (lengths[shorter][key] / int(shorter)),
            "x",
            GROWTH,
        )
        for longer, shorter in PAIRS
        for key, what in (("whole", "cost a frame"), ("bare", "cost a frame of bare keys"))
    ]


def _of_memory(held: dict[str, dict[str, float]], where: str) -> list[Figure]:
    return [
        _figure(f"{what}, {way}, {where}", row[key] / row["kept"], "of keys", MEMORY_SHARE)
        for way, row in held.items()
        for key, what in (("python", "memory of Python"), ("process", "memory beyond the keys"))
    ]


def _figure(name: str, value: float, unit: str, reference: float) -> Figure:
    return Figure(name=f"retarget: {name}", value=value, unit=unit, reference=reference)


def _log(where: str, found: dict[str, Any], held: dict[str, dict[str, float]]) -> None:
    """What the ratios are made of."""
    for way, row in (*found["ways"].items(), *found["lengths"].items()):
        sys.stderr.write(
            f"retarget: {where}, {way}: keys made in {row['keys']:.3f} s, written in "
            f"{row['write']:.3f} s, {row['count']:.0f} bare keys in {row['bare']:.3f} s, "
            f"with update() in {row['finished']:.3f} s\n"
        )
    sys.stderr.write(f"retarget: {where}, baked in {found['baked']['seconds']:.2f} s\n")
    for way, row in held.items():
        sys.stderr.write(
            f"retarget: {where}, {way}: Blender keeps {row['kept'] / 1e6:.0f} MB, Python held "
            f"{row['python'] / 1e6:.0f} MB, the process {row['process'] / 1e6:.0f} MB beyond\n"
        )
