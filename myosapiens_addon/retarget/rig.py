# SPDX-License-Identifier: GPL-3.0-or-later
"""What retargeting knows of an armature: bones at rest, and nothing of Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from .mapping.roles import Skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..motion.motion import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectPlace:
    """How the armature object stands in the scene.

    Attributes:
        basis: (3, 3) float64, rotation and scale of the object before its parent's.
        location: (3,) float64, where its location channels put it, without a take.
        is_animated: whether an action moves it now, so that a new one has to put it back.
        world_scale: how many units of the scene one unit of the armature is.
        hindered: what else moves the object, in a few words; empty for nothing.
    """

    basis: FloatArray
    location: FloatArray
    is_animated: bool = False
    world_scale: float = 1.0
    hindered: str = ""


def _unmoved() -> ObjectPlace:
    return ObjectPlace(basis=np.eye(3), location=np.zeros(3))


@dataclass(frozen=True, kw_only=True, eq=False)
class Rig:
    """The bones of one armature at rest, in the armature's own space.

    N bones, parents before children. A bone's own axes are Blender's: Y from head to tail.

    Attributes:
        name: the armature object's name, for messages.
        names: the N bone names.
        parents: (N,) int32, index of each bone's parent, -1 for none.
        rest_positions: (N, 3) float64, bone heads, in the armature's units.
        rest_tails: (N, 3) float64, bone tails.
        rest_rotations: (N, 4) float64, w x y z, bone axes.
        body_rest_rotations: (N, 4) float64, w x y z, rotation at rest of the body that a bone
            was built from, in armature space; NaN where a bone does not know it.
        rotation_modes: per bone, Blender's rotation mode (`QUATERNION`, `XYZ`, `AXIS_ANGLE` …).
        inherits_rotation: (N,) whether a bone turns with its parent.
        local_location: (N,) whether a bone's location is along its own axes (else along its
            parent's).
        connected: (N,) whether a bone's head is fixed to its parent's tail, so that its
            location has no effect.
        unmovable: bones that keys cannot move (driven, wholly locked) → why, in a few words.
        pinned: bones whose location keys cannot move (driven), or are not wanted to (locked).
        hindered: bones that keys move, but not alone (constraints, locks) → why.
        posed: bones that are turned from their rest pose now, and can be turned back.
        held: bones that are turned and locked so → their own rotation (4,) against rest.
        animated: bones that an action turns or moves now, so that a new one has to put them back.
        moved: those of them whose location it keys.
        place: how the armature object stands in the scene.
        properties: data paths, from the object, of what a preset may want to set.
    """

    name: str
    names: tuple[str, ...]
    parents: IntArray
    rest_positions: FloatArray
    rest_tails: FloatArray
    rest_rotations: FloatArray
    body_rest_rotations: FloatArray
    rotation_modes: tuple[str, ...]
    inherits_rotation: NDArray[np.bool_]
    local_location: NDArray[np.bool_]
    connected: NDArray[np.bool_]
    unmovable: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pinned: frozenset[str] = frozenset()
    hindered: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    posed: frozenset[str] = frozenset()
    held: Mapping[str, FloatArray] = field(default_factory=lambda: MappingProxyType({}))
    animated: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    place: ObjectPlace = field(default_factory=_unmoved)
    properties: frozenset[str] = frozenset()

    @property
    def skeleton(self) -> Skeleton:
        """What finding roles looks at."""
        return Skeleton(
            names=self.names,
            parents=self.parents,
            heads=self.rest_positions,
            tails=self.rest_tails,
        )
