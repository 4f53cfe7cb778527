# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the studio's settings from a seat: read them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import compat, live, studio

if TYPE_CHECKING:
    from bpy.types import Context


class MYOSAPIENS_OT_reload_studio(bpy.types.Operator):
    """Read the studio's settings again, after their file has changed."""

    bl_idname = "myosapiens.reload_studio"
    bl_label = "Read Studio Settings Again"

    def execute(self, context: Context) -> set[str]:
        """In a window a thread reads and the panel shows what came of it; a script waits."""
        studio.start()
        live.account().forget()
        if studio.is_being_read():
            return {"FINISHED"}
        for fault in studio.current().faults:
            self.report({"WARNING"}, fault.sentence)
        file = studio.current().file
        self.report({"INFO"}, f"Read {file}." if file else "No studio settings are set.")
        return {"FINISHED"}


classes = (MYOSAPIENS_OT_reload_studio,)
register, unregister = compat.registrars(classes)
