# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations and vectors of one bone over all frames, component by component.

Here a quaternion is (4, F), w x y z, and a vector (3, F): each component lies in one piece, so
that a bone's arithmetic stays in the processor's cache. That makes it several times faster than
arrays over all bones and frames at once. One that does not change is (4,) or (3,) and mixes
with the others. Formulas as in `motion.quaternion`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..motion.motion import FloatArray

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
# Two directions closer than this (squared length of what separates them) need no swing; below
# it a vector has no direction of its own.
TINY = 1e-24
# A unit vector with a larger component along an axis is not crossed with that axis.
ALONG = 0.9


def stacked(*components: FloatArray) -> FloatArray:
    """Components in one array; those that do not change are spread over the others' frames."""
    return np.stack(np.broadcast_arrays(*components))


def multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """The rotation `b` followed by `a`."""
    if a.ndim < b.ndim:
        return _from_left(a) @ b
    if b.ndim < a.ndim:
        return _from_right(b) @ a
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    out = np.empty((4, *np.broadcast_shapes(a.shape[1:], b.shape[1:])))
    out[0] = aw * bw - ax * bx - ay * by - az * bz
    out[1] = aw * bx + ax * bw + ay * bz - az * by
    out[2] = aw * by - ax * bz + ay * bw + az * bx
    out[3] = aw * bz + ax * by - ay * bx + az * bw
    return out


def _from_left(q: FloatArray) -> FloatArray:
    """The matrix (4, 4) that multiplies by one rotation from the left: a third of the time."""
    w, x, y, z = q.tolist()
    return np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])


def _from_right(q: FloatArray) -> FloatArray:
    """The matrix (4, 4) that multiplies by one rotation from the right."""
    w, x, y, z = q.tolist()
    return np.array([[w, -x, -y, -z], [x, w, z, -y], [y, -z, w, x], [z, y, -x, w]])


def conjugate(q: FloatArray) -> FloatArray:
    """The inverse of a rotation."""
    out = -q
    out[0] = q[0]
    return out


def rotate(q: FloatArray, v: FloatArray) -> FloatArray:
    """Vectors turned by rotations."""
    w, x, y, z = q
    vx, vy, vz = v
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    out = np.empty((3, *np.broadcast_shapes(q.shape[1:], v.shape[1:])))
    out[0] = vx + w * tx + y * tz - z * ty
    out[1] = vy + w * ty + z * tx - x * tz
    out[2] = vz + w * tz + x * ty - y * tx
    return out


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Vector products."""
    ax, ay, az = a
    bx, by, bz = b
    out = np.empty((3, *np.broadcast_shapes(a.shape[1:], b.shape[1:])))
    out[0], out[1], out[2] = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    return out


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Scalar products."""
    total = a[0] * b[0]
    for left, right in zip(a[1:], b[1:], strict=True):
        total = total + left * right
    return total


def unit(v: FloatArray) -> FloatArray:
    """Vectors (or quaternions) of length one; one without length stays as it is."""
    length = np.sqrt(dot(v, v))
    return v / np.where(length > 0.0, length, 1.0)


def swing(start: FloatArray, end: FloatArray) -> FloatArray:
    """The smallest rotations that turn unit vectors into others.

    Where they are opposite, the turn is about any axis across them.
    """
    q = stacked(1.0 + dot(start, end), *cross(start, end))
    opposite = dot(q, q) < TINY
    if np.any(opposite):
        x, y = np.eye(3)[:2]
        across = np.where(np.abs(start[0]) < ALONG, cross(start, x), cross(start, y))
        half_turn = stacked(0.0 * across[0], *across)
        q = np.where(opposite, half_turn.reshape(4, -1) if q.ndim > 1 else half_turn, q)
    return unit(q)


def about(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotations about unit axes by angles in rad."""
    half = 0.5 * angle
    sine = np.sin(half)
    return stacked(np.cos(half), axis[0] * sine, axis[1] * sine, axis[2] * sine)


def twist_angle(q: FloatArray, axis: FloatArray) -> FloatArray:
    """How far rotations turn about a unit axis, in rad without jumps from frame to frame.

    The swing-twist decomposition: P. Dobrowolski, "Swing-twist decomposition in Clifford
    algebra", arXiv:1506.05481, 2015.
    """
    angle = np.unwrap(2.0 * np.arctan2(dot(q[1:], axis), q[0]))
    return angle - 2.0 * np.pi * np.round(np.median(angle) / (2.0 * np.pi))


def slerp(a: FloatArray, b: FloatArray, fraction: float) -> FloatArray:
    """From `a` to `b` along the shorter way.

    The weights sin((1−f)θ)/sin θ and sin(fθ)/sin θ: K. Shoemake, "Animating rotation with
    quaternion curves", SIGGRAPH 1985.
    """
    cosine = dot(a, b)
    near = np.minimum(np.abs(cosine), 1.0)
    # Rounding may leave no turn at all where it is below 1e-8 rad; 0 makes it a straight line.
    sine = np.sqrt(1.0 - near * near)
    angle = fraction * np.arccos(near)
    to = np.where(sine > 0.0, np.sin(angle) / np.where(sine > 0.0, sine, 1.0), fraction)
    return (np.cos(angle) - near * to) * a + np.copysign(to, cosine) * b


def continuous(q: FloatArray) -> FloatArray:
    """The same rotations with signs chosen so that neighbouring frames are closest."""
    flips = dot(q[:, 1:], q[:, :-1]) < 0.0
    if not flips.any():
        return q
    signs = np.where(np.cumsum(flips) % 2 == 1, -1.0, 1.0)
    out = q.copy()
    out[:, 1:] *= signs
    return out
