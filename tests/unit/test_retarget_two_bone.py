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


def test_a_leg_straightens_softly_and_never_whole() -> None:
    count = 2000
    legs = leg(np.full(count, np.radians(40.0)))
    away = np.linspace(0.0, 0.3, count)[:, None] * [0.0, 0.0, -1.0]
    solved = reach(legs, legs["ankle"] + away)
    upper, lower = solved.knee, solved.ankle - solved.knee
    hinge = quaternion.rotate(solved.thigh, legs["hinge"])
    flexion = two_bone.flexion(upper, lower, hinge)
    assert np.all(np.diff(flexion) <= 1e-9)
    assert 0.0 <= flexion[-1] < np.radians(1.0)
    # No snap: the knee never turns faster than where the soft limit begins.
    begins = int(np.argmax(flexion < two_bone.SOFT_FLEXION_RAD))
    rate = -np.diff(flexion)
    assert rate[begins:].max() <= 1.3 * rate[begins - 1]
    assert solved.shortfall[begins - 10] < 1e-9
    assert solved.shortfall[-1] > 0.2


def test_a_knee_that_is_overextended_keeps_it_and_is_bent_forwards_once_it_moves() -> None:
    legs = leg(np.full(50, np.radians(-4.0)))
    up = np.linspace(0.0, 0.06, 50)[:, None] * [0.0, 0.0, 1.0]
    solved = reach(legs, legs["ankle"] + up)
    lower = solved.ankle - solved.knee
    hinge = quaternion.rotate(solved.thigh, legs["hinge"])
    flexion = np.degrees(two_bone.flexion(solved.knee, lower, hinge))
    assert abs(flexion[0] + 4.0) < 1e-6
    assert flexion[-1] > 20.0
    assert np.abs(np.diff(flexion)).max() < 5.0


def test_the_hinge_is_read_off_the_motion_and_guessed_where_it_never_bends() -> None:
    hint = np.tile([0.8, 0.6, 0.0], (50, 1))
    bent = leg(np.radians(np.linspace(0.0, 60.0, 50)))
    joints = bent["hip"], bent["knee"], bent["ankle"], bent["thigh"]
    np.testing.assert_allclose(two_bone.hinge_axis(*joints, hint), bent["hinge"], atol=1e-9)
    stiff = leg(np.full(50, np.radians(-2.0)))
    joints = stiff["hip"], stiff["knee"], stiff["ankle"], stiff["thigh"]
    np.testing.assert_allclose(two_bone.hinge_axis(*joints, hint), hint, atol=1e-9)


def test_bones_out_of_the_plane_of_the_hinge_reach_too() -> None:
    legs = leg(np.radians(np.linspace(20.0, 90.0, 40)))
    tilt = np.array([np.cos(0.1), 0.0, np.sin(0.1), 0.0])
    legs["hinge"] = quaternion.rotate(tilt, legs["hinge"])
    target = legs["ankle"] + [0.01, 0.02, 0.03]
    np.testing.assert_allclose(reach(legs, target).ankle, target, atol=1e-9)
