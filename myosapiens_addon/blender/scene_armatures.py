# SPDX-License-Identifier: GPL-3.0-or-later
"""The armature objects of the current scene. Light to import: panels and operators use it."""

from __future__ import annotations

from typing import Any

import bpy

from ..errors import RigError
from .compat import current_scene


def find(name: str) -> bpy.types.Object:
    """The armature object of that name in the current scene.

    Raises:
        RigError: there is none, or it is no armature.
    """
    called = [entry for entry in current_scene().objects if entry.name == name]
    # A linked object and its library override have the same name.
    called.sort(key=lambda entry: entry.library is not None)
    scene_object = called[0] if called else None
    if scene_object is None:
        present = ", ".join(repr(entry.name) for entry in armatures()) or "none"
        raise RigError(f"There is no armature {name!r} in the scene; there are: {present}.")
    if scene_object.type != "ARMATURE":
        kind = scene_object.type.lower().replace("_", " ")
        raise RigError(f"{name!r} is no armature but a {kind}; choose an armature.")
    return scene_object


def why_not_animate(armature_object: bpy.types.Object) -> str:
    """A sentence why an armature object cannot take an action now; empty when it can."""
    name = armature_object.name
    if armature_object.library is not None:
        source = bpy.path.basename(armature_object.library.filepath)
        return (
            f"The armature {name!r} is linked from {source} and cannot be animated here: make a "
            "library override of it (in the panel, or Object > Library Override > Make)."
        )
    override = armature_object.override_library
    if override is not None and override.is_system_override:
        return (
            f"The library override of {name!r} is not editable: make it so (Object > Library "
            "Override > Make)."
        )
    # The bones may be another object's too, which is the one in Edit Mode then.
    bones: Any = armature_object.data
    if bones.is_editmode:
        return f"The armature {name!r} is in Edit Mode: leave it, so that its bones are settled."
    data = armature_object.animation_data
    if data is not None and data.use_tweak_mode:
        return (
            f"A strip of the armature {name!r} is being tweaked: leave Tweak Mode (Tab in the NLA)."
        )
    return ""


def check_animatable(armature_object: bpy.types.Object) -> None:
    """Refuse an armature object that cannot take an action.

    Raises:
        RigError: it is linked, or in edit mode.
    """
    reason = why_not_animate(armature_object)
    if reason:
        raise RigError(reason)


def armatures(scene: bpy.types.Scene | None = None) -> list[bpy.types.Object]:
    """The armature objects of a scene, the current one when none is given."""
    objects = (scene or current_scene()).objects
    return [entry for entry in objects if entry.type == "ARMATURE"]
