# SPDX-License-Identifier: GPL-3.0-or-later
"""Inverse kinematics of one frame: weighted least squares with joint limits (Gauss-Newton).

What is minimised, in m²: the weighted squared marker distances (far ones count linearly, Huber
1964), how far soles are under the floor, and, far more loosely, how far the joints are from their
rest and from where they were before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack  # pyright: ignore[reportMissingTypeStubs]

from .chain import Chain, Indices, Points
from .limits import Limits

Array = NDArray[np.float64]

# How far a marker is from its place on a well fitted body: skin, placement, the model's simplicity.
MARKER_SIGMA_M = 0.02
# A marker further off than this is likely another marker's ghost.
OUTLIER_M = 0.10
# Above what joints turn at in sport; it binds joints that markers hardly see to the frame before.
MOTION_SIGMA_RAD_S = 30.0
FLOOR_WEIGHT = 10.0
CONVERGED_RAD = 1e-4
MAX_BOUND_ROUNDS = 8
SLACK = 1e-12


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a frame is to reach.

    Attributes:
        points_m: (markers, 3).
        weights: (markers,), 0 leaves a marker out.
        before: Qpos to stay near to, None at a start.
        anchors_m: (soles, 3): where planted soles stand, None without.
        anchor_weights: (soles,), 0 for soles that are not planted.
    """

    points_m: Array
    weights: Array
    before: Array | None = None
    anchors_m: Array | None = None
    anchor_weights: Array | None = None


class Tracker:
    """Follows goals with a chain."""

    def __init__(
        self,
        chain: Chain,
        limits: Limits,
        *,
        markers: Points,
        soles: Points,
        rate_hz: float = 100.0,
    ) -> None:
        self.chain = chain
        self.limits = limits
        self.markers = markers
        self.soles = soles
        self.floor = False
        self.rest_factor = 1.0
        self._bodies: Indices = np.concatenate([markers.bodies, soles.bodies])
        self._local: Array = np.concatenate([markers.local_m, soles.local_m])
        self._rest_weight = limits.rest_precision * MARKER_SIGMA_M**2
        motion_rad = MOTION_SIGMA_RAD_S / rate_hz
        self._motion_weight = np.full(chain.dof_count, (MARKER_SIGMA_M / motion_rad) ** 2)
        self._motion_weight[limits.rest_precision == 0] = 0.0

    def resize(self, scales: Array, offsets_m: Array) -> None:
        """Scale bodies (bodies, 3), and move markers on them by `offsets_m` (markers, 3)."""
        self.chain.set_scales(scales)
        moved = self.markers.local_m * scales[self.markers.bodies] + offsets_m
        self._local = np.concatenate([moved, self.soles.local_m * scales[self.soles.bodies]])

    def predicted(self, qpos: Array) -> Array:
        """World positions of markers, then soles, in a pose (which becomes the chain's)."""
        self.chain.pose(qpos)
        return self.chain.positions(self._bodies, self._local)

    def solve(self, qpos: Array, goal: Goal, *, rounds: int, damping: float = 0.0) -> Array:
        """The pose that fits best, searched from `qpos`; at most `rounds` steps."""
        for _ in range(rounds):
            hessian, gradient = self.normal_equations(qpos, goal)
            if damping:
                hessian[np.diag_indices_from(hessian)] *= 1 + damping
            low, high = self.limits.step_bounds(qpos, self.chain.dof_count)
            step = bounded_step(hessian, gradient, low, high)
            largest = float(np.abs(step).max())
            if largest > 1.0:  # a linear model says nothing that far away
                step *= 1.0 / largest
            qpos = self.chain.moved(qpos, step)
            self.limits.clamp(qpos)
            if largest < CONVERGED_RAD:
                break
        return qpos

    def normal_equations(self, qpos: Array, goal: Goal) -> tuple[Array, Array]:
        """Gauss-Newton's matrix (dofs, dofs) and gradient (dofs,) at a pose."""
        positions = self.predicted(qpos)
        residuals, weights = self.residuals(positions, goal)
        rows = self.jacobian(positions)
        weighted = rows * weights.reshape(-1, 1)
        hessian, gradient = self.prior_equations(qpos, goal)
        hessian += rows.T @ weighted
        gradient += weighted.T @ residuals.reshape(-1)
        return hessian, gradient

    def jacobian(self, positions: Array) -> Array:
        """(3 × points, dofs): how markers and soles move with the dofs in the chain's pose."""
        return self.chain.jacobian(self._bodies, positions).reshape(-1, self.chain.dof_count)

    def cost(self, qpos: Array, goal: Goal) -> float:
        """Mean weighted squared marker distance (m²), far markers counted linearly."""
        residuals = self.predicted(qpos)[: len(goal.weights)] - goal.points_m
        distance = np.linalg.norm(residuals, axis=1)
        near = np.minimum(distance, OUTLIER_M)
        loss = near * (2 * distance - near)
        return float(goal.weights @ loss / max(goal.weights.sum(), 1e-9))

    def residuals(self, positions: Array, goal: Goal) -> tuple[Array, Array]:
        """Residuals and weights (points, 3) of markers and soles."""
        count = len(goal.weights)
        residuals = np.zeros_like(positions)
        weights = np.zeros_like(positions)
        residuals[:count] = positions[:count] - goal.points_m
        distance = np.linalg.norm(residuals[:count], axis=1)
        robust = OUTLIER_M / np.maximum(distance, OUTLIER_M)
        weights[:count] = (goal.weights * robust)[:, None]
        if self.floor:
            residuals[count:, 2] = np.minimum(positions[count:, 2], 0.0)
            weights[count:, 2] = FLOOR_WEIGHT * (positions[count:, 2] < 0)
        if goal.anchors_m is not None and goal.anchor_weights is not None:
            planted = goal.anchor_weights > 0
            residuals[count:][planted] = (positions[count:] - goal.anchors_m)[planted]
            # A sole under the floor stays as heavy as it is: its anchor may be only fading in.
            held = np.maximum(weights[count:], goal.anchor_weights[:, None])
            weights[count:][planted] = held[planted]
        return residuals, weights

    def prior_equations(self, qpos: Array, goal: Goal) -> tuple[Array, Array]:
        """Matrix and gradient of what holds the joints: their rest, and where they were before."""
        rest = self._rest_weight * self.rest_factor
        diagonal = rest + 1e-9
        gradient = rest * self.chain.difference(self.chain.rest, qpos)
        if goal.before is not None:
            diagonal = diagonal + self._motion_weight
            gradient += self._motion_weight * self.chain.difference(goal.before, qpos)
        return np.diag(diagonal), gradient


# scipy builds its LAPACK names at run time, so that they have no types.
_cholesky: Callable[[Array, Array], tuple[Array, Array, int]] = getattr(lapack, "dposv")  # noqa: B009


def bounded_step(hessian: Array, gradient: Array, low: Array, high: Array) -> Array:
    """A step within bounds that makes ½ sᵀHs + gᵀs small: the least value, as a rule.

    By an active set: dofs that a step would carry past their bound are put on it and the others
    solved again; those that would rather come back are let go.
    """
    step = np.zeros_like(gradient)
    free = np.ones(len(gradient), dtype=bool)
    for _ in range(MAX_BOUND_ROUNDS):
        held = ~free
        right = -gradient[free] - hessian[np.ix_(free, held)] @ step[held]
        step[free] = solve_positive(hessian[np.ix_(free, free)], right)
        passed = free & ((step < low) | (step > high))
        step[passed] = np.clip(step, low, high)[passed]
        if not passed.any():
            slope = hessian @ step + gradient
            passed = ~free & np.where(step <= low, slope < -SLACK, slope > SLACK)
            if not passed.any():
                return step
        free ^= passed
    return _shortened(np.clip(step, low, high), hessian, gradient)


def _shortened(step: Array, hessian: Array, gradient: Array) -> Array:
    """As much of a step as makes things better: the active set may end before it is settled."""
    downhill, bend = -float(gradient @ step), float(step @ hessian @ step)
    return step * min(1.0, max(0.0, downhill) / max(bend, SLACK))


def solve_positive(matrix: Array, right: Array) -> Array:
    """Solve a symmetric positive definite system.

    LAPACK directly: checks and copies around it cost more than solving 57 unknowns.
    """
    if not len(matrix):
        return right
    _, solution, failed = _cholesky(matrix, right)
    if failed:
        solution, *_ = np.linalg.lstsq(matrix, right, rcond=None)
        return solution.astype(np.float64)
    return solution
