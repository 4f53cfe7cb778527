# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a linked armature one that can be animated here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import choices, compat, feedback, properties
from ..compat import current_scene

if TYPE_CHECKING:
    from bpy.types import Context


def why_not_override() -> str:
    """A sentence why there is nothing to override; empty when there is."""
    found = choices.why_no_target(current_scene())
    if isinstance(found, str):
        return found
    if found.library is None:
        return f"The armature {found.name!r} is not linked; it can be animated as it is."
    return ""


class MYOSAPIENS_OT_make_override(bpy.types.Operator):
    """Make a library override of the linked target, so that it can be animated in this file."""

    bl_idname = "myosapiens.make_override"
    bl_label = "Make Library Override"
    bl_options: Any = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """The target must be linked."""
        return feedback.poll(cls, why_not_override())

    def execute(self, context: Context) -> set[str]:
        """Make it, with all that belongs to the armature, and choose it as the target."""
        linked: Any = choices.why_no_target(current_scene())
        name = linked.name
        before = {entry.session_uid for entry in bpy.data.objects}
        made = linked.override_hierarchy_create(
            context.scene, context.view_layer, do_fully_editable=True
        )
        found = made if made is not None else _new_armature(name, before)
        if found is None or found.library is not None:
            self.report({"ERROR"}, f"Blender made no library override of {name!r}.")
            return {"CANCELLED"}
        for collection in linked.users_collection:
            if collection.library is None:
                collection.objects.unlink(linked)  # the override stands in its place
        properties.of_scene(context.scene).armature = found
        self.report({"INFO"}, f"{found.name} is a library override now and takes the motion.")
        return {"FINISHED"}


def _new_armature(name: str, before: set[int]) -> Any:  # noqa: ANN401 - an object or None
    fresh = [entry for entry in bpy.data.objects if entry.session_uid not in before]
    armatures = [entry for entry in fresh if entry.type == "ARMATURE" and entry.library is None]
    same = [entry for entry in armatures if entry.name.startswith(name)]
    return next(iter(same or armatures), None)


classes = (MYOSAPIENS_OT_make_override,)
register, unregister = compat.registrars(classes)
