# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's own armature: one bone per body, each to be seen and picked."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import armature, rig_reader, scene_armatures
from myosapiens_addon.errors import RigError
from tests.helpers.motions import NAMES, moving


def test_bones_are_the_bodies(tmp_path: object) -> None:
    motion = moving()
    built = armature.build(motion, name="Anna")
    bones = built.data.bones
    assert set(bones.keys()) == set(NAMES)
    for index, name in enumerate(NAMES):
        parent = int(motion.parents[index])
        assert (bones[name].parent.name if bones[name].parent else None) == (
            NAMES[parent] if parent >= 0 else None
        )
        np.testing.assert_allclose(bones[name].head_local, motion.rest_positions[index], atol=1e-6)


def test_every_bone_can_be_seen_and_picked() -> None:
    built = armature.build(moving(), name="Anna")
    assert all(bone.length > 0.008 for bone in built.data.bones)
    directions = {
        bone.name: (bone.tail_local - bone.head_local).normalized() for bone in built.data.bones
    }
    assert directions["skull"].z > 0.9
    assert directions["femur_r"].z < -0.9
    assert directions["lunate_r"].z < -0.9
    assert directions["toes_r"].y < -0.5
    assert directions["root"].y < -0.9
    ulna, radius = built.data.bones["ulna_r"], built.data.bones["radius_r"]
    assert (ulna.tail_local - radius.tail_local).length < 1e-5


def test_both_legs_and_the_spine_bend_about_the_same_axis() -> None:
    bones = armature.build(moving(), name="Anna").data.bones
    for name in ("femur_r", "femur_l", "tibia_r", "tibia_l", "thoracic_spine", "skull"):
        x_axis = bones[name].matrix_local.to_3x3().col[0]
        assert x_axis.x > 0.95, name


def test_mode_selection_and_active_object_stay() -> None:
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.empty_add()
    cube.select_set(True)
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")
    built = armature.build(moving(), name="Anna")
    assert bpy.context.view_layer.objects.active == cube
    assert cube.mode == "EDIT"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert not built.select_get()
    assert {entry.type for entry in bpy.context.selected_objects} == {"MESH", "EMPTY"}


def test_a_rig_read_back_has_parents_first_and_body_rests() -> None:
    motion = moving()
    rig = rig_reader.read_rig(armature.build(motion, name="Anna"))
    assert all(parent < index for index, parent in enumerate(rig.parents))
    order = [motion.names.index(name) for name in rig.names]
    np.testing.assert_allclose(rig.body_rest_rotations, motion.rest_rotations[order], atol=1e-6)


def test_what_is_no_armature_is_refused_by_name() -> None:
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(RigError, match="is no armature but a mesh"):
        scene_armatures.find("Cube")
    with pytest.raises(RigError, match=r"no armature 'Rig' in the scene; there are: none"):
        scene_armatures.find("Rig")


def test_poses_and_selected_armatures_stay_as_they_are() -> None:
    bystander = armature.build(moving(), name="Bystander")
    posed = armature.build(moving(), name="Posed")
    bystander.select_set(True)
    posed.select_set(True)
    bpy.context.view_layer.objects.active = posed
    bpy.ops.object.mode_set(mode="POSE")
    armature.build(moving(), name="Anna")
    assert bpy.context.view_layer.objects.active == posed
    assert bpy.context.mode == "POSE"
    assert {entry.name for entry in bpy.context.view_layer.objects.selected} == {
        "Bystander",
        "Posed",
    }
    assert {entry.mode for entry in (posed, bystander)} <= {"POSE", "OBJECT"}
