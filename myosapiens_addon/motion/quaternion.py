# SPDX-License-Identifier: GPL-3.0-or-later
"""Quaternion arithmetic over whole arrays.

Every quaternion is (…, 4), ordered w x y z; every vector (…, 3). Leading axes broadcast.
Formulas: J. B. Kuipers, "Quaternions and Rotation Sequences", 1999, and K. Shoemake,
"Animating rotation with quaternion curves", SIGGRAPH 1985 (slerp).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .motion import FloatArray

# Below this angle between two quaternions (rad) slerp's quotient loses digits and lerp has them.
SMALL_ANGLE_RAD = 1e-4


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Scalar products along the last axis: (…)."""
    # A product with ones: numpy adds up short rows slowly.
    return (a * b) @ np.ones(a.shape[-1])


def multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """The rotation `b` followed by `a`: the Hamilton product a b."""
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    out[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    out[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    out[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    out[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return out


def conjugate(q: FloatArray) -> FloatArray:
    """The inverse rotation of a unit quaternion."""
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: FloatArray, v: FloatArray) -> FloatArray:
    """The vectors `v` turned by the unit quaternions `q`: v + 2 w (u × v) + 2 u × (u × v)."""
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    vx, vy, vz = v[..., 0], v[..., 1], v[..., 2]
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    out = np.empty((*np.broadcast_shapes(q.shape[:-1], v.shape[:-1]), 3))
    out[..., 0] = vx + w * tx + y * tz - z * ty
    out[..., 1] = vy + w * ty + z * tx - x * tz
    out[..., 2] = vz + w * tz + x * ty - y * tx
    return out


def normalised(q: FloatArray) -> FloatArray:
    """Quaternions of length one; a zero quaternion gives NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return q / np.sqrt(dot(q, q))[..., None]


def continuous(q: FloatArray) -> FloatArray:
    """The same rotations with signs chosen so that neighbours along axis 0 are closest.

    Args:
        q: (F, …, 4); q and -q are the same rotation, but curves between them are not.
    """
    flips = dot(q[1:], q[:-1]) < 0.0
    signs = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1.0, 1.0)
    out = np.array(q, dtype=np.float64)
    out[1:] *= signs[..., None]
    return out


def slerp(a: FloatArray, b: FloatArray, fraction: FloatArray) -> FloatArray:
    """Spherical interpolation from `a` to `b` along the shorter way.

    Args:
        a: (…, 4) unit quaternions at fraction 0.
        b: (…, 4) unit quaternions at fraction 1.
        fraction: (…) broadcast against the leading axes.
    """
    cosine = dot(a, b)
    b = np.where(cosine[..., None] < 0.0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    small = angle < SMALL_ANGLE_RAD
    sine = np.where(small, 1.0, np.sin(angle))
    weight_a = np.where(small, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / sine)
    weight_b = np.where(small, fraction, np.sin(fraction * angle) / sine)
    return normalised(weight_a[..., None] * a + weight_b[..., None] * b)


def angle_between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Angle in rad between two rotations, exact for small angles too: (…)."""
    d = multiply(conjugate(a), b)
    return 2.0 * np.arctan2(np.linalg.norm(d[..., 1:], axis=-1), np.abs(d[..., 0]))


def to_matrix(q: FloatArray) -> FloatArray:
    """Rotation matrices (…, 3, 3) of unit quaternions."""
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    out = np.empty((*q.shape[:-1], 3, 3))
    out[..., 0, 0] = 1 - 2 * (y * y + z * z)
    out[..., 0, 1] = 2 * (x * y - w * z)
    out[..., 0, 2] = 2 * (x * z + w * y)
    out[..., 1, 0] = 2 * (x * y + w * z)
    out[..., 1, 1] = 1 - 2 * (x * x + z * z)
    out[..., 1, 2] = 2 * (y * z - w * x)
    out[..., 2, 0] = 2 * (x * z - w * y)
    out[..., 2, 1] = 2 * (y * z + w * x)
    out[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return out


def from_matrix(m: FloatArray) -> FloatArray:
    """Unit quaternions (…, 4) of rotation matrices (…, 3, 3).

    Takes, of the four ways to solve for the components, the one with the largest divisor
    (S. W. Shepperd, "Quaternion from rotation matrix", J. Guidance and Control 1(3), 1978).
    """
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], -1)
    wx, wy, wz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    xy, xz, yz = (
        m[..., 0, 1] + m[..., 1, 0],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 2] + m[..., 2, 1],
    )
    rows = np.stack(
        [
            np.stack([squares[..., 0], wx, wy, wz], -1),
            np.stack([wx, squares[..., 1], xy, xz], -1),
            np.stack([wy, xy, squares[..., 2], yz], -1),
            np.stack([wz, xz, yz, squares[..., 3]], -1),
        ],
        -2,
    )
    best = np.argmax(squares, axis=-1)
    return normalised(np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :])


def from_two_vectors(start: FloatArray, end: FloatArray) -> FloatArray:
    """The smallest rotations (…, 4) that turn unit vectors (…, 3) into others not opposite."""
    scalar = 1.0 + dot(start, end)
    return normalised(np.concatenate([scalar[..., None], np.cross(start, end)], axis=-1))


def from_axes(x: list[float], y: list[float], z: list[float]) -> FloatArray:
    """The unit quaternion (4,) of one frame, given by its axes; as `from_matrix`, but for one."""
    squares = (
        1.0 + x[0] + y[1] + z[2],
        1.0 + x[0] - y[1] - z[2],
        1.0 - x[0] + y[1] - z[2],
        1.0 - x[0] - y[1] + z[2],
    )
    wx, wy, wz = y[2] - z[1], z[0] - x[2], x[1] - y[0]
    xy, xz, yz = y[0] + x[1], z[0] + x[2], z[1] + y[2]
    rows = (
        (squares[0], wx, wy, wz),
        (wx, squares[1], xy, xz),
        (wy, xy, squares[2], yz),
        (wz, xz, yz, squares[3]),
    )
    return normalised(np.array(rows[squares.index(max(squares))]))
