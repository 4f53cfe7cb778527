# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of a character's joints as constraints, so that posing by hand keeps within them.

A bone's constraint knows limits about the bone's own axes only. A body's hinges can be told so
where each turns about another axis of its bone, or near to it: then the Euler angles of the
bone, in the joints' order, are the joints' angles from rest, or near to them. The constraint
takes the least and the largest that they come to anywhere within the joints' limits, so that no
pose within those is changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..motion import quaternion
from ..motion.character import JointKind
from .armature import BODY_REST
from .joint_definitions import world_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from ..motion.character import Character, Joint
    from ..motion.motion import FloatArray

NAME = "MyoSapiens limits"
LOCATION_NAME = f"{NAME} (location)"
AXES = "xyz"
PARALLEL = 1e-3  # rad between a joint's axis and a bone's that are held to be the same
AT_ORIGIN = 1e-6  # m
SAMPLES = 9  # of a joint's way
# So far around the limits, too, Euler angles must be near the joints'; rad.
MARGIN = 0.01
# Between two samples angles differ by at most this share of the largest difference at one.
BETWEEN = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class _Way:
    """How far a joint lets its bone move along or about an axis, from rest.

    Attributes:
        direction: (3,) the joint's axis in the bone's axes.
        axis: 0, 1 or 2: the bone's axis that is nearest.
        off: how far it is from that, as the sine of the angle between them.
        least: along or about the bone's axis, in rad or m.
        largest: rad or m; both are infinite for a joint without limits.
    """

    direction: FloatArray
    axis: int
    off: float
    least: float
    largest: float

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to constrain."""
        return math.isfinite(self.least)

    @property
    def toward(self) -> FloatArray:
        """(3,) the joint's axis, pointing the bone's way: about or along it the range counts."""
        return self.direction * math.copysign(1.0, self.direction[self.axis])

    def samples(self) -> FloatArray:
        """Angles all over the limits, and one on either side of them: the first and the last."""
        quarter = math.pi / 2  # beyond it nothing is new, unless the angle is the middle one
        least, largest = (self.least, self.largest) if self.is_limited else (-quarter, quarter)
        inner = np.linspace(least, largest, SAMPLES)
        return np.array([least - MARGIN, *inner, largest + MARGIN])


def add(
    armature_object: bpy.types.Object, character: Character, *, tolerance: float = PARALLEL
) -> list[str]:
    """Constrain the bones to what the joints allow; constraints of an earlier call are replaced.

    A bone that only hinges move gets limits about all three axes, those about which it has no
    hinge being 0; a bone without any joint is left as it is.

    Args:
        armature_object: an armature with bones called like the bodies.
        character: the joints.
        tolerance: how far, in rad, a bone's angle may be from the joint's that it stands for:
            so much more than the joints a constraint allows at most. For slides how far the
            axes may be apart.

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
        left_out += _limit_location(bone, joints, frame, tolerance, scale)
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
    ways = [_way(joint, frame) for joint in turning]
    order = _euler_order([way.axis for way in ways])
    bounds = _bounds(ways, order, tolerance) if order is not None else None
    if bounds is None:
        return limited
    constraint = bone.constraints.new("LIMIT_ROTATION")
    constraint.name = NAME
    constraint.owner_space = "LOCAL"
    constraint.use_transform_limit = False
    constraint.euler_order = order
    free = {way.axis for way in ways if not way.is_limited}
    for axis in {0, 1, 2} - free:
        letter = AXES[axis]
        setattr(constraint, f"use_limit_{letter}", True)
        setattr(constraint, f"min_{letter}", bounds[0][axis])
        setattr(constraint, f"max_{letter}", bounds[1][axis])
    return []


def _way(joint: Joint, frame: FloatArray) -> _Way:
    """A joint's way about or along the nearest axis of its bone."""
    direction = quaternion.rotate(frame, joint.axis)
    axis = int(np.argmax(np.abs(direction)))
    least, largest = -math.inf, math.inf
    if joint.limits is not None:
        sign = math.copysign(1.0, direction[axis])
        least, largest = sorted(sign * (end - joint.reference) for end in joint.limits)
    off = float(np.linalg.norm(np.delete(direction, axis)))
    return _Way(direction=direction, axis=axis, off=off, least=least, largest=largest)


def _euler_order(axes: list[int]) -> str | None:
    """The order of Euler angles about these axes, one after the other, as Blender calls it.

    None where two joints turn about one axis.
    """
    if len(set(axes)) < len(axes):
        return None
    others = [axis for axis in range(3) if axis not in axes]
    # The middle is an angle that stays 0, where there is one.
    sequence = [*axes[:1], *others, *axes[1:]]
    # Joints act in the body's own axes as they turn, Blender names the fixed axes: backwards.
    return "".join(AXES[axis] for axis in reversed(sequence)).upper()


def _bounds(
    ways: Sequence[_Way], order: str, tolerance: float
) -> tuple[list[float], list[float]] | None:
    """The least and the largest of a bone's Euler angles anywhere within the joints' limits.

    None where Blender tells a rotation there by angles that are further from the joints' than
    the tolerance: then a constraint would change poses that are allowed, or allow far too many.
    """
    # A joint that turns round and round comes to any angle about axes that it is off.
    if any(way.off > PARALLEL and not way.is_limited for way in ways):
        return None
    axes = [way.axis for way in ways]
    samples = [way.samples() for way in ways]
    angles = np.stack([grid.ravel() for grid in np.meshgrid(*samples, indexing="ij")], axis=1)
    wanted = np.zeros((len(angles), 3))
    wanted[:, axes] = angles
    told = euler_angles(_turned(ways, angles), order)
    apart = np.abs(told - wanted)
    if apart.max() > tolerance:
        return None
    ends = np.array([[found[1], found[-2]] for found in samples])
    inside = np.all((angles >= ends[:, 0]) & (angles <= ends[:, 1]), axis=1)
    more = BETWEEN * apart[inside].max()
    least, largest = np.zeros(3), np.zeros(3)
    least[axes], largest[axes] = [way.least for way in ways], [way.largest for way in ways]
    least = np.minimum(least, told[inside].min(axis=0)) - more
    largest = np.maximum(largest, told[inside].max(axis=0)) + more
    return least.tolist(), largest.tolist()


def _turned(ways: Sequence[_Way], angles: FloatArray) -> FloatArray:
    """(N, 3, 3) the rotations of a bone whose joints are at (N, J) angles, by Rodrigues."""
    turned = np.eye(3)[None]
    for way, angle in zip(ways, angles.T[:, :, None, None], strict=True):
        x, y, z = way.toward
        across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        turn = np.eye(3) + np.sin(angle) * across + (1.0 - np.cos(angle)) * (across @ across)
        turned = turned @ turn
    return turned


def euler_angles(matrices: FloatArray, order: str) -> FloatArray:
    """(N, 3) Euler angles of rotations (N, 3, 3) as Blender's constraints tell them.

    Of the two solutions that one whose angles are smaller altogether, as `mat3_to_eulO` does.
    """
    i, j, k = (AXES.index(letter) for letter in order.lower())
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    sine = sign * -matrices[:, k, i]
    cosine = np.hypot(matrices[:, i, i], matrices[:, j, i])
    found = np.empty((2, len(matrices), 3))
    for solution, way in zip(found, (1.0, -1.0), strict=True):
        solution[:, i] = np.arctan2(way * sign * matrices[:, k, j], way * matrices[:, k, k])
        solution[:, j] = np.arctan2(sine, way * cosine)
        solution[:, k] = np.arctan2(way * sign * matrices[:, j, i], way * matrices[:, i, i])
    first, second = found
    is_first = np.abs(first).sum(axis=1) <= np.abs(second).sum(axis=1)
    return np.where(is_first[:, None], first, second)


def _limit_location(
    bone: Any,  # noqa: ANN401
    joints: list[Joint],
    frame: FloatArray,
    tolerance: float,
    scale: float,
) -> list[str]:
    """Constrain a bone to its body's slides; returns the joints that it cannot be told of."""
    slides = [joint for joint in joints if joint.kind is JointKind.SLIDE]
    limited = [joint.name for joint in slides if joint.limits is not None]
    if not limited:
        return []
    # A slide behind a hinge turns with it, and a hinge off the origin moves that besides.
    is_plain = all(joint.kind is JointKind.SLIDE for joint in joints[: len(slides)]) and all(
        np.linalg.norm(joint.position) < AT_ORIGIN for joint in joints[len(slides) :]
    )
    ways = [_way(joint, frame) for joint in slides]
    is_near = all(way.off <= (tolerance if way.is_limited else PARALLEL) for way in ways)
    if not is_plain or not is_near or len({way.axis for way in ways}) < len(ways):
        return limited
    constraint = bone.constraints.new("LIMIT_LOCATION")
    constraint.name = LOCATION_NAME
    constraint.owner_space = "LOCAL"
    constraint.use_transform_limit = False
    for way in (way for way in ways if way.is_limited):
        axis = AXES[way.axis]
        least, largest = _reach(ways, way.axis)
        setattr(constraint, f"use_min_{axis}", True)
        setattr(constraint, f"use_max_{axis}", True)
        setattr(constraint, f"min_{axis}", least / scale)
        setattr(constraint, f"max_{axis}", largest / scale)
    return []


def _reach(ways: Sequence[_Way], axis: int) -> tuple[float, float]:
    """The least and the largest way along one of the bone's axes by all slides together."""
    ends = [
        sorted(way.toward[axis] * end for end in (way.least, way.largest))
        for way in ways
        if way.is_limited
    ]
    return sum(least for least, _ in ends), sum(largest for _, largest in ends)
