# SPDX-License-Identifier: GPL-3.0-or-later
"""The feet of a take and the legs of an armature, as `contacts` and `planting` look at them.

Both are brought to the same space: Z up, the ground at zero, and the armature's legs as long as
the recorded person's, so that a millimetre means the same on a puppet and on a giant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import contacts, lanes, planting, posing
from .mapping import roles as role_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..motion.motion import FloatArray
    from .contacts import Contacts
    from .follow import Source, Target
    from .path import Sizes
    from .posing import Tree

LEG = ("thigh", "shin", "foot")
# The heel lies behind the ankle by this share of the way from ankle to ball (a foot is 0.152 of
# stature long, and the ankle stands at about a quarter of it: Drillis and Contini, 1966).
HEEL_BEHIND = 0.35


def find(source: Source) -> dict[str, Contacts]:
    """Side → where the take's foot is planted, for feet with toes."""
    chains = source.figure.chains
    return {
        side: _find_one(source, side)
        for side in role_names.SIDES
        if f"foot{side}" in chains and f"toe{side}" in chains
    }


def _find_one(source: Source, side: str) -> Contacts:
    motion = source.motion
    foot, toe = source.body(f"foot{side}"), source.body(f"toe{side}")
    body = source.turning(f"foot{side}")
    rest = motion.rest_positions
    point = rest[foot] - HEEL_BEHIND * (rest[toe] - rest[foot])
    point[2] = rest[toe][2]
    own = lanes.rotate(lanes.conjugate(source.rest(body)), point - rest[body])
    heel = source.joint(body) + lanes.rotate(source.turn(body), own)
    return contacts.find(motion.times, heel.T, source.joint(toe).T)


def plant(
    source: Source,
    target: Target,
    tree: Tree,
    wanted: dict[int, FloatArray],
    found: Mapping[str, Contacts],
    size: Sizes,
    moved: FloatArray,
) -> tuple[dict[int, FloatArray], FloatArray, float]:
    """Hold the armature's planted feet in place.

    Args:
        source: the take.
        target: the armature.
        tree: its tree.
        wanted: bone → rotations (4, F) in the armature's space.
        found: side → contacts of the take.
        size: how take and armature compare.
        moved: (3, F) how far the figure is moved from where its root stands at rest.

    Returns:
        New rotations of leg bones, how the figure is moved then (3, F), and how far the worst
        ankle stays from where it should be, in m of the take.
    """
    sides = [side for side in found if _can_plant(target, wanted, side)]
    if not sides:
        return {}, moved, 0.0
    space = _Space(target, size)
    legs = [_leg(target, tree, wanted, side, space, moved) for side in sides]
    hips = np.mean([leg.hip for leg in legs], axis=0)
    corrected = planting.correct(source.motion.times, legs, [found[side] for side in sides], hips)
    turned: dict[int, FloatArray] = {}
    for side, leg in zip(sides, corrected.legs, strict=True):
        for role in (*LEG, "toe"):
            chain = target.figure.chains.get(f"{role}{side}")
            if chain and chain[0] in wanted:
                turned[chain[0]] = space.rotations_back(getattr(leg, role))
    down = space.lengths_back(corrected.lowered)
    shortfall = max((float(part.max()) for part in corrected.shortfalls), default=0.0)
    return turned, moved - target.figure.up[:, None] * down, shortfall


def _can_plant(target: Target, wanted: Mapping[int, FloatArray], side: str) -> bool:
    chains = target.figure.chains
    return all(f"{word}{side}" in chains and chains[f"{word}{side}"][0] in wanted for word in LEG)


class _Space:
    """The common space: see the module's docstring."""

    def __init__(self, target: Target, size: Sizes) -> None:
        self._back = lanes.conjugate(target.turned)
        self._forth = target.turned
        self._scale = size.scale
        self._ground = size.ground * target.figure.up

    def points(self, points: FloatArray) -> FloatArray:
        """(3, F) of the armature's space → (F, 3)."""
        shifted = (points.T - self._ground).T
        return lanes.rotate(self._back, shifted).T / self._scale

    def height(self, point: FloatArray) -> float:
        """Height of one point at rest."""
        return float(self.points(point)[2])

    def rotations(self, rotations: FloatArray) -> FloatArray:
        """(4, F) → (F, 4)."""
        return lanes.multiply(self._back, rotations).T

    def rotations_back(self, rotations: FloatArray) -> FloatArray:
        """(F, 4) → (4, F)."""
        return lanes.multiply(self._forth, np.ascontiguousarray(rotations.T))

    def lengths_back(self, lengths: FloatArray) -> FloatArray:
        """M of the take → units of the armature."""
        return lengths * self._scale


def _leg(
    target: Target,
    tree: Tree,
    wanted: dict[int, FloatArray],
    side: str,
    space: _Space,
    moved: FloatArray,
) -> planting.Leg:
    chains, rig = target.figure.chains, target.rig
    thigh, shin, foot = (chains[f"{word}{side}"][0] for word in LEG)
    toes = chains.get(f"toe{side}", ())
    toe = toes[0] if toes and toes[0] in wanted else foot
    world = posing.stands(tree, wanted, [toe])
    places = posing.heads(tree, world, [thigh, shin, foot, toe])
    ball = rig.rest_positions[toe] if toe != foot else rig.rest_tails[foot]
    heel = _heel(target, foot, ball)
    spots = {
        "hip": places[thigh],
        "knee": places[shin],
        "ankle": places[foot],
        "ball": places[toe] if toe != foot else _point(target, wanted, places, foot, ball),
        "tip": _point(target, wanted, places, toe, rig.rest_tails[toe]),
        "heel": _point(target, wanted, places, foot, heel),
    }
    bones = {"thigh": thigh, "shin": shin, "foot": foot, "toe": toe}
    return planting.Leg(
        **{name: space.points(spot + moved) for name, spot in spots.items()},
        **{name: space.rotations(wanted[bone]) for name, bone in bones.items()},
        ball_height=space.height(ball),
        tip_height=space.height(rig.rest_tails[toe]),
        heel_height=space.height(heel),
    )


def _point(
    target: Target,
    wanted: dict[int, FloatArray],
    places: dict[int, FloatArray],
    bone: int,
    point: FloatArray,
) -> FloatArray:
    """Path (3, F) of a point that is fixed to a bone; `point` is where it is at rest."""
    rig = target.rig
    own = lanes.rotate(lanes.conjugate(rig.rest_rotations[bone]), point - rig.rest_positions[bone])
    return places[bone] + lanes.rotate(wanted[bone], own)


def _heel(target: Target, foot: int, ball: FloatArray) -> FloatArray:
    """Where the heel touches the ground at rest, which no bone of most armatures tells."""
    figure, ankle = target.figure, target.rig.rest_positions[foot]
    behind = ankle - HEEL_BEHIND * figure.level(ball - ankle)
    lowest = min(float(ball @ figure.up), float(ankle @ figure.up))
    return figure.level(behind) + lowest * figure.up
