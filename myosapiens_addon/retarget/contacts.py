# SPDX-License-Identifier: GPL-3.0-or-later
"""Where feet are planted: a point of the sole that is slow, and down on something, is.

Most contacts are on the ground, which shows in a take as the height at which the point is slow
time and again. A foot on a step, a kerb or a box is slow somewhere else; what tells it from one
that is held in the air is that it came down to where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import smoothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ..motion.motion import FloatArray

    BoolArray = NDArray[np.bool_]

# The lower quartile of |x| is 0.3186 σ for a normal distribution, and third differences of white
# noise have σ √20: over a foot's quiet moments they show noise, and next to no motion.
NOISE_SHARE = 0.3186 * np.sqrt(20.0)


@dataclass(frozen=True, kw_only=True)
class ContactOptions:
    """When a point of the sole counts as planted.

    Attributes:
        enter_speed: m/s; a contact begins below it. Solved optical capture has a planted foot
            wander at 0.05 to 0.1 m/s; swinging, it moves at 1 to 4.
        leave_speed: m/s; it ends above it. Between the two nothing changes, so that noise does
            not make a contact flicker.
        enter_height: m above (or below) the point's own planted height; a contact on the ground
            begins within it. Heel and ball differ by a centimetre or two between steps on a floor
            that is not level.
        leave_height: m; it ends outside it. In swing the ball passes 4 to 6 cm above the ground.
        lift: m; at its ends, a contact is only where the point is no higher than that above its
            lowest place in that contact: heels leave by rising, slowly.
        shortest_s: shorter contacts are dropped: below the ground contact of a sprinter (0.09).
        shortest_raised_s: likewise, off the ground.
        descent: m; a contact off the ground must have been come down to by that much.
        closed_gap_s: shorter gaps are closed: no foot is lifted and set down in that time.
        place: m; a point that goes further than that from where it was planted is elsewhere,
            however slowly it went.
        speed_span_s: speeds are fitted over so much time on either side, and at least a frame.
        longest_speed_span_s: over so much where the take is noisy.
        highest_sole: m; no point of a sole (or joint that stands for it) rests higher above the
            ground than this, where the ground is given.
    """

    enter_speed: float = 0.12
    leave_speed: float = 0.25
    enter_height: float = 0.03
    leave_height: float = 0.045
    lift: float = 0.02
    shortest_s: float = 0.07
    shortest_raised_s: float = 0.2
    descent: float = 0.01
    closed_gap_s: float = 0.08
    place: float = 0.05
    speed_span_s: float = 0.02
    longest_speed_span_s: float = 0.06
    highest_sole: float = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Contacts:
    """Where one foot is planted.

    Attributes:
        heel: (F,) whether the heel is.
        toe: (F,) whether the toes are.
        heel_level: m, height of the heel point when planted on the ground.
        toe_level: m, height of the toe point when planted on the ground.
        heel_rise: (F,) m, how high what the heel is planted on lies above the ground; 0 for the
            ground itself. None: the ground throughout.
        toe_rise: (F,) m, likewise.
    """

    heel: BoolArray
    toe: BoolArray
    heel_level: float
    toe_level: float
    heel_rise: FloatArray | None = None
    toe_rise: FloatArray | None = None

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
        ground: m, height of the floor where it is known: in a take whose feet never rest on it,
            the lowest place at which they do is then not taken for the ground.
        options: thresholds.
    """
    options = options or ContactOptions()
    found = [_planted(times, path, ground, options) for path in (heel, toe)]
    (heel_flags, heel_level, heel_rise), (toe_flags, toe_level, toe_rise) = found
    return Contacts(
        heel=heel_flags,
        toe=toe_flags,
        heel_level=heel_level,
        toe_level=toe_level,
        heel_rise=heel_rise,
        toe_rise=toe_rise,
    )


def runs(flags: BoolArray) -> list[tuple[int, int]]:
    """First frame, and frame after the last, of every run of True."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _planted(
    times: FloatArray, path: FloatArray, ground: float | None, options: ContactOptions
) -> tuple[BoolArray, float, FloatArray]:
    """Frames (F,) in which a point is planted, its height when it is, and rises (F,)."""
    rise = np.zeros(len(times))
    speeds = _speeds(times, path, options)
    slow, slowish = speeds < options.enter_speed, speeds < options.leave_speed
    level = _level(path[:, 2], slow, ground, options)
    if len(times) < 2:
        return np.zeros(len(times), np.bool_), level, rise  # one pose does not tell what moves
    away = np.abs(path[:, 2] - level)
    low, near = away < options.enter_height, away < options.leave_height
    on_ground = _contacts(times, path, slow & low, slowish & near, options)
    raised = _contacts(times, path, slow & ~on_ground, slowish & ~on_ground & ~low, options)
    flags = _long_enough(times, on_ground, options.shortest_s)
    for start, end in runs(_long_enough(times, raised, options.shortest_raised_s)):
        height = float(np.percentile(path[start:end, 2], 50.0))
        if _came_down(times, path[:, 2], start, height, options):
            flags[start:end] = True
            rise[start:end] = height - level
    return flags, level, rise


def _speeds(times: FloatArray, path: FloatArray, options: ContactOptions) -> FloatArray:
    """Speeds (F,) in m/s: slopes of straight lines fitted to each frame's neighbourhood.

    Towards the ends of the take, those of the outermost whole neighbourhood.
    """
    if len(times) < 3:
        moved = np.full(len(times), float(np.linalg.norm(path[-1] - path[0])))
        return moved / max(float(times[-1] - times[0]), 1e-9)
    half = min(_half_window(times, path, options), (len(times) - 1) // 2)
    kernel = np.arange(half, -half - 1.0, -1.0)
    x, y, z = (_slopes(axis, kernel) for axis in path.T)
    speeds = np.sqrt(x**2 + y**2 + z**2) / _slopes(times, kernel)
    return np.pad(speeds, half, mode="edge")


def _slopes(values: FloatArray, kernel: FloatArray) -> FloatArray:
    """Of straight lines through (F,) values, but for a factor: (F − kernel + 1,)."""
    slopes: FloatArray = np.convolve(values, kernel, mode="valid")
    return slopes


def _half_window(times: FloatArray, path: FloatArray, options: ContactOptions) -> int:
    """Frames on either side over which noise makes less than a third of the lower threshold."""
    step = smoothing.step_of(times)
    half = max(1, round(options.speed_span_s / step))
    longest = max(1, round(options.longest_speed_span_s / step))
    noise = _noise(path)
    while half < longest:
        squares = half * (half + 1) * (2 * half + 1) / 3.0
        if 3.0 * noise < options.enter_speed * step * np.sqrt(squares):
            break
        half += 1
    return half


def _noise(path: FloatArray) -> float:
    """Standard deviation in m of white noise of the position, where the point is quietest."""
    if len(path) < 8:
        return 0.0
    thirds = np.percentile(np.abs(np.diff(path, 3, axis=0)), 25.0, axis=0) / NOISE_SHARE
    return float(np.sqrt(np.sum(thirds**2)))


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


def _contacts(
    times: FloatArray, path: FloatArray, enter: BoolArray, stay: BoolArray, options: ContactOptions
) -> BoolArray:
    """Runs from where `enter` is until `stay` ends, without gaps, each in one place."""
    flags = _hysteresis(enter, stay)
    for start, end in runs(~flags):
        inside = start > 0 and end < len(flags)
        if inside and times[end] - times[start - 1] < options.closed_gap_s:
            flags[start:end] = True
    return _in_places(path, flags, options)


def _long_enough(times: FloatArray, flags: BoolArray, shortest_s: float) -> BoolArray:
    """Without runs that are too short; each frame stands for its share of the take."""
    step, out = smoothing.step_of(times), flags.copy()
    for start, end in runs(flags):
        if times[end - 1] - times[start] + step < shortest_s:
            out[start:end] = False
    return out


def _in_places(path: FloatArray, flags: BoolArray, options: ContactOptions) -> BoolArray:
    """Only where the point is in one place, and at its ends no higher than that place."""
    out = np.zeros(len(flags), np.bool_)
    for start, end in runs(flags):
        for first, last in _places(path, start, end, options.place):
            heights = path[first:last, 2]
            down = heights < heights.min() + options.lift
            out[first + int(down.argmax()) : last - int(down[::-1].argmax())] = True
    return out


def _places(path: FloatArray, start: int, end: int, radius: float) -> Iterator[tuple[int, int]]:
    """Splits a run where the point has crept away; half of the way there belongs to no place."""
    while start < end:
        left = _first_beyond(path, start, end, radius)
        if left == end:
            yield start, end
            return
        yield start, _first_beyond(path, start, left, 0.5 * radius)
        start = left


def _first_beyond(path: FloatArray, start: int, end: int, radius: float) -> int:
    """The first frame at which a path is further than `radius` from frame `start`, or `end`.

    Looks through ever longer blocks, so that the effort goes with the distance of what it finds.
    """
    first, size = start, 64
    while first < end:
        last = min(first + size, end)
        east, north = path[first:last, 0] - path[start, 0], path[first:last, 1] - path[start, 1]
        beyond = east * east + north * north > radius * radius
        found = int(beyond.argmax())
        if beyond[found]:
            return first + found
        first, size = last, 2 * size
    return end


def _came_down(
    times: FloatArray, heights: FloatArray, start: int, height: float, options: ContactOptions
) -> bool:
    """Whether a point came down to where it rests, or has rested there since the take began."""
    if start == 0:
        return True
    earliest = float(times[start]) - 2.0 * options.shortest_raised_s
    before = int(np.searchsorted(times, earliest))
    return float(heights[before:start].max()) - height > options.descent
