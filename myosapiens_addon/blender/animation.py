# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the keys of a take on an armature as a new action."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import bpy

from ..errors import RigError
from .compat import ActionCurves

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ..retarget.keys import CurveKeys


def scene_fps(scene: bpy.types.Scene) -> float:
    """The scene's frames per second, fractions (23.976) included."""
    return float(scene.render.fps / scene.render.fps_base)


def write(
    armature_name: str, bones: Iterable[list[CurveKeys]], *, action_name: str
) -> Generator[int, None, bpy.types.Action]:
    """Write one bone per step, so that a caller can stop between two of them.

    The armature is looked up by name at every step, because between two steps the user may
    undo, rename or delete. The action becomes the armature's active one at the very end;
    left before that (closed, or by an error), the generator leaves nothing behind.

    Args:
        armature_name: the armature object.
        bones: the keys, bone by bone.
        action_name: name of the new action.

    Yields:
        How many bones are written.

    Returns:
        The new action.

    Raises:
        RigError: the armature is gone.
    """
    curves = ActionCurves(action_name, _armature(armature_name))
    finished = False
    try:
        for count, channels in enumerate(bones, start=1):
            for channel in channels:
                path = f'pose.bones["{bpy.utils.escape_identifier(channel.bone)}"].{channel.path}'
                curves.add(path, channel.index, channel.bone, channel.keys)
            yield count
        curves.assign(_armature(armature_name))
        finished = True
    finally:
        if not finished:
            curves.discard()
    return curves.action


def _armature(name: str) -> bpy.types.Object:
    armature_object = bpy.data.objects.get(name)
    if armature_object is None or armature_object.type != "ARMATURE":
        raise RigError(f"The armature {name!r} is not there any more; choose another one.")
    return armature_object


def set_scene_range(scene: bpy.types.Scene, *, first_frame: float, last_frame: float) -> None:
    """Make the scene play these frames; a part of a frame after the last whole one is left out."""
    scene.frame_start = math.ceil(first_frame)
    scene.frame_end = max(math.floor(last_frame), scene.frame_start)
