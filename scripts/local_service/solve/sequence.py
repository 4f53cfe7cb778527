# SPDX-License-Identifier: GPL-3.0-or-later
"""Solves all frames of a take, each from its neighbour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .contacts import anchors
from .matching import Targets
from .start import first_pose
from .tracker import Goal, Tracker

Array = NDArray[np.float64]
ROUNDS = 6
# Beyond this mean distance a frame is likely caught in a wrong pose and is searched anew.
LOST_M = 0.15
SEARCH_PAUSE_S = 0.25  # a take that fits nowhere is not searched in every frame
START_ROUNDS = 30


def solve_frames(tracker: Tracker, targets: Targets, *, start: tuple[int, Array]) -> Array:
    """Poses (frames, nq) of a take.

    Args:
        tracker: Scaled to the subject.
        targets: The markers.
        start: A frame, and a pose that fits it.
    """
    goals = [
        Goal(points_m=points, weights=weights)
        for points, weights in zip(targets.points_m, targets.weights, strict=True)
    ]
    return _follow(tracker, goals, start, targets.rate_hz)


def hold_feet(tracker: Tracker, targets: Targets, poses: Array) -> Array:
    """Solve a take again with the feet held where `poses` (frames, nq) plant them."""
    count = len(targets.markers)
    soles = np.stack([tracker.predicted(pose)[count:] for pose in poses])
    places, holds = anchors(soles, targets.rate_hz)
    rows = zip(targets.points_m, targets.weights, places, holds, strict=True)
    goals = [
        Goal(points_m=points, weights=weights, anchors_m=place, anchor_weights=hold)
        for points, weights, place, hold in rows
    ]
    return _follow(tracker, goals, (0, poses[0]), targets.rate_hz)


def _follow(tracker: Tracker, goals: list[Goal], start: tuple[int, Array], rate_hz: float) -> Array:
    """From the start to the end, and from the start back to the beginning."""
    frame, pose = start
    poses = np.zeros((len(goals), len(pose)))
    poses[frame] = tracker.solve(pose, goals[frame], rounds=START_ROUNDS)
    pause = max(1, round(SEARCH_PAUSE_S * rate_hz))
    for way in (range(frame + 1, len(goals)), range(frame - 1, -1, -1)):
        before, searched = poses[frame], -pause
        for step, current in enumerate(way):
            goal = replace(goals[current], before=before)
            before = tracker.solve(before, goal, rounds=ROUNDS)
            if tracker.cost(before, goal) > LOST_M**2 and step - searched >= pause:
                before, searched = _search(tracker, goal, before), step
            poses[current] = before
    return poses


def _search(tracker: Tracker, goal: Goal, pose: Array) -> Array:
    """A pose searched from everywhere, if it is better than the one at hand."""
    anew = first_pose(tracker, replace(goal, before=None), [pose])
    return min(pose, anew, key=lambda candidate: tracker.cost(candidate, goal))


def marker_errors(tracker: Tracker, targets: Targets, poses: Array) -> Array:
    """(frames, markers): distance (m) from each point to its marker, NaN where it was not seen."""
    count = len(targets.markers)
    predicted = np.stack([tracker.predicted(pose)[:count] for pose in poses])
    errors = np.linalg.norm(predicted - targets.points_m, axis=2)
    return np.where(targets.seen, errors, np.nan)
