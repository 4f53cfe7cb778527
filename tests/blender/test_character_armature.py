# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's armature: its joints travel on its bones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from myosapiens_addon.blender import (
    armature,
    character_armature,
    joint_definitions,
)
from myosapiens_addon.errors import RigError
from myosapiens_addon.motion import forward, joint_presets
from tests.blender.character_bench import Change, assert_same, edit, standing
from tests.helpers.motions import NAMES, moving


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
