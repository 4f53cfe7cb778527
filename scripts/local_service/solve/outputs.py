# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a solved motion as the service does: NPZ, or qpos and xpos parquet and the model."""
# pyarrow and mujoco come without full types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from pathlib import Path

import mujoco
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .motion import Solved, continuous
from .skeleton import Joint

Array = NDArray[np.float64]
ROOT_SUFFIXES = ("tx", "ty", "tz", "qw", "qx", "qy", "qz")
# The three angles of a shoulder's ball joint, turned about X, then Y, then Z of the turned frame.
BALL_ANGLES = ("shoulder_abdu", "humerus_arot", "shoulder_flex")


def write_npz(solved: Solved, path: Path, *, metadata: dict[str, str | float]) -> None:
    """Revision 1: `joint_angles` (frames, angles) in rad, `joint_names`, `metadata` as JSON text.

    The root and slides are left out; a ball joint gives three angles.
    """
    columns: list[Array] = []
    names: list[str] = []
    for joint in solved.joints:
        if joint.kind == "hinge":
            columns.append(solved.poses[:, joint.qpos])
            names.append(joint.name)
        elif joint.kind == "ball":
            columns.extend(_ball_angles(solved.poses[:, joint.qpos : joint.qpos + 4]).T)
            names.extend(_ball_names(joint))
    np.savez_compressed(
        path,
        joint_angles=np.stack(columns, axis=1),
        joint_names=np.array(names),
        metadata=np.array(json.dumps(metadata)),
    )


def _ball_names(joint: Joint) -> list[str]:
    stem, _, side = joint.name.rpartition("_")
    if stem == "shoulder":
        return [f"{name}_{side}" for name in BALL_ANGLES]
    return [f"{joint.name}_{axis}" for axis in "xyz"]


def _ball_angles(quaternions: Array) -> Array:
    angles = Rotation.from_quat(quaternions[:, [1, 2, 3, 0]]).as_euler("XYZ")
    return np.unwrap(angles, axis=0)


def write_qpos(solved: Solved, path: Path) -> None:
    """Revision 2: `time`, then every coordinate of the model under its joint's name."""
    table = {"time": solved.times_s}
    for joint in solved.joints:
        names = _qpos_names(joint)
        values = solved.poses[:, joint.qpos : joint.qpos + len(names)].copy()
        if len(names) >= 4:
            values[:, -4:] = continuous(values[:, -4:])
        table.update(zip(names, values.T, strict=True))
    _write_parquet(table, path)


def _qpos_names(joint: Joint) -> list[str]:
    if joint.kind == "free":
        return [f"{joint.name}_{suffix}" for suffix in ROOT_SUFFIXES]
    if joint.kind == "ball":
        return [f"{joint.name}_{suffix}" for suffix in ROOT_SUFFIXES[3:]]
    return [joint.name]


def write_xpos(solved: Solved, path: Path) -> None:
    """Revision 2: `time`, then `<body>_x`, `_y`, `_z` of every body's origin (m, world, Z up)."""
    table = {"time": solved.times_s}
    for index, name in enumerate(solved.body_names):
        for axis, letter in enumerate("xyz"):
            table[f"{name}_{letter}"] = solved.positions_m[:, index, axis]
    _write_parquet(table, path)


def _write_parquet(columns: dict[str, Array], path: Path) -> None:
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    pq.write_table(table, path, compression="snappy")


def write_model(solved: Solved, path: Path) -> None:
    """Revision 2: the scaled model as MuJoCo's binary."""
    mujoco.mj_saveModel(solved.model, str(path), None)
