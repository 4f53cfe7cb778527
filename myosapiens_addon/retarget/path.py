# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of the figure through the world: how long, how high, and what carries it.

The middle of the two hip joints is compared, because that is the same place in every skeleton;
where a pelvis bone begins is not. Heights are scaled by leg length, so that an armature whose
legs are of the same proportions stands on its ground whenever the recorded person did; the way
across the ground is scaled alike, or as it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import lanes
from .mapping import roles as role_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..motion.motion import FloatArray
    from .contacts import Contacts
    from .figure import Figure
    from .follow import Source, Target

    BoolArray = NDArray[np.bool_]

SIDES = role_names.SIDES
# Travel is the way without what a step adds to it: a bell of this deviation takes out strides
# (1 to 2 a second) and leaves starts, stops and turns.
TRAVEL_S = 0.5
# Height of the ankle when a foot stands flat, as a share of thigh and shin, where the take does
# not show it: malleolus 0.039 of stature against 0.491 for both (Drillis and Contini, "Body
# segment parameters", 1966).
ANKLE_HEIGHT = 0.039 / 0.491
# Feet this far (share of the leg) above or below the armature's own ground plane stand on it:
# joints lie within the foot, soles below them.
ON_PLANE = (-0.03, 0.15)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sizes:
    """How a take and an armature compare.

    Attributes:
        scale: units of the armature for one metre of the take, by leg length.
        ground: height of the armature's ground, along its up axis, in its units.
        stance: height above it of the armature's ankles when its feet stand flat.
        floor: height of the take's ankles when they do, m.
        has_legs: whether both have legs that can be compared.
    """

    scale: float
    ground: float
    stance: float
    floor: float
    has_legs: bool


def sizes(source: Source, target: Target, contacts: dict[str, Contacts]) -> Sizes:
    """Compare a take and an armature.

    Args:
        source: the take.
        target: the armature.
        contacts: side → where the take's feet are planted.
    """
    legs = (leg_length(source.figure), leg_length(target.figure))
    ground = _ground(target, legs[1] or _trunk(target.figure))
    if legs[0] and legs[1]:
        floor, stance = _stance(source, target, contacts, legs[0])
        return Sizes(
            scale=legs[1] / legs[0],
            ground=ground,
            stance=stance - ground,
            floor=floor,
            has_legs=True,
        )
    trunks = (_trunk(source.figure), _trunk(target.figure))
    scale = trunks[1] / trunks[0] if trunks[0] and trunks[1] else 1.0 / target.rig.place.world_scale
    return Sizes(scale=scale, ground=ground, stance=0.0, floor=0.0, has_legs=False)


def _height(figure: Figure, word: str) -> float:
    """Height of a joint at rest, the mean of both sides."""
    joints = [figure.head(f"{word}{side}") for side in SIDES if f"{word}{side}" in figure.chains]
    return float(np.mean([joint @ figure.up for joint in joints]))


def _has_toes(figure: Figure) -> bool:
    return all(f"toe{side}" in figure.chains for side in SIDES)


def _has_leg(figure: Figure, side: str) -> bool:
    return all(f"{word}{side}" in figure.chains for word in ("thigh", "shin", "foot"))


def leg_length(figure: Figure) -> float:
    """Thigh and shin together, the mean of both sides; 0 where there is none."""
    lengths = [
        float(
            np.linalg.norm(figure.head(f"shin{side}") - figure.head(f"thigh{side}"))
            + np.linalg.norm(figure.head(f"foot{side}") - figure.head(f"shin{side}"))
        )
        for side in SIDES
        if _has_leg(figure, side)
    ]
    return float(np.mean(lengths)) if lengths else 0.0


def _trunk(figure: Figure) -> float:
    """From the pelvis to the head (or neck), 0 where that is not there."""
    top = next((role for role in ("head", "neck", "spine") if role in figure.chains), None)
    if top is None or "pelvis" not in figure.chains:
        return 0.0
    return float(np.linalg.norm(figure.head(top) - figure.head("pelvis")))


def _ground(target: Target, size: float) -> float:
    """Height of the ground under the armature's feet; its own plane where they stand on it."""
    figure, rig = target.figure, target.rig
    bones = [
        bone
        for role, chain in figure.chains.items()
        if role_names.word_of(role) in ("foot", "toe")
        for bone in chain
    ]
    if not bones:
        return 0.0
    ends = np.concatenate([rig.rest_positions[bones], rig.rest_tails[bones]])
    lowest = float((ends @ figure.up).min())
    low, high = ON_PLANE[0] * size, ON_PLANE[1] * size
    return 0.0 if low <= lowest <= high else lowest


def _stance(
    source: Source, target: Target, contacts: dict[str, Contacts], leg: float
) -> tuple[float, float]:
    """Heights of the ankles in flat stance: the take's, in m, and the armature's.

    With toes on both sides, those of the balls of the feet are compared, which have to stand at
    the armature's own height; the ankles are above them by as much as the take shows, times the
    length of the feet.
    """
    if not (_has_toes(source.figure) and _has_toes(target.figure)):
        return _ankle_floor(source, contacts, leg), _height(target.figure, "foot")
    drop = _drop(source, contacts)
    feet = _foot_length(target.figure) / max(_foot_length(source.figure), 1e-9)
    levels = [
        float(np.median(_stood_at(source, side, found)))
        for side, found in contacts.items()
        if found.toe.any()
    ]
    floor = float(np.mean(levels)) + drop if levels else ANKLE_HEIGHT * leg
    return floor, _height(target.figure, "toe") + feet * drop


def _ankle_floor(source: Source, contacts: dict[str, Contacts], leg: float) -> float:
    heights = [
        source.joint(source.body(f"foot{side}"))[2][_flat(contacts[side])] for side in contacts
    ]
    stood = np.concatenate(heights) if heights else np.empty(0)
    return float(np.percentile(stood, 10.0)) if len(stood) else ANKLE_HEIGHT * leg


def _flat(found: Contacts) -> BoolArray:
    return found.heel & found.toe


def _drop(source: Source, contacts: dict[str, Contacts]) -> float:
    """How far the balls of the feet are below the ankles in flat stance, m; at rest if none."""
    drops = [
        (source.joint(source.body(f"foot{side}"))[2] - source.joint(source.body(f"toe{side}"))[2])[
            _flat(found)
        ]
        for side, found in contacts.items()
    ]
    stood = np.concatenate(drops) if drops else np.empty(0)
    at_rest = _height(source.figure, "foot") - _height(source.figure, "toe")
    return float(np.median(stood)) if len(stood) else at_rest


def _foot_length(figure: Figure) -> float:
    """From ankle to ball, the mean of both sides."""
    return float(
        np.mean([np.linalg.norm(figure.head(f"toe{s}") - figure.head(f"foot{s}")) for s in SIDES
                 if f"foot{s}" in figure.chains])
    )  # fmt: skip


def _stood_at(source: Source, side: str, found: Contacts) -> FloatArray:
    """Heights of a toe joint above what it stands on, while it does."""
    heights = source.joint(source.body(f"toe{side}"))[2]
    # On steps a foot stands higher, by `toe_rise`, than the floor that is asked for.
    rise = found.toe_rise
    return (heights if rise is None else heights - rise)[found.toe]


def hip_centre(source: Source, target: Target) -> tuple[FloatArray, list[int]] | None:
    """The take's path (3, F) of what is compared, and the armature's bones whose heads it is.

    The hip joints; the pelvis where either has not both. None where it has neither.
    """
    hips = [f"thigh{side}" for side in SIDES]
    if set(hips) <= set(source.figure.chains) and set(hips) <= set(target.figure.chains):
        joints = [source.joint(source.body(role)) for role in hips]
        return 0.5 * (joints[0] + joints[1]), [target.figure.chains[role][0] for role in hips]
    if "pelvis" in source.figure.chains and "pelvis" in target.figure.chains:
        return source.joint(source.body("pelvis")), [target.figure.chains["pelvis"][0]]
    return None


def wanted_path(
    centre: FloatArray, target: Target, size: Sizes, *, across: float | None = None
) -> FloatArray:
    """Where the armature's hips are to go, (3, F) in its space and units.

    Args:
        centre: (3, F) path of the take's hips, m, Z up.
        target: the armature.
        size: how the two compare.
        across: units of the armature for a metre on the ground; None for leg length's.
    """
    flat = size.scale if across is None else across
    path = np.empty_like(centre)
    path[:2] = flat * centre[:2]
    path[2] = size.ground + size.stance + size.scale * (centre[2] - size.floor)
    return lanes.rotate(target.turned, path)


def travel(path: FloatArray, times: FloatArray, up: FloatArray) -> FloatArray:
    """The way of a path over the ground without the swaying of steps: (3, F), across `up`."""
    level = path - up[:, None] * lanes.dot(up, path)
    step = float(np.mean(np.diff(times))) if len(times) > 1 else 0.0
    reach = round(3.0 * TRAVEL_S / step) if step > 0.0 else 0
    if reach < 1:
        return level
    moments = np.arange(-reach, reach + 1) * step
    bell = np.exp(-0.5 * (moments / TRAVEL_S) ** 2)
    return np.stack([_smoothed(component, bell / bell.sum(), reach) for component in level])


def _smoothed(values: FloatArray, bell: FloatArray, reach: int) -> FloatArray:
    """Convolved with a bell; beyond its ends a path goes on as it is mirrored through them.

    One that is shorter than the bell goes on from there as it went on the whole.
    """
    spare = min(reach, len(values) - 1)
    before = 2.0 * values[0] - values[spare:0:-1]
    after = 2.0 * values[-1] - values[-2 : -2 - spare : -1]
    whole = np.concatenate([before, values, after])
    step = (values[-1] - values[0]) / max(len(values) - 1, 1)
    onward = step * np.arange(1, reach - spare + 1)
    padded = np.concatenate([whole[0] - onward[::-1], whole, whole[-1] + onward])
    return np.convolve(padded, bell, mode="valid")
