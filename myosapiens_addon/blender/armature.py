# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a character's own armature."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
from mathutils import Vector

from ..errors import RigError
from ..retarget import bone_layout
from .compat import UNFINISHED, current_layer, current_scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..motion.motion import Motion

# Custom property of a bone: its body's rotation at rest in armature space, w x y z. A later
# take of the character is aligned with it, whatever rest pose that take's file has.
BODY_REST = "myosapiens_body_rest"
# Blender cuts longer names of bones off.
LONGEST_NAME_BYTES = 63
SIDE_COLOURS = {"_r": "THEME01", "_l": "THEME04", "": "THEME09"}


def build(motion: Motion, *, name: str) -> bpy.types.Object:
    """A new armature object with one bone per body, at the origin of the current scene.

    Bones are called like their bodies and stand in the take's rest pose: Z up, metres.
    What was selected, active and in which mode stays as it was.
    """
    armature_object = make(motion, name=name)
    place(armature_object, current_scene())
    return armature_object


def make(motion: Motion, *, name: str) -> bpy.types.Object:
    """The same, in no scene yet and marked as unfinished: see `place`.

    Raises:
        RigError: a body's name is longer than a bone's can be.
    """
    _check_names(motion.names)
    layout = bone_layout.lay_out(motion)
    armature = bpy.data.armatures.new(name)
    armature_object = bpy.data.objects.new(name, armature)
    armature_object[UNFINISHED] = armature[UNFINISHED] = True
    with editing(armature_object):
        _add_bones(armature, motion, layout)
    for index, body in enumerate(motion.names):
        bone = armature.bones[body]
        bone[BODY_REST] = [float(value) for value in motion.rest_rotations[index]]
        bone.color.palette = SIDE_COLOURS[bone_layout.side_of(body)]
    armature_object.show_in_front = True
    return armature_object


def place(armature_object: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Show a made armature object in a scene."""
    scene.collection.objects.link(armature_object)
    for block in (armature_object, armature_object.data):
        if block is not None and block.get(UNFINISHED):
            del block[UNFINISHED]


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if len(name.encode()) > LONGEST_NAME_BYTES:
            raise RigError(
                f"The body {name!r} has a name too long for a bone; shorten it to "
                f"{LONGEST_NAME_BYTES} bytes in the character's model."
            )


def remove(armature_object: bpy.types.Object) -> None:
    """Take a built armature out of the file again, with its data."""
    armature: Any = armature_object.data
    bpy.data.objects.remove(armature_object)
    bpy.data.armatures.remove(armature)


def _add_bones(
    armature: bpy.types.Armature, motion: Motion, layout: bone_layout.BoneLayout
) -> None:
    made: list[bpy.types.EditBone] = []
    for index, body in enumerate(motion.names):
        bone = armature.edit_bones.new(body)
        bone.head = Vector(layout.heads[index])
        bone.tail = Vector(layout.tails[index])
        bone.align_roll(Vector(layout.z_axes[index]))
        parent = int(motion.parents[index])
        if parent >= 0:
            bone.parent = made[parent]
        made.append(bone)


@contextmanager
def editing(armature_object: bpy.types.Object) -> Iterator[None]:
    """Edit mode on an armature object, for the time being in the scene people are in.

    Not in a scene of its own by `temp_override(scene=…)`: up to Blender 5.0 an operator under
    such an override looks into Python's data without holding Python's lock, and crashes when
    a thread of anybody's runs meanwhile.
    """
    scene, layer = current_scene(), current_layer()
    is_guest = armature_object.name not in scene.collection.objects
    with _user_state(layer):
        if is_guest:
            scene.collection.objects.link(armature_object)
        mode: Any = armature_object.mode
        # People may pose several at once: they leave that mode, and enter it, together.
        posed = [entry for entry in layer.objects if entry.mode == mode == "POSE"]
        try:
            layer.objects.active = armature_object
            bpy.ops.object.mode_set(mode="EDIT")
            try:
                yield
            finally:
                _select(posed, layer, state=True)
                bpy.ops.object.mode_set(mode=mode)
                _select(posed, layer, state=False)
        finally:
            if is_guest:
                scene.collection.objects.unlink(armature_object)


@contextmanager
def _user_state(layer: bpy.types.ViewLayer) -> Iterator[None]:
    """Nothing selected, in object mode; afterwards what was selected, active, in its mode.

    Selected armatures would enter edit mode together with the active one.
    """
    active = layer.objects.active
    # A mode that is not the active object's alone is left; the pose mode of others can stay.
    mode = active.mode if active is not None and active.mode not in ("OBJECT", "POSE") else ""
    if mode:
        bpy.ops.object.mode_set(mode="OBJECT")
    selected = list(layer.objects.selected)
    _select(selected, layer, state=False)
    try:
        yield
    finally:
        _select(selected, layer, state=True)
        layer.objects.active = active
        if mode:
            bpy.ops.object.mode_set(mode=mode)


def _select(
    objects: Iterable[bpy.types.Object], layer: bpy.types.ViewLayer, *, state: bool
) -> None:
    for entry in objects:
        entry.select_set(state, view_layer=layer)
