# SPDX-License-Identifier: GPL-3.0-or-later
"""Angles about chains of axes: against scipy, there and back, past the singular position."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from myosapiens_addon.motion import chains
from myosapiens_addon.motion.angle_names import ORDERS, axes_of
from myosapiens_addon.motion.quaternion import angle_between

QUICK = settings(deadline=None, max_examples=150)
SEEDS = st.integers(0, 2**32 - 1)


def smooth(rng: np.random.Generator, frames: int, widths: list[float]) -> np.ndarray:
    """(F, K) swinging angles within ± the widths."""
    t = np.linspace(0.0, 1.0, frames)[:, None]
    phase, rate = rng.uniform(0, 6, len(widths)), rng.uniform(2, 9, len(widths))
    return np.asarray(widths) * np.sin(rate * t + phase)


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    axes = rng.normal(size=(count, 3))
    return axes / np.linalg.norm(axes, axis=1, keepdims=True)


@pytest.mark.parametrize("order", ORDERS)
def test_orders_are_those_of_scipy(order: str) -> None:
    angles = smooth(np.random.default_rng(3), 200, [3.0, 1.5, 3.0])
    wanted = Rotation.from_euler(order, angles)
    made = chains.rotation(axes_of(order), angles)
    assert angle_between(made, wanted.as_quat()[:, [3, 0, 1, 2]]).max() < 1e-12
    found = chains.angles(axes_of(order), made)
    np.testing.assert_allclose(found, np.unwrap(wanted.as_euler(order), axis=0), atol=1e-9)


@QUICK
@given(seed=SEEDS, count=st.integers(1, 3))
def test_there_and_back_about_any_axes(seed: int, count: int) -> None:
    """The middle angle is kept off the positions where the outer axes are nearly parallel."""
    rng = np.random.default_rng(seed)
    axes = unit(rng, count)
    for one, other in itertools.pairwise(axes):
        assume(abs(one @ other) < 0.8)
    angles = smooth(rng, 120, [2.0, 0.6, 2.0][:count])
    rotations = chains.rotation(axes, angles)
    found = chains.angles(axes, rotations)
    assert angle_between(chains.rotation(axes, found), rotations).max() < 1e-6
    limits = np.stack([angles.min(axis=0), angles.max(axis=0)], axis=1)
    spread = chains.angles(axes, rotations, limits)
    if count < 3 or _stays_apart(axes, angles[:, 1]):
        np.testing.assert_allclose(spread, angles, atol=1e-6)


def _stays_apart(axes: np.ndarray, middle: np.ndarray) -> bool:
    """Whether the middle angle keeps to one side of where both solutions meet, well apart."""
    along = (axes[0] @ axes[1]) * (axes[1] @ axes[2])
    meeting = np.arctan2(axes[0] @ np.cross(axes[1], axes[2]), axes[0] @ axes[2] - along)
    off = np.remainder(middle - meeting, np.pi)
    same_side = np.ptp(np.floor((middle - meeting) / np.pi)) == 0
    return bool(same_side and off.min() > 0.1 and off.max() < np.pi - 0.1)


def test_angles_run_on_past_the_singular_position() -> None:
    """An arm goes up and over: its second angle passes a quarter turn, the others do not leap."""
    t = np.linspace(0.0, 1.0, 300)
    angles = np.stack([0.2 + 0.1 * t, 0.5 + 1.7 * t, 0.3 - 0.2 * t], axis=1)
    rotations = chains.rotation(axes_of("XYZ"), angles)
    found = chains.angles(axes_of("XYZ"), rotations, np.array([[-3.0, 3.0]] * 3))
    assert np.abs(np.diff(found, axis=0)).max() < 0.01
    np.testing.assert_allclose(found, angles, atol=1e-6)


@pytest.mark.parametrize("middle", [np.pi / 2, -np.pi / 2])
def test_at_the_singular_position_the_rotation_is_still_made(middle: float) -> None:
    angles = np.tile([0.4, middle, -0.3], (5, 1))
    angles[:2, 1] = middle * 0.9
    rotations = chains.rotation(axes_of("XYZ"), angles)
    found = chains.angles(axes_of("XYZ"), rotations)
    assert np.all(np.isfinite(found))
    assert angle_between(chains.rotation(axes_of("XYZ"), found), rotations).max() < 1e-6
    assert np.abs(np.diff(found, axis=0)).max() < 0.2


def test_parallel_axes_share_what_is_one_angle() -> None:
    axes = np.array([[0.0, 0, 1], [0, 0, 1], [1.0, 0, 0]])
    angles = smooth(np.random.default_rng(5), 50, [0.5, 0.4, 0.7])
    for chosen in (axes, axes[:2], axes[[2, 0, 1]]):
        rotations = chains.rotation(chosen, angles[:, : len(chosen)])
        found = chains.angles(chosen, rotations)
        assert angle_between(chains.rotation(chosen, found), rotations).max() < 1e-7


def test_whole_turns_are_counted() -> None:
    angles = np.linspace(0.0, 15.0, 400)[:, None]
    axis = np.array([[0.6, 0.0, 0.8]])
    np.testing.assert_allclose(chains.angles(axis, chains.rotation(axis, angles)), angles)


def test_limits_say_which_turn_is_meant() -> None:
    angles = np.linspace(4.0, 5.0, 20)[:, None]
    axis = np.array([[0.0, 1.0, 0.0]])
    rotations = chains.rotation(axis, angles)
    np.testing.assert_allclose(chains.angles(axis, rotations), angles - 2 * np.pi)
    np.testing.assert_allclose(chains.angles(axis, rotations, np.array([[0.0, 6.0]])), angles)


def test_one_hinge_takes_the_part_about_its_axis() -> None:
    """The closest angle, found by trying all."""
    axis = np.array([[0.0, 0.0, 1.0]])
    rotation = Rotation.from_euler("ZX", [0.7, 0.9]).as_quat()[[3, 0, 1, 2]][None]
    tried = np.linspace(-np.pi, np.pi, 100_001)
    off = angle_between(chains.rotation(axis, tried[:, None]), rotation)
    assert chains.angles(axis, rotation)[0, 0] == pytest.approx(tried[np.argmin(off)], abs=1e-4)
