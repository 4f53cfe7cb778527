# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that stay: holds planted feet in place on an armature of other proportions.

`contacts.find` tells where the source's feet are planted. `correct` works on the target, whose
legs slide, sink or float because its proportions are others:

1. While toes are planted, the ball (toe joint) is locked to one place on what they stand on.
   While only the heel is, the heel is locked: beside toes that are planted too, to where their
   place leaves it.
2. What moves the point to its place is an offset over frames. Between contacts it goes to zero
   along quintics that match value, velocity and acceleration at the border of the contact: a
   knee that is moved that way does not pop. Their length follows from the offset, so that the
   acceleration which they add is bounded.
3. A foot or toe that would sink turns about the ball just so far that it does not.
4. The pelvis is lowered, smoothly, where a leg would have to be straighter than it may be.
5. Both legs are solved for their ankles (`two_bone`); feet and toes keep their world rotations.

Frames without offset and with the pelvis in place are copied, not computed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..motion import quaternion
from . import smoothing, two_bone
from .contacts import runs
from .smoothing import BlendOptions, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..motion.motion import FloatArray
    from .contacts import BoolArray, Contacts

    # A stretch, from its first frame to the one after its last, and the place (3,) it is held at.
    Stay = tuple[int, int, FloatArray]

UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Leg:
    """One leg of the target over F frames, in world axes (Z up, m, quaternions w x y z).

    Attributes:
        hip: (F, 3) m.
        knee: (F, 3) m.
        ankle: (F, 3) m.
        ball: (F, 3) m, the toe joint.
        tip: (F, 3) m, the end of the toes.
        heel: (F, 3) m, a point fixed to the foot; None where the armature has none.
        thigh: (F, 4) rotation.
        shin: (F, 4) rotation.
        foot: (F, 4) rotation.
        toe: (F, 4) rotation.
        ball_height: m above the ground when the foot stands flat, as in the rest pose.
        tip_height: m, likewise.
        heel_height: m, likewise.
    """

    hip: FloatArray
    knee: FloatArray
    ankle: FloatArray
    ball: FloatArray
    tip: FloatArray
    heel: FloatArray | None
    thigh: FloatArray
    shin: FloatArray
    foot: FloatArray
    toe: FloatArray
    ball_height: float
    tip_height: float
    heel_height: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CorrectOptions:
    """How feet are held.

    Attributes:
        blends: how offsets come and go.
        lead_s: so long before the toes touch the heel lets go of its place, and the foot goes
            over to theirs (and after they leave, to the heel's).
        turn_s: half width of the bell that smooths turns of foot and toe; with twice that they
            stay within the shortest blend.
        lower_s: half width of the bell that smooths the lowering of the pelvis: as long as half
            a step, so that it hardly bobs from step to step.
        tolerance_m: so far a heel or tip may sink.
        spare: where the pelvis has to be lowered at all, it is by this share of a leg's length
            more, so that knees keep away from where they turn fast for little.
        lowest: the pelvis is lowered by no more than this share of a leg's length (and `spare`).
        rise_scale: how high a step of 1 m is for the target: what its pelvis' path was scaled by.
    """

    blends: BlendOptions = field(default_factory=BlendOptions)
    lead_s: float = 0.04
    turn_s: float = 0.07
    lower_s: float = 0.3
    tolerance_m: float = 0.001
    spare: float = 0.01
    lowest: float = 0.3
    rise_scale: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Corrected:
    """Legs whose planted feet stay.

    Attributes:
        legs: the corrected legs, in the order they came.
        pelvis: (F, 3) m.
        lowered: (F,) m, how far the pelvis went down.
        shortfalls: per leg (F,) m, how far the ankle stays from where it should be.
        changed: (F,) whether anything differs from the uncorrected motion.
    """

    legs: tuple[Leg, ...]
    pelvis: FloatArray
    lowered: FloatArray
    shortfalls: tuple[FloatArray, ...]
    changed: BoolArray


def correct(
    times: FloatArray,
    legs: Sequence[Leg],
    contacts: Sequence[Contacts],
    pelvis: FloatArray,
    *,
    ground: float = 0.0,
    options: CorrectOptions | None = None,
) -> Corrected:
    """Hold planted feet in place; see the module's docstring for how.

    Args:
        times: (F,) s.
        legs: the target's legs as they came out of retargeting.
        contacts: those of the source, one per leg, over the same frames.
        pelvis: (F, 3) the target's pelvis, m.
        ground: m, height of the target's ground.
        options: lengths of blends and limits.
    """
    options = options or CorrectOptions()
    placed = [
        _place(times, _unsunk(times, leg, contact, options), contact, ground, options)
        for leg, contact in zip(legs, contacts, strict=True)
    ]
    hinges = [_hinge(leg) for leg in legs]
    need = np.zeros(len(times))
    for leg, wish, hinge in zip(legs, placed, hinges, strict=True):
        need = np.maximum(need, _need(leg, wish, hinge, options))
    lowered = smoothing.roof(need, _frames(times, options.lower_s))
    # Wishes are given up one by one: long takes make them large.
    solved = [_solve(leg, placed.pop(0), hinges.pop(0), lowered) for leg in legs]
    changed = lowered > 0.0
    for _, _, frames in solved:
        changed = changed | frames
    return Corrected(
        legs=tuple(leg for leg, _, _ in solved),
        pelvis=pelvis - np.outer(lowered, UP),
        lowered=lowered,
        shortfalls=tuple(shortfall for _, shortfall, _ in solved),
        changed=changed,
    )


def _frames(times: FloatArray, span_s: float) -> int:
    """Whole frames within a span, at least one."""
    step = smoothing.step_of(times)
    return max(1, int(span_s / step)) if step > 0.0 else 0


def _unsunk(times: FloatArray, leg: Leg, contact: Contacts, options: CorrectOptions) -> Leg:
    """Foot and toe turned about the ball where heel or tip would sink while the toes are down."""
    width = _frames(times, options.turn_s)
    lift = options.tolerance_m + leg.ball_height
    spare = leg.tip - leg.ball
    need = np.where(contact.toe, np.maximum(leg.tip_height - lift - spare[:, 2], 0.0), 0.0)
    turn = _raising(spare, smoothing.roof(need, width))
    turned = dataclasses.replace(
        leg,
        tip=leg.ball + quaternion.rotate(turn, spare),
        toe=quaternion.multiply(turn, leg.toe),
    )
    if leg.heel is None:
        return turned
    back = leg.heel - leg.ball
    need = np.where(contact.toe, np.maximum(leg.heel_height - lift - back[:, 2], 0.0), 0.0)
    turn = _raising(back, smoothing.roof(need, width))
    return dataclasses.replace(
        turned,
        heel=leg.ball + quaternion.rotate(turn, back),
        ankle=leg.ball + quaternion.rotate(turn, leg.ankle - leg.ball),
        foot=quaternion.multiply(turn, leg.foot),
    )


def _raising(spokes: FloatArray, rise: FloatArray) -> FloatArray:
    """Rotations (F, 4) that raise the end of each spoke (F, 3) by `rise` (F,) m, sideways not."""
    length = np.maximum(np.linalg.norm(spokes, axis=1), two_bone.TINY)
    now, then = spokes[:, 2] / length, (spokes[:, 2] + rise) / length
    half = 0.5 * (np.arcsin(np.clip(then, -1.0, 1.0)) - np.arcsin(np.clip(now, -1.0, 1.0)))
    axis = np.cross(spokes, UP)
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), two_bone.TINY)
    return np.concatenate([np.cos(half)[:, None], np.sin(half)[:, None] * axis], axis=1)


def _place(
    times: FloatArray, leg: Leg, contact: Contacts, ground: float, options: CorrectOptions
) -> Leg:
    """Where the foot should be: the leg with the points of its foot moved by the offsets."""
    pieces = _toe_pieces(times, leg, contact, ground, options)
    if leg.heel is not None:
        pieces += _heel_pieces(times, leg, leg.heel, contact, pieces, ground, options)
        pieces.sort(key=lambda piece: piece.start)
    offset = smoothing.fill(times, pieces, options.blends)
    return dataclasses.replace(
        leg,
        ankle=leg.ankle + offset,
        ball=leg.ball + offset,
        tip=leg.tip + offset,
        heel=None if leg.heel is None else leg.heel + offset,
    )


def _toe_pieces(
    times: FloatArray, leg: Leg, contact: Contacts, ground: float, options: CorrectOptions
) -> list[Piece]:
    """Stretches in which the toes hold the foot: at the mean of where the ball would be."""
    found: list[Stay] = []
    for start, end in contact.toe_intervals:
        place = leg.ball[start:end].mean(axis=0)
        place[2] = ground + leg.ball_height + _rise(contact.toe_rise, start, options)
        found.append((start, end, place))
    return _pieces(times, leg.ball, found)


def _heel_pieces(
    times: FloatArray,
    leg: Leg,
    heel: FloatArray,
    contact: Contacts,
    toes: list[Piece],
    ground: float,
    options: CorrectOptions,
) -> list[Piece]:
    """Stretches in which the heel alone holds the foot, where the toes beside them leave it."""
    longest = _frames(times, options.lead_s)
    before = {piece.end: piece.values[-1] for piece in toes}
    after = {piece.start: piece.values[0] for piece in toes}
    found: list[Stay] = []
    for start, end in runs(contact.heel & ~contact.toe):
        place = heel[start:end].mean(axis=0)
        lowest = ground + leg.heel_height + _rise(contact.heel_rise, start, options)
        place[2] = lowest
        if start in before:
            place = heel[start - 1] + before[start]
        if end in after:
            place = heel[end] + after[end]
        place[2] = max(place[2], lowest)
        lead = max(1, min(longest, (end - start) // 2))
        first, last = start + lead * (start in before), end - lead * (end in after)
        if first < last:
            found.append((first, last, place))
    return _pieces(times, heel, found)


def _rise(rises: FloatArray | None, frame: int, options: CorrectOptions) -> float:
    """How high what a foot stands on lies above the target's ground, m."""
    return 0.0 if rises is None else float(rises[frame]) * options.rise_scale


def _pieces(times: FloatArray, path: FloatArray, stays: list[Stay]) -> list[Piece]:
    """Offsets that keep a path at places."""
    firsts = smoothing.states_at(times, path, [start for start, _, _ in stays])
    lasts = smoothing.states_at(times, path, [end - 1 for _, end, _ in stays])
    return [
        Piece(
            start=start,
            values=place - path[start:end],
            first=first.from_(place),
            last=last.from_(place),
        )
        for (start, end, place), first, last in zip(stays, firsts, lasts, strict=True)
    ]


def _hinge(leg: Leg) -> FloatArray:
    sideways = np.cross(UP, leg.ball - leg.ankle)
    return two_bone.hinge_axis(leg.hip, leg.knee, leg.ankle, leg.thigh, sideways)


def _need(leg: Leg, wish: Leg, hinge: FloatArray, options: CorrectOptions) -> FloatArray:
    """How far (F,) the hip has to go down for the ankle to be within easy reach, m."""
    upper, lower = leg.knee - leg.hip, leg.ankle - leg.knee
    free = two_bone.reach(upper, lower, hinge)
    span = leg.hip - wish.ankle
    flat = np.sum(span[:, :2] ** 2, axis=1)
    need = span[:, 2] - np.sqrt(np.maximum(free**2 - flat, 0.0))
    far = np.any(wish.ankle != leg.ankle, axis=1) & (flat + span[:, 2] ** 2 > free**2)
    longest = np.linalg.norm(upper, axis=1) + np.linalg.norm(lower, axis=1)
    need = np.where(far, np.clip(need, 0.0, options.lowest * longest), 0.0)
    spare = options.spare * longest
    return need - spare * np.expm1(-need / spare)


def _solve(
    leg: Leg, wish: Leg, hinge: FloatArray, lowered: FloatArray
) -> tuple[Leg, FloatArray, BoolArray]:
    """The leg with its ankle where it should be, shortfalls (F,), and the frames that differ."""
    changed = lowered > 0.0
    for old, new in ((leg.ankle, wish.ankle), (leg.foot, wish.foot), (leg.toe, wish.toe)):
        changed = changed | np.any(old != new, axis=1)
    rows = np.flatnonzero(changed)
    hip = leg.hip[rows] - np.outer(lowered[rows], UP)
    # The leg as it is, moved down with its hip, reaches for where the ankle should be.
    solved = two_bone.solve(
        hip,
        hip + (leg.knee[rows] - leg.hip[rows]),
        hip + (leg.ankle[rows] - leg.hip[rows]),
        wish.ankle[rows],
        thigh=leg.thigh[rows],
        shin=leg.shin[rows],
        hinge=hinge[rows],
    )
    shortfall = _with(np.zeros(len(changed)), rows, solved.shortfall)
    return _posed(leg, wish, rows, hip, solved), shortfall, changed


def _posed(
    leg: Leg, wish: Leg, rows: NDArray[np.intp], hip: FloatArray, solved: two_bone.Solved
) -> Leg:
    """The leg with some rows as they were solved, and the foot as wished, if need be elsewhere."""
    miss = solved.ankle - wish.ankle[rows]
    heel = None
    if leg.heel is not None and wish.heel is not None:
        heel = _with(leg.heel, rows, wish.heel[rows] + miss)
    return dataclasses.replace(
        leg,
        hip=_with(leg.hip, rows, hip),
        knee=_with(leg.knee, rows, solved.knee),
        ankle=_with(leg.ankle, rows, solved.ankle),
        ball=_with(leg.ball, rows, wish.ball[rows] + miss),
        tip=_with(leg.tip, rows, wish.tip[rows] + miss),
        heel=heel,
        thigh=_with(leg.thigh, rows, solved.thigh),
        shin=_with(leg.shin, rows, solved.shin),
        foot=_with(leg.foot, rows, wish.foot[rows]),
        toe=_with(leg.toe, rows, wish.toe[rows]),
    )


def _with(values: FloatArray, rows: NDArray[np.intp], new: FloatArray) -> FloatArray:
    """A copy with other rows."""
    out = values.copy()
    out[rows] = new
    return out
