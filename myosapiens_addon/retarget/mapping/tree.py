# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a rig's bones without those that only help others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from . import names
from .names import Name
from .roles import Skeleton

if TYPE_CHECKING:
    from ...motion.motion import FloatArray

# Prefixes of bones that follow controls, in rigs that have controls.
_MECHANISM = re.compile(r"(?:^|[:_ .])(?:DEF-|ORG-|MCH-|VIS[-_]|WGT-)")
NO_TAIL = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """Bones, by index, whose parents are the next ones above that count.

    Attributes:
        skeleton: what it was made of.
        said: what each bone's name says.
        kept: for each bone, whether it counts.
        has_controls: whether some bones only follow others, which are controls.
        parents: for each bone, the nearest one above that counts, -1 for none.
    """

    skeleton: Skeleton
    said: Sequence[Name]
    kept: Sequence[bool]
    has_controls: bool
    parents: Sequence[int]

    @cached_property
    def children(self) -> list[list[int]]:
        """For each bone, those right below it that count."""
        found: list[list[int]] = [[] for _ in self.parents]
        for bone in self.bones():
            if self.parents[bone] >= 0:
                found[self.parents[bone]].append(bone)
        return found

    @cached_property
    def heads(self) -> FloatArray:
        """Where each bone begins."""
        return np.nan_to_num(np.asarray(self.skeleton.heads, dtype=np.float64))

    @cached_property
    def sizes(self) -> list[int]:
        """For each bone, how many hang on it, itself among them."""
        sizes = [1] * len(self.parents)
        for bone in reversed(range(len(sizes))):
            if self.kept[bone] and self.parents[bone] >= 0:
                sizes[self.parents[bone]] += sizes[bone]
        return sizes

    def bones(self) -> Iterator[int]:
        """All bones that count, parents first."""
        return (bone for bone, kept in enumerate(self.kept) if kept)

    def up(self, bone: int) -> list[int]:
        """A bone and all above it, from the top."""
        found: list[int] = []
        while bone >= 0:
            found.append(bone)
            bone = self.parents[bone]
        return found[::-1]

    def below(self, bone: int) -> list[int]:
        """A bone and all that hang on it, parents first."""
        found = [bone]
        for one in found:
            found.extend(self.children[one])
        return found

    def meet(self, bones: Sequence[int]) -> int:
        """The last bone that is above them all, or one of them; -1 for none."""
        last = -1
        for level in zip(*(self.up(bone) for bone in bones), strict=False):
            if len(set(level)) > 1:
                break
            last = level[0]
        return last

    def tail(self, bone: int) -> FloatArray | None:
        """Where a bone ends; None where that is not known."""
        if self.skeleton.tails is None:
            return None
        tail = np.nan_to_num(np.asarray(self.skeleton.tails[bone], dtype=np.float64))
        return tail if float(np.linalg.norm(tail - self.heads[bone])) > NO_TAIL else None


def grow(skeleton: Skeleton) -> Tree:
    """The tree of the bones that count."""
    said = names.read_all(skeleton.names)
    mechanism = _mechanism(skeleton.names)
    kept = [
        not (name.helper or name.twist) and not follows
        for name, follows in zip(said, mechanism, strict=True)
    ]
    parents: list[int] = []
    for bone in range(len(kept)):
        parent = int(skeleton.parents[bone])
        # Parents come first, so theirs are known; one that does not is no parent.
        if parent >= bone:
            parent = -1
        parents.append(parent if parent < 0 or kept[parent] else parents[parent])
    return Tree(
        skeleton=skeleton, said=said, kept=kept, has_controls=any(mechanism), parents=parents
    )


def _mechanism(bones: Sequence[str]) -> list[bool]:
    """For each bone, whether controls move it; none, where hardly anything else is there."""
    found = [bool(_MECHANISM.search(bone)) for bone in bones]
    return found if sum(found) < 0.8 * len(found) else [False] * len(found)
