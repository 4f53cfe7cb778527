# SPDX-License-Identifier: GPL-3.0-or-later
"""From pose curves to the keys of animation curves, ready to be written in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import decimate, rotation_modes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ..motion.motion import FloatArray
    from .curves import BoneCurves, PoseCurves

# A channel that stays within this is still: 1 µm for locations; for rotations 1e-6 of a
# quaternion or a radian, 0.0001 degrees. Over a chain of 20 bones that stays below 0.1 mm.
STILL = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveKeys:
    """The keys of one animation curve.

    Attributes:
        bone: the bone's name; empty for the armature object itself.
        path: its property (`location`, `rotation_quaternion`, `["IK_FK"]` …).
        index: the component of it.
        keys: (2 K,) float32, frame and value in turn, as Blender's `foreach_set("co")` takes.
    """

    bone: str
    path: str
    index: int
    keys: NDArray[np.float32]


def frames_at(times_s: FloatArray, *, start_frame: float, scene_fps: float) -> FloatArray:
    """Scene frames, whole or not, of moments of the take: (F,)."""
    return start_frame + times_s * scene_fps


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far curves may stray from the take for the sake of fewer keys; 0 for a key each frame.

    Attributes:
        rotation: rad, for each bone against its parent.
        location: in the armature's units.
    """

    rotation: float = 0.0
    location: float = 0.0


EXACT = Tolerance()


def curve_keys(
    curves: PoseCurves, *, start_frame: float, scene_fps: float, tolerance: Tolerance = EXACT
) -> Iterator[list[CurveKeys]]:
    """Bone by bone, the keys of its location and rotation channels; at last the settings.

    A channel that never changes gets its first and last key only.
    """
    frames = frames_at(curves.times, start_frame=start_frame, scene_fps=scene_fps)
    for bone in curves.bones:
        yield [*_location(bone, frames, tolerance), *_rotation(bone, frames, tolerance)]
    if curves.settings:
        still = frames[[0, -1]]
        yield [
            CurveKeys(
                bone=setting.bone,
                path=setting.path,
                index=0,
                keys=np.array([still[0], setting.value, still[1], setting.value], np.float32),
            )
            for setting in curves.settings
        ]


def _location(bone: BoneCurves, frames: FloatArray, tolerance: Tolerance) -> list[CurveKeys]:
    values = bone.location
    if values is None:
        return []
    if tolerance.location > 0.0:
        kept = decimate.location_keys(values, frames, tolerance.location)
        frames, values = frames[kept], values[:, kept]
    return _channels(bone.bone, "location", frames, values)


def _rotation(bone: BoneCurves, frames: FloatArray, tolerance: Tolerance) -> list[CurveKeys]:
    if bone.rotations is None:
        return []
    path, channels = rotation_modes.channels(bone.rotation_mode, bone.rotations.T)
    values = channels.T
    if tolerance.rotation > 0.0:
        kept = decimate.rotation_keys(bone.rotation_mode, values, frames, tolerance.rotation)
        frames, values = frames[kept], values[:, kept]
    return _channels(bone.bone, path, frames, values)


def _channels(bone: str, path: str, frames: FloatArray, values: FloatArray) -> list[CurveKeys]:
    """The keys of the components of a property, (3, F) or (4, F)."""
    keys = np.empty((*values.shape, 2), np.float32)
    keys[..., 0], keys[..., 1] = frames, values
    still = np.ptp(values, axis=1) <= STILL
    return [
        CurveKeys(bone=bone, path=path, index=index, keys=_ends(row) if stays else row.reshape(-1))
        for index, (row, stays) in enumerate(zip(keys, still.tolist(), strict=True))
    ]


def _ends(keys: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first and the last of keys (K, 2)."""
    return keys[[0, -1]].reshape(-1) if len(keys) > 2 else keys.reshape(-1)
