# SPDX-License-Identifier: GPL-3.0-or-later
"""The person who is recorded: the reference skeleton with her own proportions, and its poses."""
# MuJoCo comes without types.
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from local_service.solve import skeleton

Array = NDArray[np.float64]

NAME = "Anna"
STATURE_M = 1.72
SIDES = ("r", "l")
SOLE_POINTS = ("heel", "ball_medial", "ball_lateral", "toe_tip")

# Her segments against those of the reference skeleton (1.75 m), along each body's X, Y and Z, by
# the first word of the body's name: longer shanks, narrower shoulders and a wider pelvis than
# 1.72 / 1.75 = 0.983 would give.
PROPORTIONS: Mapping[str, tuple[float, float, float]] = {
    "human": (0.99, 0.98, 1.04),
    "pelvis": (0.99, 0.98, 1.04),
    "lumbar": (0.97, 0.97, 0.97),
    "thoracic": (0.96, 0.985, 0.94),
    "cervical": (1.0, 1.0, 1.0),
    "skull": (0.98, 0.98, 0.98),
    "clavicle": (0.95, 0.95, 0.95),
    "scapula": (0.95, 0.95, 0.95),
    "humerus": (0.97, 0.97, 0.97),
    "ulna": (0.99, 0.99, 0.99),
    "radius": (0.99, 0.99, 0.99),
    "lunate": (0.96, 0.96, 0.96),
    "femur": (0.975, 0.975, 0.975),
    "tibia": (1.005, 1.005, 1.005),
    "talus": (0.97, 0.97, 0.97),
    "calcaneus": (0.97, 0.97, 0.97),
    "toes": (0.97, 0.97, 0.97),
}

# Columns: where X (forward), Y (up) and Z (right) of the upright pelvis point when she walks along
# the lab's +X.
_UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def scale_of(body: str) -> Array:
    """(3,) her scale of a body against the reference skeleton."""
    return np.asarray(PROPORTIONS[body.partition("_")[0]], dtype=np.float64)


class Subject:
    """Her skeleton: sets poses and tells where things are."""

    def __init__(self) -> None:
        spec = skeleton.load_spec()
        names = [body.name for body in spec.bodies if body.name != "world"]
        skeleton.scale_spec(spec, {name: scale_of(name) for name in names})
        self._model: Any = spec.compile()
        self._data: Any = mujoco.MjData(self._model)
        self.bodies = tuple(str(self._model.body(index).name) for index in range(self._model.nbody))
        self.stand()
        # The pelvis in the frame of the free root, which it does not leave.
        root = self._data.xmat[1].reshape(3, 3)
        self._pelvis_turn = root.T @ self._data.body("pelvis").xmat.reshape(3, 3)
        self._pelvis_shift = root.T @ (self._data.body("pelvis").xpos - self._data.xpos[1])

    def angle_deg(self, joint: str, poses: Array) -> Array:
        """(n,) a hinge's angle in poses (n, nq)."""
        return np.degrees(poses[:, self._column(joint)])

    def limits_deg(self) -> dict[str, tuple[float, float]]:
        """Least and greatest angle of every hinge."""
        hinges = [index for index in range(self._model.njnt) if self._model.jnt_type[index] == 3]
        ranges = np.degrees(self._model.jnt_range).tolist()
        return {self._model.joint(index).name: tuple(ranges[index]) for index in hinges}

    def stand(self) -> None:
        """The rest pose."""
        mujoco.mj_resetData(self._model, self._data)
        mujoco.mj_kinematics(self._model, self._data)

    def set_root(self, position: Array, angles_deg: Sequence[float]) -> None:
        """Place the pelvis.

        Args:
            position: (3,) of the middle between the front spines, m; the lab is Z up.
            angles_deg: Yaw to the left, right side up, tilt forward: about the lab's up, then
                her own forward and sideways axes.
        """
        yaw, up, tilt = np.radians(angles_deg)
        pelvis = _about(2, yaw) @ _about(0, -up) @ _about(1, tilt) @ _UPRIGHT
        root = pelvis @ self._pelvis_turn.T
        self._data.qpos[:3] = position - root @ self._pelvis_shift
        self._data.qpos[3:7] = _quaternion(root)

    def set_hinges(self, angles_deg: Mapping[str, float]) -> None:
        """Set hinge joints by name."""
        for name, angle in angles_deg.items():
            self._data.qpos[self._column(name)] = np.radians(angle)

    def set_shoulder(self, side: str, *, flexion_deg: float, abduction_deg: float) -> None:
        """Swing an upper arm forward and away from the trunk."""
        outward = -1.0 if side == "r" else 1.0
        turn = _about(0, outward * np.radians(abduction_deg)) @ _about(2, np.radians(flexion_deg))
        start = self._column(f"shoulder_{side}")
        self._data.qpos[start : start + 4] = _quaternion(turn)

    def _column(self, joint: str) -> int:
        return int(self._model.joint(joint).qposadr[0])

    def update(self) -> None:
        """Compute where everything is."""
        mujoco.mj_kinematics(self._model, self._data)

    def qpos(self) -> Array:
        """(nq,) a copy of the coordinates."""
        return np.array(self._data.qpos)

    def set_qpos(self, qpos: Array) -> None:
        """Take a whole pose, and compute where everything is."""
        self._data.qpos[:] = qpos
        self.update()

    def sole(self, side: str) -> Array:
        """(4, 3) the `SOLE_POINTS` of a foot, m."""
        return np.array([self._data.site(f"{point}_{side}").xpos for point in SOLE_POINTS])

    def points(self, bodies: Sequence[str], local: Array) -> Array:
        """(n, 3) points that are fixed to bodies, m.

        Args:
            bodies: The body of each point.
            local: (n, 3) in the frame of that body.
        """
        index = [self.bodies.index(body) for body in bodies]
        turns = self._data.xmat[index].reshape(-1, 3, 3)
        return np.asarray(self._data.xpos[index] + np.einsum("nij,nj->ni", turns, local))


def _about(axis: int, angle: float) -> Array:
    """Rotation matrix about a coordinate axis."""
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    turn = np.eye(3)
    turn[first, first] = turn[second, second] = np.cos(angle)
    turn[second, first], turn[first, second] = np.sin(angle), -np.sin(angle)
    return turn


def _quaternion(turn: Array) -> Array:
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, turn.ravel())
    return quaternion
