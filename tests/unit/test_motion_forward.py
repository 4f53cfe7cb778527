# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward kinematics: against MuJoCo, against what can be told by hand, and its refusals."""
# MuJoCo is a compiled module without types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import forward
from myosapiens_addon.motion.character import Character, Joint, JointKind
from tests.helpers import mjcf_oracle

HALF = np.sqrt(0.5)
NO_TURN = (1.0, 0.0, 0.0, 0.0)


def make_joint(name: str, kind: JointKind, body: int, **options: object) -> Joint:
    values = {"position": np.zeros(3), "axis": np.array([0.0, 0.0, 1.0]), **options}
    return Joint(name=name, kind=kind, body=body, **values)  # type: ignore[arg-type]


def make(*joints: Joint, bodies: int = 1) -> Character:
    """A chain along X: the first body in the world's origin, each 1 m further than its parent."""
    positions = np.tile([1.0, 0.0, 0.0], (bodies, 1))
    positions[0] = 0.0
    return Character(
        title="Chain",
        names=tuple(f"b{body}" for body in range(bodies)),
        parents=np.arange(-1, bodies - 1, dtype=np.int32),
        positions=positions,
        rotations=np.tile(NO_TURN, (bodies, 1)),
        joints=joints,
    )


# By hand


def test_a_hinge_turns_what_hangs_on_it() -> None:
    chain = make(make_joint("h", JointKind.HINGE, 0), bodies=2)
    positions, rotations = forward.poses(chain, np.array([[0.0], [np.pi / 2]]))
    np.testing.assert_allclose(positions[:, 1], [[1, 0, 0], [0, 1, 0]], atol=1e-15)
    np.testing.assert_allclose(rotations[1], [[HALF, 0, 0, HALF]] * 2, atol=1e-15)


def test_a_hinge_turns_about_its_anchor_from_its_reference() -> None:
    hinge = make_joint("h", JointKind.HINGE, 0, position=np.array([0.5, 0, 0]), reference=0.25)
    positions, rotations = forward.poses(make(hinge), np.array([[0.25 + np.pi]]))
    np.testing.assert_allclose(positions[0, 0], [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(np.abs(rotations[0, 0]), [0, 0, 0, 1], atol=1e-15)


def test_joints_act_in_order() -> None:
    turn = make_joint("h", JointKind.HINGE, 0)
    slide = make_joint("s", JointKind.SLIDE, 0, axis=np.array([1.0, 0, 0]), reference=2.0)
    turned_first = forward.poses(make(turn, slide), np.array([[np.pi / 2, 5.0]]))[0]
    moved_first = forward.poses(make(slide, turn), np.array([[5.0, np.pi / 2]]))[0]
    np.testing.assert_allclose(turned_first[0, 0], [0, 3, 0], atol=1e-15)
    np.testing.assert_allclose(moved_first[0, 0], [3, 0, 0], atol=1e-15)


def test_free_and_ball_take_their_rotation_as_it_is() -> None:
    free = make_joint("f", JointKind.FREE, 0)
    ball = make_joint("b", JointKind.BALL, 1, position=np.array([1.0, 0, 0]))
    row = [1.0, 2, 3, 2, 0, 0, 2, 1e-200, 0, 0, 1e-200]
    positions, rotations = forward.poses(make(free, ball, bodies=2), np.array([row]))
    np.testing.assert_allclose(positions[0, 0], [1, 2, 3], atol=1e-15)
    np.testing.assert_allclose(rotations[0, 0], [HALF, 0, 0, HALF], atol=1e-15)
    # The anchor is 2 m before the free body's origin, along its X, which now points to Y.
    np.testing.assert_allclose(positions[0, 1], [2, 4, 3], atol=1e-15)
    np.testing.assert_allclose(rotations[0, 1], [0, 0, 0, 1], atol=1e-15)


def test_reference_coordinates_give_the_pose_at_rest() -> None:
    joints = (
        make_joint("f", JointKind.FREE, 0),
        make_joint("b", JointKind.BALL, 1),
        make_joint("s", JointKind.SLIDE, 2, reference=0.5),
        make_joint("h", JointKind.HINGE, 2, reference=-0.25),
    )
    chain = make(*joints, bodies=3)
    chain = replace(chain, positions=chain.positions + np.array([0.0, 0.0, 0.9]))
    reference = forward.reference_coordinates(chain)
    np.testing.assert_array_equal(reference, [0, 0, 0.9, 1, 0, 0, 0, 1, 0, 0, 0, 0.5, -0.25])
    positions, rotations = forward.poses(chain, reference[None])
    np.testing.assert_allclose(positions[0], [[0, 0, 0.9], [1, 0, 1.8], [2, 0, 2.7]], atol=1e-15)
    np.testing.assert_allclose(rotations[0], [NO_TURN] * 3, atol=1e-15)


def test_a_character_without_joints_stands() -> None:
    chain = make(bodies=2)
    assert forward.reference_coordinates(chain).shape == (0,)
    positions, _rotations = forward.poses(chain, np.empty((3, 0)))
    np.testing.assert_array_equal(positions[:, 1], [[1, 0, 0]] * 3)


# Against MuJoCo

MODEL = """<mujoco><compiler angle="radian"/><worldbody>
<body name="a" pos="0.1 0.2 0.9" quat="0.6 0 0.8 0"><freejoint name="root"/><geom size=".1"/>
  <body name="b" pos="0 .1 .2" euler=".1 .2 .3"><geom size=".1"/>
    <joint name="s" type="slide" axis="1 2 3" ref=".1"/>
    <joint name="h" axis="0 1 1" pos=".1 .2 .3" ref="0.4"/>
    <joint name="g" axis="1 1 1" pos="0 .2 .1"/>
    <body name="c" pos=".3 .1 0"><joint name="ball" type="ball" pos=".1 .1 .1"/>
      <geom size=".1"/></body>
    <body name="f" pos="1 1 1"><geom size=".1"/></body></body></body>
<body name="d" pos="1 1 1"><joint name="q" type="ball"/><geom size=".1"/></body>
</worldbody></mujoco>"""


def of_mujoco(model: mujoco.MjModel) -> Character:
    """The character of a compiled model, without our reader."""
    bodies = range(1, model.nbody)
    return Character(
        title="model",
        names=tuple(model.body(body).name for body in bodies),
        parents=(model.body_parentid[1:] - 1).astype(np.int32),
        positions=model.body_pos[1:],
        rotations=model.body_quat[1:],
        joints=tuple(_joint_of(model, index) for index in range(model.njnt)),
    )


def _joint_of(model: mujoco.MjModel, index: int) -> Joint:
    kind = mjcf_oracle.KINDS[model.jnt_type[index]]
    has_reference = kind in {JointKind.SLIDE, JointKind.HINGE}
    return Joint(
        name=model.joint(index).name,
        kind=kind,
        body=int(model.jnt_bodyid[index]) - 1,
        position=model.jnt_pos[index],
        axis=model.jnt_axis[index],
        reference=float(model.qpos0[model.jnt_qposadr[index]]) if has_reference else 0.0,
    )


@pytest.mark.parametrize("frames", [1, forward.BLOCK_FRAMES, 3 * forward.BLOCK_FRAMES + 7])
def test_poses_are_mujocos(frames: int) -> None:
    model = mujoco.MjModel.from_xml_string(MODEL)
    coordinates = mjcf_oracle.random_coordinates(model, frames)
    positions, rotations = forward.poses(of_mujoco(model), coordinates)
    wanted = mjcf_oracle.poses(model, coordinates)
    np.testing.assert_allclose(positions, wanted[0], rtol=0, atol=1e-12)
    # The signs too: curves between frames depend on them.
    np.testing.assert_allclose(rotations, wanted[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-14)


def test_coordinates_may_lie_in_memory_as_they_like() -> None:
    model = mujoco.MjModel.from_xml_string(MODEL)
    coordinates = mjcf_oracle.random_coordinates(model, 5)
    strided = np.asfortranarray(np.repeat(coordinates, 2, axis=1))[:, ::2]
    positions, _rotations = forward.poses(of_mujoco(model), strided)
    wanted = mjcf_oracle.poses(model, coordinates)[0]
    np.testing.assert_allclose(positions, wanted, rtol=0, atol=1e-12)


def test_memory_is_little_more_than_the_output() -> None:
    chain = make(*[make_joint(f"h{body}", JointKind.HINGE, body) for body in range(72)], bodies=72)
    coordinates = np.linspace(-1.0, 1.0, 20_000 * 72).reshape(20_000, 72)
    tracemalloc.start()
    try:
        positions, rotations = forward.poses(chain, coordinates)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * (positions.nbytes + rotations.nbytes)


# A take


def test_a_motion_begins_at_zero_and_keeps_the_tree() -> None:
    chain = make(make_joint("h", JointKind.HINGE, 0, reference=1.0), bodies=2)
    motion = forward.motion(chain, np.array([[1.0], [1.0 + np.pi / 2]]), np.array([5.0, 5.5]))
    assert motion.names == chain.names
    np.testing.assert_array_equal(motion.parents, [-1, 0])
    np.testing.assert_allclose(motion.times, [0.0, 0.5])
    np.testing.assert_allclose(motion.rest_positions, [[0, 0, 0], [1, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(motion.rest_rotations, [NO_TURN] * 2, atol=1e-15)
    np.testing.assert_allclose(motion.positions[1, 1], [0, 1, 0], atol=1e-15)


# Refusals


@pytest.mark.parametrize(
    ("coordinates", "words"),
    [
        (np.zeros((2, 4)), r"shape \(2, 4\); Chain needs 5"),
        (np.zeros(5), r"shape \(5,\)"),
        (np.array([[0, 1, 0, 0, 0], [np.nan, 1, 0, 0, 0]]), "coordinate s is no finite .* frame 1"),
        (np.array([[0, 1, 0, np.inf, 0]]), "coordinate b_qy is no finite .* frame 0"),
        (np.array([[0.0, 0, 0, 0, 0]]), "rotation of the joint b has no length"),
        (np.array([[1.7e308, 1, 0, 0, 0]]), "throws a body to infinity"),
    ],
)
def test_damaged_coordinates(coordinates: np.ndarray, words: str) -> None:
    slide = make_joint("s", JointKind.SLIDE, 0, axis=np.array([2.0, 0, 0]))
    chain = make(slide, make_joint("b", JointKind.BALL, 0))
    with pytest.raises(OutputError, match=words):
        forward.poses(chain, coordinates)


def test_a_zero_rotation_far_into_the_take_is_found() -> None:
    coordinates = np.tile(NO_TURN, (2 * forward.BLOCK_FRAMES, 1))
    coordinates[-1] = 0.0
    with pytest.raises(OutputError, match="joint b has no length"):
        forward.poses(make(make_joint("b", JointKind.BALL, 0)), coordinates)


@pytest.mark.parametrize("times", [[0.0], [0.0, np.nan], [0.0, 0.0], []])
def test_times_that_do_not_fit(times: list[float]) -> None:
    chain = make(make_joint("h", JointKind.HINGE, 0))
    with pytest.raises(OutputError):
        forward.motion(chain, np.zeros((2, 1)), np.array(times))


def test_a_take_without_frames_is_refused() -> None:
    chain = make(make_joint("h", JointKind.HINGE, 0))
    with pytest.raises(OutputError, match="no frames"):
        forward.motion(chain, np.zeros((0, 1)), np.zeros(0))
