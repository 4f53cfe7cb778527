# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposal of roles for a rig of no known kind, from its names, its tree and its rest pose.

Names and tree check each other: what names say of a bone must fit where it hangs, and what is
said against is left out rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from . import limbs, naming, plausible, roles, topology, tree, trunk
from .limbs import ARM, LEG, Limb
from .roles import Skeleton
from .topology import Body
from .tree import Tree

TITLE = "Proposal"
# How sure a proposal is: with names and rest pose agreeing, with the rest pose alone, and with
# names alone where the rest pose says nothing.
BOTH, SHAPE_ONLY, NAMES_ONLY, NONSENSE = 0.9, 0.6, 0.4, 0.1
# How strongly feet, knees and elbows must point somewhere to say where left is.
FACING = 0.2
STRONGLY = 0.9

Chains = dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Roles proposed.

    Attributes:
        chains: role → bones.
        state: role → "name" or "topology": what it rests on.
        sure: 0 to 1.
    """

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    state: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sure: float = 0.0


def propose(skeleton: Skeleton) -> Proposal:
    """The roles that a rig's bones seem to play; empty where it is no human."""
    grown = tree.grow(skeleton)
    named = naming.body(grown)
    # Controls hang on each other in ways that show no body.
    body = topology.find(grown) if named is None and not grown.has_controls else named
    if body is None:
        chains = naming.alone(grown)
        return _proposal(grown, chains, NAMES_ONLY * plausible.essential(chains))
    doubtful = naming.contradicts(grown, body) or naming.unnamed_limbs(grown, body)
    if doubtful or not topology.is_upright(grown, body):
        return Proposal(sure=NONSENSE)
    return _of_body(grown, body)


def _of_body(grown: Tree, body: Body) -> Proposal:
    legs = [_fit(grown, body, path, LEG, 0.0) for path in body.legs]
    leg = max(_length(grown, one) for one in legs)
    arms = [_fit(grown, body, path, ARM, leg) for path in body.arms]
    lefts = _lefts(grown, body, legs, arms)
    found = trunk.assign(grown, body)
    if lefts is not None:
        for limb in (legs, arms):
            for side, place in zip(roles.SIDES, lefts, strict=True):
                found |= {f"{word}{side}": [bone] for word, bone in limb[place].items()}
    names = grown.skeleton.names
    chains = {role: tuple(names[bone] for bone in bones) for role, bones in found.items()}
    if lefts is None:
        return _proposal(grown, chains, NONSENSE)
    chains |= naming.fill(grown, chains)
    sure = BOTH if naming.says_much(grown, chains) else SHAPE_ONLY
    return _proposal(grown, chains, sure * plausible.essential(chains))


def _fit(
    grown: Tree, body: Body, path: list[int], words: tuple[str, ...], leg: float
) -> dict[str, int]:
    middle = grown.heads[[body.legs[0][-1], body.legs[1][-1]]].mean(axis=0)
    return limbs.fit(
        Limb(tree=grown, path=path, words=words, up=body.up, across=body.across,
             middle=middle, leg=leg)
    )  # fmt: skip


def _length(grown: Tree, leg: Mapping[str, int]) -> float:
    if not {"thigh", "shin", "foot"} <= set(leg):
        return 0.0
    points = grown.heads[[leg["thigh"], leg["shin"], leg["foot"]]]
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _lefts(
    grown: Tree, body: Body, legs: list[dict[str, int]], arms: list[dict[str, int]]
) -> tuple[int, int] | None:
    """Which of each pair is the left and which the right; None where that is not known."""
    shape = topology.forward_of(
        grown,
        body,
        _joints(legs, LEG[:3]),
        _joints(arms, ARM[1:]),
    )
    said = naming.first_is_left(grown, body)
    if said and shape * said < 0.0 and abs(shape) > STRONGLY:
        return None
    votes = said or (shape if abs(shape) > FACING else 0.0)
    if not votes:
        return None
    return (0, 1) if votes > 0.0 else (1, 0)


def _joints(found: list[dict[str, int]], words: tuple[str, ...]) -> tuple[list[int], list[int]]:
    first, second = (
        [one[word] for word in words] if set(words) <= set(one) else [] for one in found
    )
    return first, second


def _proposal(grown: Tree, chains: Chains, sure: float) -> Proposal:
    place = {name: bone for bone, name in enumerate(grown.skeleton.names)}
    state = {
        role: "name"
        if all(naming.part_of(role) in grown.said[place[bone]].roles for bone in chain)
        else "topology"
        for role, chain in chains.items()
    }
    return Proposal(
        chains=MappingProxyType(chains), state=MappingProxyType(state), sure=sure if chains else 0.0
    )


def by_names(skeleton: Skeleton, chains: Mapping[str, tuple[str, ...]]) -> Chains:
    """Of the roles that are open, those that names fill beyond doubt."""
    return naming.fill(tree.grow(skeleton), chains)
