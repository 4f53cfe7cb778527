# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of output becomes the same motion on an armature, at the take's own speed."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    armature,
    character_armature,
    joint_definitions,
    joint_limits,
    reading,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.errors import InputError, MyoSapiensError, OutputError, RigError
from myosapiens_addon.motion import mjcf
from myosapiens_addon.motion.quaternion import angle_between
from tests.blender import posing, rig_builders
from tests.blender.outputs_bench import NEAR_M, land, moves_as
from tests.helpers import solved
from tests.helpers.motions import NAMES


def from_definition(tmp_path: Path, offsets: np.ndarray = solved.OFFSETS) -> bpy.types.Object:
    model = mjcf.read(solved.write_model(tmp_path / "definition.xml", offsets))
    return character_armature.build(model, name="Anna")


# From each file


def test_qpos_and_a_model_become_an_armature_with_joints(tmp_path: Path) -> None:
    take = solved.take()
    model = solved.write_model(tmp_path / "model.xml")
    found = land(take.write_qpos(tmp_path / "qpos.parquet"), model=str(model))
    moves_as(found.armature, take)
    assert (found.source, found.distance, found.shown_distance) == ("qpos.parquet", None, None)
    assert found.capture_rate_hz == pytest.approx(120.0)
    assert not found.warnings
    built = bpy.data.objects[found.armature]
    held = joint_definitions.read(built)
    assert held is not None
    assert {joint.name for joint in held.joints} == {joint.name for joint in solved.JOINTS}
    assert held.title == "small"
    assert not any(bone.constraints for bone in built.pose.bones)


@pytest.mark.parametrize("degrees", [False, True])
def test_npz_and_a_model_need_the_speed_only(tmp_path: Path, degrees: bool) -> None:
    take = solved.take()
    model = str(solved.write_model(tmp_path / "model.xml"))
    path = take.write_npz(tmp_path / "output.npz", degrees=degrees)
    with pytest.raises(InputError, match=r"output\.npz holds no times; give the rate"):
        land(path, model=model, angle_degrees=degrees)
    assert not bpy.data.objects
    found = land(path, model=model, angle_degrees=degrees, capture_rate_hz=120.0)
    moves_as(found.armature, take.angles_only())
    assert found.source == "output.npz"
    assert any("has no root" in warning for warning in found.warnings)


def test_degrees_taken_for_radians_are_noticed(tmp_path: Path) -> None:
    take = solved.take()
    path = take.write_npz(tmp_path / "output.npz", degrees=True)
    model = str(solved.write_model(tmp_path / "model.xml"))
    found = land(path, model=model, capture_rate_hz=120.0)
    assert any("in degrees, say so" in warning for warning in found.warnings)


def test_npz_on_an_armature_of_the_definition_needs_no_model(tmp_path: Path) -> None:
    take = solved.take(offsets=solved.larger(1.1, "tibia_r", "ulna_r"))
    from_definition(tmp_path, take.offsets)
    (tmp_path / "definition.xml").unlink()
    path = take.write_npz(tmp_path / "output.npz")
    found = land(path, armature="Anna", capture_rate_hz=120.0)
    moves_as("Anna", take.angles_only())
    assert found.armature == "Anna"
    assert not any("preset" in warning for warning in found.warnings)


def test_qpos_on_an_armature_of_the_definition_needs_no_model(tmp_path: Path) -> None:
    take = solved.take()
    built = from_definition(tmp_path)
    built.name = "Renamed"
    found = land(take.write_qpos(tmp_path / "qpos.parquet"))
    moves_as("Renamed", take)
    assert (found.armature, found.warnings) == ("Renamed", [])


def test_coordinates_on_an_armature_that_was_made_twice_as_large(tmp_path: Path) -> None:
    take = solved.take(offsets=2.0 * np.array(solved.OFFSETS))
    built = from_definition(tmp_path)
    built.scale = (2.0, 2.0, 2.0)
    land(take.write_npz(tmp_path / "output.npz"), armature="Anna", capture_rate_hz=120.0)
    heads = posing.evaluated("Anna", 1 + take.times * 24, NAMES)[..., :3, 3]
    wanted = take.angles_only().poses()[0]
    assert np.linalg.norm(heads - wanted, axis=-1).max() < NEAR_M


def test_npz_on_an_armature_of_a_glb_takes_the_preset_s_joints(tmp_path: Path) -> None:
    take = solved.take()
    own = land(take.write_glb(tmp_path / "motion.glb")).armature
    assert joint_definitions.read(bpy.data.objects[own]) is None
    other = solved.take(seed=5)
    path = other.write_npz(tmp_path / "output.npz")
    found = land(path, name="Other", armature=own, capture_rate_hz=120.0)
    moves_as(own, other.angles_only(), turned=0.05)
    said = [warning for warning in found.warnings if "no definitions of its joints" in warning]
    assert len(said) == 1
    assert "'MyoSkeleton'" in said[0]


def test_a_glb_and_a_model_put_joints_and_limits_on_a_new_armature(tmp_path: Path) -> None:
    take = solved.take()
    model = str(solved.write_model(tmp_path / "model.xml"))
    path = take.write_glb(tmp_path / "motion.glb")
    found = land(path, model=model, limits=True)
    moves_as(found.armature, take)
    built = bpy.data.objects[found.armature]
    held = joint_definitions.read(built)
    assert held is not None
    assert len(held.joints) == len(solved.JOINTS)
    limit = built.pose.bones["femur_r"].constraints[joint_limits.NAME]
    assert limit.min_x <= -1.0 or limit.max_x >= 1.0
    assert not built.pose.bones["femur_l"].constraints
    assert found.source == "motion.glb"
    # The armature can be told angles from now on.
    land(take.write_npz(tmp_path / "output.npz"), armature=found.armature, capture_rate_hz=120.0)
    moves_as(found.armature, take.angles_only())


def test_a_take_beyond_the_limits_is_shown_within_them_and_told(tmp_path: Path) -> None:
    take = solved.take()
    narrow = [
        joint
        if joint.name != "knee_flex_r"
        else solved.Joint(name=joint.name, body=joint.body, axis=joint.axis, limits=(0.0, 0.05))
        for joint in solved.JOINTS
    ]
    model = str(solved.write_model(tmp_path / "model.xml", joints=narrow))
    found = land(take.write_glb(tmp_path / "motion.glb"), model=model, limits=True)
    assert found.direction_error_deg > 5.0
    assert any("'tibia_r' points" in warning for warning in found.warnings)


def test_limits_without_a_definition_are_told(tmp_path: Path) -> None:
    found = land(solved.take().write_glb(tmp_path / "motion.glb"), limits=True)
    assert found.warnings == [
        "The armature has no joint limits: they are in the character's definition, and motion.glb "
        "comes without one; choose its model (MJCF XML)."
    ]


def test_limits_are_for_new_armatures_only(tmp_path: Path) -> None:
    built = from_definition(tmp_path)
    path = solved.take().write_glb(tmp_path / "motion.glb")
    land(path, armature="Anna", model=str(tmp_path / "definition.xml"), limits=True)
    assert not any(bone.constraints for bone in built.pose.bones)


def test_glb_and_qpos_are_one_pose(tmp_path: Path) -> None:
    take = solved.take(offsets=solved.larger(1.07, "femur_l", "tibia_l", "skull"))
    model = str(solved.write_model(tmp_path / "model.xml", take.offsets))
    one = land(take.write_glb(tmp_path / "motion.glb"), name="One", new_armature=True)
    path = take.write_qpos(tmp_path / "qpos.parquet")
    other = land(path, name="Other", model=model, new_armature=True)
    for rate, frames in (("capture", 1 + take.times * 24), ("scene", np.arange(1, 8))):
        if rate == "scene":
            land(tmp_path / "motion.glb", armature=one.armature, rate=rate)
            land(path, model=model, armature=other.armature, rate=rate)
        matrices = [posing.evaluated(each.armature, frames, NAMES) for each in (one, other)]
        np.testing.assert_allclose(matrices[0], matrices[1], atol=2e-5)
        assert np.ptp(matrices[0], axis=0).max() > 0.1


def test_the_glb_goes_before_the_other_files(tmp_path: Path) -> None:
    take, other = solved.take(), solved.take(seed=99)
    files = [
        other.write_npz(tmp_path / "output.npz"),
        other.write_qpos(tmp_path / "qpos.parquet"),
        take.write_glb(tmp_path / "motion.glb"),
    ]
    found = land(*files)
    moves_as(found.armature, take)
    assert found.source == "motion.glb"


# What is refused


def test_coordinates_without_any_character_are_refused(tmp_path: Path) -> None:
    path = solved.take().write_npz(tmp_path / "output.npz")
    with pytest.raises(InputError, match="choose its model"):
        land(path, capture_rate_hz=120.0)
    rig_builders.mixamo()
    with pytest.raises(InputError, match="choose its model"):
        land(path, armature="Armature", capture_rate_hz=120.0)
    assert not bpy.data.actions
    assert len(bpy.data.armatures) == 1


def test_a_model_of_another_character_is_refused(tmp_path: Path) -> None:
    path = solved.take().write_npz(tmp_path / "output.npz")
    model = tmp_path / "other.xml"
    model.write_text(
        '<mujoco model="crane"><worldbody><body name="boom"><geom size="1"/>'
        '<joint name="swing"/></body></worldbody></mujoco>'
    )
    with pytest.raises(OutputError, match="names no joint of crane"):
        land(path, model=str(model), capture_rate_hz=120.0)
    assert not bpy.data.objects


def test_a_model_that_is_none_or_gone_is_refused(tmp_path: Path) -> None:
    path = solved.take().write_glb(tmp_path / "motion.glb")
    with pytest.raises(InputError, match=r"model .*gone\.xml is not there"):
        land(path, model=str(tmp_path / "gone.xml"))
    broken = tmp_path / "broken.xml"
    broken.write_text("<mujoco><worldbody>")
    with pytest.raises(MyoSapiensError, match=r"broken\.xml"):
        land(path, model=str(broken))
    assert not bpy.data.objects
    assert not bpy.data.actions


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_capture_rate_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(InputError, match="capture rate"):
        land(solved.take().write_glb(tmp_path / "motion.glb"), capture_rate_hz=rate)


def test_an_armature_whose_joints_are_damaged_is_told_apart(tmp_path: Path) -> None:
    """Coordinates cannot land on it, and a GLB, which needs no joints, can."""
    take = solved.take()
    built = from_definition(tmp_path)
    built.data.bones["tibia_r"][joint_definitions.JOINTS] = "{"
    path = take.write_npz(tmp_path / "output.npz")
    with pytest.raises(RigError, match="'tibia_r'"):
        land(path, armature="Anna", capture_rate_hz=120.0)
    found = land(
        take.write_glb(tmp_path / "motion.glb"),
        armature="Anna", with_angles=True, key_angles=True,
    )  # fmt: skip
    moves_as("Anna", take)
    assert found.angles == 0
    assert [warning for warning in found.warnings if "'tibia_r'" in warning]


def test_long_names_of_bodies_in_a_glb_are_no_trouble(tmp_path: Path) -> None:
    path = solved.take().write_glb(tmp_path / "motion.glb")
    long = "toes_r" + "x" * 70
    raw = path.read_bytes()
    length = int.from_bytes(raw[12:16], "little")
    document = json.loads(raw[20 : 20 + length])
    for node in document["nodes"]:
        node["name"] = long if node["name"] == "toes_r" else node["name"]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = raw[20 + length :]
    head = raw[:8] + (20 + len(text) + len(rest)).to_bytes(4, "little")
    path.write_bytes(head + len(text).to_bytes(4, "little") + raw[16:20] + text + rest)
    with pytest.raises(MyoSapiensError, match="toes_rxxx"):
        land(path)
    assert not bpy.data.objects
    assert not bpy.data.armatures


# The real take


def test_the_real_take_s_joint_angles_turn_the_real_bodies(walk: Path) -> None:
    """By GLB, then by npz and the preset's axes, which are nearly the character's own."""
    pytest.importorskip("pyarrow", reason="pyarrow is not in this Python")
    names = json.loads((walk / "body_names.json").read_text())
    golden = np.load(walk / "golden_xquat.npy")
    found = land(walk / "motion_nomesh.glb", walk / "xpos.parquet")
    assert found.distance is not None
    assert found.distance.largest_mm < 0.01
    assert found.shown_distance is not None
    assert found.shown_distance.largest_mm < 0.05
    land(walk / "output.npz", armature=found.armature, take=str(walk / "take.c3d"))
    motion = reading.Wanted(files=(walk / "motion_nomesh.glb",), options=LandingOptions()).decode()
    rows = np.arange(0, 412, 41)
    turns = posing.body_poses(found.armature, 1 + rows / 120 * 24, motion.motion)[1]
    at = list(motion.motion.names).index
    near = {("femur_r", "pelvis"): 0.1, ("tibia_r", "femur_r"): 5.0, ("tibia_l", "femur_l"): 5.0}
    for (child, parent), degrees in near.items():
        shown = _between(turns[:, at(parent)], turns[:, at(child)])
        wanted = _between(golden[rows][:, names.index(parent)], golden[rows][:, names.index(child)])
        assert np.degrees(angle_between(shown, wanted)).max() < degrees, child
        assert np.degrees(angle_between(wanted, wanted[:1])).max() > 20.0


def test_the_real_coordinates_turn_the_real_character(walk: Path, real_character: Path) -> None:
    """The model's own lengths are not the subject's; what joints turn is the same."""
    pytest.importorskip("pyarrow", reason="pyarrow is not in this Python")
    names = json.loads((walk / "body_names.json").read_text())
    golden = np.load(walk / "golden_xquat.npy")
    found = land(walk / "qpos.parquet", model=str(real_character))
    wanted = reading.Wanted(
        files=(walk / "qpos.parquet",), options=LandingOptions(model=str(real_character))
    )
    motion = wanted.decode().motion
    rows = np.arange(0, 412, 41)
    turns = posing.body_poses(found.armature, 1 + rows / 120 * 24, motion)[1]
    order = [names.index(name) for name in motion.names]
    assert np.degrees(angle_between(turns, golden[rows][:, order])).max() < 0.01


def _between(parent: np.ndarray, child: np.ndarray) -> np.ndarray:
    from myosapiens_addon.motion import quaternion

    return quaternion.multiply(quaternion.conjugate(parent), child)


def test_an_armature_of_the_definition_is_not_built_twice(tmp_path: Path) -> None:
    """Its rest pose is that of the take: nothing of the armature changes when a take lands."""
    take = solved.take()
    built = from_definition(tmp_path)
    before = {bone.name: bone.matrix_local.copy() for bone in built.data.bones}
    land(take.write_glb(tmp_path / "motion.glb"), armature="Anna")
    moves_as("Anna", take)
    assert {bone.name: bone.matrix_local for bone in built.data.bones} == before
    assert len(bpy.data.armatures) == 1
    assert all(armature.BODY_REST in bone for bone in built.data.bones)
