# SPDX-License-Identifier: GPL-3.0-or-later
"""Blends and roofs: what is given is kept, what is between is smooth."""

from __future__ import annotations

import numpy as np

from myosapiens_addon.retarget import smoothing


def test_a_roof_is_nowhere_below_the_need_and_ends_at_zero() -> None:
    need = np.zeros(400)
    need[150:170], need[240] = 0.03, 0.05
    roof = smoothing.roof(need, 20)
    assert np.all(roof >= need - 1e-15)
    assert not roof[:109].any()
    assert not roof[281:].any()
    assert np.abs(np.diff(roof, 2)).max() < 0.05 * 6.0 / 20**2


def test_without_a_need_there_is_no_roof() -> None:
    assert not smoothing.roof(np.zeros(10), 3).any()


TIMES = np.arange(600) / 120.0


def piece(start: int, end: int, height: float, slope: float = 0.0) -> smoothing.Piece:
    """A straight line along Z over some frames."""
    path = np.outer(height + slope * (TIMES - TIMES[start]), [0.0, 0.0, 1.0])
    return smoothing.Piece(
        start=start,
        values=path[start:end],
        first=smoothing.states_at(TIMES, path, [start])[0],
        last=smoothing.states_at(TIMES, path, [end - 1])[0],
    )


def test_what_is_given_is_kept_and_far_away_there_is_nothing() -> None:
    options = smoothing.BlendOptions()
    one = piece(250, 300, 0.05, 0.1)
    curve = smoothing.fill(TIMES, [one], options)
    np.testing.assert_array_equal(curve[250:300], one.values)
    far = round(options.longest_s * 120.0) + 1
    assert not curve[: 250 - far].any()
    assert not curve[300 + far :].any()


def test_blends_are_as_smooth_as_promised() -> None:
    options = smoothing.BlendOptions()
    pieces = [piece(100, 150, 0.05), piece(200, 230, -0.02), piece(420, 500, 0.03, 0.05)]
    curve = smoothing.fill(TIMES, pieces, options)
    acceleration = np.diff(curve[:, 2], 2) * 120.0**2
    # Between the first two there is less time than blends would take.
    braking = 4.2 * 0.05 / options.shortest_braking_s
    assert np.abs(acceleration[260:]).max() < options.acceleration + braking
    assert np.abs(acceleration).max() < 2.0 * 5.774 * 0.07 / (51 / 120.0) ** 2
    assert np.abs(np.diff(acceleration)).max() < 2.0


def test_states_are_those_of_the_path_at_any_rate() -> None:
    for rate in (24.0, 120.0, 240.0):
        times = np.arange(40) / rate
        path = np.stack([times, 0.5 * times**2, 1.0 - times + times**2], axis=1)
        frames = (0, 20, 39)
        for frame, state in zip(frames, smoothing.states_at(times, path, frames), strict=True):
            now = times[frame]
            np.testing.assert_array_equal(state.value, path[frame])
            np.testing.assert_allclose(state.velocity, [1.0, now, 2.0 * now - 1.0], atol=1e-9)
            np.testing.assert_allclose(state.acceleration, [0.0, 1.0, 2.0], atol=1e-6)
