# SPDX-License-Identifier: GPL-3.0-or-later
"""The armature objects of the current scene. Light to import: panels and operators use it."""

from __future__ import annotations

import bpy

from ..errors import RigError
from .compat import current_scene


def find(name: str) -> bpy.types.Object:
    """The armature object of that name in the current scene.

    Raises:
        RigError: there is none, or it is no armature.
    """
    scene_object = current_scene().objects.get(name)
    if scene_object is None:
        present = ", ".join(repr(entry.name) for entry in armatures()) or "none"
        raise RigError(f"There is no armature {name!r} in the scene; there are: {present}.")
    if scene_object.type != "ARMATURE":
        kind = scene_object.type.lower().replace("_", " ")
        raise RigError(f"{name!r} is no armature but a {kind}; choose an armature.")
    return scene_object


def armatures(scene: bpy.types.Scene | None = None) -> list[bpy.types.Object]:
    """The armature objects of a scene, the current one when none is given."""
    objects = (scene or current_scene()).objects
    return [entry for entry in objects if entry.type == "ARMATURE"]
