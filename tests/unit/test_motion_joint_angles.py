# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles as tables: the same from coordinates, from angles and from world poses."""
# MuJoCo is a compiled module without types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import dataclasses
from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from myosapiens_addon.errors import InputError, OutputError
from myosapiens_addon.motion import forward, glb, joint_angles, mjcf, npz, parquet
from myosapiens_addon.motion.character import JointKind
from myosapiens_addon.motion.joint_angles import JointAngles
from myosapiens_addon.motion.motion import Motion
from tests.helpers import mjcf_models, mjcf_oracle
from tests.helpers.outputs import figure, npz_output, qpos_output

FRAMES = 90
T = np.linspace(0.0, 1.0, FRAMES)
SHOULDER = ("shoulder_abdu_r", "humerus_arot_r", "shoulder_flex_r")


def columns_of(found: JointAngles, names: tuple[str, ...]) -> np.ndarray:
    return found.values[:, [found.names.index(name) for name in names]]


def swinging() -> np.ndarray:
    """(F, 16) coordinates of the figure; its arm goes up and over."""
    arm = np.stack([0.2 + 0.1 * T, 0.3 + 2.2 * T, 0.3 - 0.2 * T], axis=1)
    root = Rotation.from_euler("ZX", np.stack([2 * T, 0.3 * T], axis=1)).as_quat()
    legs = 0.6 * np.sin(np.outer(T, [6, 5, 4, 3, 2])) * [1, 0.5, 0.5, 0.02, 1]
    ball = Rotation.from_euler("XYZ", arm).as_quat()
    parts = [np.stack([T, 0 * T, 1 + 0 * T], axis=1), root[:, [3, 0, 1, 2]], legs]
    return np.concatenate([*parts, ball[:, [3, 0, 1, 2]]], axis=1)


def test_real_coordinates_give_the_angles_of_the_other_file(walk: Path) -> None:
    wanted = npz.read(walk / "output.npz")
    found = joint_angles.from_qpos(parquet.read_qpos(walk / "qpos.parquet"), slides=True)
    assert np.abs(columns_of(found, wanted.joint_names) - wanted.joint_angles).max() < 1e-6
    assert set(found.names) - set(wanted.joint_names) == {
        "abs_rx", "abs_ry", "abs_rz", "patella_rz_r", "patella_rz_l",
    }  # fmt: skip
    assert len(found.slide_names) == 10
    assert found.slide_values.shape == (412, 10)
    again = joint_angles.from_npz(wanted, rate_hz=120.0)
    np.testing.assert_allclose(again.times, found.times, atol=1e-9)
    assert again.names == wanted.joint_names


def test_a_character_and_column_names_say_the_same(walk: Path) -> None:
    character = mjcf.read(mjcf_models.of_package())
    qpos = parquet.read_qpos(walk / "qpos.parquet")
    one = joint_angles.from_qpos(qpos, slides=True)
    other = joint_angles.from_qpos(qpos, character, slides=True)
    assert one.names == other.names
    assert one.slide_names == other.slide_names
    np.testing.assert_allclose(one.values, other.values, atol=1e-12)
    assert np.array_equal(one.slide_values, other.slide_values)


def test_real_world_poses_give_the_angles(walk: Path) -> None:
    """From a GLB, whose rotations are 32-bit floats, and a model of other lengths."""
    character = mjcf.read(mjcf_models.of_package())
    found = joint_angles.from_motion(character, glb.read(walk / "motion_nomesh.glb"))
    wanted = npz.read(walk / "output.npz")
    off = np.degrees(np.abs(columns_of(found, wanted.joint_names) - wanted.joint_angles))
    assert off.max() < 1e-4
    assert found.notes == ()


def test_real_coordinates_there_and_back(walk: Path) -> None:
    character = mjcf.read(mjcf_models.of_package())
    qpos = parquet.read_qpos(walk / "qpos.parquet")
    wanted = joint_angles.from_qpos(qpos, character)
    motion = forward.motion(character, qpos.values, qpos.times)
    found = joint_angles.from_motion(character, motion)
    assert found.names == wanted.names
    assert np.abs(found.values - wanted.values).max() < 1e-9


MODEL = """<mujoco><compiler angle="radian"/><worldbody>
<body name="root" pos="0 0 1" euler="0.2 0.1 0.5"><freejoint name="root"/><geom size=".1"/>
 <body name="hub" pos=".1 .2 0" euler="0.4 0 0.1"><geom size=".1"/>
  <body name="three" pos="0 .3 .1" euler="0 0.7 0.2"><geom size=".1"/>
   <joint name="a" axis="0.2 -0.1 1" pos=".05 0 0" range="-2 2"/>
   <joint name="glide" type="slide" axis="1 0 0"/>
   <joint name="b" axis="1 0.3 -0.2" range="-1 1"/>
   <joint name="c" axis="-0.1 1 0.4" ref="0.3" range="-1.5 2"/>
   <body name="two" pos="0 0 .4"><geom size=".1"/>
    <joint name="d" axis="0.9 0.1 0.3" ref="-0.2"/><joint name="e" axis="-0.2 0.1 1"/>
    <body name="one" pos="0 .2 .4"><geom size=".1"/><joint name="f" axis="1 2 -3"/>
     <body name="arm" pos=".2 0 0" euler="1 0 0"><geom size=".1"/><joint name="ball" type="ball"/>
     </body></body></body></body></body>
 <body name="four"><geom size=".1"/><joint name="g" axis="1 0 0"/><joint name="h" axis="0 1 0"/>
  <joint name="i" axis="0 0 1"/><joint name="j" axis="1 0 0"/></body>
 <body name="both"><geom size=".1"/><joint name="k" axis="1 0 0"/>
  <joint name="l" type="ball"/></body>
</body></worldbody></mujoco>"""
HINGES = ("a", "b", "c", "d", "e", "f")


def simulated(folder: Path) -> tuple[Path, np.ndarray, Motion]:
    """MuJoCo's own poses of a model of slanted axes, and the hinges' coordinates (F, 6)."""
    path = folder / "model.xml"
    path.write_text(MODEL, encoding="utf-8")
    model = mujoco.MjModel.from_xml_path(str(path))
    rng = np.random.default_rng(5)
    swing = np.sin(np.outer(T, rng.uniform(2, 9, model.nq)) + rng.uniform(0, 6, model.nq)) * 0.9
    positions, rotations = mjcf_oracle.poses(model, swing)
    names = tuple(model.body(body).name for body in range(1, model.nbody))
    motion = Motion(
        names=names,
        parents=(model.body_parentid[1:] - 1).astype(np.int32),
        rest_positions=positions[0],
        rest_rotations=rotations[0],
        times=T,
        positions=positions,
        rotations=rotations,
    )
    places = [model.joint(name).qposadr[0] for name in HINGES]
    return path, swing[:, places], motion


def test_slanted_axes_against_mujoco(tmp_path: Path) -> None:
    path, wanted, motion = simulated(tmp_path)
    found = joint_angles.from_motion(mjcf.read(path), motion)
    assert np.abs(columns_of(found, HINGES) - wanted).max() < 1e-7
    arm, one = motion.names.index("arm"), motion.names.index("one")
    rest = mjcf.read(path).rotations[arm]
    turned = (
        Rotation.from_quat(rest[[1, 2, 3, 0]]).inv()
        * Rotation.from_quat(motion.rotations[:, one][:, [1, 2, 3, 0]]).inv()
        * Rotation.from_quat(motion.rotations[:, arm][:, [1, 2, 3, 0]])
    )
    angles = columns_of(found, ("ball_x", "ball_y", "ball_z"))
    assert (Rotation.from_euler("XYZ", angles).inv() * turned).magnitude().max() < 1e-9


def test_bodies_that_cannot_be_told_are_named(tmp_path: Path) -> None:
    path, _, motion = simulated(tmp_path)
    found = joint_angles.from_motion(mjcf.read(path), motion)
    assert found.notes == ("The joints of four, both have no angles in this motion.",)
    assert found.names == (*HINGES, "ball_x", "ball_y", "ball_z")


def without(motion: Motion, name: str) -> Motion:
    """The motion less one body whose children hang on its parent then."""
    gone = motion.names.index(name)
    keep = [row for row in range(len(motion.names)) if row != gone]
    parents = np.where(motion.parents == gone, motion.parents[gone], motion.parents)[keep]
    return dataclasses.replace(
        motion,
        names=tuple(motion.names[row] for row in keep),
        parents=(parents - (parents > gone)).astype(np.int32),
        rest_positions=motion.rest_positions[keep],
        rest_rotations=motion.rest_rotations[keep],
        positions=motion.positions[:, keep],
        rotations=motion.rotations[:, keep],
    )


def test_a_motion_without_a_body_that_never_turns(tmp_path: Path) -> None:
    path, wanted, motion = simulated(tmp_path)
    found = joint_angles.from_motion(mjcf.read(path), without(motion, "hub"))
    assert np.abs(columns_of(found, HINGES) - wanted).max() < 1e-7


def test_a_motion_without_a_body_that_turns(tmp_path: Path) -> None:
    path, wanted, motion = simulated(tmp_path)
    found = joint_angles.from_motion(mjcf.read(path), without(motion, "two"))
    assert found.names[:3] == ("a", "b", "c")
    assert np.abs(columns_of(found, HINGES[:3]) - wanted[:, :3]).max() < 1e-7
    assert found.notes == ("The joints of two, one, four, both have no angles in this motion.",)


def test_a_motion_of_another_character(tmp_path: Path) -> None:
    _, _, motion = simulated(tmp_path)
    with pytest.raises(OutputError, match="no joint whose angle"):
        joint_angles.from_motion(figure(), motion)


def test_a_ball_runs_on_past_a_quarter_turn() -> None:
    values = swinging()
    found = joint_angles.from_coordinates(figure(), values, T, slides=True)
    assert found.names == (
        "hip_flex_r", "hip_abdu_r", "hip_arot_r", "patella_rz_r", *SHOULDER,
    )  # fmt: skip
    assert found.slide_names == ("patella_ty_r",)
    assert np.array_equal(found.slide_values[:, 0], values[:, 10])
    assert np.array_equal(columns_of(found, ("hip_flex_r",))[:, 0], values[:, 7])
    arm = columns_of(found, SHOULDER)
    assert np.abs(np.diff(arm, axis=0)).max() < 0.1
    made = Rotation.from_euler("XYZ", arm)
    wanted = Rotation.from_quat(values[:, [13, 14, 15, 12]])
    assert (made.inv() * wanted).magnitude().max() < 1e-7


def test_joints_that_the_file_lacks_have_no_column() -> None:
    qpos = qpos_output({"hip_flex_r": T, "patella_ty_r": T})
    found = joint_angles.from_qpos(qpos, figure(), slides=True)
    assert (found.names, found.slide_names) == (("hip_flex_r",), ("patella_ty_r",))
    assert joint_angles.from_qpos(qpos).names == ("hip_flex_r",)
    assert joint_angles.from_qpos(qpos).slide_values.shape == (FRAMES, 0)


@pytest.mark.parametrize("axes", [("tx", "ty", "tz"), ("x", "y", "z")])
def test_roots_are_left_out_whatever_they_are_called(axes: tuple[str, ...]) -> None:
    names = [f"my_root_{part}" for part in (*axes, "qw", "qx", "qy", "qz")]
    root = dict(zip(names, swinging()[:, :7].T, strict=True))
    assert joint_angles.from_qpos(qpos_output({**root, "knee": T})).names == ("knee",)
    with pytest.raises(OutputError, match="no joint whose angle"):
        joint_angles.from_qpos(qpos_output(root))


def test_three_angles_per_joint_have_three_names() -> None:
    angles = np.stack([T, 2 * T, 3 * T], axis=1)
    output = npz_output({"hip": np.degrees(angles), "knee": np.degrees(-angles)})
    found = joint_angles.from_npz(output, rate_hz=50.0, order="ZXY", degrees=True)
    assert found.names == ("hip_z", "hip_x", "hip_y", "knee_z", "knee_x", "knee_y")
    np.testing.assert_allclose(found.values, np.concatenate([angles, -angles], axis=1))
    with pytest.raises(InputError, match="give the rate"):
        joint_angles.from_npz(output)


def test_hinge_kinds_are_the_ones_with_angles(tmp_path: Path) -> None:
    """No root and no slide ever becomes a column of angles."""
    character = mjcf.read(simulated(tmp_path)[0])
    rest = forward.reference_coordinates(character)
    found = joint_angles.from_coordinates(character, np.tile(rest, (2, 1)), np.array([0.0, 1.0]))
    hinges = [each.name for each in character.joints if each.kind is JointKind.HINGE]
    assert [name for name in found.names if not name.endswith(("_x", "_y", "_z"))] == hinges
