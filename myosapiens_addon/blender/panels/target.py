# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes the motion, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import choices, compat, properties, scene_armatures, take_defaults
from ..compat import current_scene
from .base import Layout, Panel
from .studio import draw_choice
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context


class MYOSAPIENS_PT_target(bpy.types.Panel, Panel):
    """Where results go."""

    bl_label = "Target"
    bl_order = 3

    def draw(self, context: Context) -> None:
        """Armature, rate, start, name."""
        group = properties.of_scene(context.scene)
        layout = self.layout
        layout.row().prop(group, "target", expand=True)
        layout.use_property_split = True
        layout.use_property_decorate = False
        if group.target == "EXISTING":
            _draw_armature(layout, context)
        column = layout.column()
        draw_choice(column, context, group, "rate")
        if group.rate == "CUSTOM" and not take_defaults.is_locked("rate"):
            column.prop(group, "custom_rate", text="Per Second")
        column.prop(group, "start_frame")
        draw_choice(column, context, group, "set_range")
        _draw_name(layout, context)


def _draw_armature(layout: Layout, context: Context) -> None:
    group = properties.of_scene(context.scene)
    layout.prop(group, "armature", icon="ARMATURE_DATA")
    found = choices.why_no_target(current_scene())
    if isinstance(found, str):
        sentence(layout, context, found, icon="INFO")
        return
    if found != group.armature:
        sentence(layout, context, f"{found.name} takes the motion", icon="FORWARD")
    reason = scene_armatures.why_not_animate(found)
    if reason:
        sentence(layout, context, reason, icon="ERROR", alert=True)
        if found.library is not None:
            layout.operator("myosapiens.make_override", icon="LIBRARY_DATA_OVERRIDE")


def _draw_name(layout: Layout, context: Context) -> None:
    group = properties.of_scene(context.scene)
    row = layout.row()
    row.enabled = len(group.takes) <= 1
    row.prop(group, "action_name", placeholder="As the take")
    if len(group.takes) > 1:
        text = "Several takes: each action is called after its take."
        sentence(layout, context, text, icon="INFO")


classes = (MYOSAPIENS_PT_target,)
register, unregister = compat.registrars(classes)
