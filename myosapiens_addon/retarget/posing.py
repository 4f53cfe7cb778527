# SPDX-License-Identifier: GPL-3.0-or-later
"""From rotations in the armature's space to the channels of its bones.

Blender poses a bone by its parent's pose, the step between both at rest, and the bone's own
channels. So the channels of a bone are what is left when parent and rest are taken out:

    base = P · P₀⁻¹ · B₀        where the bone would stand without channels of its own
    rotation = base⁻¹ · B       (a bone that does not inherit rotation has base = B₀)

Bones between two that follow are taken at rest, and one that is posed now gets a key that holds
it there. What is above the first is left as it is, so that a figure can be placed by its root;
only what an earlier action moves there is put back. A locked bone keeps the turn it is locked in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..motion.motion import FloatArray, IntArray
    from .rig import Rig


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """What hangs on what in an armature.

    Attributes:
        rig: the armature.
        parents: (N,) int32, the bone that each one goes with: its parent, or what a preset
            knows it to copy; -1 for none.
        order: all bones, parents first.
    """

    rig: Rig
    parents: IntArray
    order: tuple[int, ...]

    def with_ancestors(self, bones: Iterable[int]) -> list[int]:
        """Bones and all they hang on, parents first."""
        needed: set[int] = set()
        for bone in bones:
            at = bone
            while at >= 0 and at not in needed:
                needed.add(at)
                at = int(self.parents[at])
        return [bone for bone in self.order if bone in needed]

    def is_above(self, upper: int, lower: int) -> bool:
        """Whether `lower` hangs on `upper`, at any depth."""
        at = int(self.parents[lower])
        while at >= 0 and at != upper:
            at = int(self.parents[at])
        return at == upper


def tree_of(rig: Rig, hangs_on: Mapping[str, str] | None = None) -> Tree:
    """The tree of a rig.

    Args:
        rig: the armature.
        hangs_on: bone → the bone it goes with instead of its parent, because a constraint of
            the rig makes it; names that are not there are passed over.
    """
    place = {name: index for index, name in enumerate(rig.names)}
    parents = rig.parents.copy()
    for bone, other in (hangs_on or {}).items():
        if bone in place and other in place:
            parents[place[bone]] = place[other]
    return Tree(rig=rig, parents=parents, order=_parents_first(parents, rig.parents))


def _parents_first(parents: IntArray, own: IntArray) -> tuple[int, ...]:
    """An order in which no bone comes before what it hangs on; rings fall back to `own`."""
    done: dict[int, None] = {}
    for start in range(len(parents)):
        path: list[int] = []
        at = start
        while at >= 0 and at not in done:
            if at in path:
                for bone in path[path.index(at) :]:
                    parents[bone] = own[bone]
                path, at = [], start
                continue
            path.append(at)
            at = int(parents[at])
        done |= dict.fromkeys(reversed(path))
    return tuple(done)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose:
    """Bones of an armature over F frames.

    Attributes:
        world: bone → rotation in the armature's space, (4, F); (4,) while it stands at rest.
        channels: bone → its own rotation channels, likewise, for the bones that follow and
            those between them.
    """

    world: dict[int, FloatArray]
    channels: dict[int, FloatArray]


def posed(tree: Tree, wanted: Mapping[int, FloatArray]) -> Pose:
    """The channels that bring bones to rotations in the armature's space.

    Args:
        tree: the armature.
        wanted: bone → (4, F) rotations.
    """
    rig = tree.rig
    world: dict[int, FloatArray] = {}
    channels: dict[int, FloatArray] = {}
    below: set[int] = set()
    for bone in tree.with_ancestors(wanted):
        parent = int(tree.parents[bone])
        base = _base(rig, bone, parent, world)
        if bone in wanted:
            world[bone] = wanted[bone]
            channels[bone] = lanes.multiply(lanes.conjugate(base), wanted[bone])
        else:
            world[bone] = _left_alone(rig, bone, base)
            if _is_put_back(rig, bone, parent in below):
                channels[bone] = lanes.IDENTITY
        if bone in wanted or parent in below:
            below.add(bone)
    return Pose(world=world, channels=channels)


def stands(
    tree: Tree, wanted: Mapping[int, FloatArray], bones: Iterable[int]
) -> dict[int, FloatArray]:
    """`posed(tree, wanted).world` of some bones and all they hang on, without the channels."""
    world: dict[int, FloatArray] = {}
    for bone in tree.with_ancestors(bones):
        if bone in wanted:
            world[bone] = wanted[bone]
        else:
            base = _base(tree.rig, bone, int(tree.parents[bone]), world)
            world[bone] = _left_alone(tree.rig, bone, base)
    return world


def _left_alone(rig: Rig, bone: int, base: FloatArray) -> FloatArray:
    """How a bone that follows nothing stands: at rest, or in the turn it is locked in."""
    held = rig.held.get(rig.names[bone])
    return base if held is None else lanes.multiply(base, held)


def _is_put_back(rig: Rig, bone: int, is_between: bool) -> bool:
    """Whether a bone that follows nothing has to be keyed at rest.

    One between two that follow, when it is posed; one above them only when it is an earlier
    action that moves it, and not somebody who placed the figure by it.
    """
    name = rig.names[bone]
    if name in rig.unmovable:
        return False
    return name in rig.animated or (is_between and name in rig.posed)


def _base(rig: Rig, bone: int, parent: int, world: Mapping[int, FloatArray]) -> FloatArray:
    rest = rig.rest_rotations[bone]
    if parent < 0 or not rig.inherits_rotation[bone]:
        return rest
    step = lanes.multiply(lanes.conjugate(rig.rest_rotations[parent]), rest)
    return lanes.multiply(world[parent], step)


def heads(
    tree: Tree, world: Mapping[int, FloatArray], bones: Iterable[int]
) -> dict[int, FloatArray]:
    """Positions (3, F) in the armature's space of bones' heads, nothing having moved its place.

    Args:
        tree: the armature.
        world: rotations of the bones and of all they hang on, as in `Pose.world`.
        bones: whose heads are wanted; those above them are given too.
    """
    rest, turned = tree.rig.rest_positions, tree.rig.rest_rotations
    out: dict[int, FloatArray] = {}
    for bone in tree.with_ancestors(bones):
        parent = int(tree.parents[bone])
        if parent < 0:
            out[bone] = rest[bone]
            continue
        step = lanes.rotate(lanes.conjugate(turned[parent]), rest[bone] - rest[parent])
        way = lanes.rotate(world[parent], step)
        out[bone] = lanes.stacked(*(out[parent][axis] + way[axis] for axis in range(3)))
    return out


def location_axes(tree: Tree, bone: int, world: Mapping[int, FloatArray]) -> FloatArray:
    """The axes (4,) or (4, F) along which a bone's location channels move it."""
    rig, parent = tree.rig, int(tree.parents[bone])
    if rig.local_location[bone]:
        if parent < 0:
            return rig.rest_rotations[bone]
        step = lanes.multiply(lanes.conjugate(rig.rest_rotations[parent]), rig.rest_rotations[bone])
        return lanes.multiply(world[parent], step)
    return world[parent] if parent >= 0 else np.array([1.0, 0.0, 0.0, 0.0])
