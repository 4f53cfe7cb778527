# SPDX-License-Identifier: GPL-3.0-or-later
"""The plane that a rig at rest is the mirror image of itself in, found without any names."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .tree import Tree

if TYPE_CHECKING:
    from ...motion.motion import FloatArray, IntArray

# How far apart a bone and its mirror image may be, as a fraction of the rig's size.
TOLERANCE = 0.02
# Pairs of branches that a plane is made of and tried: the largest say most.
MOST_PAIRS = 40
# Of the bones off the plane, how many must have a mirror image.
ENOUGH = 0.6
FEWEST_PAIRED = 4
MOST_POINTS = 300
# Distances are worked out for so many bones at once: rigs have thousands.
AT_ONCE = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Mirror:
    """The plane of symmetry.

    Attributes:
        normal: unit, across the figure; which way is its left is not known here.
        offset: how far from the origin the plane lies along it.
        size: of the rig, the longest side of its box.
        matched: 0 to 1, how many of the bones off the plane have a mirror image.
    """

    normal: FloatArray
    offset: float
    size: float
    matched: float

    def across(self, points: FloatArray) -> FloatArray:
        """How far points lie from the plane, and on which side."""
        return points @ self.normal - self.offset

    def reflect(self, points: FloatArray) -> FloatArray:
        """Points mirrored."""
        return points - 2.0 * np.multiply.outer(self.across(points), self.normal)


def size_of(points: FloatArray) -> float:
    """The longest side of the box around points."""
    return float(np.ptp(points, axis=0).max()) if len(points) else 0.0


def find(tree: Tree) -> Mirror | None:
    """The plane in which most bones have a mirror image; None where there is none."""
    points = tree.heads[list(tree.bones())]
    # Of a rig with very many bones, those that most hangs on are looked at.
    some = tree.heads[sorted(tree.bones(), key=lambda bone: -tree.sizes[bone])[:MOST_POINTS]]
    size = size_of(points)
    if size <= 0.0:
        return None
    best: Mirror | None = None
    most = 0.0
    for normal, offset in _candidates(tree, size):
        mirror = Mirror(normal=normal, offset=offset, size=size, matched=0.0)
        off, paired = _paired(mirror, some, points)
        if paired >= FEWEST_PAIRED and paired > most and paired >= ENOUGH * off:
            most = paired
            best = Mirror(normal=normal, offset=offset, size=size, matched=paired / off)
    return best


def _candidates(tree: Tree, size: float) -> list[tuple[FloatArray, float]]:
    """Planes between branches of one bone that have about the same size."""
    roots = [bone for bone in tree.bones() if tree.parents[bone] < 0]
    centres = _centres(tree)
    pairs = [
        (min(tree.sizes[first], tree.sizes[second]), first, second)
        for group in (roots, *tree.children)
        for first, second in combinations(sorted(group, key=lambda b: -tree.sizes[b])[:12], 2)
        if tree.sizes[second] > 0.6 * tree.sizes[first] and tree.sizes[second] > 1
    ]
    found: list[tuple[FloatArray, float]] = []
    for _, first, second in sorted(pairs, reverse=True)[:MOST_PAIRS]:
        span = centres[second] - centres[first]
        length = float(np.linalg.norm(span))
        if length > TOLERANCE * size:
            normal = span / length
            found.append((normal, float((centres[first] + centres[second]) @ normal / 2.0)))
    return found


def _centres(tree: Tree) -> FloatArray:
    """For each bone, the centre of all that hang on it."""
    sums = tree.heads.copy()
    for bone in sorted(tree.bones(), reverse=True):
        if tree.parents[bone] >= 0:
            sums[tree.parents[bone]] += sums[bone]
    return sums / np.asarray(tree.sizes, dtype=np.float64)[:, None]


def _paired(mirror: Mirror, some: FloatArray, points: FloatArray) -> tuple[int, int]:
    """How many of some points lie off the plane, and how many of those have a mirror image."""
    near = TOLERANCE * mirror.size
    off = np.abs(mirror.across(some)) > near
    return int(off.sum()), int((neighbours(mirror.reflect(some[off]), points, near) > 0).sum())


def neighbours(points: FloatArray, others: FloatArray, near: float) -> IntArray:
    """For each point, how many others lie no further away than `near`."""
    found = np.zeros(len(points), dtype=np.int32)
    for start in range(0, len(points), AT_ONCE):
        some = points[start : start + AT_ONCE]
        apart = np.linalg.norm(some[:, None, :] - others[None, :, :], axis=2)
        found[start : start + AT_ONCE] = (apart < near).sum(axis=1)
    return found
