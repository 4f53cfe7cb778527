# SPDX-License-Identifier: GPL-3.0-or-later
"""Where two legs, two arms and a head hang, from the tree and the rest pose alone.

No axis is taken for up and none for forward: up is from the legs to the head, across is from
one side's bones to their mirror images, and forward is where feet point and knees do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from . import symmetry
from .symmetry import Mirror
from .tree import Tree

if TYPE_CHECKING:
    from ...motion.motion import FloatArray

Pair = tuple[list[int], list[int]]
# Pairs of limbs that are tried as legs and arms: the longest.
MOST_LIMBS = 6
# A body's proportions, as fractions of the reach of a leg with its foot: loose, for any style.
ARM = (0.45, 1.3)
TRUNK = (0.2, 1.6)
# Cosine between both legs and the trunk above them: a quadruped's is near zero; and between
# each leg and the trunk: arms that are held away are no legs.
UPRIGHT, LEG_UPRIGHT = -0.6, -0.8
FEWEST_IN_LIMB = 3
# Of all bones, how many may lie in one place with more others than that.
SAME_PLACE, CROWD, MOST_CROWDED = 0.002, 3, 0.4


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """A human figure in a tree, without saying which bone is what.

    Attributes:
        legs: the bones of both legs, from the trunk to the tip; sides in no order.
        arms: those of both arms, on the same sides; empty lists for none.
        trunk: from the bone that carries all, up to where the head ends.
        hips: the bone that both legs hang on.
        chest: the bone that both arms hang on; -1 without arms.
        up: unit, from the legs to the head.
        across: unit, from the second side to the first.
        matched: 0 to 1, how far one side is the other's mirror image.
    """

    legs: Pair
    arms: Pair
    trunk: list[int]
    hips: int
    chest: int
    up: FloatArray
    across: FloatArray
    matched: float


def assemble(
    tree: Tree, *, legs: tuple[int, int], arms: tuple[int, int] | None, head: int, matched: float
) -> Body | None:
    """The body whose limbs and head end with these bones; None if they make none."""
    hips = tree.meet(legs)
    chest = tree.meet(arms) if arms else -1
    base = tree.meet([hips, chest, head] if arms else [hips, head]) if head >= 0 else -1
    if base < 0 or (arms and chest < 0):
        return None
    leg_paths = _paths(tree, legs, hips)
    arm_paths: Pair = _paths(tree, arms, chest) if arms else ([], [])
    if not all(leg_paths) or (arms and not all(arm_paths)):
        return None
    up, across = axes(tree, leg_paths, head)
    if up is None or across is None:
        return None
    return Body(
        legs=leg_paths,
        arms=arm_paths,
        trunk=[bone for bone in tree.up(head) if bone not in tree.up(base)[:-1]],
        hips=hips,
        chest=chest,
        up=up,
        across=across,
        matched=matched,
    )


def _paths(tree: Tree, tips: tuple[int, int], meet: int) -> Pair:
    first, second = tree.up(tips[0]), tree.up(tips[1])
    return first[first.index(meet) + 1 :], second[second.index(meet) + 1 :]


def axes(tree: Tree, legs: Pair, head: int) -> tuple[FloatArray | None, FloatArray | None]:
    """Up and across of a figure; None where all lies in one place."""
    feet = (tree.heads[legs[0][-1]] + tree.heads[legs[1][-1]]) / 2.0
    up = _unit(tree.heads[head] - feet)
    spans = [tree.heads[one] - tree.heads[other] for one, other in zip(*legs, strict=False)]
    across = _unit(np.sum(spans, axis=0))
    if up is None or across is None:
        return None, None
    level = _unit(across - (across @ up) * up)
    return up, level


def _unit(vector: FloatArray) -> FloatArray | None:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else None


def forward_of(tree: Tree, body: Body, legs: Pair, arms: Pair) -> float:
    """How surely the figure's first side is its left: above 0 for left, below for right.

    `legs` are hip, knee, ankle and what follows; `arms` shoulder, elbow, wrist. Feet point
    forward, knees stand out forward and elbows backward, which with up says where left is.
    """
    ahead = np.cross(body.across, body.up)  # forward, if the first side is the left
    height = symmetry.size_of(tree.heads[list(tree.bones())])
    votes = 0.0
    for leg in legs:
        if len(leg) >= 3:
            votes += _vote(float(_foot(tree, leg) @ ahead), 0.02 * height, 1.0)
            votes += _vote(float(_bend(tree, leg) @ ahead), 0.003 * height, 0.4)
    for arm in arms:
        if len(arm) >= 3:
            votes -= _vote(float(_bend(tree, arm) @ ahead), 0.003 * height, 0.3)
    return votes / 2.0


def _vote(value: float, least: float, weight: float) -> float:
    return weight * float(np.sign(value)) if abs(value) > least else 0.0


def _foot(tree: Tree, leg: Sequence[int]) -> FloatArray:
    """From the ankle to the furthest point of the foot."""
    ankle = leg[2]
    ends = [tree.heads[bone] for bone in tree.below(ankle)]
    tail = tree.tail(ankle)
    if len(ends) == 1 and tail is not None:
        ends.append(tail)
    spans = np.asarray(ends) - tree.heads[ankle]
    return spans[int(np.argmax(np.linalg.norm(spans, axis=1)))]


def _bend(tree: Tree, limb: Sequence[int]) -> FloatArray:
    """How the middle joint stands off the line from the first to the last."""
    first, middle, last = tree.heads[limb[0]], tree.heads[limb[1]], tree.heads[limb[2]]
    line = _unit(last - first)
    if line is None:
        return np.zeros(3)
    off = middle - first
    return off - (off @ line) * line


def find(tree: Tree) -> Body | None:
    """The most plausible human figure; None for none."""
    mirror = symmetry.find(tree)
    if mirror is None or _is_crowded(tree, mirror.size):
        return None
    middle = _middle(tree, mirror)
    limbs = _limb_pairs(tree, mirror, middle)[:MOST_LIMBS]
    bodies = [
        body
        for legs, arms in permutations(limbs, 2)
        if (body := _body(tree, middle, legs, arms, mirror.matched)) is not None
    ]
    return max(bodies, key=lambda body: _plausible(tree, body), default=None)


def _is_crowded(tree: Tree, size: float) -> bool:
    """Whether most bones share their place with several others, as controls do.

    What hangs on what then shows no body.
    """
    points = tree.heads[list(tree.bones())]
    sharing = symmetry.neighbours(points, points, SAME_PLACE * size) > CROWD
    return float(sharing.mean()) > MOST_CROWDED


def _plausible(tree: Tree, body: Body) -> float:
    return reach(tree, body.hips, body.legs[0][-1]) + reach(tree, body.chest, body.arms[0][-1])


def reach(tree: Tree, start: int, tip: int) -> float:
    """How long the way from a bone down to another is."""
    path = tree.up(tip)
    points = tree.heads[path[path.index(start) :]]
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _limb_pairs(tree: Tree, mirror: Mirror, middle: Sequence[bool]) -> list[tuple[int, int]]:
    """Tips of branches that are each other's mirror image, the longest first."""
    branches = [
        bone
        for bone in tree.bones()
        if not middle[bone] and tree.parents[bone] >= 0 and middle[tree.parents[bone]]
    ]
    paired = _have_image(tree, mirror)
    tips = {bone: furthest(tree, bone, paired) for bone in branches}
    pairs: list[tuple[float, int, int]] = []
    for first in branches:
        if float(mirror.across(tree.heads[[tips[first]]])[0]) <= 0.0:
            continue
        second = _image(tree, mirror, first, tips)
        if second >= 0:
            length = reach(tree, tree.parents[first], tips[first])
            pairs.append((length, tips[first], tips[second]))
    return [(first, second) for _, first, second in sorted(pairs, reverse=True)]


def _image(tree: Tree, mirror: Mirror, branch: int, tips: dict[int, int]) -> int:
    """The branch that is another's mirror image, from the same bone if there is one; else -1."""
    image = mirror.reflect(tree.heads[[tips[branch]]])[0]
    apart = {
        other: float(np.linalg.norm(image - tree.heads[tip]))
        for other, tip in tips.items()
        if other != branch
    }
    near = 2.0 * symmetry.TOLERANCE * mirror.size

    def worth(other: int) -> tuple[bool, int, float]:
        same = tree.parents[other] == tree.parents[branch]
        return same, -abs(tree.sizes[other] - tree.sizes[branch]), -apart[other]

    return max((other for other in apart if apart[other] < near), key=worth, default=-1)


def _middle(tree: Tree, mirror: Mirror) -> list[bool]:
    """For each bone, whether it belongs to the trunk.

    It lies in the plane, and what hangs on it does too, or lies on both sides.
    """
    near = symmetry.TOLERANCE * mirror.size
    across = mirror.across(tree.heads)
    low, high = across.copy(), across.copy()
    for bone in sorted(tree.bones(), reverse=True):
        parent = tree.parents[bone]
        if parent >= 0:
            low[parent] = min(low[parent], low[bone])
            high[parent] = max(high[parent], high[bone])
    one_sided = (high > near) != (low < -near)
    return [bool(found) for found in (np.abs(across) <= near) & ~one_sided]


def _have_image(tree: Tree, mirror: Mirror) -> list[bool]:
    """For each bone, whether there is another where its mirror image is: no weapon has one."""
    images = mirror.reflect(tree.heads)
    points = tree.heads[list(tree.bones())]
    near = 2.0 * symmetry.TOLERANCE * mirror.size
    return [bool(found) for found in symmetry.neighbours(images, points, near)]


def furthest(tree: Tree, bone: int, wanted: Sequence[bool] | None = None) -> int:
    """The end of the longest way down from a bone, of those that are wanted."""
    ways = {bone: 0.0}
    for one in tree.below(bone):
        for child in tree.children[one]:
            step = float(np.linalg.norm(tree.heads[child] - tree.heads[one]))
            ways[child] = ways[one] + step
    ends = [one for one in ways if wanted is None or wanted[one]] or [bone]
    return max(ends, key=lambda one: (ways[one], -one))


def _body(
    tree: Tree,
    middle: Sequence[bool],
    legs: tuple[int, int],
    arms: tuple[int, int],
    matched: float,
) -> Body | None:
    hips, chest = tree.meet(legs), tree.meet(arms)
    if hips < 0 or chest < 0 or hips == chest or hips in tree.below(chest):
        return None
    head = top(tree, middle, hips, chest)
    body = assemble(tree, legs=legs, arms=arms, head=head, matched=matched)
    return body if body is not None and _is_human(tree, body) else None


def top(tree: Tree, middle: Sequence[bool], hips: int, chest: int) -> int:
    """The end of the trunk: of the middle bones above the chest, the furthest; -1 for none."""
    away = tree.heads[chest] - tree.heads[hips]
    above = [bone for bone in tree.below(chest) if middle[bone]]
    return max(above, key=lambda bone: float(tree.heads[bone] @ away), default=-1)


def _is_human(tree: Tree, body: Body) -> bool:
    """Whether trunk, legs and arms have a body's proportions and stand as a body's do."""
    if min(map(len, (*body.legs, *body.arms))) < FEWEST_IN_LIMB:
        return False
    leg = reach(tree, body.hips, body.legs[0][-1])
    arm = reach(tree, body.chest, body.arms[0][-1])
    tops = tree.heads[[leg[0] for leg in body.legs]].mean(axis=0)
    trunk = float(np.linalg.norm(tree.heads[body.chest] - tops))
    if leg <= 0.0 or not ARM[0] < arm / leg < ARM[1] or not TRUNK[0] < trunk / leg < TRUNK[1]:
        return False
    return is_upright(tree, body)


def is_upright(tree: Tree, body: Body) -> bool:
    """Whether the legs hang below a trunk that stands: not so in an animal on four."""
    top = tree.heads[body.chest if body.chest >= 0 else body.trunk[-1]]
    hips = tree.heads[[leg[0] for leg in body.legs]]
    feet = tree.heads[[leg[-1] for leg in body.legs]]
    trunk = _unit(top - hips.mean(axis=0))
    legs = [_unit(leg) for leg in feet - hips]
    both = _unit((feet - hips).sum(axis=0))
    if trunk is None or both is None:
        return False
    return float(trunk @ both) < UPRIGHT and all(
        leg is not None and float(trunk @ leg) < LEG_UPRIGHT for leg in legs
    )
