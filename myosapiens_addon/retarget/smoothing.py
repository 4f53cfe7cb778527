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
    from collections.abc import Sequence

    from numpy.typing import NDArray

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


def states_at(times: FloatArray, path: FloatArray, frames: Sequence[int]) -> list[State]:
    """Values of a path (F, 3) at frames, and its derivatives by local quadratic fits.

    All fits are made at once: a walk has hundreds, and numpy takes long for small ones.
    """
    step = step_of(times)
    half = max(1, round(FIT_S / step)) if step > 0.0 else 1
    count = min(2 * half + 1, len(times))
    at = np.asarray(frames, np.intp)
    low = np.clip(at - half, 0, len(times) - count)
    window = low[:, None] + np.arange(count)
    moments = times[window] - times[at][:, None]
    # In spans the moments are around 1, so that normal equations lose nothing.
    span = (moments[:, -1:] - moments[:, :1]) if count > 1 else np.ones((len(at), 1))
    degree = min(2, count - 1)
    powers = (moments / span)[:, :, None] ** np.arange(degree + 1)
    turned = powers.transpose(0, 2, 1)
    fitted = np.zeros((len(at), 3, 3))
    fitted[:, : degree + 1] = np.linalg.solve(turned @ powers, turned @ path[window])
    velocity, acceleration = fitted[:, 1] / span, 2.0 * fitted[:, 2] / span**2
    return [
        State(time=time, value=path[frame], velocity=velocity[row], acceleration=acceleration[row])
        for row, (time, frame) in enumerate(zip(times[at].tolist(), at, strict=True))
    ]


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
    after, before = _fades(times, pieces, options)
    for fades in (after, before):
        if fades:
            rows, values = _faded(times, fades)
            out[rows] += values
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fade:
    """What a state adds to a gap beside it.

    Attributes:
        start: first frame of the gap.
        end: the frame after its last.
        state: where the curve starts (or ends: earlier moments fade backwards).
        span: s, when the offset is gone.
        braking: s, when velocity and acceleration have been taken out.
    """

    start: int
    end: int
    state: State
    span: float
    braking: float


def _fades(
    times: FloatArray, pieces: list[Piece], options: BlendOptions
) -> tuple[list[_Fade], list[_Fade]]:
    """What pieces add to the gaps after them, and what they add to those before."""
    onward: list[_Fade] = []
    backward: list[_Fade] = []
    for before, after in zip([None, *pieces], [*pieces, None], strict=True):
        start, end = before.end if before else 0, after.start if after else len(times)
        last, first = before and before.last, after and after.first
        longest = first.time - last.time if first and last else math.inf
        needed = sum(_blend_s(state, options) for state in (last, first) if state)
        for state, fades in ((last, onward), (first, backward)):
            if state is None or start == end:
                continue
            span = longest if needed > longest else _blend_s(state, options)
            braking = min(_braking_s(state, options), longest)
            fades.append(_Fade(start=start, end=end, state=state, span=span, braking=braking))
    return onward, backward


def _faded(times: FloatArray, fades: list[_Fade]) -> tuple[NDArray[np.intp], FloatArray]:
    """Frames (n,) of all gaps, and what is added there (n, 3): each fades to zero.

    The Hermite basis is linear in the state, so each part may take its own time: the offset goes
    slowly, but velocity and acceleration must go fast, or they would carry the curve far away.
    """
    rows = np.concatenate([np.arange(fade.start, fade.end) for fade in fades])
    of = np.repeat(np.arange(len(fades)), [fade.end - fade.start for fade in fades])
    spans, brakings, began = np.array(
        [(fade.span, fade.braking, fade.state.time) for fade in fades]
    ).T[:, of]
    since = times[rows] - began
    u = np.minimum(np.abs(since) / spans, 1.0)
    w = np.minimum(np.abs(since) / brakings, 1.0)
    left = 1.0 - w
    # Written out: numpy takes far longer for a power of three.
    late = w * left * left * left
    offset = 1.0 - u * u * u * (10.0 - 15.0 * u + 6.0 * u * u)
    velocity = np.sign(since) * brakings * late * (1.0 + 3.0 * w)
    acceleration = 0.5 * brakings * brakings * w * late
    states = np.array(
        [(fade.state.value, fade.state.velocity, fade.state.acceleration) for fade in fades]
    )[of]
    shares = np.stack([offset, velocity, acceleration], axis=1)
    return rows, (shares[:, None] @ states)[:, 0]


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
