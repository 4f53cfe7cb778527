# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs changed in ways that files of their kind are: renamed, cut, turned, in another order."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from myosapiens_addon.retarget.mapping.roles import Skeleton

from . import TruthRig


def renamed(rig: TruthRig, new: Callable[[str], str]) -> TruthRig:
    """With other names."""
    old = rig.skeleton
    skeleton = Skeleton(
        names=tuple(map(new, old.names)), parents=old.parents, heads=old.heads, tails=old.tails
    )
    truth = {role: tuple(map(new, chain)) for role, chain in rig.truth.items()}
    return TruthRig(name=rig.name, skeleton=skeleton, truth=truth)


def nameless(rig: TruthRig, seed: int = 0) -> TruthRig:
    """With names that say nothing."""
    numbers = list(range(len(rig.skeleton.names)))
    random.Random(seed).shuffle(numbers)
    names = {
        bone: f"Bone.{number:03d}" for bone, number in zip(rig.skeleton.names, numbers, strict=True)
    }
    return renamed(rig, names.__getitem__)


def turned(rig: TruthRig, by: NDArray[np.float64], shift: float = 0.0) -> TruthRig:
    """With other axes, another unit, or mirrored."""
    old = rig.skeleton
    assert old.tails is not None
    skeleton = Skeleton(
        names=old.names,
        parents=old.parents,
        heads=old.heads @ by + shift,
        tails=old.tails @ by + shift,
    )
    return TruthRig(name=rig.name, skeleton=skeleton, truth=rig.truth)


def without(rig: TruthRig, roles: Collection[str]) -> TruthRig:
    """Without the bones of some roles, and what hangs on them."""
    old = rig.skeleton
    gone = {bone for role in roles for bone in rig.truth.get(role, ())}
    for index, bone in enumerate(old.names):
        parent = int(old.parents[index])
        if parent >= 0 and old.names[parent] in gone:
            gone.add(bone)
    return _ordered(rig, [i for i, bone in enumerate(old.names) if bone not in gone])


def flat(rig: TruthRig) -> TruthRig:
    """With no bone hanging on another."""
    old = rig.skeleton
    skeleton = Skeleton(
        names=old.names,
        parents=np.full(len(old.names), -1, dtype=np.int32),
        heads=old.heads,
        tails=old.tails,
    )
    return TruthRig(name=rig.name, skeleton=skeleton, truth=rig.truth)


def shuffled(rig: TruthRig, seed: int) -> TruthRig:
    """In another order, parents before children."""
    left = list(range(len(rig.skeleton.names)))
    random.Random(seed).shuffle(left)
    order: list[int] = []
    while left:
        ready = [one for one in left if int(rig.skeleton.parents[one]) in (-1, *order)]
        order.extend(ready)
        left = [one for one in left if one not in ready]
    return _ordered(rig, order)


def _ordered(rig: TruthRig, order: list[int]) -> TruthRig:
    old = rig.skeleton
    assert old.tails is not None
    place = {index: new for new, index in enumerate(order)} | {-1: -1}
    skeleton = Skeleton(
        names=tuple(old.names[index] for index in order),
        parents=np.array([place[int(old.parents[index])] for index in order], dtype=np.int32),
        heads=old.heads[order],
        tails=old.tails[order],
    )
    left = set(skeleton.names)
    truth = {
        role: kept
        for role, chain in rig.truth.items()
        if (kept := tuple(bone for bone in chain if bone in left))
    }
    return TruthRig(name=rig.name, skeleton=skeleton, truth=truth)
