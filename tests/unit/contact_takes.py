# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes for foot contacts: people whose every step is known, and figures of other proportions.

A source is made forwards (steps → feet → legs) with geometry of its own, so that what is tested
is not tested against itself. A target takes the source's rotations on legs of other lengths.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosapiens_addon.motion import quaternion
from myosapiens_addon.retarget.contacts import Contacts, find
from myosapiens_addon.retarget.planting import Leg

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

X, Y, Z = np.eye(3)
HIP, THIGH, SHIN = np.array([0.0, 0.09, 0.0]), 0.42, 0.42
# Of a foot that stands flat and points along X: from the ball (2 cm above the ground).
BALL_HEIGHT, TIP_HEIGHT, HEEL_HEIGHT = 0.02, 0.015, 0.02
TO_ANKLE, TO_HEEL = np.array([-0.13, 0.0, 0.06]), np.array([-0.18, 0.0, 0.0])
TO_TIP = np.array([0.06, 0.0, TIP_HEIGHT - BALL_HEIGHT])
STRIKE_PITCH, LIFT_PITCH = -0.25, 0.7  # rad, toes up and down


@dataclass(frozen=True, kw_only=True)
class Step:
    """A foot leaves the ground at `lift`, strikes at `strike` and is flat at `flat` (s).

    Attributes:
        place: (3,) where the ball then is, without its own height, m.
        yaw: where the foot points, rad.
        clearance: m, how high the ball passes above both places.
    """

    lift: float
    strike: float
    flat: float
    place: Sequence[float]
    yaw: float = 0.0
    clearance: float = 0.06


@dataclass(frozen=True, kw_only=True, eq=False)
class Limb:
    """One leg of a source: joints (F, 3), world rotations (F, 4), and when it really stands."""

    joints: dict[str, Array]
    rotations: dict[str, Array]
    spans: dict[str, Array]
    heights: dict[str, float]
    toe: Flags
    heel: Flags


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """A source: pelvis, its rotation against rest, and both legs."""

    times: Array
    pelvis: Array
    turn: Array
    limbs: tuple[Limb, ...]

    def contacts(self) -> list[Contacts]:
        return [find(self.times, limb.joints["heel"], limb.joints["ball"]) for limb in self.limbs]


def eased(u: Array) -> Array:
    """From 0 to 1, at rest at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def about(axis: Array, angle: Array) -> Array:
    """(F, 4) turns."""
    half = 0.5 * np.asarray(angle, dtype=np.float64)
    return np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * axis], axis=-1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Foot:
    """Paths of one foot: ball (F, 3), yaw and pitch (F,), and when it stands."""

    ball: Array
    yaw: Array
    pitch: Array
    toe: Flags
    heel: Flags


def walked(times: Array, start: Sequence[float], steps: Sequence[Step], *, roll: float) -> Foot:
    """One foot's way; `roll` s before it lifts, its heel begins to rise."""
    ball = np.tile(np.asarray(start, dtype=np.float64), (len(times), 1))
    yaw, pitch = np.zeros(len(times)), np.zeros(len(times))
    toe, heel = np.ones(len(times), np.bool_), np.ones(len(times), np.bool_)
    for step in steps:
        place = np.asarray(step.place, dtype=np.float64)
        swing = (times - step.lift) / (step.strike - step.lift)
        strike_pitch = STRIKE_PITCH if step.flat > step.strike else 0.0
        # Where the ball is when the heel strikes.
        turn = about(Z, np.array([step.yaw]))
        flat_heel = place + quaternion.rotate(turn, TO_HEEL)[0]
        lever = quaternion.rotate(_turn(np.array([step.yaw]), np.array([strike_pitch])), -TO_HEEL)
        struck = flat_heel + lever[0]
        way = eased(swing)[:, None]
        bump = step.clearance * 64.0 * (np.clip(swing, 0, 1) * np.clip(1 - swing, 0, 1)) ** 3
        moving = (times > step.lift) & (times <= step.strike)
        before = ball[np.searchsorted(times, step.lift, side="right") - 1].copy()
        ball[moving] = (before + (struck - before) * way + bump[:, None] * Z)[moving]
        pitch += LIFT_PITCH * (roll > 0) * eased((times - step.lift + roll) / max(roll, 1e-9))
        pitch += (strike_pitch - LIFT_PITCH * (roll > 0)) * eased(swing)
        landing = (times - step.strike) / max(step.flat - step.strike, 1e-9)
        pitch -= strike_pitch * eased(landing)
        yaw += (step.yaw - yaw[-1]) * eased(swing)
        rolling = (times > step.strike) & (times <= step.flat)
        down = quaternion.rotate(_turn(yaw, pitch), -TO_HEEL)
        ball[rolling] = (flat_heel + down)[rolling]
        ball[times > step.flat] = place
        toe &= (times <= step.lift) | (times > step.flat)
        heel &= (times <= step.lift - roll) | (times > step.strike)
    ball[:, 2] += BALL_HEIGHT
    return Foot(ball=ball, yaw=yaw, pitch=pitch, toe=toe, heel=heel)


def _turn(yaw: Array, pitch: Array) -> Array:
    return quaternion.multiply(about(Z, yaw), about(Y, pitch))


def smoothed(values: Array, half: int) -> Array:
    """(F, n) averaged with a bell."""
    if half < 1:
        return values
    x = np.arange(-half, half + 1) / (half + 1)
    bell = (1.0 - x**2) ** 3
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    columns = [np.convolve(column, bell / bell.sum(), mode="valid") for column in padded.T]
    return np.stack(columns, axis=1)


def taken(
    times: Array,
    feet: Sequence[Foot],
    *,
    height: float | Array = 0.85,
    over_s: float = 0.35,
    pelvis: Array | None = None,
) -> Take:
    """A take of a right and a left foot; the pelvis stays between the feet unless it is given."""
    turn = about(Z, np.asarray(np.mean([foot.yaw for foot in feet], axis=0)))
    middle = np.mean([foot.ball for foot in feet], axis=0) + quaternion.rotate(turn, TO_ANKLE)
    step = (times[-1] - times[0]) / max(len(times) - 1, 1)
    if pelvis is None:
        pelvis = smoothed(middle, int(over_s / step) if step > 0 else 0)
        pelvis[:, 2] = height + pelvis[:, 2] - BALL_HEIGHT - TO_ANKLE[2]
    limbs = tuple(
        _limb(foot, pelvis, turn, HIP * side) for foot, side in zip(feet, (-1.0, 1.0), strict=True)
    )
    return Take(times=times, pelvis=pelvis, turn=turn, limbs=limbs)


def _limb(foot: Foot, pelvis: Array, turn: Array, hip: Array) -> Limb:
    """Bends a leg in the plane that faces where the foot points: law of cosines."""
    sole = _turn(foot.yaw, foot.pitch)
    toe = _turn(foot.yaw, np.minimum(foot.pitch, 0.0))
    joints = {"hip": pelvis + quaternion.rotate(turn, hip), "ball": foot.ball}
    ankle = foot.ball + quaternion.rotate(sole, TO_ANKLE)
    back = quaternion.rotate(quaternion.conjugate(about(Z, foot.yaw)), ankle - joints["hip"])
    roll = np.arctan2(back[:, 1], -back[:, 2])
    level = quaternion.rotate(about(X, -roll), back)
    reach = np.minimum(np.hypot(level[:, 0], level[:, 2]), THIGH + SHIN - 1e-4)
    flexion = np.pi - np.arccos((THIGH**2 + SHIN**2 - reach**2) / (2 * THIGH * SHIN))
    lean: Array = np.arctan2(level[:, 0], -level[:, 2])
    lift = np.arccos((THIGH**2 + reach**2 - SHIN**2) / (2 * THIGH * reach))
    frame = quaternion.multiply(about(Z, foot.yaw), about(X, roll))
    thigh = quaternion.multiply(frame, about(Y, np.negative(lean + lift)))
    rotations = {
        "thigh": thigh,
        "shin": quaternion.multiply(thigh, about(Y, flexion)),
        "foot": sole,
        "toe": toe,
    }
    spans = {
        "hip": hip, "knee": -THIGH * Z, "ankle": -SHIN * Z,
        "ball": -TO_ANKLE, "tip": TO_TIP, "heel": TO_HEEL - TO_ANKLE,
    }  # fmt: skip
    heights = {"ball": BALL_HEIGHT, "tip": TIP_HEIGHT, "heel": HEEL_HEIGHT}
    return Limb(
        joints=chain(pelvis, turn, rotations, spans),
        rotations=rotations,
        spans=spans,
        heights=heights,
        toe=foot.toe,
        heel=foot.heel,
    )


def chain(
    pelvis: Array, turn: Array, rotations: Mapping[str, Array], spans: Mapping[str, Array]
) -> dict[str, Array]:
    """Joints of a leg from its rotations and the spans between its joints."""
    hip = pelvis + quaternion.rotate(turn, spans["hip"])
    knee = hip + quaternion.rotate(rotations["thigh"], spans["knee"])
    ankle = knee + quaternion.rotate(rotations["shin"], spans["ankle"])
    ball = ankle + quaternion.rotate(rotations["foot"], spans["ball"])
    return {
        "hip": hip,
        "knee": knee,
        "ankle": ankle,
        "ball": ball,
        "tip": ball + quaternion.rotate(rotations["toe"], spans["tip"]),
        "heel": ankle + quaternion.rotate(rotations["foot"], spans["heel"]),
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """A figure of other proportions as it comes out of retargeting, uncorrected."""

    take: Take
    pelvis: Array
    legs: list[Leg]
    spans: list[dict[str, Array]]


def target(
    take: Take, *, leg: float = 1.0, path: float = 1.0, up: float = 0.0, heel: bool = True
) -> Target:
    """The source's rotations on legs `leg` times as long.

    Args:
        take: the source.
        leg: factor of thigh and shin.
        path: factor of the pelvis' way and height.
        up: m, by which the pelvis is higher than that.
        heel: whether the armature has a heel.
    """
    pelvis = take.pelvis * path + up * Z
    legs: list[Leg] = []
    all_spans: list[dict[str, Array]] = []
    for limb in take.limbs:
        spans = dict(limb.spans)
        spans["knee"], spans["ankle"] = leg * spans["knee"], leg * spans["ankle"]
        joints = chain(pelvis, take.turn, limb.rotations, spans)
        legs.append(
            Leg(
                hip=joints["hip"],
                knee=joints["knee"],
                ankle=joints["ankle"],
                ball=joints["ball"],
                tip=joints["tip"],
                heel=joints["heel"] if heel else None,
                thigh=limb.rotations["thigh"],
                shin=limb.rotations["shin"],
                foot=limb.rotations["foot"],
                toe=limb.rotations["toe"],
                ball_height=limb.heights["ball"],
                tip_height=limb.heights["tip"],
                heel_height=limb.heights["heel"],
            )
        )
        all_spans.append(spans)
    return Target(take=take, pelvis=pelvis, legs=legs, spans=all_spans)


def clock(duration_s: float, rate_hz: float = 120.0) -> Array:
    return np.arange(int(duration_s * rate_hz) + 1) / rate_hz


def walking(
    times: Array,
    *,
    stride: Sequence[float] = (1.1, 0.0),
    cycle_s: float = 1.1,
    roll: float = 0.2,
    heel_first: bool = True,
    height: float = 0.82,
    terrain: Callable[[float], float] = lambda _: 0.0,
    base: float = 0.09,
) -> Take:
    """Steps of both feet, half a cycle apart, as long as the take goes on."""
    flat_s = 0.1 if heel_first else 0.0
    move = np.asarray(stride, dtype=np.float64)
    feet: list[Foot] = []
    for side, first in ((-1.0, 0.4), (1.0, 0.4 + 0.5 * cycle_s)):
        steps: list[Step] = []
        place = np.array([0.0, side * base])
        lift = first
        while lift + 0.4 * cycle_s < times[-1]:
            place = place + (0.5 if not steps and side < 0 else 1.0) * move
            strike = lift + 0.38 * cycle_s
            ground = terrain(float(place[0]))
            steps.append(
                Step(
                    lift=lift,
                    strike=strike,
                    flat=strike + flat_s,
                    place=(*place.tolist(), ground),
                    clearance=0.06,
                )
            )
            lift += cycle_s
        feet.append(walked(times, (0.0, side * base, 0.0), steps, roll=roll))
    return taken(times, feet, height=height, over_s=0.5 * cycle_s)


def running(times: Array, *, speed: float = 3.0, cycle_s: float = 0.66) -> Take:
    """A run: each foot stands for 0.2 s in 0.66 s, and between both fly."""
    stance = 0.2
    feet: list[Foot] = []
    for side, first in ((-1.0, 0.1), (1.0, 0.1 + 0.5 * cycle_s)):
        steps: list[Step] = []
        lift = first
        while lift < times[-1]:
            strike = lift + cycle_s - stance
            ahead = speed * (strike + 0.5 * stance) + TO_ANKLE[0] * -1.0
            steps.append(
                Step(lift=lift, strike=strike, flat=strike, place=(ahead, side * 0.06, 0.0),
                     clearance=0.2)
            )  # fmt: skip
            lift += cycle_s
        start = speed * (first - 0.5 * stance) - TO_ANKLE[0]
        feet.append(walked(times, (start, side * 0.06, 0.0), steps, roll=0.09))
    phase = 2.0 * np.pi * (times - 0.1 + 0.5 * stance) / (0.5 * cycle_s)
    pelvis = np.stack([speed * times, 0.0 * times, 0.78 - 0.03 * np.cos(phase)], axis=1)
    return taken(times, feet, pelvis=pelvis)


def standing(times: Array, *, noise_m: float = 0.0, seed: int = 5, height: float = 0.86) -> Take:
    """Stands and sways; the whole body is seen with noise."""
    feet = [walked(times, (0.0, side * 0.1, 0.0), [], roll=0.0) for side in (-1.0, 1.0)]
    sway = 0.02 * np.sin(2 * np.pi * 0.4 * times)
    pelvis = np.stack([TO_ANKLE[0] + sway, 0.7 * sway, height + 0.1 * sway], axis=1)
    take = taken(times, feet, pelvis=pelvis)
    return noisy(take, noise_m, seed) if noise_m else take


def pivoting(times: Array) -> Take:
    """Stands, and turns the right foot about its ball by 60° and back."""
    feet = [walked(times, (0.0, side * 0.1, 0.0), [], roll=0.0) for side in (-1.0, 1.0)]
    turned = -1.05 * (eased((times - 1.0) / 0.5) - eased((times - 2.5) / 0.5))
    feet[0] = dataclasses.replace(feet[0], yaw=turned)
    pelvis = np.tile([TO_ANKLE[0], 0.0, 0.84], (len(times), 1))
    return taken(times, feet, pelvis=pelvis)


def crouching(times: Array) -> Take:
    """Goes down until the knees are bent by 110°, heels lifted, and up again."""
    down = eased((times - 1.0) / 1.0) - eased((times - 3.0) / 1.0)
    feet = [walked(times, (0.0, side * 0.1, 0.0), [], roll=0.0) for side in (-1.0, 1.0)]
    feet = [dataclasses.replace(foot, pitch=0.5 * down) for foot in feet]
    pelvis = np.stack([TO_ANKLE[0] - 0.05 * down, 0.0 * down, 0.84 - 0.3 * down], axis=1)
    return taken(times, feet, pelvis=pelvis)


def noisy(take: Take, noise_m: float, seed: int = 5) -> Take:
    """Each joint seen with white noise: the pelvis and, by way of its turns, each bone's end."""
    rng = np.random.default_rng(seed)
    pelvis = take.pelvis + rng.normal(scale=noise_m, size=take.pelvis.shape)
    limbs: list[Limb] = []
    for limb in take.limbs:
        rotations = {
            name: quaternion.multiply(_jitter(rng, noise_m, len(pelvis)), turn)
            for name, turn in limb.rotations.items()
        }
        joints = chain(pelvis, take.turn, rotations, limb.spans)
        limbs.append(
            Limb(
                joints=joints, rotations=rotations, spans=limb.spans, heights=limb.heights,
                toe=limb.toe, heel=limb.heel,
            )
        )  # fmt: skip
    return Take(times=take.times, pelvis=pelvis, turn=take.turn, limbs=tuple(limbs))


def _jitter(rng: np.random.Generator, noise_m: float, count: int) -> Array:
    turns = np.ones((count, 4))
    turns[:, 1:] = rng.normal(scale=0.5 * noise_m / THIGH, size=(count, 3))
    return quaternion.normalised(turns)
