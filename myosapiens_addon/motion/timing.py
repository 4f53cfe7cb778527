# SPDX-License-Identifier: GPL-3.0-or-later
"""The speed of a take: what its files say against each other, and who is right.

Frames are solved one by one, so an output has the take's frames. Its times may still be wrong:
the service's exporter writes 30 frames/s unless told otherwise, and a take of 120 Hz then
plays four times too slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .motion import FloatArray

# Speeds are the same when they differ by less than this share, and at the end by less than this
# many frames: times are 32-bit floats. A rounded rate (120 for 119.88) is seconds off in minutes.
SAME_RATE = 2e-3
SAME_FRAMES = 0.5
# Between a picture in days and what no camera reaches.
LEAST_HZ, MOST_HZ = 1e-6, 1e6
# Speeds that differ by less than this share are told by what it makes at the end.
NEARLY = 0.01


@dataclass(frozen=True, kw_only=True)
class TakeFacts:
    """What the take itself says.

    Attributes:
        rate_hz: frames per second of the capture.
        frames: how many were sent to be solved; None where that is not known.
    """

    rate_hz: float
    frames: int | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that is none.

        Raises:
            InputError: no camera has such a one.
        """
        if not LEAST_HZ <= self.rate_hz <= MOST_HZ:
            raise InputError(
                f"The take cannot have {self.rate_hz:g} frames per second; give the rate at which "
                "it was captured."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """The moments of one output file.

    Attributes:
        name: the file's name, for messages.
        times: (F,) s from 0, strictly rising.
    """

    name: str
    times: FloatArray

    @property
    def frames(self) -> int:
        """Number of frames F."""
        return len(self.times)

    @property
    def end_s(self) -> float:
        """When the last frame is; 0 for a single frame."""
        return float(self.times[-1])

    @property
    def rate_hz(self) -> float:
        """Mean frames per second; 0 for a single frame."""
        return (self.frames - 1) / self.end_s if self.frames > 1 else 0.0


def right(
    clock: Clock, take: TakeFacts | None, others: Sequence[Clock] = ()
) -> tuple[FloatArray, list[str]]:
    """The moments that a motion's frames really have.

    The take's rate goes before what outputs say; without a take, the tables (whose time column
    is the solver's own) go before the GLB, whose times are its exporter's.

    Args:
        clock: the motion's own moments.
        take: what the take says; None where it is not known.
        others: the moments of the job's other outputs, the most trustworthy first.

    Returns:
        (F,) times in s from 0, and sentences on what was wrong.
    """
    sentences = _counts(clock, take, others)
    if clock.frames == 1:
        return clock.times, sentences
    if take is not None:
        found, by = np.arange(clock.frames) / take.rate_hz, "the take"
        if _was_resampled(clock, take.frames, 1.0 / take.rate_hz):
            return clock.times, sentences
    else:
        alike = (other for other in others if other.frames == clock.frames)
        best = next(alike, clock)
        found, by = best.times, best.name
    if _ends_at(clock, float(found[-1])):
        return clock.times, sentences
    return found, [_wrong(clock, float(found[-1]), by), *sentences]


def _ends_at(clock: Clock, end_s: float) -> bool:
    """Whether it is as fast as one that ends then."""
    apart = abs(clock.end_s - end_s)
    return apart <= end_s * min(SAME_RATE, SAME_FRAMES / (clock.frames - 1))


def _was_resampled(clock: Clock, frames: int | None, period_s: float) -> bool:
    """Whether it has another number of frames than a take, but is as long."""
    if frames is None or clock.frames == frames or min(clock.frames, frames) == 1:
        return False
    apart = abs(clock.end_s - (frames - 1) * period_s)
    return apart <= period_s + clock.end_s / (clock.frames - 1)


def _wrong(clock: Clock, end_s: float, by: str) -> str:
    """What would have come of its own times, were the last frame is at `end_s`."""
    slower = clock.end_s / end_s
    if abs(slower - 1.0) < NEARLY:
        late = f"{abs(clock.end_s - end_s):.2g} s too {'late' if slower > 1.0 else 'early'}"
        what = f"its end would have been {late}"
    elif slower > 1.0:
        what = f"it would have played {slower:.3g} times too slowly"
    else:
        what = f"it would have played {end_s / clock.end_s:.3g} times too fast"
    true_hz = (clock.frames - 1) / end_s
    return (
        f"{clock.name} says {clock.rate_hz:.6g} frames/s, {by} {true_hz:.6g}: {what}. The speed "
        f"of {by} was used."
    )


def _counts(clock: Clock, take: TakeFacts | None, others: Sequence[Clock]) -> list[str]:
    """What to know where files do not have the same number of frames."""
    sentences = [
        f"{clock.name} has {_number(clock)}, {other.name} {other.frames}; they may be of different "
        "jobs."
        for other in others
        if other.frames != clock.frames and not _was_resampled(clock, other.frames, _period(other))
    ]
    if take is None or take.frames in (None, clock.frames):
        return sentences
    if not _was_resampled(clock, take.frames, 1.0 / take.rate_hz):
        sentences.append(
            f"{clock.name} has {_number(clock)}, the take {take.frames}; look whether its "
            "end is there."
        )
    return sentences


def _number(clock: Clock) -> str:
    return f"{clock.frames} frame{'s' if clock.frames > 1 else ''}"


def _period(clock: Clock) -> float:
    return clock.end_s / max(clock.frames - 1, 1)
