# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of joints as constraints: what is allowed is kept, what is not is held."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from myosapiens_addon.blender import (
    armature,
    character_armature,
    extras,
    joint_definitions,
    joint_limits,
)
from myosapiens_addon.motion import forward, mjcf
from myosapiens_addon.motion.character import Character
from tests.blender.character_bench import assert_same, edit, joint, standing


def posed(
    built: bpy.types.Object, character: Character, coordinates: dict[str, float]
) -> dict[str, Matrix]:
    """Pose the bones by forward kinematics; their matrices as Blender evaluates them."""
    values = forward.reference_coordinates(character)
    for name, value in coordinates.items():
        values[character.starts[name]] = value
    positions, rotations = forward.poses(character, values[None])
    rest = character_armature.at_rest(character)
    for index, name in enumerate(character.names):
        bone = built.pose.bones[name]
        body = Quaternion(rotations[0, index]) @ Quaternion(rest.rest_rotations[index]).inverted()
        turned = body.to_matrix() @ bone.bone.matrix_local.to_3x3()
        bone.matrix = Matrix.Translation(positions[0, index]) @ turned.to_4x4()
        bpy.context.view_layer.update()
    evaluated = built.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {bone.name: bone.matrix.copy() for bone in evaluated.pose.bones}


def turned_by(one: Matrix, other: Matrix) -> float:
    return math.degrees((one.to_quaternion().rotation_difference(other.to_quaternion())).angle)


INSIDE = {
    "hip_flex_r": 1.9,
    "hip_abdu_r": -0.6,
    "hip_arot_r": 0.7,
    "knee_flex_r": 2.4,
    "glide_l": 0.028,
}


def test_limits_keep_what_is_within_them() -> None:
    character = standing()
    built = character_armature.build(character, name="Anna")
    before = posed(built, character, INSIDE)
    left_out = joint_limits.add(built, character)
    assert sorted(left_out) == ["ankle_flex_r", "patella_slide", "shoulder_r"]
    after = posed(built, character, INSIDE)
    for name, matrix in before.items():
        assert turned_by(matrix, after[name]) < 0.01, name
        assert (matrix.translation - after[name].translation).length < 1e-5, name


@pytest.mark.parametrize(
    ("name", "beyond", "end"),
    [
        ("hip_flex_r", 2.4, 2.1),
        ("hip_flex_r", -0.9, -0.5),
        ("hip_abdu_r", 0.9, 0.4),
        ("hip_arot_r", -1.2, -0.6),
        ("hip_arot_r", 1.2, 0.8),
        ("knee_flex_r", -0.5, 0.0),
        ("knee_flex_r", 2.8, 2.5),
    ],
)
def test_limits_hold_at_the_joint_s_end(name: str, beyond: float, end: float) -> None:
    character = standing()
    built = character_armature.build(character, name="Anna")
    body = character.names[next(j.body for j in character.joints if j.name == name)]
    wanted = posed(built, character, {name: end})
    joint_limits.add(built, character)
    found = posed(built, character, {name: beyond})
    assert turned_by(wanted[body], found[body]) < 0.01


def test_slides_are_limited_in_the_armature_s_units() -> None:
    character = standing()
    built = character_armature.build(character, name="Anna")
    built.data.transform(Matrix.Scale(100.0, 4))
    built.scale = (0.01, 0.01, 0.01)
    joint_limits.add(built, character)
    bone = built.pose.bones["tibia_l"]
    rest = bone.bone.matrix_local
    up = rest.to_3x3().inverted() @ Quaternion(bone.bone[armature.BODY_REST]).to_matrix().col[1]
    for wanted, end in ((50.0, 2.0), (1.5, 1.5), (-50.0, -2.0)):
        bone.location = up * wanted
        bpy.context.view_layer.update()
        moved = bone.matrix.translation - rest.translation
        assert moved.z == pytest.approx(end, abs=1e-4)


def test_limits_are_named_replaced_and_removed() -> None:
    character = standing()
    built = character_armature.build(character, name="Anna")
    own = built.pose.bones["tibia_r"].constraints.new("LIMIT_ROTATION")
    own.name = "Mine"
    for _ in range(2):
        joint_limits.add(built, character)
    names = [entry.name for entry in built.pose.bones["tibia_r"].constraints]
    assert names == ["Mine", "MyoSapiens limits"]
    added = built.pose.bones["tibia_r"].constraints["MyoSapiens limits"]
    assert added.owner_space == "LOCAL"
    assert not added.use_transform_limit
    joint_limits.remove(built)
    assert [e.name for bone in built.pose.bones for e in bone.constraints] == ["Mine"]


LOCAL = Path(__file__).resolve().parents[2] / "scripts" / "local_service" / "solve" / "skeleton.xml"


def in_range(character: Character, rng: np.random.Generator) -> np.ndarray:
    """Coordinates within the limits, often at an end."""
    values = forward.reference_coordinates(character)
    for entry in character.joints:
        if entry.kind in ("hinge", "slide") and entry.limits is not None:
            least, largest = entry.limits
            chosen = rng.uniform(least - 0.5, largest + 0.5)
            values[character.starts[entry.name]] = np.clip(chosen, least, largest)
    return values


def assumed(built: bpy.types.Object, character: Character, values: np.ndarray) -> float:
    """Pose the bones; how far the evaluated matrices are from that at most."""
    rest = character_armature.at_rest(character)
    positions, rotations = forward.poses(character, values[None])
    wanted: dict[str, Matrix] = {}
    for index, name in enumerate(character.names):
        body = Quaternion(rotations[0, index]) @ Quaternion(rest.rest_rotations[index]).inverted()
        turned = body.to_matrix() @ built.data.bones[name].matrix_local.to_3x3()
        wanted[name] = Matrix.Translation(positions[0, index]) @ turned.to_4x4()
    for bone in built.pose.bones:
        above = bone.parent
        at_rest, step = bone.bone.matrix_local, wanted[bone.name]
        if above is not None:
            at_rest = above.bone.matrix_local.inverted() @ at_rest
            step = wanted[above.name].inverted() @ step
        bone.matrix_basis = at_rest.inverted() @ step
    bpy.context.view_layer.update()
    found = built.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    return max(float(np.abs(np.array(found[n].matrix) - m).max()) for n, m in wanted.items())


@pytest.mark.parametrize(("tolerance_deg", "fewest"), [(None, 10), (10.0, 34), (15.0, 41)])
def test_no_pose_within_the_limits_is_changed(tolerance_deg: float | None, fewest: int) -> None:
    character = mjcf.read(LOCAL)
    built = character_armature.build(character, name="Local")
    assert_same(joint_definitions.read(built), character)
    more = {} if tolerance_deg is None else {"tolerance": math.radians(tolerance_deg)}
    left_out = joint_limits.add(built, character, **more)
    limited = [entry for entry in character.joints if entry.limits is not None]
    assert len(limited) - len(left_out) >= fewest
    rng = np.random.default_rng(8)
    for _ in range(25):
        assert assumed(built, character, in_range(character, rng)) < 2e-5
    beyond = in_range(character, rng)
    beyond[character.starts["knee_flexion_r"]] = -1.0
    assert assumed(built, character, beyond) > 0.3


def test_most_limits_of_the_real_character_are_told(real_character: Path) -> None:
    character = mjcf.read(real_character)
    built = character_armature.build(character, name="Real")
    left_out = joint_limits.add(built, character, tolerance=extras.LIMIT_TOLERANCE_RAD)
    limited = [entry for entry in character.joints if entry.limits is not None]
    assert (len(limited), len(left_out)) == (122, 32)  # as docs/pipeline.md says
    rng = np.random.default_rng(9)
    for _ in range(20):
        assert assumed(built, character, in_range(character, rng)) < 2e-5


@pytest.mark.parametrize("limits", [(-2.0, 2.0), (-math.pi / 2, 0.5)])
def test_a_range_that_euler_angles_cannot_tell_is_left_out(limits: tuple[float, float]) -> None:
    wide = joint("hip_abdu_r", "hinge", "femur_r", (1, 0, 0), limits=limits)
    character = standing()
    joints = tuple(wide if j.name == "hip_abdu_r" else j for j in character.joints)
    built = character_armature.build(replace(character, joints=joints), name="Anna")
    left_out = joint_limits.add(built, replace(character, joints=joints))
    assert {"hip_flex_r", "hip_abdu_r", "hip_arot_r"} <= set(left_out)
    assert not built.pose.bones["femur_r"].constraints


OFF_THE_BONE = (
    # As a lower back and a neck have them: three axes at right angles, the bone at a slant.
    ("slant", [((0, 0, 1), (-0.3, 0.1)), ((1, 0, 0), (-0.1, 0.1)), ((0, 1, 0), (-0.05, 0.05))], 3),
    # A slant as large, but so much of a turn that the bone's other axes would get too much of it.
    ("slant, far", [((0, 0, 1), (-0.3, 0.1)), ((1, 0, 0), (-0.1, 0.1)), ((0, 1, 0), (-1, 1))], 0),
    ("knuckle", [((0.3, 0, 1), (0.0, 0.7)), ((1, 0, -0.3), (-0.25, 0.25))], 2),
    ("ankle", [((-0.3, 0.2, 1), (-0.5, 0.35))], 1),
    ("ankle, far", [((-0.3, 0.2, 1), (-1.5, 1.5))], 0),
)


@pytest.mark.parametrize(
    ("slant", "hinges", "told"), OFF_THE_BONE, ids=lambda value: str(value)[:9]
)
def test_hinges_off_the_bone_s_axes_are_told_by_how_far_they_turn(
    slant: str, hinges: list[tuple[tuple[float, ...], tuple[float, float]]], told: int
) -> None:
    joints = [
        joint(f"h{number}", "hinge", "thoracic_spine", axis, limits=limits)
        for number, (axis, limits) in enumerate(hinges)
    ]
    character = replace(standing(), joints=tuple(joints))
    built = character_armature.build(character, name="Anna")
    if slant.startswith("slant"):
        edit(built, lambda bones: setattr(bones["thoracic_spine"], "tail", slanted(bones)))
    tolerance = math.radians(15.0)
    left_out = joint_limits.add(built, character, tolerance=tolerance)
    assert len(left_out) == len(hinges) - told
    rng = np.random.default_rng(1)
    for _ in range(100):
        assert assumed(built, character, in_range(character, rng)) < 1e-5
    for constraint in built.pose.bones["thoracic_spine"].constraints:
        widths = [getattr(constraint, f"max_{a}") - getattr(constraint, f"min_{a}") for a in "xyz"]
        own = [largest - least for _, (least, largest) in hinges] + [0.0] * (3 - len(hinges))
        more = np.sort(widths) - np.sort(own)
        assert more.max() < 2 * tolerance * (1 + joint_limits.BETWEEN)


def slanted(bones: bpy.types.ArmatureEditBones) -> Vector:
    """Where the tail comes to when the bone is laid over forward by 0.6 rad."""
    bone = bones["thoracic_spine"]
    return bone.head + Matrix.Rotation(0.6, 3, "X") @ (bone.tail - bone.head)


def test_slides_off_the_bone_s_axes_keep_all_that_is_allowed() -> None:
    slides = (
        joint("along", "slide", "tibia_l", (0.1, 1, 0.1), limits=(-0.01, 0.03), reference=0.01),
        joint("across", "slide", "tibia_l", (1, -0.1, 0), limits=(0.0, 0.02)),
        joint("about", "hinge", "tibia_l", (0, 0, 1), limits=(-0.4, 1.0)),
    )
    character = replace(standing(), joints=slides)
    built = character_armature.build(character, name="Anna")
    assert joint_limits.add(built, character) == ["along", "across"]
    assert joint_limits.add(built, character, tolerance=math.radians(15.0)) == []
    rng = np.random.default_rng(2)
    for _ in range(50):
        assert assumed(built, character, in_range(character, rng)) < 1e-6
    far = forward.reference_coordinates(character)
    far[character.starts["along"]] = 0.05
    assert assumed(built, character, far) > 0.01


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_euler_angles_are_blender_s(order: str) -> None:
    turns = [Quaternion(values) for values in np.random.default_rng(4).normal(size=(300, 4))]
    matrices = [turn.normalized().to_matrix() for turn in turns]
    found = joint_limits.euler_angles(np.array([np.array(matrix) for matrix in matrices]), order)
    wanted = np.array([matrix.to_euler(order) for matrix in matrices])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
