# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint limits of a model: bounds on a step, a clamp on a pose, and how loosely joints rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .chain import Chain

Array = NDArray[np.float64]
# A joint is expected within half its range of its rest pose (about one standard deviation).
REST_SHARE = 0.5
UNLIMITED_REST_RAD = 2.0


class Limits:
    """Bounds of the joints of a chain."""

    def __init__(self, chain: Chain) -> None:
        single = [j for j in chain.joints if j.kind in ("hinge", "slide") and j.range is not None]
        self._qpos = np.array([joint.qpos for joint in single], dtype=np.intp)
        self._dofs = np.array([joint.dof for joint in single], dtype=np.intp)
        ranges = np.array([joint.range for joint in single], dtype=np.float64).reshape(-1, 2)
        self._low, self._high = ranges[:, 0], ranges[:, 1]
        self._balls = [
            (joint.qpos, joint.range[1])
            for joint in chain.joints
            if joint.kind == "ball" and joint.range is not None
        ]
        self.rest_precision = _rest_precision(chain)

    def step_bounds(self, qpos: Array, dof_count: int) -> tuple[Array, Array]:
        """Least and greatest step (dofs,) each that keeps hinges and slides within limits."""
        low, high = np.full(dof_count, -np.inf), np.full(dof_count, np.inf)
        low[self._dofs] = self._low - qpos[self._qpos]
        high[self._dofs] = self._high - qpos[self._qpos]
        return low, high

    def clamp(self, qpos: Array) -> None:
        """Bring a pose within its limits, in place; balls are turned back along their own axis."""
        qpos[self._qpos] = np.clip(qpos[self._qpos], self._low, self._high)
        for start, greatest in self._balls:
            quaternion = qpos[start : start + 4]
            turn = 2 * np.arctan2(np.linalg.norm(quaternion[1:]), abs(quaternion[0]))
            if turn > greatest:
                axis = (
                    np.sign(quaternion[0] or 1.0) * quaternion[1:] / np.linalg.norm(quaternion[1:])
                )
                quaternion[:] = [np.cos(greatest / 2), *(np.sin(greatest / 2) * axis)]

    def violation_rad(self, poses: Array) -> float:
        """How far poses (frames, nq) pass a limit at most (rad; m for slides), 0 if they do not."""
        values = poses[:, self._qpos]
        worst = max(0.0, float(np.max(self._low - values)), float(np.max(values - self._high)))
        for start, greatest in self._balls:
            quaternion = poses[:, start : start + 4]
            turn = 2 * np.arctan2(np.linalg.norm(quaternion[:, 1:], axis=1), abs(quaternion[:, 0]))
            worst = max(worst, float(np.max(turn - greatest)))
        return worst


def _rest_precision(chain: Chain) -> Array:
    """(dofs,): inverse variance of each dof about its rest value; 0 for the free root."""
    precision = np.zeros(chain.dof_count)
    for joint in chain.joints:
        if joint.kind == "free":
            continue
        size = 3 if joint.kind == "ball" else 1
        spread = UNLIMITED_REST_RAD
        if joint.range is not None:
            spread = REST_SHARE * (joint.range[1] - joint.range[0])
        precision[joint.dof : joint.dof + size] = 1.0 / max(spread, 1e-3) ** 2
    return precision
