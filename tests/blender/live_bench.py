# SPDX-License-Identifier: GPL-3.0-or-later
"""The live session without a window: pumped by the test instead of a modal operator."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import bpy

from myosapiens_addon.blender import choices, live, properties
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.blender.operators.retarget import send_all
from myosapiens_addon.blender.references import Reference
from myosapiens_addon.blender.rows import LandingPlan, Row, State
from tests.blender.conftest import ROOT

SAMPLE = ROOT / "scripts" / "sample"
TAKE, MARKERSET = SAMPLE / "walk.c3d", SAMPLE / "markerset.xml"


def choose(*takes: Path, markerset: Path = MARKERSET, target: str = "NEW", **more: object) -> None:
    """Fill the panel."""
    group = properties.of_scene(bpy.context.scene)
    group.takes.clear()
    for path in takes or (TAKE,):
        take = group.takes.add()
        take.name, take.filepath = path.name, str(path)
    group.markerset, group.target = str(markerset), target
    for name, value in more.items():
        setattr(group, name, value)


def send() -> list[Row]:
    """Press Retarget."""
    return send_all(choices.read(bpy.context.scene))


def pump_until(done: Callable[[], object], *, timeout_s: float = 60.0) -> None:
    """Be the pump until something is so."""
    ends_s = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < ends_s, [
            (row.name, row.state, row.sentence) for row in live.session().rows
        ]
        # The smallest slices: a step of the writer per tick.
        live.session().step(write_s=0.0)
        time.sleep(0.002)


def at_rest(*rows: Row) -> Callable[[], bool]:
    return lambda: not any(row.is_active for row in rows) and not live.session().is_busy


def ready_row(name: str = "Take 01") -> Row:
    """A job whose result is here."""
    row = Row(name=name, base_url="http://127.0.0.1:1", state=State.READY)
    row.files = (Path("motion.glb"),)
    live.session().rows.insert(0, row)
    return row


def plan(target: bpy.types.Object | None, name: str = "Take 01", **options: object) -> LandingPlan:
    return LandingPlan(
        name=name,
        options=LandingOptions(new_armature=target is None, **options),
        target=Reference.to(target) if target is not None else None,
        scene=Reference.to(bpy.context.scene),
        file_number=live.session().file_number,
    )


def delete(entry: bpy.types.Object) -> None:
    """As the Delete key does it: out of the scene, though something may still point to it.

    Not under a `temp_override`: that crashes Blender up to 5.0 while threads run.
    """
    bpy.ops.object.select_all(action="DESELECT")
    entry.select_set(True)
    bpy.ops.object.delete()
