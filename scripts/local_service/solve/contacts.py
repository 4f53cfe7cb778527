# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds where feet are planted, so that a second solve can hold them there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

Array = NDArray[np.float64]

# A point of the sole is planted while it is this low (m) and this slow (m/s), for this long (s).
PLANTED_HEIGHT_M = 0.035
PLANTED_SPEED_M_S = 0.35
PLANTED_S = 0.08
HOLD_WEIGHT = 4.0
FADE_S = 0.03  # how gently a foot is taken hold of and let go
HELD = 0.01  # weights below this share of HOLD_WEIGHT hold nothing


def anchors(soles_m: Array, rate_hz: float) -> tuple[Array, Array]:
    """Where each point of the soles is to be held.

    Args:
        soles_m: (frames, points, 3) of a first solve.
        rate_hz: Frames per second.

    Returns:
        Places (frames, points, 3) on the floor and weights (frames, points), 0 where nothing holds.
    """
    places = soles_m.copy()
    places[..., 2] = 0.0
    weights = np.zeros(soles_m.shape[:2])
    if len(soles_m) < 3:
        return places, weights
    speeds = np.linalg.norm(np.gradient(soles_m, 1 / rate_hz, axis=0), axis=2)
    planted = (soles_m[..., 2] < PLANTED_HEIGHT_M) & (speeds < PLANTED_SPEED_M_S)
    for point in range(soles_m.shape[1]):
        for start, end in runs(planted[:, point]):
            if end - start >= PLANTED_S * rate_hz:
                _hold(places[:, point], weights[:, point], soles_m[:, point], start, end, rate_hz)
    return places, weights


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end (exclusive) of every run of True."""
    padded = np.concatenate([[False], flags, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _hold(
    places: Array, weights: Array, sole_m: Array, start: int, end: int, rate_hz: float
) -> None:
    """Hold one point at its median place from `start` to `end`, faded on both sides."""
    fade = FADE_S * rate_hz
    margin = int(np.ceil(3 * fade))
    low, high = max(0, start - margin), min(len(weights), end + margin)
    held = np.zeros(high - low)
    held[start - low : end - low] = HOLD_WEIGHT
    held = np.asarray(gaussian_filter1d(held, fade, mode="nearest"), dtype=np.float64)
    held[held < HELD * HOLD_WEIGHT] = 0.0
    stronger = held > weights[low:high]
    weights[low:high][stronger] = held[stronger]
    places[low:high, :2][stronger] = np.median(sole_m[start:end, :2], axis=0)
