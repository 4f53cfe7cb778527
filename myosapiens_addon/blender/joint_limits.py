# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of a character's joints as constraints, so that posing by hand keeps within them.

A bone's constraint knows limits about the bone's own axes only. A body's hinges can be told so
where they turn about axes of its bone; then the constraint's Euler angles, in the joints' order,
are the joints' angles from rest.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from mathutils import Euler

from ..motion import quaternion
from ..motion.character import JointKind
from .armature import BODY_REST
from .joint_definitions import world_scale

if TYPE_CHECKING:
    import bpy

    from ..motion.character import Character, Joint
    from ..motion.motion import FloatArray

NAME = "MyoSapiens limits"
LOCATION_NAME = f"{NAME} (location)"
AXES = "xyz"
PARALLEL = 1e-3  # rad between a joint's axis and a bone's that are held to be the same
AT_ORIGIN = 1e-6  # m
# Euler angles are told apart from others of the same rotation within this; rad.
SAME_ANGLE = 1e-3
SAMPLES = 5
# So far around the limits, too, Euler angles must be the joints'; rad.
MARGIN = 0.01


@dataclass(frozen=True, kw_only=True)
class _Range:
    """How far a joint lets its bone move along or about one of the bone's axes, from rest.

    Attributes:
        axis: 0, 1 or 2.
        least: rad or m.
        largest: rad or m; both are infinite for a joint without limits.
        off: how far the joint's axis is from the bone's, in rad.
    """

    axis: int
    least: float
    largest: float
    off: float = 0.0

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to constrain."""
        return math.isfinite(self.least)

    @property
    def slack(self) -> float:
        """How much of the joint's way at most is told about other axes of the bone."""
        return self.off * min(max(abs(self.least), abs(self.largest)), math.pi)

    def widened(self, slack: float) -> _Range:
        """The range with so much more on both sides."""
        return replace(self, least=self.least - slack, largest=self.largest + slack)


def add(
    armature_object: bpy.types.Object, character: Character, *, tolerance: float = PARALLEL
) -> list[str]:
    """Constrain the bones to what the joints allow; constraints of an earlier call are replaced.

    A bone that only hinges move gets limits about all three axes, those about which it has no
    hinge being 0; a bone without any joint is left as it is. Limits of a joint whose axis is a
    little off the bone's are widened by what that may come to, so that no pose within the
    joint's own limits is changed.

    Args:
        armature_object: an armature with bones called like the bodies.
        character: the joints.
        tolerance: how far a joint's axis may be off one of its bone's, in rad.

    Returns:
        Names of the joints whose limits no constraint of a bone can express.
    """
    remove(armature_object)
    left_out: list[str] = []
    scale = world_scale(armature_object)
    for index, body in enumerate(character.names):
        joints = [joint for joint in character.joints if joint.body == index]
        bone: Any = armature_object.pose.bones.get(body)
        limited = [joint for joint in joints if joint.limits is not None]
        if not limited:
            continue
        frame = None if bone is None else _body_in_bone(bone.bone)
        if frame is None:
            left_out += [joint.name for joint in limited]
            continue
        left_out += _limit_rotation(bone, joints, frame, tolerance)
        left_out += _limit_location(bone, joints, frame, scale)
    return left_out


def remove(armature_object: bpy.types.Object) -> None:
    """Remove the constraints that `add` made."""
    for bone in armature_object.pose.bones:
        for constraint in [entry for entry in bone.constraints if entry.name.startswith(NAME)]:
            bone.constraints.remove(constraint)


def _body_in_bone(bone: Any) -> FloatArray | None:  # noqa: ANN401 - a bone
    """(4,) the body's rotation in its bone's axes, which is the same in every pose."""
    body = np.array(list(bone.get(BODY_REST, ())), np.float64)
    if body.shape != (4,):
        return None
    rest = np.array(bone.matrix_local.to_quaternion(), np.float64)
    return quaternion.multiply(quaternion.conjugate(rest), quaternion.normalised(body))


def _limit_rotation(
    bone: Any,  # noqa: ANN401
    joints: list[Joint],
    frame: FloatArray,
    tolerance: float,
) -> list[str]:
    """Constrain a bone to its body's hinges; returns the joints that it cannot be told of."""
    turning = [joint for joint in joints if joint.kind is not JointKind.SLIDE]
    limited = [joint.name for joint in turning if joint.limits is not None]
    if not limited:
        return []
    if any(joint.kind is not JointKind.HINGE for joint in turning):
        return limited
    ranges = [_range(joint, frame, tolerance) for joint in turning]
    found = [entry for entry in ranges if entry is not None]
    slack = sum(entry.slack for entry in found)
    order = _euler_order([entry.widened(slack + MARGIN) for entry in found])
    if len(found) < len(ranges) or order is None:
        return limited
    constraint = bone.constraints.new("LIMIT_ROTATION")
    constraint.name = NAME
    constraint.owner_space = "LOCAL"
    constraint.use_transform_limit = False
    constraint.euler_order = order
    by_axis = {entry.axis: entry for entry in found}
    for axis in range(3):
        entry = by_axis.get(axis, _Range(axis=axis, least=0.0, largest=0.0))
        _set(constraint, entry.widened(slack))
    return []


def _set(constraint: Any, entry: _Range) -> None:  # noqa: ANN401 - a constraint
    if entry.is_limited:
        axis = AXES[entry.axis]
        setattr(constraint, f"use_limit_{axis}", True)
        setattr(constraint, f"min_{axis}", entry.least)
        setattr(constraint, f"max_{axis}", entry.largest)


def _range(joint: Joint, frame: FloatArray, tolerance: float = PARALLEL) -> _Range | None:
    """A joint's limits about an axis of its bone; None where its axis is none of those."""
    axis = quaternion.rotate(frame, joint.axis)
    place = int(np.argmax(np.abs(axis)))
    off = float(np.linalg.norm(np.delete(axis, place)))
    if off > tolerance:
        return None
    if joint.limits is None:
        return _Range(axis=place, least=-math.inf, largest=math.inf, off=off)
    ends = [math.copysign(1.0, axis[place]) * (end - joint.reference) for end in joint.limits]
    return _Range(axis=place, least=min(ends), largest=max(ends), off=off)


def _euler_order(ranges: list[_Range]) -> str | None:
    """The order of Euler angles that are the joints' angles, as Blender calls it.

    None where there is no such order: two joints turn about one axis, or within the limits lie
    rotations that Blender tells by other angles.
    """
    axes = [entry.axis for entry in ranges]
    if len(set(axes)) < len(axes):
        return None
    # With the angle in the middle at a right angle the others cannot be told from each other.
    if len(ranges) == 3 and max(-ranges[1].least, ranges[1].largest) > math.pi / 2:
        return None
    others = [axis for axis in range(3) if axis not in axes]
    # The middle is an angle that stays 0, where there is one.
    sequence = [*axes[:1], *others, *axes[1:]] if len(axes) < 3 else axes
    # Joints act in the body's own axes as they turn, Blender names the fixed axes: backwards.
    order = "".join(AXES[axis] for axis in reversed(sequence)).upper()
    return order if _tells_all(ranges, order) else None


def _tells_all(ranges: list[_Range], order: Any) -> bool:  # noqa: ANN401 - an enumeration's text
    """Whether Blender's Euler angles are the joints' angles everywhere within the limits."""
    spans = [
        np.linspace(max(entry.least, -math.pi / 2), min(entry.largest, math.pi / 2), SAMPLES)
        if not entry.is_limited
        else np.linspace(entry.least, entry.largest, SAMPLES)
        for entry in ranges
    ]
    for angles in itertools.product(*spans):
        wanted = np.zeros(3)
        wanted[[entry.axis for entry in ranges]] = angles
        told = Euler(wanted.tolist(), order).to_matrix().to_euler(order)
        if not np.allclose(np.array(told), wanted, atol=SAME_ANGLE):
            return False
    return True


def _limit_location(
    bone: Any,  # noqa: ANN401
    joints: list[Joint],
    frame: FloatArray,
    scale: float,
) -> list[str]:
    """Constrain a bone to its body's slides; returns the joints that it cannot be told of."""
    slides = [joint for joint in joints if joint.kind is JointKind.SLIDE]
    limited = [joint.name for joint in slides if joint.limits is not None]
    if not limited:
        return []
    first = joints[: len(slides)]
    # A slide behind a hinge turns with it, and a hinge off the origin moves that besides.
    is_plain = all(joint.kind is JointKind.SLIDE for joint in first) and all(
        np.linalg.norm(joint.position) < AT_ORIGIN for joint in joints[len(slides) :]
    )
    ranges = [_range(joint, frame) for joint in slides]
    found = [entry for entry in ranges if entry is not None]
    if not is_plain or len({entry.axis for entry in found}) < len(ranges):
        return limited
    constraint = bone.constraints.new("LIMIT_LOCATION")
    constraint.name = LOCATION_NAME
    constraint.owner_space = "LOCAL"
    constraint.use_transform_limit = False
    for entry in found:
        axis = AXES[entry.axis]
        if entry.is_limited:
            setattr(constraint, f"use_min_{axis}", True)
            setattr(constraint, f"use_max_{axis}", True)
            setattr(constraint, f"min_{axis}", entry.least / scale)
            setattr(constraint, f"max_{axis}", entry.largest / scale)
    return []
