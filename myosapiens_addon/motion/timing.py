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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .motion import FloatArray

# Rates that differ by less than this share are the same: times are 32-bit floats.
SAME_RATE = 2e-3


@dataclass(frozen=True, kw_only=True)
class TakeFacts:
    """What the take itself says.

    Attributes:
        rate_hz: frames per second of the capture.
        frames: how many were sent to be solved; None where that is not known.
    """

    rate_hz: float
    frames: int | None = None


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
    def rate_hz(self) -> float:
        """Mean frames per second; 0 for a single frame."""
        return (len(self.times) - 1) / float(self.times[-1]) if len(self.times) > 1 else 0.0


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
    if len(clock.times) == 1:
        return clock.times, sentences
    if take is not None:
        if _same(clock.rate_hz, take.rate_hz) or _covers(clock, take):
            return clock.times, sentences
        return _at(clock, take.rate_hz), [_wrong(clock, take.rate_hz, "the take"), *sentences]
    for other in others:
        alike = len(other.times) == len(clock.times)
        if alike and not _same(clock.rate_hz, other.rate_hz):
            said = _wrong(clock, other.rate_hz, other.name)
            return other.times, [said, *sentences]
    return clock.times, sentences


def _same(rate_hz: float, other_hz: float) -> bool:
    return abs(rate_hz / other_hz - 1.0) <= SAME_RATE if other_hz > 0.0 else rate_hz == 0.0


def _covers(clock: Clock, take: TakeFacts) -> bool:
    """Whether it was resampled: other frames than the take's, but as long as the take."""
    if take.frames is None or len(clock.times) == take.frames:
        return False
    apart = abs(float(clock.times[-1]) - (take.frames - 1) / take.rate_hz)
    return apart <= 1.0 / take.rate_hz + 1.0 / clock.rate_hz


def _at(clock: Clock, rate_hz: float) -> FloatArray:
    return np.arange(len(clock.times)) / rate_hz


def _wrong(clock: Clock, rate_hz: float, by: str) -> str:
    share = rate_hz / clock.rate_hz
    speed = f"{share:.3g} times too slowly" if share > 1.0 else f"{1 / share:.3g} times too fast"
    return (
        f"{clock.name} says {clock.rate_hz:.4g} frames/s, {by} {rate_hz:.4g}: it would have "
        f"played {speed}; the action has {rate_hz:.4g} frames/s."
    )


def _counts(clock: Clock, take: TakeFacts | None, others: Sequence[Clock]) -> list[str]:
    """What to know where files do not have the same number of frames."""
    sentences = [
        f"{clock.name} has {len(clock.times)} frames, {other.name} {len(other.times)}; they may "
        "be of different jobs."
        for other in others
        if len(other.times) != len(clock.times)
    ]
    differs = take is not None and take.frames not in (None, len(clock.times))
    if take is not None and differs and not _covers(clock, take):
        sentences.append(
            f"{clock.name} has {len(clock.times)} frames, the take {take.frames}; look whether "
            "its end is there."
        )
    return sentences
