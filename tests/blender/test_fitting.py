# SPDX-License-Identifier: GPL-3.0-or-later
"""A take of one subject on the armature of another: kept, or fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    armature,
    joint_definitions,
    joint_limits,
    landing,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.motion import quaternion
from tests.blender import rig_builders
from tests.blender.fitting_bench import (
    NEAR_M,
    OTHER,
    anna_fixture,  # noqa: F401
    assert_same_rests,
    heads_of,
    land,
    offered,
    rests,
    take_of,
)
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES
from tests.helpers.solved import Solved

ARM_ONLY = solved.larger(1.15, "ulna_r")


# Kept


def test_the_armature_is_kept_and_a_fit_is_offered(anna: bpy.types.Object, tmp_path: Path) -> None:
    before = rests(anna)
    found = land(take_of(OTHER), tmp_path)
    assert len(offered(found)) == 1
    assert "by up to 42 mm" in offered(found)[0]
    assert_same_rests(rests(anna), before)


def test_a_kept_armature_turns_as_the_take_does(anna: bpy.types.Object, tmp_path: Path) -> None:
    """Its arm is its own: the joints' angles are the take's, the lengths the armature's."""
    take = take_of(ARM_ONLY)
    found = land(take, tmp_path)
    assert "by up to 43 mm" in offered(found)[0]
    same = Solved(values=take.values, offsets=solved.OFFSETS)
    assert np.linalg.norm(heads_of("Anna", take) - same.poses()[0], axis=-1).max() < NEAR_M
    assert anna.data.bones["radius_r"].head_local.z > 0.5


def test_the_same_subject_is_told_nothing(anna: bpy.types.Object, tmp_path: Path) -> None:
    before = rests(anna)
    for fit in (False, True):
        found = land(take_of(solved.OFFSETS), tmp_path, fit=fit)
        assert not found.warnings
        assert_same_rests(rests(anna), before)


@pytest.mark.parametrize("fit", [False, True])
def test_another_rig_is_neither_fitted_nor_offered_to_be(tmp_path: Path, fit: bool) -> None:
    built = rig_builders.mixamo(name="Anna")
    before = rests(built.object)
    found = land(take_of(OTHER), tmp_path, fit=fit)
    assert not offered(found)
    assert_same_rests(rests(built.object), before)


# Fitted


def test_fitted_it_is_as_one_built_from_the_take(anna: bpy.types.Object, tmp_path: Path) -> None:
    take = take_of(OTHER)
    found = land(take, tmp_path, fit=True)
    assert not found.warnings
    assert not found.bone_map
    other = armature.build(take.motion(), name="Other")
    for name, bone in other.data.bones.items():
        fitted = anna.data.bones[name]
        np.testing.assert_allclose(fitted.head_local, bone.head_local, atol=2e-6)
        assert fitted.length == pytest.approx(bone.length, abs=1e-5)
        if any(other.data.bones[child].head_local == bone.tail_local for child in NAMES):
            np.testing.assert_allclose(fitted.tail_local, bone.tail_local, atol=1e-5)
        assert list(fitted[armature.BODY_REST]) == pytest.approx(
            list(bone[armature.BODY_REST]), abs=1e-12
        )
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M
    assert not offered(land(take, tmp_path))


def test_joints_and_limits_stay_on_a_fitted_armature(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    held = joint_definitions.read(anna)
    assert held is not None
    joint_limits.add(anna, held, tolerance=0.2)
    count = sum(len(bone.constraints) for bone in anna.pose.bones)
    assert count > 0
    take = take_of(OTHER)
    found = land(take, tmp_path, fit=True, with_angles=True, key_angles=True)
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M
    after = joint_definitions.read(anna)
    assert after is not None
    assert [joint.name for joint in after.joints] == [joint.name for joint in held.joints]
    order = [after.names.index(name) for name in NAMES]
    np.testing.assert_allclose(after.positions[order], OTHER, atol=1e-6)
    assert sum(len(bone.constraints) for bone in anna.pose.bones) == count
    assert found.angles > 0
    # Coordinates land on it with the new lengths, without any model.
    path = take.write_npz(tmp_path / "output.npz")
    options = LandingOptions(armature="Anna", rate="capture", capture_rate_hz=120.0)
    landing.land([path], name="Angles", options=options)
    wanted = take.angles_only().poses()[0]
    assert np.linalg.norm(heads_of("Anna", take) - wanted, axis=-1).max() < NEAR_M


def test_earlier_actions_play_with_the_new_lengths(anna: bpy.types.Object, tmp_path: Path) -> None:
    first = take_of(solved.OFFSETS, seed=3)
    earlier = land(first, tmp_path).action
    land(take_of(OTHER), tmp_path, fit=True)
    animated = anna.animation_data
    animated.action = bpy.data.actions[earlier]
    if hasattr(animated, "action_slot"):
        animated.action_slot = animated.action.slots[0]
    values = {**first.values, solved.ROOT: first.values[solved.ROOT].copy()}
    values[solved.ROOT][:, 2] += OTHER[0, 2] - solved.OFFSETS[0, 2]
    wanted = Solved(values=values, offsets=OTHER).poses()[0]
    assert np.linalg.norm(heads_of("Anna", first) - wanted, axis=-1).max() < NEAR_M


@pytest.mark.parametrize("scale", [0.5, 0.01])
def test_a_scaled_object_shows_the_subject_as_large_as_life(
    anna: bpy.types.Object, tmp_path: Path, scale: float
) -> None:
    anna.scale = (scale, scale, scale)
    take = take_of(OTHER)
    found = land(take, tmp_path, fit=True)
    assert not found.warnings
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M
    assert anna.scale[0] == pytest.approx(scale)


def test_a_scaled_object_of_the_same_subject_is_left_alone(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    anna.scale = (1.5, 1.5, 1.5)
    before = rests(anna)
    take = take_of(solved.OFFSETS)
    found = land(take, tmp_path, fit=True)
    assert not found.warnings
    assert_same_rests(rests(anna), before)
    wanted = 1.5 * take.poses()[0]
    assert np.linalg.norm(heads_of("Anna", take) - wanted, axis=-1).max() < NEAR_M


def test_an_object_that_stands_elsewhere_stays_there(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    anna.location, anna.rotation_euler = (2.0, -1.0, 0.5), (0.3, 0.1, -2.0)
    bpy.context.view_layer.update()
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    world = np.array(anna.matrix_world, np.float64)
    wanted = take.poses()[0] @ world[:3, :3].T + world[:3, 3]
    assert np.linalg.norm(heads_of("Anna", take) - wanted, axis=-1).max() < NEAR_M


def mirrored(built: bpy.types.Object) -> None:
    built.data.use_mirror_x = True


def connected(built: bpy.types.Object) -> None:
    with armature.editing(built):
        for name in ("tibia_r", "talus_r", "tibia_l"):
            built.data.edit_bones[name].use_connect = True


def locked(built: bpy.types.Object) -> None:
    with armature.editing(built):
        for bone in built.data.edit_bones:
            bone.lock = bone.hide = True


def in_a_hidden_collection(built: bpy.types.Object) -> None:
    group = built.data.collections.new("Hidden")
    for bone in built.data.bones:
        group.assign(bone)
    group.is_visible = False


def shared(built: bpy.types.Object) -> None:
    twin = bpy.data.objects.new("Twin", built.data)
    bpy.context.scene.collection.objects.link(twin)
    twin.hide_set(True)


def in_an_excluded_collection(built: bpy.types.Object) -> None:
    group = bpy.data.collections.new("Away")
    bpy.context.scene.collection.children.link(group)
    group.objects.link(built)
    bpy.context.scene.collection.objects.unlink(built)
    bpy.context.view_layer.layer_collection.children["Away"].exclude = True


def at_rest_position(built: bpy.types.Object) -> None:
    built.data.pose_position = "REST"


CHANGES: tuple[Callable[[bpy.types.Object], None], ...] = (
    mirrored, connected, locked, in_a_hidden_collection, shared, in_an_excluded_collection,
    at_rest_position,
)  # fmt: skip


# What people made of the armature


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_people_made_of_it_each_bone_is_where_its_body_is(
    anna: bpy.types.Object, tmp_path: Path, change: Callable[[bpy.types.Object], None]
) -> None:
    change(anna)
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    still = solved.at_rest(offsets=OTHER).poses()[0][0]
    for body, name in enumerate(NAMES):
        head = anna.data.bones[name].head_local
        np.testing.assert_allclose(head, still[body], atol=1e-5, err_msg=name)
    if change in (in_an_excluded_collection, at_rest_position):
        return
    assert np.linalg.norm(heads_of("Anna", take) - take.poses()[0], axis=-1).max() < NEAR_M


def test_bones_that_are_no_bodies_stay_and_missing_ones_stay_away(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    with armature.editing(anna):
        bones = anna.data.edit_bones
        prop = bones.new("prop")
        prop.head, prop.tail, prop.roll = (0.5, 0.5, 0.5), (0.5, 0.6, 0.7), 0.4
        prop.parent = bones["lunate_r"]
        bones.remove(bones["toes_r"])
    before = rests(anna)["prop"]
    land(take_of(OTHER), tmp_path, fit=True)
    np.testing.assert_allclose(rests(anna)["prop"], before, atol=5e-6)
    assert "toes_r" not in anna.data.bones
    assert anna.data.bones["prop"].parent.name == "lunate_r"


def test_meshes_stay_on_their_bodies(anna: bpy.types.Object, tmp_path: Path) -> None:
    land(take_of(solved.OFFSETS, seed=3), tmp_path, meshes=True)
    take = take_of(OTHER)
    land(take, tmp_path, fit=True)
    motion, row = take.motion(), 20
    glb = mesh_glbs.figure(take_of(solved.OFFSETS, seed=3).motion())
    moment = 1 + 24 * row / 120
    bpy.context.scene.frame_set(int(moment), subframe=moment - int(moment))
    graph = bpy.context.evaluated_depsgraph_get()
    checked = 0
    for entry in anna.children:
        body = NAMES.index(entry.parent_bone)
        shown = entry.evaluated_get(graph)
        local = np.array([vertex.co for vertex in shown.data.vertices], np.float64)
        world = np.array(shown.matrix_world, np.float64)
        found = local @ world[:3, :3].T + world[:3, 3]
        candidates = [
            quaternion.rotate(motion.rotations[row, body], glb.vertices[node])
            + motion.positions[row, body]
            for node, carrier in glb.bodies.items()
            if carrier == entry.parent_bone and len(glb.vertices[node]) == len(found)
        ]
        assert min(np.abs(found - wanted).max() for wanted in candidates) < 2e-5
        checked += 1
    assert checked == len(glb.vertices)


def test_what_hangs_on_another_object_with_the_same_bones_stays_on_its_body(
    anna: bpy.types.Object, tmp_path: Path
) -> None:
    twin = anna.copy()  # as by Alt D: the bones are the same, the object is another
    bpy.context.scene.collection.objects.link(twin)
    hats = []
    for holder in (anna, twin):
        hat = bpy.data.objects.new("Hat", None)
        bpy.context.scene.collection.objects.link(hat)
        hat.parent, hat.parent_type, hat.parent_bone = holder, "BONE", "femur_r"
        hats.append(hat)
    land(take_of(OTHER), tmp_path, fit=True)
    anna.animation_data.action = None
    for bone in anna.pose.bones:
        bone.matrix_basis.identity()
    bpy.context.view_layer.update()
    places = [np.array(hat.matrix_world) for hat in hats]
    np.testing.assert_allclose(places[1], places[0], atol=1e-6)
