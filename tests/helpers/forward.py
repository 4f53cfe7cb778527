# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of an armature as Blender works them out, in matrices and apart from the product.

After `BKE_bone_parent_transform_calc_from_matrices` of Blender's source: the step from the
parent at rest, its pose, then a bone's own channels, with its settings for inheriting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from myosapiens_addon.retarget.curves import PoseCurves
from myosapiens_addon.retarget.rig import Rig
from tests.helpers import likeness


def matrix(q: np.ndarray) -> np.ndarray:
    """(…, 3, 3) of quaternions (…, 4), w x y z, of any length but none."""
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1),
        ],
        axis=-2,
    )


def euler_matrix(order: str, angles: np.ndarray) -> np.ndarray:
    """(F, 3, 3) of Blender's Euler angles (F, 3): the order's first axis turns first."""
    out = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for letter in order:
        i = "XYZ".index(letter)
        j, k = (i + 1) % 3, (i + 2) % 3
        turn = np.zeros((len(angles), 3, 3))
        turn[:, i, i] = 1.0
        turn[:, j, j] = turn[:, k, k] = np.cos(angles[:, i])
        turn[:, k, j] = np.sin(angles[:, i])
        turn[:, j, k] = -turn[:, k, j]
        out = turn @ out
    return out


def axis_angle_matrix(values: np.ndarray) -> np.ndarray:
    """(F, 3, 3) of angle and axis (F, 4); no rotation where there is no axis."""
    length = np.linalg.norm(values[:, 1:], axis=1, keepdims=True)
    axis = values[:, 1:] / np.where(length > 1e-12, length, 1.0)
    half = np.where(length > 1e-12, 0.5 * values[:, :1], 0.0)
    return matrix(np.concatenate([np.cos(half), np.sin(half) * axis], axis=1))


def rests(rig: Rig) -> np.ndarray:
    """(N, 4, 4) bones at rest."""
    out = np.tile(np.eye(4), (len(rig.names), 1, 1))
    out[:, :3, :3], out[:, :3, 3] = matrix(rig.rest_rotations), rig.rest_positions
    return out


def poses(
    rig: Rig,
    rotations: Mapping[str, np.ndarray],
    locations: Mapping[str, np.ndarray],
    frames: int,
) -> np.ndarray:
    """(F, N, 4, 4) in the armature's space, of channels (F, 3, 3) and (F, 3) by bone."""
    rest = rests(rig)
    out = np.tile(np.eye(4), (frames, len(rig.names), 1, 1))
    for bone, name in enumerate(rig.names):
        above = int(rig.parents[bone])
        own_rotation = rotations.get(name, np.eye(3))
        own_location = locations.get(name, np.zeros(3))
        start = np.broadcast_to(rest[bone], (frames, 4, 4))
        turned = start
        axes = start[:, :3, :3] if rig.local_location[bone] else np.eye(3)
        if above >= 0:
            start = out[:, above] @ np.linalg.inv(rest[above]) @ rest[bone]
            turned = start if rig.inherits_rotation[bone] else turned
            axes = start[:, :3, :3] if rig.local_location[bone] else out[:, above, :3, :3]
        if rig.connected[bone]:
            own_location = np.zeros(3)
        out[:, bone, :3, :3] = turned[:, :3, :3] @ own_rotation
        moved = (axes @ np.broadcast_to(own_location, (frames, 3))[..., None])[..., 0]
        out[:, bone, :3, 3] = start[:, :3, 3] + moved
    return out


def of_curves(rig: Rig, curves: PoseCurves) -> np.ndarray:
    """(F, N, 4, 4) of what retargeting makes."""
    rotations = {
        row.bone: matrix(row.rotations.T) for row in curves.bones if row.rotations is not None
    }
    locations = {row.bone: row.location.T for row in curves.bones if row.location is not None}
    return poses(rig, rotations, locations, len(curves.times))


def shown(
    rig: Rig,
    curves: PoseCurves,
    chains: Mapping[str, Sequence[str]],
    rows: Sequence[int],
    *,
    up: Sequence[float] = (0.0, 0.0, 1.0),
    left: Sequence[float] = (1.0, 0.0, 0.0),
) -> likeness.Shown:
    """The armature's figure in some frames."""
    posed = of_curves(rig, curves)[list(rows)]
    return likeness.of_matrices(rig.names, posed, rests(rig), chains, up, left)
