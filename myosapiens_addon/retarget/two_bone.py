# SPDX-License-Identifier: GPL-3.0-or-later
"""Two bones that reach for a point: analytic inverse kinematics over all frames at once.

The knee turns about its own hinge, an axis fixed in the thigh, until hip and ankle are as far
apart as wanted; then the leg swings as a whole, by the smallest rotation, until it points at the
target. The knee's plane is therefore that of the motion, however straight the leg is, and there
is nothing that could flip. With d₁ from hip to knee, d₂ from knee to ankle, n the hinge and φ the
flexion, the law of cosines for bones that need not lie in the plane of the hinge reads

    L² = d₁² + d₂² + 2 (d₁·n)(d₂·n) + 2 |d₁⊥| |d₂⊥| cos φ

Near full extension dφ/dL grows without bounds, so the last stretch is approached exponentially
(a soft limit) instead of at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..motion import quaternion

if TYPE_CHECKING:
    from ..motion.motion import FloatArray

# The soft limit begins where the knee is still bent by so much, unless the motion itself has it
# straighter. At 10° a leg of 0.8 m lacks 3 mm to full length; softer limits bend the
# knees of ordinary walks, which come to 5°, more than anybody wants.
SOFT_FLEXION_RAD = np.radians(10.0)
# A knee that bends by less than this (weighted mean over the take) does not show its hinge; one
# that is overextended a little throughout would show it the wrong way round.
CLEAR_HINGE_SINE = 0.1
# A knee that is overextended stays so while its ankle hardly moves, and is bent forwards once it
# moves by this much (m). Between, 5° of overextension cost less than 2 mm.
UNFOLD_M = 0.02
TINY = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """Legs that reach for their targets.

    Attributes:
        thigh: (F, 4) world rotations, w x y z.
        shin: (F, 4) world rotations.
        knee: (F, 3) m.
        ankle: (F, 3) m.
        shortfall: (F,) m, how far the ankle stays from its target.
    """

    thigh: FloatArray
    shin: FloatArray
    knee: FloatArray
    ankle: FloatArray
    shortfall: FloatArray


def solve(
    hip: FloatArray,
    knee: FloatArray,
    ankle: FloatArray,
    target: FloatArray,
    *,
    thigh: FloatArray,
    shin: FloatArray,
    hinge: FloatArray,
) -> Solved:
    """Bend and swing a leg so that its ankle comes to a target.

    Args:
        hip: (F, 3) world position in m; it stays.
        knee: (F, 3) where the knee is now.
        ankle: (F, 3) where the ankle is now.
        target: (F, 3) where it shall be.
        thigh: (F, 4) world rotation now, w x y z.
        shin: (F, 4) world rotation now.
        hinge: (F, 3) unit world axis of the knee: turning the shin about it flexes the knee
            (see `hinge_axis`).

    Returns:
        The new pose. A leg whose target is where its ankle is keeps its pose; one that is
        already straighter than the soft limit keeps that much length.
    """
    upper, lower = knee - hip, ankle - knee
    wish = target - hip
    length = reach(upper, lower, hinge, wanted=_norm(wish))
    now, later = flexion(upper, lower, hinge), _flexion_for(upper, lower, hinge, length)
    later += _overextension(now, moved=_norm(target - ankle))
    turn = _about(hinge, later - now)
    bent = quaternion.rotate(turn, lower)
    swing = _smallest_rotation(upper + bent, wish, hinge)
    new_knee = hip + quaternion.rotate(swing, upper)
    new_ankle = new_knee + quaternion.rotate(swing, bent)
    return Solved(
        thigh=quaternion.multiply(swing, thigh),
        shin=quaternion.multiply(quaternion.multiply(swing, turn), shin),
        knee=new_knee,
        ankle=new_ankle,
        shortfall=_norm(target - new_ankle),
    )


def hinge_axis(
    hip: FloatArray, knee: FloatArray, ankle: FloatArray, thigh: FloatArray, hint: FloatArray
) -> FloatArray:
    """The knee's axis over the take: (F, 3) unit, world, fixed in the thigh.

    The mean over the take, in the thigh's axes, of the normal of the plane of thigh and shin;
    frames count by how clearly (sine of the flexion) they show it.

    Args:
        hip: (F, 3) m.
        knee: (F, 3) m.
        ankle: (F, 3) m.
        thigh: (F, 4) world rotations.
        hint: (F, 3) world axis about which the knee flexes, taken where it never bends.
    """
    upper, lower = _unit(knee - hip), _unit(ankle - knee)
    back = quaternion.conjugate(thigh)
    mean = quaternion.rotate(back, np.cross(upper, lower)).mean(axis=0)
    if float(np.linalg.norm(mean)) < CLEAR_HINGE_SINE:
        mean = quaternion.rotate(back, hint - quaternion.dot(hint, upper)[:, None] * upper).mean(0)
    return quaternion.rotate(thigh, _unit(mean))


def flexion(upper: FloatArray, lower: FloatArray, hinge: FloatArray) -> FloatArray:
    """Flexion (F,) in rad about the hinge; 0 when straight, negative when overextended."""
    sine = quaternion.dot(hinge, np.cross(upper, lower))
    cosine = quaternion.dot(upper, lower) - _along(upper, lower, hinge)
    return np.arctan2(sine, cosine)


def reach(
    upper: FloatArray, lower: FloatArray, hinge: FloatArray, *, wanted: FloatArray | None = None
) -> FloatArray:
    """Distances from hip to ankle (F,) in m that the leg takes for those that are wanted.

    Without `wanted`: the largest that needs no softening, which is that of a knee at
    `SOFT_FLEXION_RAD`, or the present one where it is longer.
    """
    base = quaternion.dot(upper, upper) + quaternion.dot(lower, lower)
    base += 2.0 * _along(upper, lower, hinge)
    across = 2.0 * _across(upper, lower, hinge)
    free = np.sqrt(np.maximum(base + across * np.cos(SOFT_FLEXION_RAD), 0.0))
    free = np.maximum(free, _norm(upper + lower))
    if wanted is None:
        return free
    room = np.maximum(np.sqrt(np.maximum(base + across, 0.0)) - free, 0.0)
    excess = np.maximum(wanted - free, 0.0)
    softened = free + room * -np.expm1(-excess / np.maximum(room, TINY))
    return np.where(excess > 0.0, softened, wanted)


def _flexion_for(
    upper: FloatArray, lower: FloatArray, hinge: FloatArray, length: FloatArray
) -> FloatArray:
    base = quaternion.dot(upper, upper) + quaternion.dot(lower, lower)
    rest = 0.5 * (length**2 - base) - _along(upper, lower, hinge)
    return np.arccos(np.clip(rest / np.maximum(_across(upper, lower, hinge), TINY), -1.0, 1.0))


def _overextension(now: FloatArray, *, moved: FloatArray) -> FloatArray:
    """What is left (rad, ≤ 0) of twice the present overextension: the other solution for φ."""
    share = np.clip(moved / UNFOLD_M, 0.0, 1.0)
    return 2.0 * np.minimum(now, 0.0) * (1.0 - share**2 * (3.0 - 2.0 * share))


def _along(upper: FloatArray, lower: FloatArray, hinge: FloatArray) -> FloatArray:
    """(d₁·n)(d₂·n)."""
    return quaternion.dot(upper, hinge) * quaternion.dot(lower, hinge)


def _across(upper: FloatArray, lower: FloatArray, hinge: FloatArray) -> FloatArray:
    """|d₁⊥| |d₂⊥|."""
    return _norm(np.cross(upper, hinge)) * _norm(np.cross(lower, hinge))


def _smallest_rotation(start: FloatArray, end: FloatArray, spare: FloatArray) -> FloatArray:
    """Rotations that turn one direction into another; about `spare` where they are opposite."""
    start, end = _unit(start), _unit(end)
    q = np.empty((*start.shape[:-1], 4))
    q[..., 0] = 1.0 + quaternion.dot(start, end)
    q[..., 1:] = np.cross(start, end)
    opposite = quaternion.dot(q, q) < TINY
    q[opposite, 0], q[opposite, 1:] = 0.0, spare[opposite]
    return quaternion.normalised(q)


def _about(axis: FloatArray, angle: FloatArray) -> FloatArray:
    q = np.empty((*axis.shape[:-1], 4))
    q[..., 0] = np.cos(0.5 * angle)
    q[..., 1:] = np.sin(0.5 * angle)[..., None] * axis
    return q


def _norm(v: FloatArray) -> FloatArray:
    return np.sqrt(quaternion.dot(v, v))


def _unit(v: FloatArray) -> FloatArray:
    return v / np.maximum(_norm(v), TINY)[..., None]
