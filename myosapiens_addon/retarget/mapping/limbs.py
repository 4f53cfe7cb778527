# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bones along one limb are its thigh, shin and foot, or its upper arm, forearm and hand.

Every way of giving the limb's roles to bones in their order is weighed by what names say and
by a body's proportions; the best wins. In a rig whose bones are named, names outweigh
proportions; where names say nothing, proportions decide alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .tree import Tree

if TYPE_CHECKING:
    from ...motion.motion import FloatArray

ARM = ("clavicle", "upper_arm", "forearm", "hand")
LEG = ("thigh", "shin", "foot", "toe")
# What a name is worth: one meaning, several meanings, another meaning, an unknown word in a rig
# whose other bones are named.
SURE, MAYBE, OTHER, UNKNOWN = 3.0, 2.0, -6.0, -1.5
# What it is worth to give a role away at all.
ROLE, SMALL_ROLE = 1.0, 0.5
# What it costs to leave a thigh, shin or foot, upper arm, forearm or hand to nobody.
INCOMPLETE = -2.0
# Forearm to upper arm, arm to leg (both without hand and foot), and shoulder's distance from the
# middle to arm: of a body of usual build.
UPPER_TO_FORE, ARM_TO_LEG, SHOULDER_TO_ARM = 1.1, 0.64, 0.31
# An ankle is no higher than this fraction of the leg; a toe begins this far from it.
ANKLE_HEIGHT = 0.18
TOE_NEAR, TOE_FAR = 0.07, 0.18
FEWEST_FINGERS = 3
LONGEST = 12

Choice = tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Limb:
    """A limb's bones, from the trunk to the tip, and the frame they are measured in.

    Attributes:
        path: the bones.
        words: the roles to give, without a side.
        up: unit, the figure's up.
        across: unit, across it.
        middle: a point in the middle of the figure.
        leg: how long a leg is from hip to ankle; 0 where it is not known yet.
    """

    tree: Tree
    path: Sequence[int]
    words: tuple[str, ...]
    up: FloatArray
    across: FloatArray
    middle: FloatArray
    leg: float = 0.0

    @cached_property
    def named(self) -> bool:
        """Whether names say of any of its bones what it is."""
        return any(self.tree.said[bone].roles & set(self.words) for bone in self.path)

    @cached_property
    def floor(self) -> float:
        """How high the lowest point of the limb lies."""
        points = [self.tree.heads[bone] for bone in self.path]
        points += [tail for bone in self.path if (tail := self.tree.tail(bone)) is not None]
        return min(float(point @ self.up) for point in points)

    def apart(self, first: int, second: int) -> float:
        """How far one bone's head is from another's."""
        return float(np.linalg.norm(self.tree.heads[first] - self.tree.heads[second]))

    def height(self, bone: int) -> float:
        """How high a bone's head lies above the lowest point."""
        return float(self.tree.heads[bone] @ self.up) - self.floor

    def aside(self, bone: int) -> float:
        """How far a bone's head lies from the middle of the figure."""
        return abs(float((self.tree.heads[bone] - self.middle) @ self.across))


def fit(limb: Limb) -> dict[str, int]:
    """Role → bone."""
    short = Limb(
        tree=limb.tree, path=limb.path[:LONGEST], words=limb.words, up=limb.up,
        across=limb.across, middle=limb.middle, leg=limb.leg,
    )  # fmt: skip
    best = max(_choices(short), key=lambda choice: _worth(short, choice))
    return {word: bone for word, bone in zip(limb.words, best, strict=True) if bone is not None}


def _choices(limb: Limb) -> Iterator[Choice]:
    """Every way of giving roles to bones in order, each role to one or to none."""

    def after(place: int, left: int) -> Iterator[Choice]:
        if not left:
            yield ()
            return
        for rest in after(place, left - 1):
            yield (None, *rest)
        for index in range(place, len(limb.path)):
            for rest in after(index + 1, left - 1):
                yield (limb.path[index], *rest)

    return after(0, len(limb.words))


def _worth(limb: Limb, choice: Choice) -> float:
    names = sum(
        _name_worth(limb, word, bone)
        for word, bone in zip(limb.words, choice, strict=True)
        if bone is not None
    )
    proportions = _leg_worth(limb, choice) if limb.words == LEG else _arm_worth(limb, choice)
    return names + proportions


def _name_worth(limb: Limb, word: str, bone: int) -> float:
    said = limb.tree.said[bone]
    given = SMALL_ROLE if word in ("clavicle", "toe") else ROLE
    if word in said.roles:
        return given + (SURE if said.sure else MAYBE)
    if said.roles or said.part:
        return OTHER
    return given + (UNKNOWN if limb.named else 0.0)


def _leg_worth(limb: Limb, choice: Choice) -> float:
    thigh, shin, foot, toe = choice
    if thigh is None or shin is None or foot is None:
        return INCOMPLETE
    upper, lower = limb.apart(thigh, shin), limb.apart(shin, foot)
    top = limb.height(thigh)
    if min(upper, lower, top) <= 0.0:
        return INCOMPLETE
    worth = -2.0 * abs(math.log(upper / lower))
    worth -= 4.0 * max(0.0, limb.height(foot) / top - ANKLE_HEIGHT)
    between = limb.path[limb.path.index(shin) + 1 : limb.path.index(foot)]
    worth -= sum(limb.height(bone) < ANKLE_HEIGHT * top for bone in between)
    worth -= 6.0 * max(0.0, 0.5 - limb.aside(thigh) / max(limb.aside(foot), 1e-9))
    before = [bone for bone in limb.path[: limb.path.index(thigh)] if _is_aside(limb, bone, foot)]
    worth -= 4.0 * max((limb.apart(bone, thigh) for bone in before), default=0.0) / top
    return worth + (0.0 if toe is None else _toe_worth(limb, foot, toe, top))


def _is_aside(limb: Limb, bone: int, foot: int) -> bool:
    return limb.aside(bone) > 0.5 * limb.aside(foot)


def _toe_worth(limb: Limb, foot: int, toe: int, leg: float) -> float:
    between = limb.path[limb.path.index(foot) + 1 : limb.path.index(toe)]
    if any(limb.apart(foot, bone) > TOE_NEAR * leg for bone in between):
        return -1.0
    far = limb.apart(foot, toe) / leg
    tail = limb.tree.tail(toe)
    own = 0.0 if tail is None else float(np.linalg.norm(tail - limb.tree.heads[toe])) / leg
    # What is far out and short only marks where the foot ends.
    is_tip = far > TOE_FAR and own < 0.3 * far and not limb.tree.children[toe]
    return -2.0 if far < TOE_NEAR or is_tip else 0.0


def _arm_worth(limb: Limb, choice: Choice) -> float:
    clavicle, shoulder, elbow, wrist = choice
    if shoulder is None or elbow is None or wrist is None:
        return INCOMPLETE
    upper, fore = limb.apart(shoulder, elbow), limb.apart(elbow, wrist)
    if min(upper, fore) <= 0.0:
        return INCOMPLETE
    worth = -2.0 * abs(math.log(upper / fore / UPPER_TO_FORE))
    if limb.leg > 0.0:
        worth -= 1.5 * abs(math.log((upper + fore) / limb.leg / ARM_TO_LEG))
    aside = max(limb.aside(shoulder) / (upper + fore), 0.02)
    worth -= 2.0 * abs(math.log(aside / SHOULDER_TO_ARM))
    worth += _hand_worth(limb, wrist, upper + fore)
    if clavicle is not None:
        short = limb.apart(clavicle, shoulder) / (upper + fore)
        worth -= 0.0 if 0.08 < short < 0.7 else 1.0
    return worth


def _hand_worth(limb: Limb, wrist: int, arm: float) -> float:
    """Fingers spread from a hand; a hand without any is near the tip."""
    spreading = [bone for bone in limb.path if len(limb.tree.children[bone]) >= FEWEST_FINGERS]
    if spreading:
        return 2.0 if wrist == spreading[0] else -1.0
    rest = limb.path[limb.path.index(wrist) :]
    beyond = sum(limb.apart(one, other) for one, other in pairwise(rest))
    return -4.0 * max(0.0, beyond / arm - 0.4)
