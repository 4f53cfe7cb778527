# SPDX-License-Identifier: GPL-3.0-or-later
"""Resampling that is true in time: a take never plays faster or slower than it was captured."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from . import kinematics, quaternion

if TYPE_CHECKING:
    from .motion import FloatArray, IndexArray, Motion

# A moment this close to the end of the take (in samples) still counts as inside it: the times
# come from 32-bit floats, whose last digit must not cost a frame.
END_TOLERANCE = 1e-3
# An hour at 240 Hz has 864,000; more is a slip of the finger that would fill the memory.
MOST_SAMPLES = 1_000_000


def sample_times(duration_s: float, rate_hz: float) -> FloatArray:
    """The moments 0, 1/rate, 2/rate … that lie within the take: (N,) in s.

    Raises:
        InputError: the rate is not a positive number, or makes more samples than there is room.
    """
    if not (np.isfinite(rate_hz) and rate_hz > 0.0):
        raise InputError(
            f"A rate of {rate_hz} frames per second is not possible; give one above 0."
        )
    if duration_s * rate_hz > MOST_SAMPLES:
        raise InputError(
            f"{rate_hz:g} frames per second would be {duration_s * rate_hz:.3g} keys for each "
            f"curve of this take, more than {MOST_SAMPLES:,}; give a lower rate."
        )
    count = int(np.floor(duration_s * rate_hz + END_TOLERANCE)) + 1
    return np.arange(count) / rate_hz


def resample(motion: Motion, times_s: FloatArray) -> Motion:
    """The motion at other moments.

    Poses relative to the parent are interpolated (positions linearly, rotations by slerp),
    so that limbs keep their lengths between two captured frames.

    Args:
        motion: the captured motion.
        times_s: (N,) rising moments in s on the motion's own time axis; those outside it
            take the first or the last pose.
    """
    before, fraction = _brackets(motion.times, times_s)
    after = np.minimum(before + 1, motion.frame_count - 1)
    needed = np.unique(np.concatenate([before, after]))
    translations, rotations = kinematics.local_from_world(
        motion.parents, motion.positions[needed], motion.rotations[needed]
    )
    before, after = np.searchsorted(needed, before), np.searchsorted(needed, after)
    weight = fraction[:, None]
    start = translations[before]
    moved = start + weight[..., None] * (translations[after] - start)
    turned = quaternion.slerp(rotations[before], rotations[after], weight)
    positions, world = kinematics.world_from_local(motion.parents, moved, turned)
    return dataclasses.replace(motion, times=times_s, positions=positions, rotations=world)


def _brackets(times: FloatArray, wanted: FloatArray) -> tuple[IndexArray, FloatArray]:
    """Index of the frame at or before each moment, and how far it is to the next: 0 to 1."""
    last = max(len(times) - 2, 0)
    before = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, last)
    if len(times) == 1:
        return before, np.zeros(len(wanted))
    span = times[before + 1] - times[before]
    return before, np.clip((wanted - times[before]) / span, 0.0, 1.0)
