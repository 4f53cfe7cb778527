# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of one animation channel, sampled at any moments.

Source: Khronos glTF 2.0 specification, appendix C (animation sampler interpolation modes).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import quaternion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .motion import FloatArray, IndexArray

LINEAR, STEP, CUBIC = "LINEAR", "STEP", "CUBICSPLINE"
UNIT_TOLERANCE = 1e-3
SCALE_TOLERANCE = 1e-4
VECTOR, ROTATION = struct.Struct("<3f"), struct.Struct("<4f")
# Each component of a quaternion in integers is off by less than one of their steps, and a
# length by less than twice that.
STEPS_OFF = 2.0


class Curve(NamedTuple):
    """The keys of one channel.

    Attributes:
        times: (N,) in s, rising.
        stored: (N, 3) m or (N, 4) x y z w, as the file has them; of a cubic spline three rows a
            key: the tangent that comes in, the value, the tangent that goes out.
        largest: what stands for 1 where they are integers, else 0.
        interpolation: how it goes from key to key.
    """

    times: FloatArray
    stored: NDArray[Any]
    largest: float
    interpolation: str

    @property
    def tolerance(self) -> float:
        """How far from 1 the length of a rotation may be."""
        return max(UNIT_TOLERANCE, STEPS_OFF / self.largest) if self.largest else UNIT_TOLERANCE

    def is_one(self) -> bool:
        """Whether all keys are 1, as those of a scale have to be."""
        return bool(np.all(np.abs(self.stored - 1.0) <= SCALE_TOLERANCE))

    def holds(self, value: tuple[float, ...]) -> bool:
        """Whether all keys are one value, m or w x y z, as far as their floats can tell."""
        if self.largest or self.interpolation == CUBIC:
            return False
        try:
            key = VECTOR.pack(*value) if len(value) == 3 else ROTATION.pack(*value[1:], value[0])
        except OverflowError:
            return False
        # Most curves that move are told by their last key.
        return self.stored[-1].tobytes() == key and self.stored.tobytes() == key * len(self.stored)

    def fill(self, lanes: FloatArray, moments: FloatArray, first: int) -> None:
        """Write values into `lanes`: x y z, or w x y z.

        Args:
            lanes: (3, n) or (4, n).
            moments: (M,) s, rising; before the first key and after the last it holds still.
            first: where in `moments` the lanes begin.
        """
        last = first + lanes.shape[1]
        if moments is self.times:
            self._values(lanes, first, last)
        elif last > first:
            lanes[:] = self._between(moments[first:last]).T

    def _values(self, lanes: FloatArray, first: int, last: int, *, part: int = 1) -> None:
        """The keys as they are, from `first` to before `last`; `part` 0 and 2 are tangents."""
        rows = self.stored[first:last]
        if self.interpolation == CUBIC:
            rows = self.stored[3 * first + part : 3 * last : 3]
        if len(lanes) == 3:
            lanes[:] = rows.T
        else:
            lanes[1:] = rows[:, :3].T
            lanes[0] = rows[:, 3]
        if self.largest:
            lanes /= self.largest
            np.maximum(lanes, -1.0, out=lanes)

    def _between(self, moments: FloatArray) -> FloatArray:
        """The values at moments (M,) that are no keys of this curve: (M, 3) or (M, 4)."""
        last = len(self.times) - 1
        before = np.clip(np.searchsorted(self.times, moments, side="right") - 1, 0, last)
        after = np.minimum(before + 1, last)
        span = self.times[after] - self.times[before]
        since = np.clip(moments - self.times[before], 0.0, span)
        fraction = since / np.where(after > before, span, 1.0)
        # Only the keys around these moments: a long curve is not to be held twice.
        keys = slice(int(before[0]), int(after[-1]) + 1)
        before, after = before - keys.start, after - keys.start
        if self.interpolation == CUBIC:
            return self._spline(keys, before, after, fraction, span)
        values = self._at_keys(keys)
        if self.interpolation == STEP:
            return values[before]
        if values.shape[1] == 4:
            return quaternion.slerp(values[before], values[after], fraction)
        return values[before] + fraction[:, None] * (values[after] - values[before])

    def _at_keys(self, keys: slice) -> FloatArray:
        """The values at some keys; a rotation that is none becomes NaN."""
        values = self._part(keys, 1)
        if values.shape[1] == 4:
            length = np.sqrt(quaternion.dot(values, values))
            length[~(np.abs(length - 1.0) <= self.tolerance)] = np.nan
            values = values / length[:, None]
        return values

    def _part(self, keys: slice, part: int) -> FloatArray:
        lanes = np.empty((self.stored.shape[1], keys.stop - keys.start))
        self._values(lanes, keys.start, keys.stop, part=part)
        return lanes.T

    def _spline(
        self,
        keys: slice,
        before: IndexArray,
        after: IndexArray,
        fraction: FloatArray,
        span: FloatArray,
    ) -> FloatArray:
        """Cubic Hermite splines; tangents are per second."""
        t, span = fraction[:, None], span[:, None]
        values, leaving, arriving = (self._part(keys, part) for part in (1, 2, 0))
        found = (
            (2 * t**3 - 3 * t**2 + 1) * values[before]
            + span * (t**3 - 2 * t**2 + t) * leaving[before]
            + (-2 * t**3 + 3 * t**2) * values[after]
            + span * (t**3 - t**2) * arriving[after]
        )
        return quaternion.normalised(found) if found.shape[1] == 4 else found
