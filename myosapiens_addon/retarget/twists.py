# SPDX-License-Identifier: GPL-3.0-or-later
"""Twist bones: helpers along a limb that share out its twist, so that skin does not wring.

A forearm or shin turns with its near joint, and its twist bones take more and more of what the
hand or foot turns about it. An upper arm or thigh turns with its far joint, and its twist bones
give back what it turns against the trunk, all of it where the limb begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import lanes
from .mapping import roles as role_names

if TYPE_CHECKING:
    from ..motion.motion import FloatArray
    from .follow import Target

# limb → the bone at the other side of the joint whose twist is shared, and whether the twist
# grows towards the limb's end.
PARTNERS = {
    "forearm": ("hand", True),
    "shin": ("foot", True),
    "upper_arm": ("clavicle", False),
    "thigh": ("pelvis", False),
}
NEIGHBOURS = {"clavicle": ("clavicle{side}", "spine"), "pelvis": ("pelvis",)}


def shared(target: Target, found: dict[int, FloatArray]) -> dict[int, FloatArray]:
    """Rotations (4, F) in the armature's space of the twist bones.

    Args:
        target: the armature.
        found: bone → rotations of the bones that follow bodies.
    """
    out: dict[int, FloatArray] = {}
    for role, bones in target.figure.chains.items():
        word, side = role_names.word_of(role), role_names.side_of(role)
        if word not in role_names.TWISTS:
            continue
        limb = word.removesuffix("_twist")
        pair = _pair(target, limb, side, found)
        if pair is not None:
            out |= _of_limb(target, f"{limb}{side}", bones, pair, found)
    return out


def _pair(
    target: Target, limb: str, side: str, found: dict[int, FloatArray]
) -> tuple[int, int] | None:
    """The limb's bone and its partner's, where both follow a body."""
    partner = PARTNERS[limb][0]
    names = [text.format(side=side) for text in NEIGHBOURS.get(partner, (f"{partner}{{side}}",))]
    chains = target.figure.chains
    others = [chains[name][-1] for name in names if name in chains and chains[name][-1] in found]
    own = chains.get(f"{limb}{side}", ())
    return (own[0], others[0]) if own and own[0] in found and others else None


def _of_limb(
    target: Target,
    limb: str,
    bones: tuple[int, ...],
    pair: tuple[int, int],
    found: dict[int, FloatArray],
) -> dict[int, FloatArray]:
    axis = target.figure.direction(limb)
    if axis is None:
        return {}
    own, other = (_since_rest(target, bone, found[bone]) for bone in pair)
    angle = lanes.twist_angle(lanes.multiply(lanes.conjugate(own), other), axis)
    grows = PARTNERS[role_names.word_of(limb)][1]
    rest = target.rig.rest_rotations
    return {
        bone: lanes.multiply(
            lanes.multiply(own, lanes.about(axis, angle * (share if grows else 1.0 - share))),
            rest[bone],
        )
        for bone, share in zip(bones, _shares(target, limb, bones, axis), strict=True)
    }


def _since_rest(target: Target, bone: int, rotations: FloatArray) -> FloatArray:
    return lanes.multiply(rotations, lanes.conjugate(target.rig.rest_rotations[bone]))


def _shares(target: Target, limb: str, bones: tuple[int, ...], axis: FloatArray) -> list[float]:
    """How far along the limb each twist bone sits, 0 to 1: that is its share."""
    figure, heads = target.figure, target.rig.rest_positions
    start = figure.head(limb)
    end = figure.end_role(limb)
    stop = figure.head(end) if end is not None else target.rig.rest_tails[figure.chains[limb][0]]
    length = float((stop - start) @ axis)
    if length <= 0.0:
        return [0.5] * len(bones)
    along = [float(np.clip((heads[bone] - start) @ axis / length, 0.0, 1.0)) for bone in bones]
    if len(set(np.round(along, 2))) == len(bones) and max(along) > 0.1:
        return along
    # Several at one place, or all at the joint: then their order is all that is known.
    return [(place + 1) / (len(bones) + 1) for place in range(len(bones))]
