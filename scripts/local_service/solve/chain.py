# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinematics of a MuJoCo model: poses, points on bodies and their Jacobians.

`mj_kinematics` and `mj_comPos` do the work; the Jacobians of all points are put together at once
from MuJoCo's motion axes (`cdof`), because one `mj_jac` call per marker costs more than all the
rest.
"""
# MuJoCo's functions and structures come from a compiled module without full types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from .skeleton import Joint, joints

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points fixed on bodies: `bodies` (n,) ids, `local_m` (n, 3) in unscaled bodies' frames."""

    bodies: Indices
    local_m: Array

    def __add__(self, other: Points) -> Points:
        return Points(
            bodies=np.concatenate([self.bodies, other.bodies]),
            local_m=np.concatenate([self.local_m, other.local_m]),
        )


class Chain:
    """A model with one current pose, whose bodies can be scaled in place."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 (MjModel has no type)
        self.model = model
        self.data: Any = mujoco.MjData(model)
        self.joints: tuple[Joint, ...] = joints(model)
        self.rest: Array = np.array(model.qpos0)
        self.parents: Indices = np.array(model.body_parentid, dtype=np.intp)
        self.offsets_m: Array = np.array(model.body_pos)
        self.carried_by = self._carried_by()
        self._dof_root = np.array(model.body_rootid)[np.array(model.dof_bodyid)]

    def _carried_by(self) -> NDArray[np.bool_]:
        """(bodies, dofs): whether a dof moves a body."""
        moved = np.zeros((self.model.nbody, self.model.nv), dtype=bool)
        for body in range(1, self.model.nbody):
            moved[body] = moved[self.parents[body]]
            first = self.model.body_dofadr[body]
            moved[body, first : first + self.model.body_dofnum[body]] = True
        return moved

    @property
    def dof_count(self) -> int:
        """Degrees of freedom."""
        return int(self.model.nv)

    @property
    def body_names(self) -> tuple[str, ...]:
        """Names by body id; the first is `world`."""
        return tuple(self.model.body(index).name for index in range(self.model.nbody))

    def sites(self, prefix: str = "") -> Points:
        """The model's sites as points."""
        chosen = [i for i in range(self.model.nsite) if self.model.site(i).name.startswith(prefix)]
        return Points(
            bodies=np.array(self.model.site_bodyid, dtype=np.intp)[chosen],
            local_m=np.array(self.model.site_pos).reshape(-1, 3)[chosen],
        )

    def set_scales(self, scales: Array) -> None:
        """Scale every body's children: `scales` is (bodies, 3), along each body's own axes."""
        self.model.body_pos[:] = self.offsets_m * scales[self.parents]

    def pose(self, qpos: Array) -> None:
        """Take a pose: (nq,)."""
        self.data.qpos[:] = qpos
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)

    def rotations(self) -> Array:
        """(bodies, 3, 3): the bodies' orientations in the world."""
        return self.data.xmat.reshape(-1, 3, 3)

    def positions(self, bodies: Indices, local_m: Array) -> Array:
        """World positions (n, 3) of scaled points in the current pose."""
        return self.data.xpos[bodies] + np.einsum("nij,nj->ni", self.rotations()[bodies], local_m)

    def jacobian(self, bodies: Indices, positions_m: Array) -> Array:
        """(n, 3, dofs): how world points on `bodies` move with the dofs in the current pose."""
        turn, shift = self.data.cdof[:, :3], self.data.cdof[:, 3:]
        lever = positions_m[:, None] - self.data.subtree_com[self._dof_root][None]
        moved = shift + np.cross(turn[None], lever)
        moved *= self.carried_by[bodies][:, :, None]
        return moved.swapaxes(1, 2)

    def difference(self, start: Array, end: Array) -> Array:
        """(dofs,): the tangent that leads from one qpos to another."""
        tangent = np.zeros(self.dof_count)
        mujoco.mj_differentiatePos(self.model, tangent, 1.0, start, end)
        return tangent

    def moved(self, qpos: Array, tangent: Array) -> Array:
        """Qpos after a step along a tangent."""
        result = qpos.copy()
        mujoco.mj_integratePos(self.model, result, tangent, 1.0)
        return result
