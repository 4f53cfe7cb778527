# SPDX-License-Identifier: GPL-3.0-or-later
"""What a studio sets, as it is shown: greyed, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import studio, take_defaults
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context

    from .base import Layout

NAME_SHARE = 0.4


def draw_locked(column: Layout, context: Context, name: str, value: str, reason: str) -> None:
    """A setting that cannot be changed here: its value, greyed, and why."""
    split = column.split(factor=NAME_SHARE)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    right = split.row()
    right.enabled = False
    right.label(text=value, icon="LOCKED", translate=False)
    below = column.column()
    below.enabled = False
    sentence(below, context, reason, icon="BLANK1")


def draw_given(column: Layout, value: str) -> None:
    """Below a field that the seat has not set: what is in force instead."""
    split = column.split(factor=NAME_SHARE)
    split.row()
    split.label(text=f"The studio's, until you choose: {value}", icon="INFO", translate=False)


def draw_choice(column: Layout, context: Context, group: Any, name: str) -> None:  # noqa: ANN401
    """One of the choices that new takes begin with, of a scene or of the preferences."""
    file = studio.current().file
    if file is None or not take_defaults.is_locked(name):
        column.prop(group, name)
        return
    value = take_defaults.words_for(group, name)
    # The whole path, which the preferences tell, has no room in a sidebar.
    reason = f"Set by the studio: {file.name}"
    draw_locked(column, context, take_defaults.title(group, name), value, reason)


def draw_state(column: Layout, context: Context) -> None:
    """Which file is in force, and what is wrong with it; nothing where there is no studio."""
    found = studio.current()
    if found.file is None:
        return
    for fault in found.faults:
        sentence(column, context, fault.sentence, icon="ERROR", alert=True)
    row = column.row(align=True)
    row.label(text=f"Studio settings: {found.file.name}", icon="FILE_CACHE", translate=False)
    row.operator("myosapiens.reload_studio", text="", icon="FILE_REFRESH")
