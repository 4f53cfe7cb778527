# SPDX-License-Identifier: GPL-3.0-or-later
"""What names of bones say."""

from __future__ import annotations

import pytest

from myosapiens_addon.retarget.mapping import names
from myosapiens_addon.retarget.mapping.names import Name


def read(name: str) -> Name:
    return names.read_all([name])[0]


@pytest.mark.parametrize(
    ("name", "role", "side"),
    [
        ("mixamorig:LeftForeArm", "forearm", ".L"),
        ("LeftHandThumb1", "thumb", ".L"),
        ("Bip01 R Finger12", "index", ".R"),
        ("Bip001_L_Finger0", "thumb", ".L"),
        ("upper_arm_fk.L", "upper_arm", ".L"),
        ("leg_upper_R", "thigh", ".R"),
        ("lowerarm_l", "forearm", ".L"),
        ("J_Bip_R_UpperLeg", "thigh", ".R"),
        ("J_Bip_C_UpperChest", "spine", ""),
        ("CC_Base_NeckTwist01", "neck", ""),
        ("lShldrBend", "upper_arm", ".L"),
        ("rThighBend", "thigh", ".R"),
        ("thigh_stretch.l", "thigh", ".L"),
        ("RightUpLeg", "thigh", ".R"),
        ("rightupleg", "thigh", ".R"),
        ("LEFT_WRIST", "hand", ".L"),
        ("ball_l", "toe", ".L"),
        ("Hips", "pelvis", ""),
        ("hip", "pelvis", ""),
        ("LeftHip", "thigh", ".L"),
        ("lumbar_spine_5", "spine", ""),
        ("f_index.02.R", "index", ".R"),
        ("左腕", "upper_arm", ".L"),
        ("右ひじ", "forearm", ".R"),
        ("左手首", "hand", ".L"),
        ("左足", "thigh", ".L"),
        ("右ひざ", "shin", ".R"),
        ("左足首", "foot", ".L"),
        ("右足先ＥＸ", "toe", ".R"),
        ("左人指１", "index", ".L"),
        ("上半身2", "spine", ""),
        ("下半身", "pelvis", ""),
        ("ひざ.L", "shin", ".L"),
        ("Oberschenkel.L", "thigh", ".L"),
        ("Unterarm_R", "forearm", ".R"),
        ("Schlüsselbein.L", "clavicle", ".L"),
        ("Hals", "neck", ""),
        ("antebrazo_izq", "forearm", ".L"),
        ("MusloDerecha", "thigh", ".R"),
        ("avant_bras_gauche", "forearm", ".L"),
        ("cuisse.d", "thigh", ".R"),
        ("coscia_sx", "thigh", ".L"),
        ("ginocchio_destro", "shin", ".R"),
        ("左小腿", "shin", ".L"),
        ("右前臂", "forearm", ".R"),
    ],
)
def test_part_and_side(name: str, role: str, side: str) -> None:
    found = read(name)
    assert (found.sure, found.side) == (role, side)
    assert (found.helper, found.twist, found.metacarpal) == (False, False, False)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LeftShoulder", {"clavicle", "upper_arm"}),
        ("LeftArm", {"upper_arm", "forearm"}),
        ("LeftLeg", {"thigh", "shin"}),
        ("left_foot", {"foot", "toe"}),
    ],
)
def test_names_that_may_mean_more(name: str, meant: set[str]) -> None:
    assert read(name).roles == meant
    assert read(name).sure == ""


@pytest.mark.parametrize("name", ["左手捩", "LowerArm_Twist_01_L", "LUpArmTwist", "LeftArmRoll"])
def test_twists(name: str) -> None:
    assert read(name).twist


@pytest.mark.parametrize("name", ["index_metacarpal_l", "Palm.Index.L"])
def test_metacarpals(name: str) -> None:
    assert read(name).metacarpal


@pytest.mark.parametrize(
    "name",
    ["hand_ik.L", "左足ＩＫ", "knee_pole.R", "Head_end", "Bip01 HeadNub", "LeftEye", "hair_01",
     "SkirtFront_L", "sword.R", "upper_arm_tweak.L", "Left Heel"],
)  # fmt: skip
def test_helpers_and_what_is_none_of_the_body(name: str) -> None:
    assert read(name).helper
    assert not read(name).roles


@pytest.mark.parametrize(
    "name", ["", ".", "Bone.001", "左足D", "Handle", "Armor_L", "headband", "footprint", "L", "123"]
)
def test_names_that_say_nothing(name: str) -> None:
    assert not read(name).roles


def test_what_all_names_share_is_what_the_character_is_called() -> None:
    said = names.read_all([f"Kopf{part}" for part in ("Hips", "Spine", "Head")])
    assert not said[0].roles
    parts = ("Hips", "Spine", "Neck", "Head", "LeftArm", "RightArm", "LeftHand", "RightHand")
    assert [one.sure for one in names.read_all([f"Zoe_{part}" for part in parts])][:4] == [
        "pelvis",
        "spine",
        "neck",
        "head",
    ]
