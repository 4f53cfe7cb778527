# SPDX-License-Identifier: GPL-3.0-or-later
"""On which character, and of whom: what the service is told besides the take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ...errors import MyoSapiensError
from .. import compat, live, paths, preferences, properties
from .base import Layout, Panel
from .studio import draw_choice
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context


class MYOSAPIENS_PT_subject(bpy.types.Panel, Panel):
    """Character and subject."""

    bl_label = "Character and Subject"
    bl_order = 2

    def draw(self, context: Context) -> None:
        """Character, scaling, person."""
        group = properties.of_scene(context.scene)
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        _draw_character(layout.column(), context, group)
        column = layout.column()
        draw_choice(column, context, group, "enable_scaling")
        draw_choice(column, context, group, "gender")
        _with_switch(column, group, "use_height", "height_m", "Height (m)")
        _with_switch(column, group, "use_weight", "weight_kg", "Weight (kg)")


def _draw_character(column: Layout, context: Context, group: Any) -> None:  # noqa: ANN401
    column.prop(group, "character", icon="OUTLINER_OB_ARMATURE", placeholder="First ready one")
    entry = live.character_entry(group.character)
    if group.character:
        newest = entry.default_version if entry is not None else None
        column.prop(
            group, "character_version", placeholder=f"Newest ({newest})" if newest else "Newest"
        )
    found = live.account().catalogue
    if found is None:
        column.label(text="Characters show when connected", icon="INFO")
    elif not any(entry.is_ready for entry in found.entries):
        sentence(column, context, "The service has no ready character.", icon="ERROR", alert=True)
    elif group.character and entry is None:
        text = "The service does not offer this character any more: choose another."
        sentence(column, context, text, icon="ERROR", alert=True)


def _with_switch(
    column: Layout,
    group: Any,  # noqa: ANN401
    switch: str,
    value: str,
    text: str,
) -> None:
    """A value that is told only when its switch is on."""
    row = column.row(align=True, heading=text)
    row.prop(group, switch, text="")
    field = row.row(align=True)
    field.enabled = getattr(group, switch)
    field.prop(group, value, text="")


class MYOSAPIENS_PT_advanced(bpy.types.Panel, Panel):
    """What servers of revision 2 can be told."""

    bl_label = "Advanced"
    bl_parent_id = "MYOSAPIENS_PT_subject"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """The options; greyed, with a reason, where the server does not know them."""
        group = properties.of_scene(context.scene)
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        known = speaks_revision_2()
        if not known:
            text = "This service speaks revision 1 of the API and does not know these options."
            sentence(layout, context, text, icon="INFO")
        column = layout.column()
        column.enabled = known
        column.prop(group, "rotation")
        column.prop(group, "units")
        _with_switch(column, group, "use_clip", "clip_length", "First Frames")
        column.prop(group, "use_contacts")
        column.prop(group, "scaling_frames")


def speaks_revision_2() -> bool:
    """Whether the service may know the options; one that was never asked may."""
    try:
        revision = paths.revision_memory().recall(preferences.read().base_url)
    except MyoSapiensError:
        return True
    return revision is None or int(revision) > 1


classes = (MYOSAPIENS_PT_subject, MYOSAPIENS_PT_advanced)
register, unregister = compat.registrars(classes)
