# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of keys: constraints, and rotations that are locked in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .joint_limits import NAME as JOINT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import bpy

AXES = "XYZ"
# These turn the bones above the one that has them.
CHAINED = ("IK", "SPLINE_IK")
# These have a target, and something to do without one.
NEED_NO_TARGET = ("PIVOT",)


def of_bones(pose_bones: Sequence[bpy.types.PoseBone]) -> dict[str, str]:
    """Bones that something else acts on → what, in a few words.

    Not the limits of the character's own joints: no solved take goes beyond them.
    """
    found = {bone.name: why for bone in pose_bones if (why := _of_bone(bone))}
    for bone in pose_bones:
        for entry in filter(_is_acting, bone.constraints):
            for turned in _chain(bone, entry):
                found.setdefault(turned.name, f"constraint {entry.name!r} of {bone.name}")
    return found


def first_of(constraints: Iterable[bpy.types.Constraint]) -> str:
    """The first constraint that has a say; empty for none."""
    return next((f"constraint {entry.name!r}" for entry in filter(_is_acting, constraints)), "")


def _of_bone(bone: bpy.types.PoseBone) -> str:
    acting = first_of(bone.constraints)
    if acting:
        return acting
    locks: Any = bone.lock_rotation
    if bone.rotation_mode in ("QUATERNION", "AXIS_ANGLE") or not any(locks):
        return ""
    return f"locked about {''.join(axis for place, axis in enumerate(AXES) if locks[place])}"


def _is_acting(entry: Any) -> bool:  # noqa: ANN401 - what a constraint has depends on its type
    is_on = not entry.mute and entry.influence > 0.0 and _has_target(entry)
    return is_on and not entry.name.startswith(JOINT_LIMITS)


def _has_target(entry: Any) -> bool:  # noqa: ANN401
    """Whether a constraint has what it follows; without, Blender passes over it."""
    if entry.type == "ARMATURE":
        return any(row.target is not None for row in entry.targets)
    if entry.type in NEED_NO_TARGET or getattr(entry, "use_eval_time", False):
        return True
    return not hasattr(entry, "target") or entry.target is not None


def _chain(bone: bpy.types.PoseBone, entry: Any) -> Iterator[bpy.types.PoseBone]:  # noqa: ANN401
    """The bones that a constraint of a bone turns besides; a length of 0 reaches to the root."""
    if entry.type not in CHAINED:
        return
    starts_above = entry.type == "IK" and not entry.use_tail
    at = bone.parent if starts_above else bone
    left = entry.chain_count or -1
    while at is not None and left:
        yield at
        at, left = at.parent, left - 1
