# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a body a map has found, and whether what it found stands as a body does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import roles
from .roles import Skeleton

if TYPE_CHECKING:
    from ...motion.motion import FloatArray

# The roles of a human body without fingers; `spine` counts as up to three bones of the 22.
BODY = (*roles.MIDDLE[1:], *(f"{word}{side}" for side in roles.SIDES for word in roles.LIMBS))
MOST_SPINE = 3
# Those that every human rig has.
ESSENTIAL = tuple(
    role for role in BODY if roles.word_of(role) not in ("spine", "neck", "clavicle", "toe")
)
# Cosine between the trunk and the legs of what is no human, and how sure a map of it may be.
NOT_UPRIGHT = -0.5
ON_FOUR, CROSSED = 0.3, 0.5
# How far forward feet point at least for that to say anything, as a fraction of the legs.
FORWARD = 0.05

Chains = Mapping[str, tuple[str, ...]]


def count(chains: Chains) -> int:
    """How many of the 22 bones of a body have been found."""
    spine = min(MOST_SPINE, len(chains.get("spine", ())))
    return spine + sum(role in chains for role in BODY if role != "spine")


def essential(chains: Chains) -> float:
    """How much of what every human rig has was found: 0 to 1."""
    return sum(role in chains for role in ESSENTIAL) / len(ESSENTIAL)


def posture(skeleton: Skeleton, chains: Chains) -> float:
    """1 for a rest pose that a human can have, less for others; 1 where it says nothing.

    The legs must hang below the trunk, and the left one on the left of where the feet point.
    """
    place = {name: index for index, name in enumerate(skeleton.names)}
    heads = np.nan_to_num(np.asarray(skeleton.heads, dtype=np.float64))

    def at(*wanted: str) -> FloatArray | None:
        found = [heads[place[bone]] for role in wanted for bone in chains.get(role, ())[:1]]
        return np.mean(found, axis=0) if len(found) == len(wanted) else None

    top, hips = at("head"), at("thigh.L", "thigh.R")
    feet, toes = at("foot.L", "foot.R"), at("toe.L", "toe.R")
    left, right = at("thigh.L"), at("thigh.R")
    if top is None or hips is None or feet is None or left is None or right is None:
        return 1.0
    up, down = top - hips, feet - hips
    if _cosine(up, down) > NOT_UPRIGHT:
        return ON_FOUR
    if toes is None:
        return 1.0
    return CROSSED if _is_crossed([up, left - right, toes - feet, down]) else 1.0


def _cosine(first: FloatArray, second: FloatArray) -> float:
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / length if length > 0.0 else -1.0


def _is_crossed(spans: Sequence[FloatArray]) -> bool:
    """Whether the left leg is on the right of where the feet point."""
    up, across, foot, leg = spans
    length = float(np.linalg.norm(up) * np.linalg.norm(across))
    if length <= 0.0:
        return False
    forward = float(foot @ np.cross(across, up)) / length
    return forward < -FORWARD * float(np.linalg.norm(leg))
