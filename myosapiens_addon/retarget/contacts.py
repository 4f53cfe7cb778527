# SPDX-License-Identifier: GPL-3.0-or-later
"""Where feet are planted: a point of the sole that is low and slow is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import smoothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..motion.motion import FloatArray

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ContactOptions:
    """When a point of the sole counts as planted.

    Attributes:
        enter_speed: m/s; a contact begins below it. Solved optical capture has a planted foot
            wander at up to 0.15 m/s; swinging, it moves at 1 to 4.
        leave_speed: m/s; it ends above it. Between the two nothing changes, so that noise does
            not make a contact flicker.
        enter_height: m above the point's own planted height; a contact begins below it. Heel
            and ball differ by a centimetre or two between steps on a floor that is not level.
        leave_height: m; it ends above it. In swing the ball passes 4 to 6 cm above the ground.
        shortest_s: shorter contacts are dropped: below the ground contact of a sprinter (0.09).
        closed_gap_s: shorter gaps are closed: no foot is lifted and set down in that time.
        speed_span_s: speeds are taken over so much time on either side, and at least a frame:
            1 mm of noise then makes 35 mm/s.
        highest_sole: m; no point of a sole (or joint that stands for it) rests higher above the
            ground than this, where the ground is given.
    """

    enter_speed: float = 0.2
    leave_speed: float = 0.3
    enter_height: float = 0.03
    leave_height: float = 0.045
    shortest_s: float = 0.08
    closed_gap_s: float = 0.06
    speed_span_s: float = 0.02
    highest_sole: float = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Contacts:
    """Where one foot is planted.

    Attributes:
        heel: (F,) whether the heel is.
        toe: (F,) whether the toes are.
        heel_level: m, height of the heel point when planted.
        toe_level: m, height of the toe point when planted.
    """

    heel: BoolArray
    toe: BoolArray
    heel_level: float
    toe_level: float

    @property
    def heel_intervals(self) -> list[tuple[int, int]]:
        """First frame of each contact of the heel, and the frame after its last."""
        return runs(self.heel)

    @property
    def toe_intervals(self) -> list[tuple[int, int]]:
        """First frame of each contact of the toes, and the frame after its last."""
        return runs(self.toe)


def find(
    times: FloatArray,
    heel: FloatArray,
    toe: FloatArray,
    *,
    ground: float | None = None,
    options: ContactOptions | None = None,
) -> Contacts:
    """Where a foot of the source is planted.

    Args:
        times: (F,) s, of any rate.
        heel: (F, 3) world path of the heel, m, Z up. Any point fixed to the heel serves: heights
            count from the height at which that point rests.
        toe: (F, 3) world path of the ball of the foot or the toe joint.
        ground: m, height of the floor where it is known; a foot that hangs still in the air is
            then not taken for planted.
        options: thresholds.
    """
    options = options or ContactOptions()
    found = [_planted(times, path, ground, options) for path in (heel, toe)]
    (heel_flags, heel_level), (toe_flags, toe_level) = found
    return Contacts(heel=heel_flags, toe=toe_flags, heel_level=heel_level, toe_level=toe_level)


def _planted(
    times: FloatArray, path: FloatArray, ground: float | None, options: ContactOptions
) -> tuple[BoolArray, float]:
    """Frames (F,) in which a point is planted, and the height at which it then is."""
    heights, speeds = path[:, 2], _speeds(times, path, options.speed_span_s)
    level = _level(heights, speeds < options.enter_speed, ground, options)
    if len(times) < 2:
        return np.zeros(len(times), np.bool_), level  # one pose does not tell what moves
    above = heights - level
    enter = (speeds < options.enter_speed) & (above < options.enter_height)
    stay = (speeds < options.leave_speed) & (above < options.leave_height)
    return _cleaned(times, _hysteresis(enter, stay), options), level


def _speeds(times: FloatArray, path: FloatArray, span_s: float) -> FloatArray:
    """Speeds (F,) in m/s over ±span_s."""
    if len(times) < 2:
        return np.zeros(len(times))
    reach = max(1, round(span_s / smoothing.step_of(times)))
    frames = np.arange(len(times))
    late, early = np.minimum(frames + reach, frames[-1]), np.maximum(frames - reach, 0)
    return np.linalg.norm(path[late] - path[early], axis=1) / (times[late] - times[early])


def _level(
    heights: FloatArray, slow: BoolArray, ground: float | None, options: ContactOptions
) -> float:
    """Height at which a point rests: low among those at which it is slow, but no outlier."""
    level = float(np.percentile(heights[slow] if slow.any() else heights, 10.0))
    if ground is None:
        return level
    plausible = ground - options.leave_height < level < ground + options.highest_sole
    return level if plausible else ground


def _hysteresis(enter: BoolArray, stay: BoolArray) -> BoolArray:
    """True from where `enter` is until `stay` ends."""
    frames = np.arange(len(enter))
    entered = np.maximum.accumulate(np.where(enter & stay, frames, -1))
    left = np.maximum.accumulate(np.where(stay, -1, frames))
    return entered > left


def _cleaned(times: FloatArray, flags: BoolArray, options: ContactOptions) -> BoolArray:
    """Without gaps and contacts that are too short to be any."""
    step, out = smoothing.step_of(times), flags.copy()
    for start, end in runs(~out):
        if start > 0 and end < len(out) and (end - start) * step < options.closed_gap_s:
            out[start:end] = True
    for start, end in runs(out):
        if (end - start) * step < options.shortest_s:
            out[start:end] = False
    return out


def runs(flags: BoolArray) -> list[tuple[int, int]]:
    """First frame, and frame after the last, of every run of True."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
