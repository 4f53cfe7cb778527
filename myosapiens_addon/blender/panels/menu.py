# SPDX-License-Identifier: GPL-3.0-or-later
"""A menu with all operators: Blender's search (F3) finds what stands in a menu, and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat

if TYPE_CHECKING:
    from bpy.types import Context

# None is a line between two groups.
ENTRIES = (
    "add_takes",
    "choose_markerset",
    "remove_take",
    "clear_takes",
    "read_again",
    None,
    "retarget",
    None,
    "import_job",
    "retry_job",
    "cancel_job",
    "remove_job",
    "copy_job_id",
    "copy_details",
    "open_job_folder",
    None,
    "import_results",
    "export_angles",
    "new_character_armature",
    None,
    "fetch_jobs",
    "fetch_assets",
    "delete_asset",
    None,
    "test_connection",
    "open_preferences",
)
HOSTS = ("VIEW3D_MT_object", "VIEW3D_MT_pose")


class MYOSAPIENS_MT_all(bpy.types.Menu):
    """All that the extension can do."""

    bl_idname = "MYOSAPIENS_MT_all"
    bl_label = "MyoSapiens"

    def draw(self, context: Context) -> None:
        """One entry per operator."""
        layout: Any = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        for entry in ENTRIES:
            if entry is None:
                layout.separator()
            else:
                layout.operator(f"myosapiens.{entry}")


def _draw_entry(menu: Any, _context: Context) -> None:  # noqa: ANN401 - a menu, while it is drawn
    menu.layout.separator()
    menu.layout.menu(MYOSAPIENS_MT_all.bl_idname)


classes = (MYOSAPIENS_MT_all,)
_register, _unregister = compat.registrars(classes)


def register() -> None:
    """Add the menu to the viewport's Object and Pose menus."""
    _register()
    for host in HOSTS:
        getattr(bpy.types, host).append(_draw_entry)


def unregister() -> None:
    """Take it away again."""
    for host in HOSTS:
        getattr(bpy.types, host).remove(_draw_entry)
    _unregister()
