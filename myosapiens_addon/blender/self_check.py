# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what Blender itself makes of the keys, at a few frames.

Evaluated in a scene of its own, so that the user's stays at its frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..errors import RigError
from ..motion import quaternion

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..motion.motion import FloatArray
    from .references import Reference

ALONG = np.array([0.0, 1.0, 0.0])  # a bone points along its own Y axis


@dataclass(frozen=True, kw_only=True, eq=False)
class Expected:
    """What Blender should make of the keys.

    Attributes:
        frames: (K,) scene frames.
        rotations: bone → (4, K) rotations in the armature's space.
        times: (K,) the moments of the take at these frames, in s.
    """

    frames: FloatArray
    rotations: dict[str, FloatArray]
    times: FloatArray


@dataclass(frozen=True, kw_only=True)
class Found:
    """The bone that points most wrongly.

    Attributes:
        degrees: by how much; NaN when nothing could be looked at.
        bone: which.
        frame: when.
        names: the bones whose heads were noted; empty where Blender did not pose them.
        heads: (K, N, 3) where their heads were, in m, in the armature's axes.
    """

    degrees: float = math.nan
    bone: str = ""
    frame: float = 0.0
    names: tuple[str, ...] = ()
    heads: FloatArray = field(default_factory=lambda: np.empty((0, 0, 3)))


def measure(target: Reference, expected: Expected) -> Generator[int, None, Found]:
    """Compare, in one step: nothing of it stays in the file between two.

    A scene of its own has Blender copy the whole action, which takes a hundred times as long as
    another frame of it. So all frames are looked at in one.

    Raises:
        RigError: the armature is gone.
    """
    found = _compared(target, expected)
    yield len(expected.frames)
    return found


def _compared(target: Reference, expected: Expected) -> Found:
    armature_object = target.find_in(bpy.data.objects)
    if armature_object is None:
        raise RigError(f"The armature {target.name!r} is not there any more; choose another one.")
    if armature_object.hide_viewport or armature_object.data.pose_position == "REST":
        return Found()  # Blender does not pose it now
    names = [name for name in expected.rotations if name in armature_object.pose.bones]
    if not names or not len(expected.frames):
        return Found()
    wanted = np.stack([expected.rotations[name] for name in names], axis=1)
    shown, heads = _shown(armature_object, names, expected.frames)
    lengths = np.linalg.norm(shown, axis=-1, keepdims=True)
    should = quaternion.rotate(np.moveaxis(wanted, 0, -1).swapaxes(0, 1), ALONG)
    is_shown = shown / np.where(lengths > 0.0, lengths, 1.0)
    apart = np.linalg.norm(np.cross(should, is_shown), axis=-1)
    degrees = np.degrees(np.arctan2(apart, quaternion.dot(should, is_shown)))
    place, bone = np.unravel_index(int(np.argmax(degrees)), degrees.shape)
    return Found(
        degrees=float(degrees[place, bone]),
        bone=names[int(bone)],
        frame=float(expected.frames[place]),
        names=tuple(names),
        heads=heads,
    )


def _shown(
    armature_object: bpy.types.Object, names: list[str], frames: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Where bones point at frames, and where their heads are in m, in the armature's axes.

    Both are (K, N, 3).
    """
    scene = bpy.data.scenes.new("MyoSapiens")
    points, heads = np.empty((2, len(frames), len(names), 3))
    try:
        scene.collection.objects.link(armature_object)
        for row, frame in enumerate(frames.tolist()):
            whole = math.floor(frame)
            scene.frame_set(whole, subframe=frame - whole)
            # There is none before the first frame.
            graph: Any = scene.view_layers[0].depsgraph
            shown: Any = armature_object.evaluated_get(graph)
            matrices = np.array([shown.pose.bones[name].matrix for name in names], np.float64)
            scale = math.cbrt(abs(shown.matrix_world.to_3x3().determinant()))
            points[row], heads[row] = matrices[:, :3, 1], matrices[:, :3, 3] * scale
        return points, heads
    finally:
        bpy.data.scenes.remove(scene)
