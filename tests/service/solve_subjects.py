# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up subjects with a known motion, recorded with made-up markersets.

The motion is MuJoCo's own forward kinematics of a skeleton scaled here, so the solve's kinematics,
scaling and matching are tested against something they have no part in.
"""
# MuJoCo, ezc3d, pyarrow and pygltflib come without full types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import ezc3d
import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from local_service.solve import skeleton

Array = NDArray[np.float64]

# Where markers sit on the reference skeleton's bodies (m); left is mirrored.
MIDDLE = {
    "pelvis": [(0.0, 0.0, 0.12), (0.0, 0.0, -0.12), (-0.15, 0.03, 0.05), (-0.15, 0.03, -0.05)],
    "thoracic_spine": [(0.13, 0.08, 0.0), (0.1, 0.2, 0.0), (-0.08, 0.05, 0.0), (-0.07, 0.26, 0.0)],
    "skull": [(0.09, 0.08, 0.05), (0.09, 0.08, -0.05), (-0.09, 0.08, 0.05), (-0.09, 0.08, -0.05)],
}
SIDED = {
    "scapula": [(0.0, 0.03, 0.0)],
    "humerus": [(-0.02, -0.15, 0.05), (0.0, -0.3, 0.04)],
    "radius": [(0.02, -0.12, 0.04), (0.05, -0.24, 0.03)],
    "ulna": [(-0.04, -0.24, 0.06)],
    "lunate": [(0.02, -0.08, 0.025), (-0.02, -0.08, 0.025)],
    "femur": [(0.02, -0.2, 0.08), (0.0, -0.42, 0.055)],
    "tibia": [(0.03, -0.2, 0.05), (0.0, -0.42, 0.045)],
    "calcaneus": [(-0.02, 0.01, 0.0), (0.18, 0.02, -0.03), (0.15, 0.015, 0.05)],
}


@dataclass(frozen=True)
class Subject:
    """A scaled skeleton and its motion; `names`, `bodies`, `places_m` are the markers'."""

    model: mujoco.MjModel
    poses: Array
    names: list[str]
    bodies: list[str]
    places_m: Array
    scales: dict[str, Array]
    rate_hz: float = 100.0
    hidden: list[tuple[str, slice]] = field(default_factory=list)

    def body_positions(self) -> Array:
        """(frames, bodies, 3) by MuJoCo's forward kinematics."""
        return self._perform()[0]

    def marker_positions(self) -> Array:
        """(frames, markers, 3); markers follow their body's scale."""
        positions, rotations = self._perform()
        ids = [self.model.body(body).id for body in self.bodies]
        scaled = self.places_m * np.array([self.scales.get(b, np.ones(3)) for b in self.bodies])
        return positions[:, ids] + np.einsum("fmij,mj->fmi", rotations[:, ids], scaled)

    def _perform(self) -> tuple[Array, Array]:
        data = mujoco.MjData(self.model)
        positions, rotations = [], []
        for pose in self.poses:
            data.qpos[:] = pose
            mujoco.mj_forward(self.model, data)
            positions.append(data.xpos.copy())
            rotations.append(data.xmat.reshape(-1, 3, 3).copy())
        return np.array(positions), np.array(rotations)

    def angle(self, joint: str) -> Array:
        """(frames,) rad."""
        return self.poses[:, self.model.joint(joint).qposadr[0]]


def make_subject(
    *,
    heading_rad: float = 0.0,
    frames: int = 120,
    size: float = 1.0,
    proportions: dict[str, float] | None = None,
    arms_up: float = 0.0,
    prefix: str = "M",
) -> Subject:
    """A subject that strides along `heading_rad` (from the world's -Y), every joint moving."""
    scales = {
        body: np.full(3, size * (proportions or {}).get(skeleton.group_of(body) or "", 1.0))
        for body in _body_names()
    }
    spec = skeleton.load_spec()
    skeleton.scale_spec(spec, scales)
    model = spec.compile()
    names, bodies, places = _markers(prefix)
    poses = _stride(model, frames, heading_rad, arms_up)
    return Subject(model, poses, names, bodies, places, scales)


def _body_names() -> list[str]:
    model = skeleton.load_model()
    return [model.body(index).name for index in range(1, model.nbody)]


def _markers(prefix: str) -> tuple[list[str], list[str], Array]:
    rows = [(body, place) for body, places in MIDDLE.items() for place in places]
    for body, places in SIDED.items():
        for side, sign in (("r", 1.0), ("l", -1.0)):
            rows += [(f"{body}_{side}", (x, y, sign * z)) for x, y, z in places]
    names = [f"{prefix}{index:02d}" for index in range(len(rows))]
    return names, [body for body, _ in rows], np.array([place for _, place in rows])


def _stride(model: mujoco.MjModel, frames: int, heading_rad: float, arms_up: float) -> Array:
    """Smooth periodic angles, in the middle third of every joint's range, about 0."""
    phase = 2 * np.pi * np.arange(frames) / 100.0
    poses = np.tile(model.qpos0, (frames, 1))
    for index in range(model.njnt):
        joint = model.joint(index)
        column, kind = int(joint.qposadr[0]), int(joint.type[0])
        if kind == mujoco.mjtJoint.mjJNT_HINGE:
            low, high = joint.range
            poses[:, column] = 0.33 * ((high + low) / 2 + (high - low) / 2 * np.sin(phase + index))
        elif kind == mujoco.mjtJoint.mjJNT_BALL:
            sign = 1.0 if joint.name.endswith("_l") else -1.0
            turns = np.stack(
                [sign * arms_up + 0 * phase, 0.2 * np.sin(phase), 0.4 * np.sin(phase)], 1
            )
            poses[:, column : column + 4] = _wxyz(Rotation.from_rotvec(turns))
    turn = Rotation.from_euler("z", heading_rad)
    ahead = turn.apply([0.0, -1.0, 0.0])
    poses[:, :3] = np.arange(frames)[:, None] * 0.012 * ahead
    poses[:, 2] = model.qpos0[2] + 0.02 * np.sin(2 * phase)
    poses[:, 3:7] = _wxyz(turn)
    poses[:, 2] -= _lowest_sole(model, poses)
    return poses


def _lowest_sole(model: mujoco.MjModel, poses: Array) -> float:
    data, lowest = mujoco.MjData(model), np.inf
    for pose in poses:
        data.qpos[:] = pose
        mujoco.mj_kinematics(model, data)
        lowest = min(lowest, data.site_xpos[:, 2].min())
    return lowest


def _wxyz(turn: Rotation) -> Array:
    return np.roll(turn.as_quat(), 1, axis=-1)


def write_markerset(subject: Subject, path: Path, *, movable: bool = False) -> Path:
    """The markerset that the subject wears."""
    rows = zip(subject.names, subject.bodies, subject.places_m, strict=True)
    markers = "".join(
        f'<marker name="{name}" body="{body}" pos="{x} {y} {z}" '
        f'movable="{int(movable)}" ik_weight="1"/>'
        for name, body, (x, y, z) in rows
    )
    path.write_text(f'<markers name="made" model="local">{markers}</markers>')
    return path


def write_take(
    subject: Subject, path: Path, *, noise_m: float = 0.0, person: str = "Anna", unit: str = "mm"
) -> Path:
    """The subject's recording as a C3D; `hidden` markers are gaps."""
    points = subject.marker_positions()
    points = points + np.random.default_rng(7).normal(0, noise_m, points.shape)
    for name, part in subject.hidden:
        points[part, subject.names.index(name)] = np.nan
    labels = [f"{person}:{name}" if person else name for name in subject.names]
    return write_c3d(path, labels, points * {"mm": 1e3, "m": 1.0}[unit], subject.rate_hz, unit)


def write_c3d(
    path: Path, labels: list[str], points: Array, rate_hz: float, unit: str = "mm"
) -> Path:
    """Points (frames, labels, 3) as a C3D."""
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [rate_hz]
    file["parameters"]["POINT"]["LABELS"]["value"] = labels
    file["parameters"]["POINT"]["UNITS"]["value"] = [unit]
    homogeneous = np.ones((4, points.shape[1], points.shape[0]))
    homogeneous[:3] = points.transpose(2, 1, 0)
    file["data"]["points"] = homogeneous
    file.write(str(path))
    return path
