# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys: those between which straight lines stay within a tolerance of the full curves.

After U. Ramer, "An iterative procedure for the polygonal approximation of plane curves",
Computer Graphics and Image Processing 1(3), 1972: wherever the lines are too far off, the worst
moment gets a key. What is compared is what is seen: the angle between two rotations, the
distance between two places; and lines are drawn as Blender draws them, component by component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..motion import quaternion
from . import rotation_modes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..motion.motion import FloatArray, IndexArray

    Errors = Callable[[FloatArray], FloatArray]


def rotation_keys(mode: str, values: FloatArray, frames: FloatArray, limit: float) -> IndexArray:
    """Which keys of a bone's rotation are needed.

    Args:
        mode: Blender's rotation mode.
        values: (3, F) or (4, F) values of its channels.
        frames: (F,) their frames.
        limit: rad, how far the rotation may be off between two keys.
    """
    truth = rotation_modes.rotations(mode, values.T)

    def errors(drawn: FloatArray) -> FloatArray:
        off = quaternion.angle_between(rotation_modes.rotations(mode, drawn.T), truth)
        # A quaternion that passes through nothing is no rotation at all.
        return np.nan_to_num(off, nan=np.inf)

    return _needed(values, frames, errors, limit)


def location_keys(values: FloatArray, frames: FloatArray, limit: float) -> IndexArray:
    """Which keys of a location (3, F) are needed for it to stay within `limit`, in its unit."""

    def errors(drawn: FloatArray) -> FloatArray:
        return np.linalg.norm(drawn - values, axis=0)

    return _needed(values, frames, errors, limit)


def _needed(values: FloatArray, frames: FloatArray, errors: Errors, limit: float) -> IndexArray:
    kept = np.unique(np.array([0, len(frames) - 1]))
    while len(kept) < len(frames):
        drawn = np.empty_like(values)
        for row, component in zip(drawn, values, strict=True):
            row[:] = np.interp(frames, frames[kept], component[kept])
        worst = _worst(errors(drawn), kept, limit)
        if not len(worst):
            break
        kept = np.sort(np.concatenate([kept, worst]))
    return kept


def _worst(errors: FloatArray, kept: IndexArray, limit: float) -> IndexArray:
    """The worst moment between each two keys where it is beyond the limit."""
    highest = np.maximum.reduceat(errors, kept[:-1])
    beyond = np.flatnonzero(highest > limit)
    return np.array(
        [kept[place] + int(np.argmax(errors[kept[place] : kept[place + 1]])) for place in beyond],
        np.intp,
    )
