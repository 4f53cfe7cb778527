# SPDX-License-Identifier: GPL-3.0-or-later
"""The button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import compat, properties
from ..operators.retarget import why_not_ready, why_not_send
from .base import Panel
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context


class MYOSAPIENS_PT_retarget(bpy.types.Panel, Panel):
    """Sends what was chosen above."""

    # With a header: Blender puts panels without one on top, before what is to be done first.
    bl_label = "Retarget"
    bl_order = 4

    def draw(self, context: Context) -> None:
        """The button, and why it is grey."""
        layout = self.layout
        reason = why_not_send() or why_not_ready()
        count = len(properties.of_scene(context.scene).takes)
        row = layout.row()
        row.scale_y = 1.5
        text = f"Retarget {count} Takes" if count > 1 else "Retarget"
        row.operator("myosapiens.retarget", text=text, icon="PLAY")
        if reason:
            sentence(layout, context, reason, icon="INFO")


classes = (MYOSAPIENS_PT_retarget,)
register, unregister = compat.registrars(classes)
