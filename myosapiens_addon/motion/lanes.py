# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations and vectors over many frames, each component in one piece.

A rotation is (4, n), w x y z, a vector (3, n): over a few thousand frames they stay in the
processor's cache, and one call does a whole product. Formulas as in `quaternion`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .motion import FloatArray

# The product a b component by component: row i holds what a's component i is multiplied with
# for w, x, y and z, where 0 to 3 are those of b and 4 to 7 those of -b.
HAMILTON = np.array([[0, 1, 2, 3], [5, 0, 7, 2], [6, 3, 0, 5], [7, 6, 1, 0]])

# A rotation's matrix is a sum of products of two components: this holds how often each of the
# ten of `PAIRS` counts in each of the nine numbers.
PAIRS = ("ww", "wx", "wy", "wz", "xx", "xy", "xz", "yy", "yz", "zz")
FIRST, SECOND = (np.array(["wxyz".index(pair[side]) for pair in PAIRS]) for side in (0, 1))
MATRIX = np.array(
    [
        [
            [1, 0, 0, 0, 1, 0, 0, -1, 0, -1],
            [0, 0, 0, -2, 0, 2, 0, 0, 0, 0],
            [0, 0, 2, 0, 0, 0, 2, 0, 0, 0],
        ],
        [
            [0, 0, 0, 2, 0, 2, 0, 0, 0, 0],
            [1, 0, 0, 0, -1, 0, 0, 1, 0, -1],
            [0, -2, 0, 0, 0, 0, 0, 0, 2, 0],
        ],
        [
            [0, 0, -2, 0, 0, 0, 2, 0, 0, 0],
            [0, 2, 0, 0, 0, 0, 0, 0, 2, 0],
            [1, 0, 0, 0, -1, 0, 0, -1, 0, 1],
        ],
    ],
    dtype=np.float64,
)
# The same for the product a b: what a's components w, x, y and z each count in the matrix of a.
LEFT = np.concatenate([np.eye(4), -np.eye(4)])[HAMILTON]


def spread(b_and_minus_b: FloatArray, out: FloatArray) -> None:
    """Write what `multiply` takes for rotations that come first.

    Args:
        b_and_minus_b: (8, …), their components, and the same with the other sign.
        out: (4, 4, …).
    """
    # Told not to look for bad indices, it writes without a buffer.
    b_and_minus_b.take(HAMILTON, axis=0, out=out, mode="clip")


def multiply(a: FloatArray, factors: FloatArray, out: FloatArray) -> None:
    """Write the rotation `b` followed by `a`.

    Args:
        a: (4, n).
        factors: (4, 4, n), what `spread` makes of b.
        out: (4, n), not `a`.
    """
    np.einsum("in,ijn->jn", a, factors, out=out)  # pyright: ignore[reportUnknownMemberType]


def pair_up(q: FloatArray, out: FloatArray, room: FloatArray) -> None:
    """Write the products (10, n) of the components of `q` (4, n) with each other, see `PAIRS`.

    `room` (10, n) is room to work in.
    """
    # Copying first is faster than multiplying row by row.
    q.take(FIRST, axis=0, out=out, mode="clip")
    q.take(SECOND, axis=0, out=room, mode="clip")
    out *= room


def turning(v: FloatArray) -> FloatArray:
    """What makes turned vectors (3, n) of products (10, n), for vectors that stay: (…, 3, 10)."""
    # Other than `@`, it does not warn of numbers that overflow: those are found in the poses.
    return v.dot(MATRIX.swapaxes(0, 1).reshape(3, 30)).reshape(*v.shape[:-1], 3, 10)


def matrices_of(q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The matrices (3, 3) and (4, 4) by which one rotation (4,) turns vectors and rotations."""
    pairs = q[FIRST] * q[SECOND]
    return MATRIX @ pairs, (q @ LEFT.reshape(4, 16)).reshape(4, 4)


def rotate(pairs: FloatArray, v: FloatArray, out: FloatArray, matrices: FloatArray) -> None:
    """Write turned vectors.

    Args:
        pairs: (10, n) products of the rotations' components.
        v: (3, n).
        out: (3, n), not `v`.
        matrices: (9, n), room to work in.
    """
    np.matmul(MATRIX.reshape(9, 10), pairs, out=matrices)
    nine = matrices.reshape(3, 3, -1)
    np.einsum("ijn,jn->in", nine, v, out=out)  # pyright: ignore[reportUnknownMemberType]


def make_unit(q: FloatArray, tolerances: Sequence[float]) -> list[int]:
    """Give the rotations of K joints the length 1.

    Args:
        q: (4, K, n).
        tolerances: for each joint how far from 1 their lengths may be.

    Returns:
        The joints of which one was further from it, or no number.
    """
    squares: FloatArray = np.einsum("ikn,ikn->kn", q, q)  # pyright: ignore[reportUnknownMemberType]
    off = (squares - 1.0).ravel()
    # If all are close together, each is: that is asked in one call, and is no for no number.
    good = bool(np.dot(off, off) <= min(tolerances) ** 2)
    length = np.sqrt(squares, out=squares)
    wrong: list[int] = []
    if not good:
        within = np.abs(length - 1.0) <= np.array(tolerances)[:, None]
        wrong = np.flatnonzero(~within.all(axis=1)).tolist()
    q *= np.divide(1.0, length, out=length)
    return wrong
