# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of a subject's sizes before the markers are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chain import Indices
from .scale_space import STATURE, ScaleSpace
from .skeleton import REFERENCE_STATURE_M
from .tracker import MARKER_SIGMA_M, Goal, Tracker

Array = NDArray[np.float64]

# Mean statures (m) of ANSUR II (Gordon et al., 2014); between them when the gender is not known.
MEAN_STATURE_M = {"male": 1.756, "female": 1.629}
ANY_STATURE_M = 1.69
STATURE_SIGMA = 0.08  # of all adults, relative
MEASURED_STATURE_SIGMA = 0.015  # a stature that was given: shoes, posture, rounding
SEGMENT_SIGMA = 0.08  # of a segment about the stature's scale
OFFSET_SIGMA_M = 0.04  # of a movable marker
SEGMENT_BOUNDS = (0.75, 1.35)  # times the stature's scale
STATURE_BOUNDS = (0.4, 1.5)  # a small child, the tallest of men
OFFSET_BOUND_M = 0.08


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Expectations: `stature` (times the skeleton's), how sure it is, which markers may move."""

    stature: float
    stature_sigma: float
    movable: Indices

    def start(self, space: ScaleSpace, tracker: Tracker, goals: Sequence[Goal]) -> Array:
        """Sizes to search from: all segments alike."""
        values = np.zeros(space.size)
        known = self.stature_sigma <= MEASURED_STATURE_SIGMA
        values[: space.scale_count] = self.stature if known else spread_ratio(tracker, goals)
        return self.bounded(space, values)

    def normal_equations(self, space: ScaleSpace, values: Array) -> tuple[Array, Array]:
        """Matrix and gradient of the expectations, in the tracker's unit (m²)."""
        rows = np.zeros((space.size, space.size))
        residuals = np.zeros(space.size)
        segments = range(STATURE + 1, space.scale_count)
        rows[STATURE, STATURE] = 1 / self.stature_sigma
        residuals[STATURE] = (values[STATURE] - self.stature) / self.stature_sigma
        for index in segments:
            rows[index, index], rows[index, STATURE] = 1 / SEGMENT_SIGMA, -1 / SEGMENT_SIGMA
            residuals[index] = (values[index] - values[STATURE]) / SEGMENT_SIGMA
        for index in range(space.scale_count, space.size):
            rows[index, index] = 1 / OFFSET_SIGMA_M
            residuals[index] = values[index] / OFFSET_SIGMA_M
        rows, residuals = rows * MARKER_SIGMA_M, residuals * MARKER_SIGMA_M
        return rows.T @ rows, rows.T @ residuals

    def bounded(self, space: ScaleSpace, values: Array) -> Array:
        """The sizes brought within what a human can be."""
        values = values.copy()
        values[STATURE] = np.clip(values[STATURE], *STATURE_BOUNDS)
        low, high = (bound * values[STATURE] for bound in SEGMENT_BOUNDS)
        segments = slice(STATURE + 1, space.scale_count)
        values[segments] = np.clip(values[segments], low, high)
        offsets = slice(space.scale_count, None)
        values[offsets] = np.clip(values[offsets], -OFFSET_BOUND_M, OFFSET_BOUND_M)
        return values


def expected(*, height_m: float | None, gender: str | None, movable: Indices) -> Priors:
    """Expectations from what is known of the subject."""
    if height_m is not None:
        stature, sigma = height_m / REFERENCE_STATURE_M, MEASURED_STATURE_SIGMA
    else:
        mean_m = MEAN_STATURE_M.get((gender or "").lower(), ANY_STATURE_M)
        stature, sigma = mean_m / REFERENCE_STATURE_M, STATURE_SIGMA
    return Priors(stature=stature, stature_sigma=sigma, movable=movable)


def spread_ratio(tracker: Tracker, goals: Sequence[Goal]) -> float:
    """How much larger the subject is than the skeleton, by distances that hardly change in a pose.

    These are between markers on one body, and on two bodies that meet in a joint.
    """
    chain, bodies = tracker.chain, tracker.markers.bodies
    tracker.resize(np.ones((len(chain.parents), 3)), np.zeros((len(bodies), 3)))
    model_m = tracker.predicted(chain.rest)[: len(bodies)]
    first, second = np.triu_indices(len(bodies), 1)
    one, other = bodies[first], bodies[second]
    near = (one == other) | (chain.parents[one] == other) | (chain.parents[other] == one)
    first, second = first[near], second[near]
    own = np.linalg.norm(model_m[first] - model_m[second], axis=1)
    long = own > 0.1  # short ones tell more of the marker's placement than of the subject
    if not long.any():
        return 1.0
    ratios = [
        np.linalg.norm(goal.points_m[first] - goal.points_m[second], axis=1)[long] / own[long]
        for goal in goals
    ]
    return float(np.median(np.concatenate(ratios)))
