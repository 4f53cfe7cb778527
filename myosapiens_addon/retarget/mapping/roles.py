# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that bones and bodies play in a human figure.

Both sides of a retarget, the bodies of a take and the bones of an armature, are described by
the same roles; a bone follows the body (or chain of bodies) of its own role. A role is a word,
with `.L` or `.R` behind it for those that come in pairs: `pelvis`, `forearm.L`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...motion.motion import FloatArray, IntArray

SIDES = (".L", ".R")
MIDDLE = ("root", "pelvis", "spine", "neck", "head")
LIMBS = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
FINGERS = ("thumb", "index", "middle", "ring", "little")
TWISTS = ("upper_arm_twist", "forearm_twist", "thigh_twist", "shin_twist")
# Roles that several bones share, from the pelvis or the limb's root outwards, and how many may.
# A finger has three bones; what lies in the palm is its metacarpal (the thumb's own first bone
# is its first). `spine` begins above the pelvis and ends with the bone that carries the arms.
MOST_BONES = {"spine": 40, "neck": 12} | dict.fromkeys(FINGERS, 3) | dict.fromkeys(TWISTS, 8)
METACARPALS = tuple(f"{finger}_metacarpal" for finger in FINGERS[1:])
SIDED = (*LIMBS, *FINGERS, *METACARPALS, *TWISTS)
ALL: tuple[str, ...] = MIDDLE + tuple(f"{word}{side}" for side in SIDES for word in SIDED)


def word_of(role: str) -> str:
    """A role without its side."""
    return role[:-2] if role.endswith(SIDES) else role


def side_of(role: str) -> str:
    """`.L`, `.R`, or an empty text for a role in the middle."""
    return role[-2:] if role.endswith(SIDES) else ""


def most_bones(role: str) -> int:
    """How many bones may share a role."""
    return MOST_BONES.get(word_of(role), 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Skeleton:
    """What finding roles looks at: names, tree and rest pose.

    N bones (or bodies), parents before children, in any unit and with any axis up.

    Attributes:
        names: the N names.
        parents: (N,) int32, index of each one's parent, -1 for none.
        heads: (N, 3) float64, where each bone begins: its joint.
        tails: (N, 3) float64, where it ends; None for bodies, which have no end of their own.
    """

    names: tuple[str, ...]
    parents: IntArray
    heads: FloatArray
    tails: FloatArray | None = None


@dataclass(frozen=True, kw_only=True)
class RoleMap:
    """Who plays which role in one skeleton.

    Attributes:
        chains: role → names of the bones that share it, from the pelvis or the limb's root
            outwards; roles that nobody plays are not in it.
        preset: id of the preset it was made with; empty for none.
        title: what to call it in front of people.
        rig: what else the preset says of rigs of its kind, as its file has it (see
            `presets`): switches to set, what bones hang on, controls for inverse kinematics.
    """

    chains: Mapping[str, tuple[str, ...]]
    preset: str = ""
    title: str = ""
    rig: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def bone(self, role: str) -> str | None:
        """The first bone of a role; None when nobody plays it."""
        chain = self.chains.get(role, ())
        return chain[0] if chain else None
