# SPDX-License-Identifier: GPL-3.0-or-later
"""First poses: where the body is and where it faces, from nothing but the markers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation  # pyright: ignore[reportMissingTypeStubs]

from .skeleton import group_of
from .tracker import Goal, Tracker

Array = NDArray[np.float64]
TRUNK_GROUPS = frozenset({"pelvis", "lumbar", "thorax"})
ROUNDS = 60
ROUGH_ROUNDS = 15
KEPT_STARTS = 3
DAMPING = 0.02


def first_pose(tracker: Tracker, goal: Goal, hints: Iterable[Array] = ()) -> Array:
    """The best pose of several searches.

    They start from the rest pose and from `hints` (qpos of other frames), laid on the trunk's
    markers and on all markers, and from the rest pose upright in four directions.
    """
    bases = [*hints, tracker.chain.rest]
    starts = [start for base in bases for start in _laid(tracker, base, goal)] + _turned(
        tracker, goal
    )
    rough = [tracker.solve(s, goal, rounds=ROUGH_ROUNDS, damping=DAMPING) for s in starts]
    rough.sort(key=lambda pose: tracker.cost(pose, goal))
    fine = [tracker.solve(pose, goal, rounds=ROUNDS) for pose in rough[:KEPT_STARTS]]
    return min([*fine, rough[0]], key=lambda pose: tracker.cost(pose, goal))


def _laid(tracker: Tracker, base: Array, goal: Goal) -> list[Array]:
    """A pose moved as a rigid body onto the trunk's markers, and onto all (Kabsch 1976)."""
    model_m = tracker.predicted(base)[: len(goal.weights)]
    used = goal.weights > 0
    names = [tracker.chain.body_names[int(body)] for body in tracker.markers.bodies]
    trunk = np.array([group_of(name) in TRUNK_GROUPS for name in names])
    return [
        _laid_on(tracker, base, model_m[chosen], goal.points_m[chosen])
        for chosen in (used & trunk, used)
        if chosen.sum() >= 3
    ]


def _laid_on(tracker: Tracker, base: Array, model_m: Array, points_m: Array) -> Array:
    centre_model, centre_points = model_m.mean(axis=0), points_m.mean(axis=0)
    turn = _best_turn(points_m - centre_points, model_m - centre_model)
    return _placed(tracker, base, turn, centre_points - turn.apply(centre_model))


def _best_turn(points_m: Array, model_m: Array) -> Rotation:
    left, _, right = np.linalg.svd(points_m.T @ model_m)
    sign = np.sign(np.linalg.det(left @ right)) or 1.0
    return Rotation.from_matrix(left @ np.diag([1.0, 1.0, sign]) @ right)


def _turned(tracker: Tracker, goal: Goal) -> list[Array]:
    rest = tracker.chain.rest
    used = goal.weights > 0
    centre_model = tracker.predicted(rest)[: len(goal.weights)][used].mean(axis=0)
    centre_points = goal.points_m[used].mean(axis=0)
    turns = [Rotation.from_euler("z", quarter * np.pi / 2) for quarter in range(4)]
    return [_placed(tracker, rest, t, centre_points - t.apply(centre_model)) for t in turns]


def _placed(tracker: Tracker, base: Array, turn: Rotation, shift_m: Array) -> Array:
    """A pose with its free root turned about the world's origin, then shifted."""
    qpos = base.copy()
    root = next(joint.qpos for joint in tracker.chain.joints if joint.kind == "free")
    qpos[root : root + 3] = turn.apply(qpos[root : root + 3]) + shift_m
    own = Rotation.from_quat(qpos[[root + 4, root + 5, root + 6, root + 3]])
    x, y, z, w = (turn * own).as_quat()
    qpos[root + 3 : root + 7] = (w, x, y, z)
    return qpos
