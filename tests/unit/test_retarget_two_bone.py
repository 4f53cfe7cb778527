# SPDX-License-Identifier: GPL-3.0-or-later
"""Two-bone legs: they reach what can be reached, and bend about their own knee only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from myosapiens_addon.motion import quaternion
from myosapiens_addon.retarget import two_bone

FloatArray = NDArray[np.float64]

LENGTH = 0.42


def leg(flexion: FloatArray) -> dict[str, FloatArray]:
    """Legs (F) that hang from the origin, knees bent about X so that the shin swings back (+Y)."""
    count = len(flexion)
    half = 0.5 * flexion
    shin = np.zeros((count, 4))
    shin[:, 0], shin[:, 1] = np.cos(half), np.sin(half)
    thigh = np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    knee = np.tile([0.0, 0.0, -LENGTH], (count, 1))
    ankle = knee + quaternion.rotate(shin, np.array([0.0, 0.0, -LENGTH]))
    return {
        "hip": np.zeros((count, 3)),
        "knee": knee,
        "ankle": ankle,
        "thigh": thigh,
        "shin": shin,
        "hinge": np.tile([1.0, 0.0, 0.0], (count, 1)),
    }


def reach(legs: dict[str, FloatArray], target: FloatArray) -> two_bone.Solved:
    return two_bone.solve(
        legs["hip"],
        legs["knee"],
        legs["ankle"],
        target,
        thigh=legs["thigh"],
        shin=legs["shin"],
        hinge=legs["hinge"],
    )


def test_an_ankle_comes_to_its_target_and_bones_keep_their_lengths() -> None:
    legs = leg(np.radians(np.linspace(20.0, 130.0, 60)))
    target = legs["ankle"] + np.random.default_rng(1).uniform(-0.04, 0.01, (60, 3)) * [1, 1, -1]
    solved = reach(legs, target)
    np.testing.assert_allclose(solved.ankle, target, atol=1e-9)
    assert solved.shortfall.max() < 1e-9
    np.testing.assert_allclose(np.linalg.norm(solved.knee, axis=1), LENGTH, atol=1e-12)
    down = np.array([0.0, 0.0, -LENGTH])
    np.testing.assert_allclose(quaternion.rotate(solved.thigh, down), solved.knee, atol=1e-12)
    shins = solved.ankle - solved.knee
    np.testing.assert_allclose(quaternion.rotate(solved.shin, down), shins, atol=1e-12)


def test_a_leg_whose_ankle_is_where_it_should_be_keeps_its_pose() -> None:
    legs = leg(np.radians(np.linspace(-5.0, 150.0, 80)))
    solved = reach(legs, legs["ankle"])
    assert quaternion.angle_between(solved.thigh, legs["thigh"]).max() < 1e-6
    assert quaternion.angle_between(solved.shin, legs["shin"]).max() < 1e-6


def test_the_knee_turns_about_its_own_hinge_only() -> None:
    legs = leg(np.radians(np.linspace(1.0, 130.0, 60)))
    solved = reach(legs, legs["ankle"] + [0.02, -0.03, 0.01])
    bend = quaternion.multiply(quaternion.conjugate(solved.thigh), solved.shin)
    np.testing.assert_allclose(bend[:, 2:], 0.0, atol=1e-12)
