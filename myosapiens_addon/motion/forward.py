# SPDX-License-Identifier: GPL-3.0-or-later
"""Forward kinematics: from the coordinates of a character to world poses of its bodies.

The convention is MuJoCo's ("Computation", https://mujoco.readthedocs.io): a body starts where
its parent carries it, then its joints act in order, each about its own anchor and axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from . import quaternion
from .character import JointKind
from .motion import Motion

if TYPE_CHECKING:
    from .character import Character, Joint
    from .motion import FloatArray

# Frames worked out at once: what they need in between stays in a processor's cache.
BLOCK_FRAMES = 2048


def reference_coordinates(character: Character) -> FloatArray:
    """The N coordinates at which every body stands as its definition places it (MuJoCo's qpos0)."""
    parts: list[FloatArray] = []
    for joint in character.joints:
        if joint.kind is JointKind.FREE:
            parts += [character.positions[joint.body], character.rotations[joint.body]]
        elif joint.kind is JointKind.BALL:
            parts.append(np.array([1.0, 0.0, 0.0, 0.0]))
        else:
            parts.append(np.array([joint.reference]))
    return np.concatenate([np.empty(0), *parts])


def poses(character: Character, coordinates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """World poses of all bodies.

    Args:
        character: whose coordinates they are; B bodies.
        coordinates: (F, N) rad, m and quaternions w x y z of any length but none, in model order.

    Returns:
        Positions (F, B, 3) in m and unit rotations (F, B, 4), w x y z.

    Raises:
        OutputError: there are more or fewer coordinates than the character has, one is no
            finite number, a quaternion has no length, or a body flies off to infinity.
    """
    _check(character, coordinates)
    frames, bodies = len(coordinates), len(character.names)
    positions, rotations = np.empty((frames, bodies, 3)), np.empty((frames, bodies, 4))
    acting = _joints_by_body(character)
    for start in range(0, frames, BLOCK_FRAMES):
        rows = slice(start, start + BLOCK_FRAMES)
        columns = np.ascontiguousarray(coordinates[rows].T, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            _pose(character, acting, columns, positions[rows], rotations[rows])
    if not np.all(np.isfinite(positions)):
        raise OutputError("The motion throws a body to infinity; its coordinates are damaged.")
    return positions, rotations


def motion(character: Character, coordinates: FloatArray, times: FloatArray) -> Motion:
    """The take that coordinates (F, N) at `times` (F,) in s describe, counted from its first frame.

    Raises:
        OutputError: see `poses`; or times and coordinates do not fit together.
    """
    if len(times) != len(coordinates) or not np.all(np.isfinite(times)):
        raise OutputError(
            f"The motion has {len(coordinates)} frames and {len(times)} times, or a time that is "
            "no finite number."
        )
    rest = poses(character, reference_coordinates(character)[None])
    positions, rotations = poses(character, coordinates)
    return Motion(
        names=character.names,
        parents=character.parents,
        rest_positions=rest[0][0],
        rest_rotations=rest[1][0],
        times=np.asarray(times, np.float64) - (times[0] if len(times) else 0.0),
        positions=positions,
        rotations=rotations,
    )


def _check(character: Character, coordinates: FloatArray) -> None:
    names = character.coordinate_names
    if coordinates.ndim != 2 or coordinates.shape[1] != len(names):
        raise OutputError(
            f"The motion has coordinates of shape {coordinates.shape}; {character.title} needs "
            f"{len(names)} in every frame. Use the model that the motion was made with."
        )
    finite = np.isfinite(coordinates)
    if not finite.all():
        frame, column = np.argwhere(~finite)[0]
        raise OutputError(
            f"The coordinate {names[column]} is no finite number in frame {frame}; the motion "
            "is damaged."
        )


@dataclass(frozen=True, kw_only=True)
class _Acting:
    """A joint, and its first coordinate."""

    joint: Joint
    start: int


def _joints_by_body(character: Character) -> list[list[_Acting]]:
    acting: list[list[_Acting]] = [[] for _name in character.names]
    for joint in character.joints:
        acting[joint.body].append(_Acting(joint=joint, start=character.starts[joint.name]))
    return acting


@dataclass(kw_only=True)
class _Pose:
    """Where a body stands in some frames: (F, 3) and (F, 4), or one pose for all."""

    position: FloatArray = field(default_factory=lambda: np.zeros(3))
    rotation: FloatArray = field(default_factory=lambda: np.array([1.0, 0.0, 0.0, 0.0]))


def _pose(
    character: Character,
    acting: list[list[_Acting]],
    columns: FloatArray,
    positions: FloatArray,
    rotations: FloatArray,
) -> None:
    """Fill in the poses of a block of frames; `columns` is (N, F)."""
    done: list[_Pose] = []
    parents: list[int] = character.parents.tolist()
    for body, parent in enumerate(parents):
        above = done[parent] if parent >= 0 else _Pose()
        offset = quaternion.rotate(above.rotation, character.positions[body])
        pose = _Pose(
            position=above.position + offset,
            rotation=quaternion.multiply(above.rotation, character.rotations[body]),
        )
        for each in acting[body]:
            joint = each.joint
            _act(pose, joint, columns[each.start : each.start + joint.width])
        pose.rotation = quaternion.normalised(pose.rotation)
        positions[:, body], rotations[:, body] = pose.position, pose.rotation
        done.append(pose)


def _act(pose: _Pose, joint: Joint, values: FloatArray) -> None:
    """Move a body by one joint; `values` is (width, F)."""
    if joint.kind is JointKind.FREE:
        pose.position, pose.rotation = values[:3].T, _unit(values[3:].T, joint)
    elif joint.kind is JointKind.SLIDE:
        way = quaternion.rotate(pose.rotation, joint.axis)
        pose.position = pose.position + way * (values[0] - joint.reference)[:, None]
    else:
        turn = _unit(values.T, joint) if joint.kind is JointKind.BALL else _turn(values[0], joint)
        anchor = pose.position + quaternion.rotate(pose.rotation, joint.position)
        pose.rotation = quaternion.multiply(pose.rotation, turn)
        pose.position = anchor - quaternion.rotate(pose.rotation, joint.position)


def _turn(angles: FloatArray, joint: Joint) -> FloatArray:
    """(F, 4) rotations of a hinge at coordinates (F,) in rad."""
    half = 0.5 * (angles - joint.reference)
    turn = np.empty((len(half), 4))
    turn[:, 0] = np.cos(half)
    turn[:, 1:] = np.sin(half)[:, None] * joint.axis
    return turn


def _unit(rotations: FloatArray, joint: Joint) -> FloatArray:
    """(F, 4) made unit.

    Raises:
        OutputError: one has no length.
    """
    # Divided by the largest part first: the square of a very large or small one has no digits.
    largest = np.max(np.abs(rotations), axis=-1, keepdims=True)
    if not np.all(largest > 0.0):
        raise OutputError(
            f"A rotation of the joint {joint.name} has no length; the motion is damaged."
        )
    return quaternion.normalised(rotations / largest)
