# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what an undo brings back from the midst of an import: half an action, half an armature.

The user's own undo steps between two slices of an import hold what was there at that moment.
"""

from __future__ import annotations

import bpy

from .compat import UNFINISHED


def sweep() -> None:
    """Remove every unfinished action and armature of the file. No import may be under way."""
    for action in [entry for entry in bpy.data.actions if entry.get(UNFINISHED)]:
        bpy.data.actions.remove(action)
    for scene_object in [entry for entry in bpy.data.objects if entry.get(UNFINISHED)]:
        armature = scene_object.data
        bpy.data.objects.remove(scene_object)
        if armature is not None and not armature.users:
            bpy.data.armatures.remove(armature)
