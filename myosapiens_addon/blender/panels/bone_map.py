# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of the target follows what, to look over and to correct."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import bpy

from .. import choices, compat, map_properties, properties
from ..compat import current_scene
from .base import Icon, Layout, Panel
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context

ICONS: dict[str, Icon] = {
    "preset": "CHECKMARK",
    "name": "QUESTION",
    "topology": "QUESTION",
    map_properties.EDITED: "GREASEPENCIL",
}
ROWS_SHOWN = 8


class MYOSAPIENS_UL_bone_map(bpy.types.UIList):
    """Bone, body and state."""

    def draw_item(
        self,
        context: Context,
        layout: Layout,
        data: Any,  # noqa: ANN401
        item: Any,  # noqa: ANN401
        icon: Any,  # noqa: ANN401
        active_data: Any,  # noqa: ANN401
        active_property: Any,  # noqa: ANN401
        index: Any = 0,  # noqa: ANN401
        flt_flag: Any = 0,  # noqa: ANN401
    ) -> None:
        """One row."""
        is_there = item.bone in data.id_data.bones
        split = layout.split(factor=0.54)
        left = split.row()
        left.alert = not is_there
        state = ICONS.get(item.state, "DOT") if is_there else "ERROR"
        left.label(text=item.bone or "No bone", icon=state, translate=False)
        split.label(text=map_properties.label(item.role), translate=False)

    def filter_items(
        self,
        context: Context,
        data: Any,  # noqa: ANN401
        property: Any,  # noqa: A002, ANN401 - Blender calls it so
    ) -> tuple[list[int], list[int]]:
        """The search field looks for bones and for bodies."""
        rows = getattr(data, property)
        words = self.filter_name.lower()
        if not words:
            return [], []
        shown = self.bitflag_filter_item
        flags = [
            shown if words in f"{row.bone} {map_properties.label(row.role)}".lower() else 0
            for row in rows
        ]
        return flags, []


class MYOSAPIENS_PT_bone_map(bpy.types.Panel, Panel):
    """The bone map of the target armature."""

    bl_label = "Bone Map"
    bl_parent_id = "MYOSAPIENS_PT_target"
    bl_options: Any = {"DEFAULT_CLOSED"}
    bl_order = 0

    @classmethod
    def poll(cls, context: Context) -> bool:
        """A new armature needs no map."""
        return properties.of_scene(context.scene).target == "EXISTING"

    def draw(self, context: Context) -> None:
        """The list, or what will be done without one."""
        layout = self.layout
        found = choices.why_no_target(current_scene())
        if isinstance(found, str):
            sentence(layout, context, found, icon="INFO")
            return
        group = map_properties.of_armature(found.data)
        row = layout.row(align=True)
        row.operator("myosapiens.map_detect", icon="VIEWZOOM")
        row.operator_menu_enum("myosapiens.map_preset", "preset", text="Preset")
        if not len(group.rows):
            text = "No map is set: it is found out when a take lands."
            sentence(layout, context, text, icon="INFO")
            _draw_files(layout, has_rows=False)
            return
        _draw_list(layout, context, found.data, group)


def _draw_list(layout: Layout, context: Context, armature: Any, group: Any) -> None:  # noqa: ANN401
    row = layout.row()
    row.template_list(
        "MYOSAPIENS_UL_bone_map", "", group, "rows", group, "row_index", rows=ROWS_SHOWN
    )
    column = row.column(align=True)
    column.operator("myosapiens.map_add", text="", icon="ADD")
    column.operator("myosapiens.map_remove", text="", icon="REMOVE")
    column.separator()
    for direction, icon in (("UP", "TRIA_UP"), ("DOWN", "TRIA_DOWN")):
        column.operator("myosapiens.map_move", text="", icon=icon).direction = direction
    if 0 <= group.row_index < len(group.rows):
        _draw_row(layout, armature, group.rows[group.row_index])
    for text in problems(armature, group):
        sentence(layout, context, text, icon="ERROR", alert=True)
    if group.title:
        sentence(layout, context, group.title, icon="PRESET")
    _draw_files(layout, has_rows=True)


def _draw_row(layout: Layout, armature: Any, row: Any) -> None:  # noqa: ANN401
    """The chosen row, to be changed."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop_search(row, "bone", armature, "bones", icon="BONE_DATA")
    column.prop(row, "role")


def _draw_files(layout: Layout, *, has_rows: bool) -> None:
    row = layout.row(align=True)
    row.operator("myosapiens.map_import", text="Import")
    if has_rows:
        row.operator("myosapiens.map_export", text="Export")
        row.operator("myosapiens.map_save", text="Save Preset")
        row.operator("myosapiens.map_clear", text="", icon="TRASH")


def problems(armature: Any, group: Any) -> list[str]:  # noqa: ANN401
    """Sentences about rows that cannot be right."""
    missing = sum(row.bone not in armature.bones for row in group.rows)
    counts = Counter(row.bone for row in group.rows if row.bone)
    twice = [bone for bone, count in counts.items() if count > 1]
    texts: list[str] = []
    if missing:
        rows = "A row names" if missing == 1 else f"{missing} rows name"
        texts.append(f"{rows} no bone of this armature, which is passed over.")
    if twice:
        texts.append(f"{twice[0]} is there twice; a bone can follow one body only.")
    return texts


classes = (MYOSAPIENS_UL_bone_map, MYOSAPIENS_PT_bone_map)
register, unregister = compat.registrars(classes)
