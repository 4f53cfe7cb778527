# SPDX-License-Identifier: GPL-3.0-or-later
"""MuJoCo's view of a character definition, to hold the reader's against."""
# MuJoCo is a compiled module without types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import mujoco
import numpy as np

from myosapiens_addon.motion import forward
from myosapiens_addon.motion.character import Character, JointKind

KINDS = (JointKind.FREE, JointKind.BALL, JointKind.SLIDE, JointKind.HINGE)


def random_coordinates(model: mujoco.MjModel, frames: int, seed: int = 0) -> np.ndarray:
    """(F, N); quaternions of any length, as MuJoCo takes them."""
    random = np.random.default_rng(seed)
    return random.normal(size=(frames, model.nq)) * random.uniform(0.1, 3.0, size=(frames, 1))


def poses(model: mujoco.MjModel, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MuJoCo's own positions (F, B, 3) and rotations (F, B, 4), without the world."""
    data = mujoco.MjData(model)
    positions = np.empty((len(coordinates), model.nbody - 1, 3))
    rotations = np.empty((len(coordinates), model.nbody - 1, 4))
    for row, values in enumerate(coordinates):
        data.qpos = values
        mujoco.mj_kinematics(model, data)
        positions[row], rotations[row] = data.xpos[1:], data.xquat[1:]
    return positions, rotations


def rotations_differ_by(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference between quaternions, whose sign does not matter."""
    nearest = np.minimum(np.abs(a - b).max(axis=-1), np.abs(a + b).max(axis=-1))
    return float(nearest.max(initial=0.0))


def with_signs_of(wanted: np.ndarray, found: np.ndarray, model: mujoco.MjModel) -> np.ndarray:
    """Coordinates whose quaternions have the signs of others', which are the same rotations."""
    found = np.array(found)
    for kind, start in zip(model.jnt_type, model.jnt_qposadr, strict=True):
        first = {mujoco.mjtJoint.mjJNT_FREE: 3, mujoco.mjtJoint.mjJNT_BALL: 0}.get(kind)
        if first is not None:
            turn = slice(start + first, start + first + 4)
            found[turn] *= np.copysign(1.0, found[turn] @ wanted[turn])
    return found


def compare(character: Character, model: mujoco.MjModel, frames: int = 20) -> None:
    """Whether a character is what MuJoCo makes of the same definition, at rest and moving."""
    compare_trees(character, model)
    compare_joints(character, model)
    found = with_signs_of(model.qpos0, forward.reference_coordinates(character), model)
    np.testing.assert_allclose(found, model.qpos0, rtol=0, atol=1e-9)
    coordinates = np.vstack([model.qpos0, random_coordinates(model, frames)])
    positions, rotations = forward.poses(character, coordinates)
    wanted = poses(model, coordinates)
    np.testing.assert_allclose(positions, wanted[0], rtol=0, atol=1e-9)
    assert rotations_differ_by(rotations, wanted[1]) < 1e-9


def compare_trees(character: Character, model: mujoco.MjModel) -> None:
    named = [model.body(body).name for body in range(1, model.nbody)]
    assert [given or found for given, found in zip(named, character.names, strict=True)] == list(
        character.names
    )
    assert len(set(character.names)) == len(named)
    np.testing.assert_array_equal(character.parents, model.body_parentid[1:] - 1)
    np.testing.assert_allclose(character.positions, model.body_pos[1:], rtol=0, atol=1e-9)
    assert rotations_differ_by(character.rotations, model.body_quat[1:]) < 1e-9


def compare_joints(character: Character, model: mujoco.MjModel) -> None:
    assert len(character.joints) == model.njnt
    assert len({joint.name for joint in character.joints}) == model.njnt
    for index, joint in enumerate(character.joints):
        assert model.joint(index).name in {"", joint.name}
        assert joint.kind is KINDS[model.jnt_type[index]]
        assert joint.body == model.jnt_bodyid[index] - 1
        assert character.starts[joint.name] == model.jnt_qposadr[index]
        np.testing.assert_allclose(joint.position, model.jnt_pos[index], rtol=0, atol=1e-9)
        if joint.kind in {JointKind.HINGE, JointKind.SLIDE}:
            np.testing.assert_allclose(joint.axis, model.jnt_axis[index], rtol=0, atol=1e-9)
        assert (joint.limits is not None) == (
            bool(model.jnt_limited[index]) and joint.kind is not JointKind.FREE
        )
        if joint.limits is not None:
            np.testing.assert_allclose(joint.limits, model.jnt_range[index], rtol=1e-12)
