# SPDX-License-Identifier: GPL-3.0-or-later
"""Solves all frames of a take, each from its neighbour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .matching import Targets
from .scaling import pick_frames
from .start import first_pose
from .tracker import Goal, Tracker

Array = NDArray[np.float64]
ROUNDS = 6
# Beyond this mean distance a frame is likely caught in a wrong pose and is searched anew.
LOST_M = 0.15


def solve_frames(
    tracker: Tracker, targets: Targets, *, start: tuple[int, Array] | None = None
) -> Array:
    """Poses (frames, nq) of a take.

    Args:
        tracker: Scaled to the subject.
        targets: The markers.
        start: A frame and its pose; without it the best covered frame is searched.
    """
    weights = targets.weights
    goals = [Goal(points_m=p, weights=w) for p, w in zip(targets.points_m, weights, strict=True)]
    if start is None:
        frame = int(pick_frames(weights, 1)[0])
        start = (frame, first_pose(tracker, goals[frame]))
    frame, pose = start
    poses = np.zeros((len(goals), len(pose)))
    poses[frame] = tracker.solve(pose, goals[frame], rounds=4 * ROUNDS)
    for current in range(frame + 1, len(goals)):
        poses[current] = _next(tracker, goals[current], poses[current - 1])
    for current in range(frame - 1, -1, -1):
        poses[current] = _next(tracker, goals[current], poses[current + 1])
    return poses


def _next(tracker: Tracker, goal: Goal, before: Array) -> Array:
    goal = replace(goal, before=before)
    pose = tracker.solve(before, goal, rounds=ROUNDS)
    if tracker.cost(pose, goal) < LOST_M**2:
        return pose
    anew = first_pose(tracker, replace(goal, before=None), [before])
    return min(pose, anew, key=lambda candidate: tracker.cost(candidate, goal))


def marker_errors(tracker: Tracker, targets: Targets, poses: Array) -> Array:
    """(frames, markers): distance (m) from each seen point to its marker, NaN where it was not seen."""
    count = len(targets.markers)
    predicted = np.stack([tracker.predicted(pose)[:count] for pose in poses])
    errors = np.linalg.norm(predicted - targets.points_m, axis=2)
    return np.where(targets.seen, errors, np.nan)
