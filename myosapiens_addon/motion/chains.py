# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations as angles about a chain of axes, and back.

A chain is what several hinges of one body are, or three intrinsic angles: the first axis turns,
the second turns with it, and so on. The axes need not be at right angles.

Method: the subproblems of B. Paden, "Kinematics and control of robot manipulators", 1985: the
middle angle follows from what it does to the angle between the outer axes, which has two
solutions; each leaves one angle for either outer axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import quaternion

if TYPE_CHECKING:
    from .motion import FloatArray

TURN = 2.0 * np.pi
MOST_AXES = 3
# Below this length what is left of a direction beside an axis says nothing of an angle about it.
NO_DIRECTION = 1e-9


def rotation(axes: FloatArray, angles: FloatArray) -> FloatArray:
    """The rotations (F, 4) that angles (F, K) in rad about unit axes (K, 3) make."""
    out = _about(axes[0], angles[:, 0])
    for axis, column in zip(axes[1:], angles.T[1:], strict=True):
        out = quaternion.multiply(out, _about(axis, column))
    return out


def angles(axes: FloatArray, rotations: FloatArray, limits: FloatArray | None = None) -> FloatArray:
    """The angles (F, K) about axes whose chain makes the rotations, or comes near to them.

    Both solutions of three axes are followed over all frames, so that the angles run on where
    one of them passes the singular position; the one within the limits is taken, else the one
    whose middle angle is small.

    Args:
        axes: (K, 3) unit axes, one to three of them.
        rotations: (F, 4) unit rotations.
        limits: (K, 2) least and largest angle in rad, infinite where there is none.

    Returns:
        (F, K) in rad, without leaps of whole turns from frame to frame.
    """
    rotations = quaternion.continuous(rotations)
    tracks = _tracks(axes, rotations) if len(axes) == MOST_AXES else [_one_track(axes, rotations)]
    if limits is None:
        limits = np.tile([-np.inf, np.inf], (len(axes), 1))
    turned = [_whole_turns(np.unwrap(track, axis=0), limits) for track in tracks]
    return min(turned, key=lambda track: _strain(track, limits))


def _about(axis: FloatArray, angle: FloatArray) -> FloatArray:
    half = 0.5 * angle[:, None]
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=1)


def _twist(axis: FloatArray, rotations: FloatArray) -> FloatArray:
    """The angle (F,) about an axis that comes closest to each rotation, within half a turn."""
    return _within_half_turn(2.0 * np.arctan2(rotations[:, 1:] @ axis, rotations[:, 0]))


def _within_half_turn(angle: FloatArray) -> FloatArray:
    return np.pi - np.remainder(np.pi - angle, TURN)


def _from_to(axis: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """The angle (F,) about an axis that brings `start` closest to `end`.

    Where one of them lies along the axis every angle does; then the last one before is kept.
    """
    start = start - (start @ axis)[..., None] * axis
    end = end - (end @ axis)[..., None] * axis
    across = np.cross(start, end) @ axis
    found = np.arctan2(across, quaternion.dot(start, end))
    lengths = np.linalg.norm(start, axis=-1) * np.linalg.norm(end, axis=-1)
    known = np.flatnonzero(lengths > NO_DIRECTION)
    if len(known) == 0:
        return np.zeros(len(found))
    before = np.searchsorted(known, np.arange(len(found)), side="right") - 1
    return found[known[np.maximum(before, 0)]]


def _one_track(axes: FloatArray, rotations: FloatArray) -> FloatArray:
    if len(axes) == 1:
        return _twist(axes[0], rotations)[:, None]
    first = _from_to(axes[0], axes[1], quaternion.rotate(rotations, axes[1]))
    rest = quaternion.multiply(_about(axes[0], -first), rotations)
    return np.stack([first, _twist(axes[1], rest)], axis=1)


def _tracks(axes: FloatArray, rotations: FloatArray) -> list[FloatArray]:
    """Both solutions, each followed over the frames: (F, 3)."""
    middles = _middle_angles(axes, quaternion.rotate(rotations, axes[2]) @ axes[0])
    one, other = (_with_middle(axes, rotations, middle) for middle in middles)
    straight = _step(one[:-1], one[1:]) + _step(other[:-1], other[1:])
    crossed = _step(one[:-1], other[1:]) + _step(other[:-1], one[1:])
    swapped = np.concatenate([[False], np.cumsum(crossed < straight) % 2 == 1])[:, None]
    return [np.where(swapped, other, one), np.where(swapped, one, other)]


def _step(before: FloatArray, after: FloatArray) -> FloatArray:
    return np.sum(_within_half_turn(after - before) ** 2, axis=1)


def _middle_angles(axes: FloatArray, cosine: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The two angles about the middle axis that make the outer two enclose a given angle."""
    first, middle, last = axes
    along = float((first @ middle) * (middle @ last))
    a, b = float(first @ last) - along, float(first @ np.cross(middle, last))
    reach = float(np.hypot(a, b))
    if reach < NO_DIRECTION:  # an outer axis lies along the middle one and can do its work
        return np.zeros(len(cosine)), np.zeros(len(cosine))
    spread = np.arccos(np.clip((cosine - along) / reach, -1.0, 1.0))
    start = np.arctan2(b, a)
    return _within_half_turn(start - spread), _within_half_turn(start + spread)


def _with_middle(axes: FloatArray, rotations: FloatArray, middle: FloatArray) -> FloatArray:
    """The outer angles that belong to the middle ones: (F, 3) with them."""
    turned = _about(axes[1], middle)
    target = quaternion.rotate(rotations, axes[2])
    first = _from_to(axes[0], quaternion.rotate(turned, axes[2]), target)
    done = quaternion.multiply(_about(axes[0], first), turned)
    rest = quaternion.multiply(quaternion.conjugate(done), rotations)
    return np.stack([first, middle, _twist(axes[2], rest)], axis=1)


def _whole_turns(track: FloatArray, limits: FloatArray) -> FloatArray:
    """Each column moved by whole turns to the middle of its limits, where it has some."""
    limited = np.all(np.isfinite(limits), axis=1)
    centre = np.where(limited, np.sum(np.where(limited[:, None], limits, 0.0), axis=1) / 2, 0.0)
    median: FloatArray = np.median(track, axis=0)
    turns = np.round((centre - median) / TURN)
    return track + TURN * np.where(limited, turns, 0.0)


def _strain(track: FloatArray, limits: FloatArray) -> tuple[float, float]:
    """How far the angles are outside their limits, and how large the middle one is."""
    outside = np.maximum(limits[:, 0] - track, 0.0) + np.maximum(track - limits[:, 1], 0.0)
    middle = track[:, min(1, track.shape[1] - 1)]
    return round(float(np.mean(outside)), 6), float(np.mean(np.abs(_within_half_turn(middle))))
