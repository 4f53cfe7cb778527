# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys: what is drawn between them stays within what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from myosapiens_addon.retarget import decimate, keys, rotation_modes
from myosapiens_addon.retarget.curves import BoneCurves, PoseCurves, Setting
from tests.helpers import forward
from tests.helpers.calm import calm

MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "ZXY")


def smooth(seed: int, rows: int, frames: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    times = np.linspace(0.0, 1.0, frames)
    waves = [
        np.sin(2 * np.pi * f * times + p)
        for f, p in zip((1, 2, 5), rng.uniform(0, 6, 3), strict=True)
    ]
    return rng.normal(size=(rows, 3)) @ np.array(waves) * 0.4


def turns(seed: int, frames: int) -> np.ndarray:
    q = np.concatenate([np.ones((1, frames)), smooth(seed, 3, frames)])
    return (q / np.linalg.norm(q, axis=0)).T


def drawn(values: np.ndarray, frames: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.array([np.interp(frames, frames[kept], row[kept]) for row in values])


def as_matrices(mode: str, values: np.ndarray) -> np.ndarray:
    if mode == "QUATERNION":
        return forward.matrix(values.T)
    if mode == "AXIS_ANGLE":
        return forward.axis_angle_matrix(values.T)
    return forward.euler_matrix(mode, values.T)


@calm()
@given(st.integers(0, 9999), st.integers(1, 80), st.floats(1e-4, 0.5))
def test_locations_stay_within_the_limit(seed: int, count: int, limit: float) -> None:
    values, frames = smooth(seed, 3, count), 1.0 + 0.4 * np.arange(count, dtype=np.float64)
    kept = decimate.location_keys(values, frames, limit)
    assert (np.diff(kept) > 0).all()
    assert {0, count - 1} == {int(kept[0]), int(kept[-1])} | {0, count - 1}
    off = np.linalg.norm(drawn(values, frames, kept) - values, axis=0)
    assert off.max() <= limit + 1e-12


@pytest.mark.parametrize("mode", MODES)
@calm()
@example(seed=9999, count=27, limit=0.25)  # an axis that passes through nothing
@given(seed=st.integers(0, 9999), count=st.integers(1, 60), limit=st.floats(1e-3, 0.3))
def test_rotations_stay_within_the_limit(mode: str, seed: int, count: int, limit: float) -> None:
    frames = np.arange(1.0, count + 1.0)
    values = rotation_modes.channels(mode, turns(seed, count))[1].T
    kept = decimate.rotation_keys(mode, values, frames, limit)
    got = as_matrices(mode, drawn(values, frames, kept))
    between = np.swapaxes(as_matrices(mode, values), -1, -2) @ got
    skew = between - np.swapaxes(between, -1, -2)
    sine = 0.5 * np.sqrt(skew[:, 0, 1] ** 2 + skew[:, 0, 2] ** 2 + skew[:, 1, 2] ** 2)
    cosine = 0.5 * (np.trace(between, axis1=-2, axis2=-1) - 1.0)
    assert np.arctan2(sine, cosine).max() <= limit + 1e-9


def test_a_straight_line_needs_its_ends_alone() -> None:
    frames = np.arange(50.0)
    values = np.outer([1.0, -2.0, 0.5], frames)
    assert decimate.location_keys(values, frames, 1e-6).tolist() == [0, 49]


def test_a_larger_limit_needs_fewer_keys() -> None:
    values, frames = smooth(4, 3, 400), np.arange(400.0)
    counts = [len(decimate.location_keys(values, frames, limit)) for limit in (1e-3, 1e-2, 0.1, 9)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] < 400
    assert counts[-1] == 2


def pose(count: int = 30) -> PoseCurves:
    return PoseCurves(
        times=np.arange(count) / 30.0,
        bones=(
            BoneCurves(bone="still", rotations=np.tile([[1.0], [0], [0], [0]], count)),
            BoneCurves(bone="both", rotations=turns(1, count).T, location=smooth(2, 3, count)),
        ),
        settings=(Setting(bone="both", path='["IK_FK"]', value=1.0),),
    )


@pytest.mark.parametrize("tolerance", [keys.EXACT, keys.Tolerance(rotation=0.01, location=0.01)])
def test_keys_of_curves(tolerance: keys.Tolerance) -> None:
    still, both, settings = keys.curve_keys(
        pose(), start_frame=11, scene_fps=24.0, tolerance=tolerance
    )
    assert [len(row.keys) // 2 for row in still] == [2] * 4
    assert [(row.path, row.index) for row in both] == [
        *(("location", axis) for axis in range(3)),
        *(("rotation_quaternion", axis) for axis in range(4)),
    ]
    assert [row.keys.tolist() for row in settings] == [[11.0, 1.0, pytest.approx(34.2), 1.0]]
    for row in (*still, *both):
        assert row.keys[0] == 11.0
        assert row.keys[-2] == pytest.approx(34.2)
        assert (np.diff(row.keys[0::2]) > 0).all()


@pytest.mark.parametrize("count", [1, 2])
def test_takes_of_one_or_two_frames(count: int) -> None:
    for tolerance in (keys.EXACT, keys.Tolerance(rotation=0.1, location=0.1)):
        rows = list(keys.curve_keys(pose(count), start_frame=1, scene_fps=24, tolerance=tolerance))
        assert {len(row.keys) // 2 for row in rows[1]} == {count}
