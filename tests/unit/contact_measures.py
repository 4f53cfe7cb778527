# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of corrected legs: sliding, sinking, popping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myosapiens_addon.motion import quaternion
from myosapiens_addon.retarget.planting import Leg

from .contact_takes import Array, Target

Flags = NDArray[np.bool_]


def slide(path: Array, times: Array, planted: Flags) -> Array:
    """Speeds (n,) in m/s between any two neighbouring frames that are both planted."""
    both = planted[1:] & planted[:-1]
    return (np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(times))[both]


def sink(path: Array, height: Array | float, planted: Flags) -> float:
    """How far in m a point is below its height in any planted frame."""
    return float(np.max((height - path[:, 2])[planted], initial=0.0))


def joint_turns(target: Target, leg: Leg) -> dict[str, Array]:
    """Rotations (F, 4) of hip against pelvis, knee and ankle against the bone above."""

    def against(above: Array, own: Array) -> Array:
        return quaternion.continuous(quaternion.multiply(quaternion.conjugate(above), own))

    return {
        "hip": against(target.take.turn, leg.thigh),
        "knee": against(leg.thigh, leg.shin),
        "ankle": against(leg.shin, leg.foot),
    }


def angular_accelerations(turns: Array, times: Array) -> Array:
    """Sizes (F − 2,) in rad/s² of the change of angular velocity from frame to frame."""
    steps = quaternion.multiply(turns[1:], quaternion.conjugate(turns[:-1]))
    sine = np.linalg.norm(steps[:, 1:], axis=1)
    angle = 2.0 * np.arctan2(sine, steps[:, 0])
    velocity = steps[:, 1:] * (angle / np.maximum(sine, 1e-15) / np.diff(times))[:, None]
    between = 0.5 * (times[2:] - times[:-2])
    return np.linalg.norm(np.diff(velocity, axis=0), axis=1) / between


def hardest(target: Target, leg: Leg) -> dict[str, float]:
    """The largest angular acceleration of hip and knee, rad/s²."""
    turns = joint_turns(target, leg)
    times = target.take.times
    return {
        joint: float(np.max(angular_accelerations(turns[joint], times), initial=0.0))
        for joint in ("hip", "knee")
    }


def between_keys(target: Target, pelvis: Array, leg: Leg, spans: dict[str, Array]) -> Array:
    """(F − 1, 3) where the ball is half-way between keys that are interpolated linearly."""

    def halfway(values: Array) -> Array:
        return quaternion.normalised(values[1:] + values[:-1])

    turns = joint_turns(target, leg)
    body = halfway(quaternion.continuous(target.take.turn))
    place = 0.5 * (pelvis[1:] + pelvis[:-1]) + quaternion.rotate(body, spans["hip"])
    for joint, end in (("hip", "knee"), ("knee", "ankle"), ("ankle", "ball")):
        body = quaternion.multiply(body, halfway(turns[joint]))
        place = place + quaternion.rotate(body, spans[end])
    return place
