# SPDX-License-Identifier: GPL-3.0-or-later
"""What retargeting knows of an armature: bones at rest, and nothing of Blender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..motion.motion import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Rig:
    """The bones of one armature at rest, in the armature's own space (m, Z up).

    N bones, parents before children. A bone's own axes are Blender's: Y from head to tail.

    Attributes:
        name: the armature object's name, for messages.
        names: the N bone names.
        parents: (N,) int32, index of each bone's parent, -1 for none.
        rest_positions: (N, 3) float64, bone heads.
        rest_rotations: (N, 4) float64, w x y z, bone axes.
        body_rest_rotations: (N, 4) float64, w x y z, rotation at rest of the body that a bone
            was built from, in armature space; NaN where a bone does not know it.
        rotation_modes: per bone, Blender's rotation mode (`QUATERNION`, `XYZ`, `AXIS_ANGLE` …).
    """

    name: str
    names: tuple[str, ...]
    parents: IntArray
    rest_positions: FloatArray
    rest_rotations: FloatArray
    body_rest_rotations: FloatArray
    rotation_modes: tuple[str, ...]
