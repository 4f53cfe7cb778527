# SPDX-License-Identifier: GPL-3.0-or-later
"""How motion goes onto the target, and what becomes of the action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat, properties
from .base import Panel, form

if TYPE_CHECKING:
    from bpy.types import Context


class MYOSAPIENS_PT_motion(bpy.types.Panel, Panel):
    """Way, feet, keys."""

    bl_label = "Motion"
    bl_parent_id = "MYOSAPIENS_PT_target"
    bl_options: Any = {"DEFAULT_CLOSED"}
    bl_order = 1

    def draw(self, context: Context) -> None:
        """The choices."""
        group = properties.of_scene(context.scene)
        column = form(self.layout)
        column.prop(group, "path")
        if group.path == "FACTOR":
            column.prop(group, "path_factor")
        column.prop(group, "carrier")
        column.prop(group, "in_place")
        row = column.row()
        row.enabled = not group.in_place
        row.prop(group, "plant_feet")
        column.prop(group, "use_ik")
        column.prop(group, "use_tolerance")
        if group.use_tolerance:
            column.prop(group, "tolerance_deg", text="Degrees")
            column.prop(group, "tolerance_mm", text="Millimetres")
        column.separator()
        column.prop(group, "as_strip")
        column.prop(group, "as_asset")
        if group.as_asset:
            column.prop(group, "catalog")


classes = (MYOSAPIENS_PT_motion,)
register, unregister = compat.registrars(classes)
