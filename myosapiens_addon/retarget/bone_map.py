# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone follows which body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RigError

if TYPE_CHECKING:
    from ..motion.motion import Motion
    from .rig import Rig


@dataclass(frozen=True, kw_only=True)
class BoneMap:
    """Pairs of a bone and the body it follows.

    Attributes:
        bones: (M,) indices into the rig's bones, rising, so parents come first.
        bodies: (M,) indices into the motion's bodies.
        unmatched_bodies: names of bodies that no bone follows.
    """

    bones: tuple[int, ...]
    bodies: tuple[int, ...]
    unmatched_bodies: tuple[str, ...]


def by_name(rig: Rig, motion: Motion) -> BoneMap:
    """Pair every bone with the body of the same name.

    Raises:
        RigError: no bone is called like a body.
    """
    body_of = {name: index for index, name in enumerate(motion.names)}
    pairs = [(bone, body_of[name]) for bone, name in enumerate(rig.names) if name in body_of]
    if not pairs:
        raise RigError(
            f"No bone of the armature {rig.name!r} is called like a body of the take "
            f"(such as {motion.names[0]!r}); choose the character's own armature or a new one."
        )
    found = set(rig.names)
    return BoneMap(
        bones=tuple(bone for bone, _ in pairs),
        bodies=tuple(body for _, body in pairs),
        unmatched_bodies=tuple(name for name in motion.names if name not in found),
    )
