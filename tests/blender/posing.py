# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender itself makes of an animated armature: evaluated poses, frame by frame."""

from __future__ import annotations

import bpy
import numpy as np

from myosapiens_addon.blender import rig_reader
from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion


def evaluated(name: str, frames: np.ndarray, bones: tuple[str, ...]) -> np.ndarray:
    """World matrices (F, N, 4, 4) of bones at scene frames, from the dependency graph."""
    scene = bpy.context.scene
    out = np.empty((len(frames), len(bones), 4, 4))
    for row, frame in enumerate(frames):
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame) - whole)
        shown = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
        world = np.array(shown.matrix_world, dtype=np.float64)
        for column, bone in enumerate(bones):
            out[row, column] = world @ np.array(shown.pose.bones[bone].matrix, dtype=np.float64)
    return out


def body_poses(name: str, frames: np.ndarray, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Bone heads (F, B, 3) in m, and the rotations (F, B, 4) their bodies then have.

    A bone's axes are not its body's: what a bone has turned since rest is applied to the
    body's rest rotation.
    """
    matrices = evaluated(name, frames, motion.names)
    rig = rig_reader.read_rig(bpy.data.objects[name])
    order = [rig.names.index(body) for body in motion.names]
    turned = quaternion.multiply(
        quaternion.from_matrix(matrices[..., :3, :3]),
        quaternion.conjugate(rig.rest_rotations[order]),
    )
    return matrices[..., :3, 3], quaternion.multiply(turned, motion.rest_rotations)
