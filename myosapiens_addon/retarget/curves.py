# SPDX-License-Identifier: GPL-3.0-or-later
"""What retargeting makes: the pose channels of bones over the frames of a take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..motion.motion import FloatArray

OBJECT = ""  # instead of a bone's name: the channels of the armature object itself


@dataclass(frozen=True, kw_only=True, eq=False)
class BoneCurves:
    """Pose channels of one bone over F frames, as Blender's pose bones take them.

    Attributes:
        bone: its name; `OBJECT` for the armature object.
        rotation_mode: Blender's rotation mode, which the rotations will be written in.
        rotations: (4, F) float64, w x y z, against the rest pose; None to leave them alone.
        location: (3, F) float64, in the armature's units along the bone's axes at rest (for
            the object: in its parent's units and axes); None to leave it alone.
    """

    bone: str
    rotation_mode: str = "QUATERNION"
    rotations: FloatArray | None = None
    location: FloatArray | None = None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A value that a rig needs for the keyed controls to drive it, such as an IK/FK switch.

    Attributes:
        bone: the pose bone that has it.
        path: the property from there, such as `["IK_FK"]` or `.ik_stretch`.
        value: what it must be.
    """

    bone: str
    path: str
    value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PoseCurves:
    """The pose of an armature over F frames.

    Attributes:
        times: (F,) float64, seconds since the start of the take.
        bones: the channels, bone by bone.
        settings: constant values that go with them.
    """

    times: FloatArray
    bones: tuple[BoneCurves, ...]
    settings: tuple[Setting, ...] = ()
