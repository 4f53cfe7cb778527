# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's definition, and what comes onto the armature besides the pose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat, properties
from .base import Panel, form

if TYPE_CHECKING:
    from bpy.types import Context


class MYOSAPIENS_PT_character(bpy.types.Panel, Panel):
    """Definition, meshes, joint angles."""

    bl_label = "Character"
    bl_parent_id = "MYOSAPIENS_PT_target"
    bl_options: Any = {"DEFAULT_CLOSED"}
    bl_order = 2

    def draw(self, context: Context) -> None:
        """The choices."""
        group = properties.of_scene(context.scene)
        column = form(self.layout)
        column.prop(group, "model", placeholder="MJCF (XML)")
        column.prop(group, "use_limits")
        column.operator("myosapiens.new_character_armature", icon="OUTLINER_OB_ARMATURE")
        column.separator()
        column.prop(group, "use_meshes")
        row = column.row()
        row.enabled = group.use_meshes
        row.prop(group, "use_markers")
        column.prop(group, "use_joint_angles")
        row = column.row()
        row.enabled = group.target == "EXISTING"
        row.prop(group, "use_fit")


class MYOSAPIENS_PT_files(bpy.types.Panel, Panel):
    """Result files that are already here."""

    bl_label = "Result Files"
    bl_parent_id = "MYOSAPIENS_PT_jobs"
    bl_options: Any = {"DEFAULT_CLOSED"}
    bl_order = 1

    def draw(self, context: Context) -> None:
        """How they are read, and the button."""
        group = properties.of_scene(context.scene)
        column = form(self.layout)
        column.prop(group, "use_capture_rate")
        if group.use_capture_rate:
            column.prop(group, "capture_rate")
        column.prop(group, "angle_order")
        column.prop(group, "use_degrees")
        column.operator("myosapiens.import_results", icon="FILE_FOLDER")


classes = (MYOSAPIENS_PT_character, MYOSAPIENS_PT_files)
register, unregister = compat.registrars(classes)
