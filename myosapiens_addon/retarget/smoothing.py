# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth curves around pieces that are given: blends, and the smooth roof over a need.

Everything is linear in the number of frames. A blend is the quintic polynomial through value,
velocity and acceleration at both ends (quintic Hermite basis; it is also the curve of least
integrated squared jerk, T. Flash and N. Hogan, J. Neurosci. 5(7), 1985), so that the whole stays
twice continuously differentiable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..motion.motion import FloatArray

# The largest second derivative of the quintic from 0 to 1 in unit time, 10/√3; and a bound of that
# of the quintic which takes a unit velocity to rest.
STEP_PEAK = 5.774
VELOCITY_PEAK = 4.2
# Derivatives are fitted over so many seconds on each side: shorter than a foot's landing, long
# enough that millimetres of noise do not count.
FIT_S = 0.025


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """A curve at one moment: time in s, (3,) value in m, its velocity and acceleration."""

    time: float
    value: FloatArray
    velocity: FloatArray
    acceleration: FloatArray

    def from_(self, place: FloatArray) -> State:
        """Of the way from the curve to a place (3,) that stays."""
        return State(
            time=self.time,
            value=place - self.value,
            velocity=-self.velocity,
            acceleration=-self.acceleration,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A stretch in which a curve is given: (n, 3) values from frame `start`, and its end states."""

    start: int
    values: FloatArray
    first: State
    last: State

    @property
    def end(self) -> int:
        """The frame after the last."""
        return self.start + len(self.values)


@dataclass(frozen=True, kw_only=True)
class BlendOptions:
    """How long a blend takes: as short as it may without an acceleration above the limit.

    What 1 m/s² at the ankle turns a knee with depends on how bent it is: some 5 rad/s² at 60°,
    10 at 30° and 20 at 15°, in a leg of 0.8 m. Walking has 200 to 400 rad/s².

    Attributes:
        acceleration: m/s²; what letting go of an offset may add.
        shortest_s: no offset goes in less.
        longest_s: none takes longer.
        braking: m/s²; what taking up or letting go of a velocity may add. A foot that is still
            moving when it counts as planted is stopped a little earlier than it was.
        shortest_braking_s: no velocity goes in less.
        longest_braking_s: none takes longer: what it lasts, the foot goes astray.
    """

    acceleration: float = 3.0
    shortest_s: float = 0.2
    longest_s: float = 0.6
    braking: float = 12.0
    shortest_braking_s: float = 0.15
    longest_braking_s: float = 0.25


def state_at(times: FloatArray, path: FloatArray, frame: int) -> State:
    """Value of a path (F, 3) at a frame, and its derivatives by a local quadratic fit."""
    step = step_of(times)
    half = max(1, round(FIT_S / step)) if step > 0.0 else 1
    low = max(0, min(frame - half, len(times) - 2 * half - 1))
    high = min(len(times), low + 2 * half + 1)
    degree = min(2, high - low - 1)
    fitted = np.zeros((3, 3))
    span = float(times[high - 1] - times[low]) or 1.0
    # In spans the moments are around 1, so that normal equations lose nothing.
    powers = np.vander((times[low:high] - times[frame]) / span, degree + 1, increasing=True)
    fitted[: degree + 1] = np.linalg.solve(powers.T @ powers, powers.T @ path[low:high])
    return State(
        time=float(times[frame]),
        value=path[frame],
        velocity=fitted[1] / span,
        acceleration=2.0 * fitted[2] / span**2,
    )


def step_of(times: FloatArray) -> float:
    """Mean time between frames in s; 0 with a single frame."""
    return float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0


def fill(times: FloatArray, pieces: list[Piece], options: BlendOptions) -> FloatArray:
    """A curve (F, 3) that has the given pieces and is zero away from them.

    Args:
        times: (F,) s.
        pieces: in order of time, without overlap.
        options: how long the blends between a piece and zero take. Where two would overlap, both
            take the whole time between the pieces, and so lead from the one to the other.
    """
    out = np.zeros((len(times), 3))
    for piece in pieces:
        out[piece.start : piece.end] = piece.values
    for before, after in zip([None, *pieces], [*pieces, None], strict=True):
        start, end = before.end if before else 0, after.start if after else len(times)
        gap, moments = out[start:end], times[start:end]
        sides = [state for state in (before and before.last, after and after.first) if state]
        spans = [_blend_s(state, options) for state in sides]
        longest = sides[-1].time - sides[0].time if before and after else np.inf
        if sum(spans) > longest:
            spans = [longest] * len(spans)
        for state, span in zip(sides, spans, strict=True):
            braking = min(_braking_s(state, options), longest)
            gap += fading(state, moments, span=span, braking=braking)
    return out


def fading(state: State, moments: FloatArray, *, span: float, braking: float) -> FloatArray:
    """A curve (n, 3) that has a state at its moment and fades to zero on either side.

    The Hermite basis is linear in the state, so each part may take its own time: the offset goes
    slowly, but velocity and acceleration must go fast, or they would carry the curve far away.

    Args:
        state: where it starts (or ends: earlier moments fade backwards).
        moments: (n,) s, on one side of the state's.
        span: s, when the offset is gone.
        braking: s, when velocity and acceleration have been taken out.
    """
    since = moments - state.time
    u = np.minimum(np.abs(since) / span, 1.0)
    w = np.minimum(np.abs(since) / braking, 1.0)
    way, left = np.sign(since) * braking, 1.0 - w
    # Written out: numpy takes far longer for a power of three.
    late = w * left * left * left
    shares = (
        1.0 - u * u * u * (10.0 - 15.0 * u + 6.0 * u * u),
        way * late * (1.0 + 3.0 * w),
        0.5 * braking**2 * w * late,
    )
    return np.stack(shares, axis=1) @ np.stack([state.value, state.velocity, state.acceleration])


def _blend_s(state: State, options: BlendOptions) -> float:
    wanted = math.sqrt(STEP_PEAK * math.hypot(*state.value) / options.acceleration)
    return min(max(wanted, options.shortest_s), options.longest_s)


def _braking_s(state: State, options: BlendOptions) -> float:
    wanted = VELOCITY_PEAK * math.hypot(*state.velocity) / options.braking
    return min(max(wanted, options.shortest_braking_s), options.longest_braking_s)


def roof(need: FloatArray, half_width: int) -> FloatArray:
    """A smooth curve that is nowhere below `need` (F,), and zero beyond twice the width from it.

    The largest value within `half_width` frames, averaged with a bell (1 − x²)³ of the same
    width: no average of values that are all above a need falls below it.
    """
    if half_width < 1 or not need.any():
        return need.copy()
    x = np.arange(-half_width, half_width + 1) / (half_width + 1)
    bell = (1.0 - x**2) ** 3
    held = _largest_within(need, half_width)
    padded = np.pad(held, half_width, mode="edge")
    return np.convolve(padded, bell / np.sum(bell), mode="valid")


def _largest_within(values: FloatArray, half_width: int) -> FloatArray:
    """Sliding maximum over ±half_width frames, by doubling windows: (F,)."""
    width, reach = 2 * half_width + 1, 1
    padded = np.pad(values, half_width, mode="edge")
    while reach < width:
        shift = min(reach, width - reach)
        padded = np.maximum(padded[:-shift], padded[shift:])
        reach += shift
    return padded
