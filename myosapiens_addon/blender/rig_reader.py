# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an armature of the scene as a rig: bones at rest, and what may stand in keys' way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..motion import quaternion
from ..retarget.rig import ObjectPlace, Rig
from . import hindrances
from .armature import BODY_REST
from .compat import curves_of_owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..motion.motion import FloatArray

MOVED = re.compile(r'^pose\.bones\["(?P<bone>(?:[^"\\]|\\.)*)"\]\.(?P<what>location|rotation_)')
LOCKED = "locked"
# Custom property of an action that moves the object: where the object stood without it.
OBJECT_PLACE = "myosapiens_object_place"
TURNED = 1e-5  # rad


def read_rig(armature_object: bpy.types.Object) -> Rig:
    """The armature's bones at rest."""
    # What was set since the last evaluation, by a script, is not in the world matrix yet, and an
    # object that was just made has no pose.
    bpy.context.view_layer.update()
    bones = list(_parents_first(armature_object.data.bones))
    place = {bone.name: index for index, bone in enumerate(bones)}
    pose_bones = [armature_object.pose.bones[bone.name] for bone in bones]
    matrices = np.array([bone.matrix_local for bone in bones], dtype=np.float64).reshape(-1, 4, 4)
    unmovable = _unmovable(armature_object, pose_bones)
    animated = _animated(armature_object)
    return Rig(
        name=armature_object.name,
        names=tuple(place),
        parents=np.array(
            [place[bone.parent.name] if bone.parent else -1 for bone in bones], np.int32
        ),
        rest_positions=matrices[:, :3, 3],
        rest_tails=np.array([bone.tail_local for bone in bones], np.float64).reshape(-1, 3),
        rest_rotations=quaternion.from_matrix(matrices[:, :3, :3]),
        body_rest_rotations=np.array([_body_rest(bone) for bone in bones]).reshape(-1, 4),
        rotation_modes=tuple(bone.rotation_mode for bone in pose_bones),
        inherits_rotation=_flags([bone.use_inherit_rotation for bone in bones]),
        local_location=_flags([bone.use_local_location for bone in bones]),
        connected=_flags([bone.use_connect and bone.parent is not None for bone in bones]),
        unmovable=unmovable,
        pinned=_pinned(armature_object, pose_bones),
        hindered=hindrances.of_bones(pose_bones),
        posed=frozenset(
            bone.name for bone in pose_bones if bone.name not in unmovable and _is_turned(bone)
        ),
        held={
            bone.name: np.array(bone.matrix_basis.to_quaternion(), dtype=np.float64)
            for bone in pose_bones
            if unmovable.get(bone.name) == LOCKED and _is_turned(bone)
        },
        animated=frozenset(animated),
        moved=frozenset(bone for bone, what in animated.items() if "location" in what),
        place=_place(armature_object),
        properties=frozenset(
            f'{bone.name}["{key}"]'
            for bone in pose_bones
            for key in bone.keys()  # noqa: SIM118
        ),
    )


def _flags(values: Sequence[bool]) -> NDArray[np.bool_]:
    return np.array(values, np.bool_)


def _parents_first(bones: bpy.types.ArmatureBones) -> Iterator[bpy.types.Bone]:
    waiting: list[Any] = [bone for bone in reversed(bones.values()) if bone.parent is None]
    while waiting:
        bone = waiting.pop()
        yield bone
        waiting.extend(reversed(bone.children))


def _body_rest(bone: bpy.types.Bone) -> FloatArray:
    values = np.array(bone.get(BODY_REST, ()), dtype=np.float64).reshape(-1)
    if values.shape != (4,) or not np.isclose(values @ values, 1.0, atol=1e-3):
        return np.full(4, np.nan)
    return quaternion.normalised(values)


def _place(armature_object: bpy.types.Object) -> ObjectPlace:
    world = np.array(armature_object.matrix_world, dtype=np.float64)[:3, :3]
    scale = abs(float(np.linalg.det(world))) ** (1.0 / 3.0)
    location: Any = armature_object.location
    action = _action(armature_object)
    before = None if action is None else action.get(OBJECT_PLACE)
    return ObjectPlace(
        basis=np.array(armature_object.matrix_basis, dtype=np.float64)[:3, :3],
        location=np.array(location if before is None else before, dtype=np.float64),
        is_animated=before is not None,
        world_scale=scale or 1.0,
        hindered=_object_hindrance(armature_object),
    )


def _object_hindrance(armature_object: bpy.types.Object) -> str:
    """What else moves the object, in a few words; empty for nothing."""
    if "location" in _driven_paths(armature_object):
        return "driven"
    return hindrances.first_of(armature_object.constraints)


def _action(armature_object: bpy.types.Object) -> bpy.types.Action | None:
    data = armature_object.animation_data
    return data.action if data is not None else None


def _animated(armature_object: bpy.types.Object) -> dict[str, set[str]]:
    """Bones that the active action moves → which of their channels it keys."""
    data = armature_object.animation_data
    found: dict[str, set[str]] = {}
    for curve in curves_of_owner(data) if data is not None else ():
        match = MOVED.match(curve.data_path)
        if match is not None:
            bone = bpy.utils.unescape_identifier(match["bone"])
            found.setdefault(bone, set()).add(match["what"])
    return found


def _unmovable(
    armature_object: bpy.types.Object, pose_bones: Sequence[bpy.types.PoseBone]
) -> dict[str, str]:
    """Bones whose rotation keys would come to nothing, or are not wanted, and why."""
    locked = {bone.name: LOCKED for bone in pose_bones if _is_locked(bone)}
    return locked | dict.fromkeys(_driven(armature_object, "rotation_"), "driven")


def _pinned(
    armature_object: bpy.types.Object, pose_bones: Sequence[bpy.types.PoseBone]
) -> frozenset[str]:
    """Bones whose location keys would come to nothing, or are not wanted."""
    locks: list[Any] = [bone.lock_location for bone in pose_bones]
    locked = [bone.name for bone, lock in zip(pose_bones, locks, strict=True) if all(lock)]
    return frozenset([*locked, *_driven(armature_object, "location")])


def _driven(armature_object: bpy.types.Object, what: str) -> Iterator[str]:
    """Bones of whose location or rotation something is driven."""
    for path in _driven_paths(armature_object):
        match = MOVED.match(path)
        if match is not None and match["what"] == what:
            yield bpy.utils.unescape_identifier(match["bone"])


def _driven_paths(armature_object: bpy.types.Object) -> list[str]:
    data = armature_object.animation_data
    return [curve.data_path for curve in data.drivers] if data is not None else []


def _is_locked(bone: bpy.types.PoseBone) -> bool:
    locks: Any = bone.lock_rotation
    needs_w = bone.lock_rotations_4d and bone.rotation_mode in ("QUATERNION", "AXIS_ANGLE")
    return all(locks) and (bone.lock_rotation_w or not needs_w)


def _is_turned(bone: bpy.types.PoseBone) -> bool:
    return bone.matrix_basis.to_quaternion().angle > TURNED
