# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits segment scales and movable markers to a subject, together with the poses of a few frames.

The unknowns of all frames are solved at once (Gauss-Newton); the poses are eliminated frame by
frame, so the system left over has the size of scales and marker offsets only (Schur complement).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .scale_priors import Priors
from .scale_space import ScaleSpace
from .start import first_pose
from .tracker import OUTLIER_M, Goal, Tracker, solve_positive

Array = NDArray[np.float64]
ROUNDS = 30
CONVERGED = 2e-4
# Joints are held nearer to rest than in tracking, or a bent wrist would do for a short hand.
REST_FACTOR = 4.0
# A frame whose lowest sole is this near to the floor is taken as standing on it.
STANDING_M = 0.06
STANDING_WEIGHT = 1.0


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """A subject's size.

    Attributes:
        scales: (bodies, 3) along each body's own axes.
        offsets_m: (markers, 3), where movable markers sit from their scaled places, in body frames.
        pose: (nq,), a solved pose of the frame `frame`.
        frame: The frame that `pose` fits.
    """

    scales: Array
    offsets_m: Array
    pose: Array
    frame: int


def pick_frames(weights: Array, count: int) -> NDArray[np.intp]:
    """Frames (≤ count,) spread over the take, each the best covered, most central of its part."""
    parts = np.array_split(np.arange(len(weights)), max(1, min(count, len(weights))))
    coverage = weights.sum(axis=1)
    picked: list[int] = []
    for part in parts:
        off_centre = np.abs(part - part.mean()) / max(len(part), 1)
        picked.append(int(part[np.argmax(coverage[part] - 1e-3 * off_centre)]))
    return np.array(picked, dtype=np.intp)


def fit(
    tracker: Tracker,
    points_m: Array,
    weights: Array,
    *,
    priors: Priors,
    count: int,
    sizes: bool = True,
) -> Scaling:
    """Fit a subject.

    Args:
        tracker: Its chain and markers are scaled in place.
        points_m: (frames, markers, 3).
        weights: (frames, markers).
        priors: What is expected of the sizes.
        count: Frames to use.
        sizes: False leaves the skeleton and the markers as they are and finds poses only.
    """
    frames = pick_frames(weights, count)
    goals = [Goal(points_m=points_m[f], weights=weights[f]) for f in frames]
    space = ScaleSpace(tracker.chain, tracker.markers, tracker.soles, priors.movable)
    values = priors.start(space, tracker, goals) if sizes else space.unscaled()
    space.apply(values, tracker)
    tracker.rest_factor = REST_FACTOR
    poses = first_poses(tracker, goals)
    for _ in range(ROUNDS if sizes else 0):
        step, pose_steps = _joint_step(tracker, space, priors, values, goals, poses)
        bounded = priors.bounded(space, values + step)
        change = float(np.abs(bounded - values).max())
        values = bounded
        space.apply(values, tracker)
        poses = [_moved(tracker, *pair) for pair in zip(poses, pose_steps, strict=True)]
        if change < CONVERGED:
            break
    tracker.rest_factor = 1.0
    best = int(np.argmin([tracker.cost(p, g) for p, g in zip(poses, goals, strict=True)]))
    scales, offsets_m = space.unpack(values)
    return Scaling(scales=scales, offsets_m=offsets_m, pose=poses[best], frame=int(frames[best]))


def first_poses(tracker: Tracker, goals: list[Goal]) -> list[Array]:
    """A pose for each goal; the best covered first, its limbs then help the others."""
    order = sorted(range(len(goals)), key=lambda index: -goals[index].weights.sum())
    poses: dict[int, Array] = {}
    for index in order:
        nearest = sorted(poses, key=lambda known: abs(known - index))[:2]
        poses[index] = first_pose(tracker, goals[index], [poses[known] for known in nearest])
    return [poses[index] for index in range(len(goals))]


def _moved(tracker: Tracker, pose: Array, step: Array) -> Array:
    pose = tracker.chain.moved(pose, step)
    tracker.limits.clamp(pose)
    return pose


def _joint_step(
    tracker: Tracker,
    space: ScaleSpace,
    priors: Priors,
    values: Array,
    goals: list[Goal],
    poses: list[Array],
) -> tuple[Array, list[Array]]:
    """One step of the sizes, and of every frame's pose."""
    hessian, gradient = priors.normal_equations(space, values)
    eliminated: list[tuple[Array, Array, NDArray[np.bool_]]] = []
    for goal, pose in zip(goals, poses, strict=True):
        parts = _frame_equations(tracker, space, goal, pose)
        pose_hessian, cross, size_hessian, pose_gradient, size_gradient = parts
        free = _free_dofs(tracker, pose, pose_gradient)
        inner = pose_hessian[np.ix_(free, free)]
        solved = solve_positive(inner, np.column_stack([cross[free], pose_gradient[free]]))
        by_size, by_pose = solved[:, :-1], solved[:, -1]
        hessian += (size_hessian - cross[free].T @ by_size) / len(goals)
        gradient += (size_gradient - cross[free].T @ by_pose) / len(goals)
        eliminated.append((by_size, by_pose, free))
    step = -solve_positive(hessian, gradient)
    return step, [
        _pose_step(tracker, pose, step, *e) for pose, e in zip(poses, eliminated, strict=True)
    ]


def _frame_equations(
    tracker: Tracker, space: ScaleSpace, goal: Goal, pose: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """The blocks of one frame: pose × pose, pose × size, size × size, and both gradients."""
    positions = tracker.predicted(pose)
    by_pose, by_size = tracker.jacobian(positions), space.jacobian(tracker.chain)
    residuals, weights = tracker.residuals(positions, goal)
    if tracker.floor:
        _stand(positions, len(goal.weights), residuals, weights)
    weight, residual = weights.reshape(-1, 1), residuals.reshape(-1)
    hessian, gradient = tracker.prior_equations(pose, goal)
    hessian += by_pose.T @ (by_pose * weight)
    gradient += (by_pose * weight).T @ residual
    weighted = by_size * weight
    return hessian, by_pose.T @ weighted, by_size.T @ weighted, gradient, weighted.T @ residual


def _stand(positions: Array, markers: int, residuals: Array, weights: Array) -> None:
    """Ask the lowest sole of a standing frame to be on the floor, not only not below it."""
    heights = positions[markers:, 2]
    lowest = int(np.argmin(heights))
    if heights.size and abs(heights[lowest]) < STANDING_M:
        residuals[markers + lowest, 2] = heights[lowest]
        weights[markers + lowest, 2] = max(STANDING_WEIGHT, weights[markers + lowest, 2])


def _free_dofs(tracker: Tracker, pose: Array, gradient: Array) -> NDArray[np.bool_]:
    """Dofs that are not pressed against their limit."""
    low, high = tracker.limits.step_bounds(pose, tracker.chain.dof_count)
    return ~(((low >= 0) & (gradient > 0)) | ((high <= 0) & (gradient < 0)))


def _pose_step(
    tracker: Tracker,
    pose: Array,
    step: Array,
    by_size: Array,
    by_pose: Array,
    free: NDArray[np.bool_],
) -> Array:
    moved = np.zeros(tracker.chain.dof_count)
    moved[free] = -(by_pose + by_size @ step)
    low, high = tracker.limits.step_bounds(pose, tracker.chain.dof_count)
    return np.clip(np.clip(moved, low, high), -OUTLIER_M * 5, OUTLIER_M * 5)
