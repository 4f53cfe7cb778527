# SPDX-License-Identifier: GPL-3.0-or-later
"""Used by benchmarks in a Python with bpy: armatures made from a `Rig`, and takes put on them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Vector

from myosapiens_addon.blender import animation, compat, landing, rig_reader
from myosapiens_addon.blender.references import Reference
from myosapiens_addon.motion import quaternion

if TYPE_CHECKING:
    from collections.abc import Generator

    from myosapiens_addon.blender.landing_options import LandingOptions
    from myosapiens_addon.motion.motion import FloatArray, Motion
    from myosapiens_addon.retarget.mapping.roles import RoleMap
    from myosapiens_addon.retarget.rig import Rig


def new_file(*, fps: int = 24) -> bpy.types.Scene:
    """An empty file, whose scene plays so many frames per second."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, 1.0
    return scene


def build(rig: Rig, *, name: str = "Target") -> bpy.types.Object:
    """An armature object with the rig's bones, linked to the scene."""
    armature: Any = bpy.data.armatures.new(name)
    made = bpy.data.objects.new(name, armature)
    bpy.context.scene.collection.objects.link(made)
    with _editing(made):
        bones: list[Any] = []
        z_axes = quaternion.to_matrix(rig.rest_rotations)[:, :, 2]
        for row, bone_name in enumerate(rig.names):
            bone = armature.edit_bones.new(bone_name)
            bone.head, bone.tail = rig.rest_positions[row], rig.rest_tails[row]
            bone.align_roll(Vector(z_axes[row]))
            if rig.parents[row] >= 0:
                bone.parent = bones[rig.parents[row]]
                bone.use_connect = bool(rig.connected[row])
            bone.use_inherit_rotation = bool(rig.inherits_rotation[row])
            bone.use_local_location = bool(rig.local_location[row])
            bones.append(bone)
    for bone_name, mode in zip(rig.names, rig.rotation_modes, strict=True):
        made.pose.bones[bone_name].rotation_mode = mode
    return made


@contextmanager
def _editing(made: bpy.types.Object) -> Generator[None]:
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    yield
    bpy.ops.object.mode_set(mode="OBJECT")


def keys_for(
    motion: Motion, made: bpy.types.Object, bones: RoleMap, options: LandingOptions
) -> landing.Made:
    """The keys of a take for an armature."""
    return landing.retarget(
        motion,
        rig_reader.read_rig(made),
        options=options,
        scene_fps=animation.scene_fps(bpy.context.scene),
        stored_map=bones,
    )


def put_on(
    motion: Motion, made: bpy.types.Object, bones: RoleMap, options: LandingOptions
) -> landing.Made:
    """Put a take on an armature as importing does; its new action is the active one then."""
    keys = keys_for(motion, made, bones, options)
    write(keys, made)
    return keys


def write(made: landing.Made, target: bpy.types.Object) -> None:
    """Write keys into a new action, and make it the active one."""
    for _ in animation.write(Reference.to(target), made.bones, action_name="Take"):
        pass


def write_bare(made: landing.Made, *, finish: bool = False) -> float:
    """Seconds for the same keys by nothing but `foreach_set` into a new action.

    Args:
        made: the keys.
        finish: also call each curve's `update`, as Blender's manual wants it: it puts keys in
            order and works out their handles.
    """
    started = time.perf_counter()
    action: Any = bpy.data.actions.new("Bare")
    holder = action
    if compat.HAS_SLOTS:
        slot = action.slots.new(id_type="OBJECT", name="Bare")
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        holder = strip.channelbag(slot, ensure=True)
    for bone in made.bones:
        for channel in bone:
            path = f'pose.bones["{channel.bone}"].{channel.path}'
            curve = holder.fcurves.new(path, index=channel.index)
            points = curve.keyframe_points
            points.add(len(channel.keys) // 2)
            points.foreach_set("co", channel.keys)
            if finish:
                curve.update()
    return time.perf_counter() - started


def select_all_bones(made: bpy.types.Object) -> None:
    """Make an armature the active object in pose mode, with all bones selected."""
    bpy.context.view_layer.objects.active = made
    made.select_set(True)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.select_all(action="SELECT")


def drop_actions() -> None:
    """Remove all actions of the file."""
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)


def evaluated(made: bpy.types.Object, frames: FloatArray) -> FloatArray:
    """What Blender shows: matrices (F, N, 4, 4) in the armature's space at scene frames."""
    count = len(made.pose.bones)
    out = np.empty((len(frames), count, 4, 4))
    buffer = np.empty(16 * count, np.float32)
    for row, frame in enumerate(frames):
        whole = int(np.floor(frame))
        bpy.context.scene.frame_set(whole, subframe=float(frame) - whole)
        shown = made.evaluated_get(bpy.context.evaluated_depsgraph_get())
        shown.pose.bones.foreach_get("matrix", buffer)
        # Blender keeps matrices column by column.
        out[row] = buffer.reshape(count, 4, 4).transpose(0, 2, 1)
    return out
