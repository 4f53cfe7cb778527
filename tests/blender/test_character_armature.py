# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's armature: its joints travel on its bones, its limits become constraints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
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
from myosapiens_addon.errors import RigError
from myosapiens_addon.motion import forward, joint_presets, mjcf
from myosapiens_addon.motion.character import Character, Joint, JointKind
from tests.helpers.motions import FACING, IDENTITY, NAMES, OFFSETS, PARENTS, moving

ORIGIN = (0.0, 0.0, 0.0)
Change = Callable[[bpy.types.Object], object]


def joint(
    name: str,
    kind: str,
    body: str,
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0),
    *,
    position: tuple[float, float, float] = ORIGIN,
    reference: float = 0.0,
    limits: tuple[float, float] | None = None,
) -> Joint:
    return Joint(
        name=name,
        kind=JointKind(kind),
        body=NAMES.index(body),
        position=np.array(position),
        axis=np.array(axis) / np.linalg.norm(axis),
        reference=reference,
        limits=limits,
    )


JOINTS = (
    joint("root", "free", "root"),
    joint("hip_flex_r", "hinge", "femur_r", (0, 0, 1), limits=(-0.5, 2.1), reference=0.1),
    joint("hip_abdu_r", "hinge", "femur_r", (1, 0, 0), limits=(-0.7, 0.4)),
    joint("hip_arot_r", "hinge", "femur_r", (0, -1, 0), limits=(-0.6, 0.8)),
    joint("knee_flex_r", "hinge", "tibia_r", (0, 0, -1), limits=(0.0, 2.5)),
    joint("patella_slide", "slide", "patella_r", (0, 1, 0), limits=(-0.02, 0.03), reference=0.01),
    joint("patella_tilt", "hinge", "patella_r", (0, 0, 1), position=(0.01, 0.02, 0.003)),
    joint("ankle_flex_r", "hinge", "talus_r", (-0.105, -0.174, 0.979), limits=(-0.9, 0.6)),
    joint("shoulder_r", "ball", "humerus_r", limits=(0.0, 2.9)),
    joint("hip_flex_l", "hinge", "femur_l", (0, 0, 1)),
    joint("glide_l", "slide", "tibia_l", (0, 1, 0), limits=(-0.01, 0.03), reference=0.01),
)


def standing(*, turned: bool = False) -> Character:
    rotations = np.tile(IDENTITY, (len(NAMES), 1))
    rotations[1] = FACING
    if turned:
        more = np.random.default_rng(5).normal(size=(len(NAMES), 4))
        rotations = more / np.linalg.norm(more, axis=1, keepdims=True)
    return Character(
        title="Größe 1",
        names=NAMES,
        parents=PARENTS,
        positions=np.array(OFFSETS, float),
        rotations=rotations,
        joints=JOINTS,
    )


def assert_same(found: Character | None, wanted: Character) -> None:
    assert found is not None
    assert (found.title, found.names) == (wanted.title, wanted.names)
    np.testing.assert_array_equal(found.parents, wanted.parents)
    np.testing.assert_allclose(found.positions, wanted.positions, atol=1e-6)
    signs = np.sign(np.sum(found.rotations * wanted.rotations, axis=1, keepdims=True))
    np.testing.assert_allclose(found.rotations * signs, wanted.rotations, atol=1e-6)
    assert found.coordinate_names == wanted.coordinate_names
    for one, other in zip(found.joints, wanted.joints, strict=True):
        assert (one.name, one.kind, one.body) == (other.name, other.kind, other.body)
        assert (one.reference, one.limits) == (other.reference, other.limits)
        np.testing.assert_allclose(one.position, other.position, atol=1e-9)
        if one.kind in ("hinge", "slide"):
            np.testing.assert_array_equal(one.axis, other.axis)


@pytest.mark.parametrize("turned", [False, True])
def test_bones_are_bodies_at_their_references(turned: bool) -> None:
    character = standing(turned=turned)
    built = character_armature.build(character, name="Anna")
    positions, rotations = forward.poses(character, forward.reference_coordinates(character)[None])
    for index, name in enumerate(NAMES):
        bone = built.data.bones[name]
        np.testing.assert_allclose(bone.head_local, positions[0, index], atol=1e-6)
        rest = np.array(bone[armature.BODY_REST])
        assert abs(rest @ rotations[0, index]) == pytest.approx(1.0, abs=1e-9)
    assert built.users_scene


@pytest.mark.parametrize("turned", [False, True])
def test_the_character_is_read_back(turned: bool) -> None:
    character = standing(turned=turned)
    built = character_armature.build(character, name="Anna")
    assert_same(joint_definitions.read(built), character)


def test_people_can_read_the_joints() -> None:
    built = character_armature.build(standing(), name="Anna")
    row = json.loads(built.data.bones["patella_r"]["myosapiens_joints"])
    assert row["body"] == "patella_r"
    assert row["joints"][0] == {
        "name": "patella_slide",
        "kind": "slide",
        "axis": [0.0, 1.0, 0.0],
        "position": [0.0, 0.0, 0.0],
        "reference": 0.01,
        "limits": [-0.02, 0.03],
        "coordinates": ["patella_slide"],
    }
    assert "Größe 1" in built.data["myosapiens_character"]


def test_an_armature_without_definitions_has_none() -> None:
    assert joint_definitions.read(armature.build(moving(), name="Bob")) is None
    built = character_armature.build(standing(), name="Anna")
    joint_definitions.remove(built)
    assert joint_definitions.read(built) is None
    assert not [bone for bone in built.data.bones if "myosapiens_joints" in bone]


@pytest.mark.parametrize("link", [False, True])
def test_definitions_travel_with_the_file(tmp_path: Path, link: bool) -> None:
    character = standing()
    character_armature.build(character, name="Anna")
    file = str(tmp_path / "anna.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(file, link=link) as (_there, here):
        here.objects = ["Anna"]
    found = bpy.data.objects["Anna"]
    bpy.context.scene.collection.objects.link(found)
    assert_same(joint_definitions.read(found), character)
    if link:
        with pytest.raises(RigError, match="linked from another file"):
            joint_definitions.write(found, character)


def test_scaled_and_edited_armatures() -> None:
    character = standing()
    built = character_armature.build(character, name="Anna")
    # As a rig in centimetres: the bones a hundred times as long, the object scaled down.
    built.data.transform(Matrix.Scale(100.0, 4))
    built.scale = (0.01, 0.01, 0.01)
    assert_same(joint_definitions.read(built), character)
    built.scale = (0.02, 0.02, 0.02)
    larger = joint_definitions.read(built)
    assert larger is not None
    np.testing.assert_allclose(larger.positions, 2.0 * character.positions, atol=2e-6)
    np.testing.assert_allclose(larger.joints[6].position, [0.02, 0.04, 0.006], atol=1e-6)
    built.data.transform(Matrix.Scale(0.01, 4))
    built.scale = (1.0, 1.0, 1.0)
    edit(built, lambda bones: setattr(bones["lunate_r"], "head", (0.3, 0.1, 0.2)))
    edited = joint_definitions.read(built)
    assert edited is not None
    motion = character_armature.at_rest(edited)
    head = motion.rest_positions[NAMES.index("lunate_r")]
    np.testing.assert_allclose(head, [0.3, 0.1, 0.2], atol=1e-6)


def edit(built: bpy.types.Object, change: Change) -> None:
    bpy.context.view_layer.objects.active = built
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        change(built.data.edit_bones)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def test_bones_between_and_beside_do_no_harm() -> None:
    built = character_armature.build(standing(), name="Anna")

    def insert(bones: bpy.types.ArmatureEditBones) -> None:
        extra = bones.new("twist")
        extra.head, extra.tail = bones["tibia_r"].head, bones["tibia_r"].tail
        extra.parent = bones["femur_r"]
        bones["tibia_r"].parent = extra

    edit(built, insert)
    assert_same(joint_definitions.read(built), standing())


def spoil_bone(text: str) -> Change:
    def change(built: bpy.types.Object) -> None:
        built.data.bones["tibia_r"]["myosapiens_joints"] = text

    return change


def spoil_joint(key: str, value: object) -> Change:
    def change(built: bpy.types.Object) -> None:
        bone = built.data.bones["tibia_r"]
        row = json.loads(bone["myosapiens_joints"])
        row["joints"][0][key] = value
        bone["myosapiens_joints"] = json.dumps(row)

    return change


def spoil_top(key: str, value: object) -> Change:
    def change(built: bpy.types.Object) -> None:
        top = json.loads(built.data["myosapiens_character"])
        built.data["myosapiens_character"] = json.dumps({**top, key: value})

    return change


def copy_bone(built: bpy.types.Object) -> None:
    bones = built.data.bones
    bones["femur_l"]["myosapiens_joints"] = bones["femur_r"]["myosapiens_joints"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: setattr(b.data.bones["tibia_r"], "name", "Shin"), "'Shin' .* called 'tibia_r'"),
        (
            lambda b: edit(b, lambda bones: bones.remove(bones["patella_r"])),
            "no bone for the body 'patella_r'",
        ),
        (
            lambda b: edit(b, lambda bones: setattr(bones["tibia_l"], "parent", bones["root"])),
            "'tibia_l' .* hangs under 'root' instead of 'femur_l'",
        ),
        (
            lambda b: edit(b, lambda bones: setattr(bones["tibia_l"], "parent", None)),
            "'tibia_l' .* hangs under 'no bone' instead of 'femur_l'",
        ),
        (copy_bone, "Two bones .* 'femur_r' and 'femur_l'"),
        (lambda b: b.data.bones["talus_r"].pop("myosapiens_body_rest"), "'talus_r' lost"),
        (lambda b: b.data.bones["talus_r"].pop("myosapiens_joints"), "body 'talus_r'"),
        (spoil_bone("[" * 100_000), "'tibia_r' .* cannot be read"),
        (spoil_bone("3"), "'tibia_r' .* cannot be read"),
        (spoil_bone('{"body": "tibia_r"}'), "'tibia_r' have no 'joints'"),
        (spoil_bone('{"body": "tibia_r", "joints": []}'), "such as 'knee_flex_r'"),
        (spoil_bone('{"body": "tibia_r", "joints": ["x"]}'), "'tibia_r' is damaged"),
        (spoil_joint("kind", "screw"), "'tibia_r' is damaged"),
        (spoil_joint("axis", [1, 0]), "'tibia_r' is damaged"),
        (spoil_joint("limits", [0]), "'tibia_r' is damaged"),
        (spoil_joint("reference", "NaN"), "'tibia_r' is damaged"),
        (spoil_joint("name", "hip_flex_r"), "'hip_flex_r' .* two bones, 'femur_r' and 'tibia_r'"),
        (spoil_top("bodies", [["a", "b"]]), "no tree of bodies"),
        (spoil_top("bodies", [["root"]]), "no tree of bodies"),
        (spoil_top("bodies", None), "no 'bodies'"),
        (spoil_top("title", 3), "no 'title'"),
        (spoil_top("joints", [["x"]]), "joints"),
    ],
)
def test_damaged_definitions_are_told(change: Change, said: str) -> None:
    built = character_armature.build(standing(), name="Anna")
    change(built)
    with pytest.raises(RigError, match=said) as told:
        joint_definitions.read(built)
    assert told.value.sentence.endswith(".")


def test_definitions_are_not_written_where_they_do_not_fit() -> None:
    character = standing()
    built = character_armature.build(character, name="Anna")
    others = replace(character, names=(*NAMES[:-1], "shank_l"))
    with pytest.raises(RigError, match="no bone for the body 'shank_l'"):
        joint_definitions.write(built, others)
    bpy.context.view_layer.objects.active = built
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RigError, match="Edit Mode"):
        joint_definitions.write(built, character)
    bpy.ops.object.mode_set(mode="OBJECT")
    long = replace(character, names=("ö" * 32, *NAMES[1:]))
    with pytest.raises(RigError, match="too long for a bone"):
        character_armature.build(long, name="Long")
    assert [entry.name for entry in bpy.data.armatures] == ["Anna"]


def test_an_armature_of_a_take_gets_joints_from_a_preset() -> None:
    motion = moving()
    built = armature.build(motion, name="Bob")
    preset = joint_presets.for_names(["hip_flex_r", "knee_flex_r"])
    character = joint_definitions.with_preset(built, preset)
    assert set(character.names) == set(NAMES)
    knee = next(entry for entry in character.joints if entry.name == "knee_flex_r")
    assert character.names[knee.body] == "tibia_r"
    rest = character_armature.at_rest(character)
    order = [NAMES.index(name) for name in character.names]
    np.testing.assert_allclose(rest.rest_positions, motion.rest_positions[order], atol=1e-6)
    joint_definitions.write(built, character)
    assert_same(joint_definitions.read(built), character)
    bare = bpy.data.objects.new("Bare", bpy.data.armatures.new("Bare"))
    with pytest.raises(RigError, match="'Bare' is none that was built from a character"):
        joint_definitions.with_preset(bare, preset)


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
