# SPDX-License-Identifier: GPL-3.0-or-later
"""Numeric outputs, matched to a character's coordinates by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, OutputError
from . import chains
from .angle_names import (
    BALL_ORDER,
    angles_by_letter,
    axes_of,
    ball_angle_names,
    ball_columns,
    own_angle_names,
    root_columns,
)
from .character import JointKind
from .matching import Filling, Matched, listed, on_missing, on_unused, start_filling

if TYPE_CHECKING:
    from .character import Character, Joint
    from .motion import FloatArray
    from .npz import NpzOutput
    from .parquet import QposOutput

# A quaternion whose length differs by more is none; smaller deviations come from interpolation.
LENGTH_TOLERANCE = 0.05
# Two turns: no joint goes there, and a knee in degrees does.
LARGEST_LIKELY_RAD = 4.0 * np.pi


def from_qpos(character: Character, qpos: QposOutput) -> Matched:
    """Match the columns of a `qpos.parquet` by their names.

    The free root's columns are those with `root` in their names where the model calls its root
    joint otherwise; a ball whose three angles are hinges in the character becomes these. Where
    no name but the root's is known and the number is right, they are taken in model order.

    Raises:
        OutputError: the columns are not this character's, or a rotation is none.
    """
    columns = dict(zip(qpos.names, qpos.values.T, strict=True))
    filling = start_filling(character, len(qpos.times))
    for joint in character.joints:
        _put_columns(qpos, filling, joint, columns)
    _put_root(qpos, filling, columns)
    _put_balls_as_hinges(qpos, filling, columns)
    below_root = [joint for joint in character.joints if joint.kind is not JointKind.FREE]
    if below_root and filling.known.isdisjoint(joint.name for joint in below_root):
        return _in_model_order(character, qpos)
    sentences = on_missing(qpos.name, filling) + on_unused(qpos.name, filling, qpos.names)
    return filling.matched(qpos.names, sentences)


def _put_columns(
    qpos: QposOutput, filling: Filling, joint: Joint, columns: dict[str, FloatArray]
) -> None:
    """Fill in a joint whose columns have exactly its names."""
    there = [name for name in joint.coordinate_names if name in columns]
    if len(there) == joint.width:
        values = np.stack([columns[name] for name in there], axis=1)
        filling.put(joint, _checked(qpos, joint, values), there)
    elif there and joint.kind is not JointKind.FREE:  # a root's columns have other names too
        lacking = next(name for name in joint.coordinate_names if name not in columns)
        raise OutputError(
            f"{qpos.name} has {there[0]} but no {lacking}; fetch the job's output again."
        )


def _checked(qpos: QposOutput, joint: Joint, values: FloatArray) -> FloatArray:
    """The joint's coordinates, its quaternion of unit length."""
    if joint.kind not in (JointKind.FREE, JointKind.BALL):
        return values
    unit = _unit(qpos, joint.name, values[:, -4:])
    return np.concatenate([values[:, :-4], unit], axis=1)


def _unit(qpos: QposOutput, joint: str, values: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    off = np.abs(lengths[:, 0] - 1.0) > LENGTH_TOLERANCE
    if np.any(off):
        raise OutputError(
            f"{qpos.name} has no rotation of unit length for the joint {joint[:60]} in frame "
            f"{int(np.argmax(off))}; fetch the job's output again, or use the model it was made "
            "with."
        )
    return values / lengths


def _put_root(qpos: QposOutput, filling: Filling, columns: dict[str, FloatArray]) -> None:
    """Fill in the first free joint by the columns that have `root` in their names."""
    names = root_columns([name for name in qpos.names if name not in filling.used])
    for joint in filling.open(JointKind.FREE)[:1] if names else ():
        values = np.stack([columns[name] for name in names], axis=1)
        filling.put(joint, _checked(qpos, joint, values), names)


def _put_balls_as_hinges(
    qpos: QposOutput, filling: Filling, columns: dict[str, FloatArray]
) -> None:
    """Fill in hinges that stand for the three angles of a ball."""
    hinges = {joint.name: joint for joint in filling.open(JointKind.HINGE)}
    for ball, group in ball_columns(qpos.names).items():
        names = ball_angle_names(ball)
        if filling.used.intersection(group) or not hinges.keys() >= set(names):
            continue
        rotations = _unit(qpos, ball, np.stack([columns[name] for name in group], axis=1))
        angles = chains.angles(axes_of(BALL_ORDER), rotations)
        for name, angle in zip(names, angles.T, strict=True):
            filling.put(hinges[name], angle[:, None], group)


def _in_model_order(character: Character, qpos: QposOutput) -> Matched:
    """Take the columns as they come.

    Raises:
        OutputError: there are more or fewer than the character has coordinates.
    """
    wanted = len(character.coordinate_names)
    if len(qpos.names) != wanted:
        raise OutputError(
            f"{qpos.name} has none of the joints of {character.title}, and {len(qpos.names)} "
            f"columns for {wanted} coordinates; use the model that it was made with."
        )
    filling = start_filling(character, len(qpos.times))
    for joint in character.joints:
        start = character.starts[joint.name]
        values = qpos.values[:, start : start + joint.width]
        filling.put(joint, _checked(qpos, joint, values), ())
    sentence = (
        f"{qpos.name} has none of the joint names of {character.title} but as many columns as it "
        "has coordinates; they were taken in the model's order."
    )
    return filling.matched((), (sentence,))


def from_angles(
    character: Character, npz: NpzOutput, *, order: str = "XYZ", degrees: bool = False
) -> Matched:
    """Match joint angles by their names; what is not there stays at its reference.

    One angle per joint: a hinge has its own name, a ball three (see `angle_names.py`). Three
    angles per joint: a ball's name or its body's gives its rotation; a hinge's name gives that
    part of the rotation that is about its axis; the name of a body with one to three hinges
    gives the angles of these that make the rotation, or come near to it.

    Args:
        character: whose coordinates are wanted.
        npz: the angles.
        order: in which three intrinsic angles of one joint stand and act, such as `ZXY`: the
            first turns first, the next about the axis as turned. The service's own names for
            the angles of its balls say their order themselves.
        degrees: whether the angles are in degrees. Coordinates of slides are in m anyway.

    Raises:
        InputError: the order is none.
        OutputError: the file names no joint of this character.
    """
    axes = axes_of(order)
    filling = start_filling(character, npz.frame_count)
    values = np.radians(npz.joint_angles) if degrees else npz.joint_angles
    if values.ndim == 2:
        columns = dict(zip(npz.joint_names, values.T, strict=True))
        _put_angles(filling, npz, columns, order)
    else:
        _put_rotations(filling, npz, values, axes)
    if not filling.known:
        raise OutputError(
            f"{npz.name} names no joint of {character.title} (it names "
            f"{listed(npz.joint_names)}); use the model that it was made with."
        )
    return filling.matched(npz.joint_names, _on_angles(filling, npz, values))


def _put_angles(
    filling: Filling, npz: NpzOutput, columns: dict[str, FloatArray], order: str
) -> None:
    for joint in filling.character.joints:
        if joint.kind is JointKind.HINGE and joint.name in columns:
            filling.put(joint, columns[joint.name][:, None], [joint.name])
        elif joint.kind is JointKind.SLIDE and joint.name in columns:
            place = npz.joint_names.index(joint.name)
            filling.put(joint, npz.joint_angles[:, place : place + 1], [joint.name])
        elif joint.kind is JointKind.BALL:
            _put_ball(filling, joint, columns, order)


def _put_ball(filling: Filling, joint: Joint, columns: dict[str, FloatArray], order: str) -> None:
    """Fill in a ball whose three angles all have a column."""
    by_letter = angles_by_letter(joint.name, order)
    for names, sequence in ((own_angle_names(joint.name), BALL_ORDER), (by_letter, order)):
        if names and columns.keys() >= set(names):
            angles = np.stack([columns[name] for name in names], axis=1)
            filling.put(joint, chains.rotation(axes_of(sequence), angles), names)
            return


def _put_rotations(filling: Filling, npz: NpzOutput, values: FloatArray, axes: FloatArray) -> None:
    """Three angles per name: names of joints first, then of bodies."""
    joints = {joint.name: joint for joint in filling.character.joints}
    bodies = {name: body for body, name in enumerate(filling.character.names)}
    for place, name in enumerate(npz.joint_names):
        if name in joints:
            rotations = chains.rotation(axes, values[:, place])
            _put_turning(filling, [joints[name]], rotations, name)
    for place, name in enumerate(npz.joint_names):
        if name in bodies and name not in filling.used:
            turning = [
                joint
                for joint in filling.open()
                if joint.body == bodies[name] and joint.kind is not JointKind.SLIDE
            ]
            rotations = chains.rotation(axes, values[:, place])
            _put_turning(filling, turning, rotations, name)


def _put_turning(filling: Filling, joints: list[Joint], rotations: FloatArray, name: str) -> None:
    """Fill in the joints that together make a rotation; nothing where they cannot."""
    kinds = [joint.kind for joint in joints]
    if kinds == [JointKind.BALL]:
        filling.put(joints[0], rotations, [name])
    elif can_invert(kinds):
        angles = hinge_coordinates(joints, rotations)
        for joint, angle in zip(joints, angles.T, strict=True):
            filling.put(joint, angle[:, None], [name])


def can_invert(kinds: list[JointKind]) -> bool:
    """Whether joints of these kinds are hinges, few enough that a rotation tells their angles."""
    return 0 < len(kinds) <= chains.MOST_AXES and set(kinds) == {JointKind.HINGE}


def hinge_coordinates(joints: list[Joint], rotations: FloatArray) -> FloatArray:
    """Coordinates (F, K) in rad of the hinges of one body that make rotations (F, 4) from rest."""
    axes = np.array([joint.axis for joint in joints])
    reference = np.array([joint.reference for joint in joints])
    limits = np.array([joint.limits or (-np.inf, np.inf) for joint in joints])
    return chains.angles(axes, rotations, limits - reference[:, None]) + reference


def _on_angles(filling: Filling, npz: NpzOutput, values: FloatArray) -> list[str]:
    sentences = on_missing(npz.name, filling) + on_unused(npz.name, filling, npz.joint_names)
    largest = float(np.max(np.abs(values)))
    if largest > LARGEST_LIKELY_RAD:
        sentences.append(
            f"{npz.name} turns a joint by {largest:.3g} rad; if its angles are in degrees, say so."
        )
    return sentences


def times_of(npz: NpzOutput, rate_hz: float | None = None) -> FloatArray:
    """The moments of its frames: (F,) in s from 0, which the file does not hold.

    Args:
        npz: the output.
        rate_hz: frames per second of the take; where it is None, what the metadata say.

    Raises:
        InputError: there is no rate, or it is not a positive number.
    """
    rate = npz.rate_hz if rate_hz is None else rate_hz
    if rate is None or not (np.isfinite(rate) and rate > 0.0):
        raise InputError(
            f"{npz.name} holds no times; give the rate at which the take was captured, in frames "
            "per second."
        )
    return np.arange(npz.frame_count) / rate
