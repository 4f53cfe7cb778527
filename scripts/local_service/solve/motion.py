# SPDX-License-Identifier: GPL-3.0-or-later
"""The solved motion: the scaled model, its poses, and where they put its bodies."""
# MuJoCo's functions and structures come from a compiled module without full types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from .skeleton import Joint, joints, scale_spec

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A motion of a scaled model.

    Attributes:
        model: `mujoco.MjModel`, the subject's.
        poses: (frames, nq).
        positions_m: (frames, bodies, 3), world, Z up.
        quaternions: (frames, bodies, 4), w x y z, world, continuous in sign.
    """

    model: Any
    joints: tuple[Joint, ...]
    body_names: tuple[str, ...]
    poses: Array
    positions_m: Array
    quaternions: Array
    rate_hz: float

    @property
    def times_s(self) -> Array:
        """(frames,) from 0."""
        return np.arange(len(self.poses)) / self.rate_hz


def scaled_model(spec: Any, scales: Mapping[str, Array], *, mass_kg: float | None) -> Any:  # noqa: ANN401
    """The subject's model: scaled, and standing on the floor in its rest pose."""
    scale_spec(spec, scales, mass_kg=mass_kg)
    model = spec.compile()
    if not model.nsite:
        return model
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for body in spec.worldbody.bodies:
        body.pos = body.pos - np.array([0.0, 0.0, data.site_xpos[:, 2].min()])
    return spec.compile()


def perform(model: Any, poses: Array, rate_hz: float) -> Solved:  # noqa: ANN401
    """Put a model through its poses."""
    data = mujoco.MjData(model)
    positions = np.empty((len(poses), model.nbody, 3))
    quaternions = np.empty((len(poses), model.nbody, 4))
    for frame, pose in enumerate(poses):
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        positions[frame], quaternions[frame] = data.xpos, data.xquat
    return Solved(
        model=model,
        joints=joints(model),
        body_names=tuple(model.body(index).name for index in range(model.nbody)),
        poses=poses,
        positions_m=positions,
        quaternions=continuous(quaternions),
        rate_hz=rate_hz,
    )


def continuous(quaternions: Array) -> Array:
    """Quaternions (frames, ..., 4) with the sign that is nearer to the frame before."""
    dots = np.einsum("f...i,f...i->f...", quaternions[1:], quaternions[:-1])
    signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    result = quaternions.copy()
    result[1:] *= signs[..., None]
    return result
