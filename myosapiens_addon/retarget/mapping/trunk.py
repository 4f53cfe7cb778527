# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bones of a trunk are its root, pelvis, spine, neck and head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import symmetry
from .topology import Body
from .tree import Tree

if TYPE_CHECKING:
    from ...motion.motion import FloatArray

# A last bone that is so much further from the one before it than that is from its own: the
# crown, where a head ends.
CROWN = 1.4
# A pelvis begins no further from the hips than this fraction of a leg.
FAR_FROM_HIPS = 0.4
# Joints no further apart than this fraction of the figure are one.
SAME_PLACE = 0.015
# How high above the arms a head begins at most, as a fraction of a leg; and a bone that is much
# shorter than the one before it, if it is a head.
HEAD_HEIGHT, SHORT_HEAD_HEIGHT = 0.34, 0.26
# Two bones of which the lower and the upper begin higher than this: either may be the head.
DOUBTFUL = 0.05, 0.26


def assign(tree: Tree, body: Body) -> dict[str, list[int]]:
    """Role → bones."""
    base = body.trunk[0]
    pelvis = _pelvis(tree, body, base)
    above = [bone for bone in body.trunk if bone not in (base, pelvis)]
    if base != pelvis and _means(tree, base, "spine") and not _means(tree, base, "pelvis"):
        above.insert(0, base)
    found = _above(tree, body, above)
    if _is_at_hips(tree, body, pelvis):
        found["pelvis"] = [pelvis]
    root = _root(tree, pelvis)
    return found | ({"root": [root]} if root is not None else {})


def _means(tree: Tree, bone: int, role: str) -> bool:
    return role in tree.said[bone].roles


def _pelvis(tree: Tree, body: Body, base: int) -> int:
    """The bone that carries all, or the one that names say.

    That may be on the way from it to the legs, or right above it.
    """
    if _means(tree, base, "pelvis"):
        return base
    way = [bone for bone in tree.up(body.hips) if bone not in tree.up(base)]
    parent = tree.parents[base]
    candidates = [*way, *([parent] if parent >= 0 else [])]
    return next((bone for bone in candidates if _means(tree, bone, "pelvis")), base)


def _is_at_hips(tree: Tree, body: Body, bone: int) -> bool:
    """Whether a bone begins near the hips: one on the floor is no pelvis."""
    hips = tree.heads[[leg[0] for leg in body.legs]].mean(axis=0)
    feet = tree.heads[[leg[-1] for leg in body.legs]].mean(axis=0)
    leg = _apart(hips, feet)
    return leg <= 0.0 or _apart(tree.heads[bone], hips) < FAR_FROM_HIPS * leg


def _root(tree: Tree, pelvis: int) -> int | None:
    """The uppermost bone above the pelvis, if names say that it is a root."""
    above = tree.up(pelvis)[:-1]
    return next((bone for bone in above if _means(tree, bone, "root")), None)


def _above(tree: Tree, body: Body, above: Sequence[int]) -> dict[str, list[int]]:
    """Spine, neck and head of the bones above the pelvis, by names if they have any."""
    words = ("spine", "neck", "head")
    said = [next((word for word in words if _means(tree, bone, word)), "") for bone in above]
    if not any(said):
        return _by_place(tree, body, above)
    # A spine that is numbered up to the head is divided where the arms hang.
    if set(said) <= {"", "spine"}:
        named = [bone for bone, says in zip(above, said, strict=True) if says]
        return _by_place(tree, body, named)
    found = {
        word: [bone for bone, says in zip(above, said, strict=True) if says == word]
        for word in words
    }
    # Names that do not come in this order say something else.
    order = [words.index(says) for says in said if says]
    if order != sorted(order):
        return {}
    if found["head"]:
        found["head"] = found["head"][:1]
    return {word: bones for word, bones in found.items() if bones}


def _by_place(tree: Tree, body: Body, above: Sequence[int]) -> dict[str, list[int]]:
    """The spine ends with the bone that carries the arms; what follows is neck and head."""
    if body.chest not in above:
        return {}
    ends = list(above).index(body.chest) + 1
    spine, rest = list(above[:ends]), list(above[ends:])
    rest = _without_crown(tree, body, rest)
    found = {"spine": spine}
    if len(rest) > 1 and _is_doubtful(tree, body, *rest[-2:]):
        return found
    if rest:
        found["head"] = rest[-1:]
    if len(rest) > 1:
        found["neck"] = rest[:-1]
    return found


def _without_crown(tree: Tree, body: Body, rest: list[int]) -> list[int]:
    """The bones of neck and head without what only marks where the head ends, or hangs on it."""
    # Eyes, ears and the like hang on the head: it is where the way up first divides.
    while len(rest) > 1 and _is_too_high(tree, body, *rest[-2:]):
        rest = rest[:-1]
    for place, bone in enumerate(rest):
        if len(tree.children[bone]) > 1:
            # A bone that sits on the head's own joint to carry a face is not the head.
            on_top = place > 0 and _apart(tree.heads[rest[place - 1]], tree.heads[bone]) <= (
                SAME_PLACE * symmetry.size_of(tree.heads[rest + body.legs[0]])
            )
            return rest[: place + (not on_top)]
    ends = len(rest) > 2 and _is_short(tree, *rest[-2:]) and _is_far(tree, rest)
    return rest[:-1] if ends else rest


def _is_short(tree: Tree, before: int, last: int) -> bool:
    """Whether a bone is much shorter than the one before it, as what only marks an end is."""
    tail = tree.tail(last)
    own = _apart(tail, tree.heads[last]) if tail is not None else 0.0
    return own < 0.5 * _apart(tree.heads[before], tree.heads[last])


def _is_too_high(tree: Tree, body: Body, before: int, last: int) -> bool:
    """Whether a bone begins higher above the arms than a head does."""
    most = SHORT_HEAD_HEIGHT if _is_short(tree, before, last) else HEAD_HEIGHT
    return _height(tree, body, last) > most


def _is_doubtful(tree: Tree, body: Body, before: int, last: int) -> bool:
    """Whether a bone begins so high that the one before it may as well be the head."""
    low, high = DOUBTFUL
    return _height(tree, body, last) > high and _height(tree, body, before) > low


def _height(tree: Tree, body: Body, bone: int) -> float:
    """How high above the arms a bone begins, as a fraction of a leg."""
    arms = tree.heads[[arm[0] for arm in body.arms]].mean(axis=0)
    hips = tree.heads[[leg[0] for leg in body.legs]].mean(axis=0)
    feet = tree.heads[[leg[-1] for leg in body.legs]].mean(axis=0)
    leg = max(float((hips - feet) @ body.up), 1e-9)
    return float((tree.heads[bone] - arms) @ body.up) / leg


def _is_far(tree: Tree, rest: Sequence[int]) -> bool:
    """Whether the last bone is further from the one before it than that is from its own."""
    third, before, last = (tree.heads[bone] for bone in rest[-3:])
    return _apart(before, last) > CROWN * _apart(third, before)


def _apart(first: FloatArray, second: FloatArray) -> float:
    return float(np.linalg.norm(first - second))
