# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations in the mode a bone is animated in, as continuous curves.

Blender's Euler order `XYZ` turns about X first: the matrix is Rz Ry Rx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import RigError
from ..motion import quaternion

if TYPE_CHECKING:
    from ..motion.motion import FloatArray

PATHS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
EULER_PATH = "rotation_euler"
EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
# Below this angle (rad) an axis has no direction of its own.
SMALL_ANGLE_RAD = 1e-7
SMALL_AXIS = 1e-12


def channels(mode: str, rotations: FloatArray) -> tuple[str, FloatArray]:
    """The animated property and its values for one bone.

    Args:
        mode: Blender's rotation mode.
        rotations: (F, 4) unit quaternions w x y z, continuous in sign.

    Returns:
        The property's name, and (F, 4) or (F, 3) values in Blender's component order.

    Raises:
        RigError: the mode is unknown.
    """
    if mode == "QUATERNION":
        return PATHS[mode], rotations
    if mode == "AXIS_ANGLE":
        return PATHS[mode], _axis_angle(rotations)
    if mode in EULER_ORDERS:
        return EULER_PATH, euler(mode, rotations)
    raise RigError(f"A bone has the rotation mode {mode!r}, which cannot be animated.")


def rotations(mode: str, values: FloatArray) -> FloatArray:
    """Unit quaternions (F, 4) of channel values (F, 4) or (F, 3): the inverse of `channels`."""
    if mode == "QUATERNION":
        return quaternion.normalised(values)
    if mode == "AXIS_ANGLE":
        length = np.linalg.norm(values[:, 1:], axis=1)
        has_axis = length > SMALL_AXIS
        axis = values[:, 1:] / np.where(has_axis, length, 1.0)[:, None]
        # An axis that passes through nothing between two keys: Blender takes it for no rotation.
        return _turns_about(axis, np.where(has_axis, values[:, 0], 0.0))
    out = np.tile([1.0, 0.0, 0.0, 0.0], (len(values), 1))
    for letter in mode:
        axis = np.eye(3)["XYZ".index(letter)]
        out = quaternion.multiply(_turns_about(axis, values[:, "XYZ".index(letter)]), out)
    return out


def _turns_about(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotations (F, 4) about (…, 3) unit axes by (F,) rad."""
    sine = np.sin(angle / 2.0)[:, None] * axis
    return np.concatenate([np.cos(angle / 2.0)[:, None], sine], axis=1)


def euler(order: str, rotations: FloatArray) -> FloatArray:
    """Euler angles (F, 3) in rad as X, Y, Z components, without jumps from frame to frame.

    Of the two triples that give a rotation, and all their turns by 2π, each frame takes the
    one nearest to the frame before.
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = quaternion.to_matrix(rotations)
    # R = R_k R_j R_i, so row k of column i is -sign · sin(angle_j).
    middle = np.arcsin(np.clip(-sign * m[:, k, i], -1.0, 1.0))
    first = np.arctan2(sign * m[:, k, j], m[:, k, k])
    last = np.arctan2(sign * m[:, j, i], m[:, i, i])
    angles = np.empty((len(rotations), 3))
    angles[:, i], angles[:, j], angles[:, k] = first, middle, last
    return _nearest_triples(angles, middle=j)


def _nearest_triples(angles: FloatArray, *, middle: int) -> FloatArray:
    other = angles + np.pi
    other[:, middle] = np.pi - angles[:, middle]
    # Going over to the other triple keeps distances (it is a reflection and shifts), so whether
    # to go over between two frames does not depend on which triple the frame before took.
    stay, change = _turns(angles[1:] - angles[:-1]), _turns(other[1:] - angles[:-1])
    changes = np.sum(change**2, axis=1) < np.sum(stay**2, axis=1)
    took_other = np.concatenate([[False], np.cumsum(changes) % 2 == 1])
    return np.unwrap(np.where(took_other[:, None], other, angles), axis=0)


def _turns(differences: FloatArray) -> FloatArray:
    """Differences of angles without whole turns: −π to π."""
    return differences - 2.0 * np.pi * np.round(differences / (2.0 * np.pi))


def _axis_angle(rotations: FloatArray) -> FloatArray:
    """Angle in rad and axis (F, 4), the axis carried on through frames without rotation."""
    sine = np.linalg.norm(rotations[:, 1:], axis=1)
    angle = 2.0 * np.arctan2(sine, rotations[:, 0])
    turned = sine > SMALL_ANGLE_RAD
    axis = np.where(turned[:, None], rotations[:, 1:] / np.where(turned, sine, 1.0)[:, None], 0.0)
    if not turned.any():
        axis[:] = (0.0, 1.0, 0.0)
    else:
        latest = np.maximum.accumulate(np.where(turned, np.arange(len(turned)), -1))
        latest[latest < 0] = int(np.argmax(turned))
        axis = axis[latest]
    signs = np.ones(len(axis))
    signs[1:] = np.cumprod(np.where(quaternion.dot(axis[1:], axis[:-1]) < 0.0, -1.0, 1.0))
    out = np.empty((len(axis), 4))
    out[:, 0] = np.unwrap(angle * signs)
    out[:, 1:] = axis * signs[:, None]
    return out
