# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the keys of a take on an armature as a new action."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import bpy

from ..errors import RigError
from .compat import ActionCurves
from .references import Reference

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ..retarget.keys import CurveKeys

# So many keys take some 5 ms: a step is never longer than a frame on the screen.
KEYS_PER_STEP = 30_000
OBJECT_GROUP = "Object Transforms"  # as Blender calls it


def scene_fps(scene: bpy.types.Scene) -> float:
    """The scene's frames per second, fractions (23.976) included."""
    return float(scene.render.fps / scene.render.fps_base)


def write(
    target: Reference, bones: Iterable[list[CurveKeys]], *, action_name: str
) -> Generator[int, None, Reference]:
    """Write some curves per step, so that a caller can stop between two of them.

    Nothing is held over a step but session uids, because between two steps the user may undo,
    rename or delete. The action becomes the armature's active one at the very end; left before
    that (closed, or by an error), the generator leaves nothing behind.

    Args:
        target: the armature object.
        bones: the keys, bone by bone.
        action_name: name of the new action.

    Yields:
        How many bones are written.

    Returns:
        The new action.

    Raises:
        RigError: the armature, or the action itself, is gone.
    """
    curves = ActionCurves(action_name, _armature(target).name)
    finished = False
    try:
        yield from _fill(curves, bones)
        curves.assign(_armature(target))
        finished = True
    finally:
        if not finished:
            curves.discard()
    return curves.reference


def _fill(curves: ActionCurves, bones: Iterable[list[CurveKeys]]) -> Generator[int, None, None]:
    written = count = 0
    for count, channels in enumerate(bones, start=1):
        for channel in channels:
            curves.add(_path(channel), channel.index, channel.bone or OBJECT_GROUP, channel.keys)
            written += len(channel.keys) // 2
            if written >= KEYS_PER_STEP:
                written = 0
                yield count
    yield count


def _path(channel: CurveKeys) -> str:
    """The data path of a channel from the armature object."""
    if not channel.bone:
        return channel.path
    separator = "" if channel.path[0] in "[." else "."
    return f'pose.bones["{bpy.utils.escape_identifier(channel.bone)}"]{separator}{channel.path}'


def _armature(target: Reference) -> bpy.types.Object:
    found = target.find_in(bpy.data.objects)
    if found is None or found.type != "ARMATURE":
        raise RigError(f"The armature {target.name!r} is not there any more; choose another one.")
    return found


def set_scene_range(scene: bpy.types.Scene, *, first_frame: float, last_frame: float) -> None:
    """Make the scene play these frames; a part of a frame after the last whole one is left out."""
    scene.frame_start = math.ceil(first_frame)
    scene.frame_end = max(math.floor(last_frame), scene.frame_start)
