# SPDX-License-Identifier: GPL-3.0-or-later
"""A take of one subject on the armature of another: keep the armature, or fit it to the take.

Fitted, every bone that is a body begins where the take's rest pose has the body, and is as long
as in an armature that is built from the take. It lies in its body's axes as it did before, so
that other actions of the armature play with the new lengths, and limits of joints stay true;
bones that are no bodies stay where they are.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from ..errors import RigError
from ..retarget import bone_layout, lengths
from . import armature, meshes, rig_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..motion.motion import Motion
    from .landing import Place
    from .landing_options import LandingOptions

MM_PER_M = 1000.0
# Head, tail, z axis of every bone, and what is kept of its body's axes.
Shape = dict[str, tuple[Vector, Vector, Vector, list[float] | None]]


def prepare(
    place: Place, motion: Motion, options: LandingOptions, warnings: list[str]
) -> Shape | None:
    """Fit the armature where that is asked for, else offer it in a warning.

    Returns:
        What `restore` needs to take it back; None when nothing was changed.

    Raises:
        RigError: the armature cannot be edited.
    """
    if place.is_new:
        return None
    armature_object = place.find()
    apart = lengths.difference_m(motion, rig_reader.read_rig(armature_object))
    if apart is None or apart <= lengths.SAME_M:
        return None
    if options.fit:
        return fit(armature_object, motion)
    warnings.append(
        f"The take's subject has other lengths than the armature {armature_object.name!r}, by up "
        f"to {apart * MM_PER_M:.0f} mm: the armature was kept. To give its bones the take's "
        "lengths, import with Fit Armature (--fit-armature)."
    )
    return None


def fit(armature_object: bpy.types.Object, motion: Motion) -> Shape:
    """Give the bones that are bodies the take's rest pose.

    Returns:
        What `restore` needs to take it back.

    Raises:
        RigError: the armature is linked, hidden, or being edited.
    """
    _check(armature_object)
    before = _shape(armature_object, motion.names)
    restore(armature_object, _wanted(armature_object, motion))
    return before


def _wanted(armature_object: bpy.types.Object, motion: Motion) -> Shape:
    layout = bone_layout.lay_out(motion)
    scale = rig_reader.read_rig(armature_object).place.world_scale
    wanted: Shape = {}
    data: Any = armature_object.data
    for index, name in enumerate(motion.names):
        bone = data.bones.get(name)
        if bone is None:
            continue
        values = [float(value) for value in motion.rest_rotations[index]]
        body = Quaternion(values)
        before = Quaternion(bone.get(armature.BODY_REST, body)).normalized()
        axes = (body @ before.inverted()).to_matrix() @ bone.matrix_local.to_3x3()
        head = Vector(layout.heads[index]) / scale
        length = float(np.linalg.norm(layout.tails[index] - layout.heads[index])) / scale
        tail = head + axes.col[1] * length
        wanted[name] = (head, tail, axes.col[2].copy(), values)
    return wanted


def restore(armature_object: bpy.types.Object, shape: Shape) -> None:
    """Put bones where they are to be; those that are not there are passed over."""
    data: Any = armature_object.data
    hung = meshes.rests(armature_object)
    with armature.editing(armature_object), _one_side_at_a_time(data):
        for name, (head, tail, z_axis, _body) in shape.items():
            bone = data.edit_bones.get(name)
            if bone is not None:
                bone.head, bone.tail = head, tail
                bone.align_roll(z_axis)
    for name, (_head, _tail, _z_axis, body) in shape.items():
        bone = data.bones.get(name)
        if bone is not None and body is not None:
            bone[armature.BODY_REST] = body
        elif bone is not None and armature.BODY_REST in bone:
            del bone[armature.BODY_REST]
    _keep_hanging(armature_object, hung)


@contextmanager
def _one_side_at_a_time(data: Any) -> Iterator[None]:  # noqa: ANN401 - an armature's data
    """Without what moves a bone's twin on the other side with it."""
    is_mirrored = data.use_mirror_x
    data.use_mirror_x = False
    try:
        yield
    finally:
        data.use_mirror_x = is_mirrored


def _keep_hanging(armature_object: bpy.types.Object, before: dict[str, Matrix]) -> None:
    """Leave what hangs on bones where it was in its body's axes: it hangs on the bone's tail.

    Other objects may show the same bones, and have things hanging on them too.
    """
    after = meshes.rests(armature_object)
    for entry in bpy.data.objects:
        holder = entry.parent
        is_bones = holder is not None and holder.data == armature_object.data
        hangs = is_bones and entry.parent_type == "BONE"
        bone = entry.parent_bone
        if hangs and bone in before and bone in after and entry.library is None:
            turn = after[bone] @ before[bone].inverted()
            entry.matrix_parent_inverse = turn @ entry.matrix_parent_inverse


def _shape(armature_object: bpy.types.Object, names: Iterable[str]) -> Shape:
    found: Shape = {}
    data: Any = armature_object.data
    for name in names:
        bone = data.bones.get(name)
        if bone is not None:
            rest = bone.get(armature.BODY_REST)
            body = [float(value) for value in rest] if rest is not None else None
            z_axis = bone.matrix_local.col[2].xyz
            found[name] = (bone.head_local.copy(), bone.tail_local.copy(), z_axis, body)
    return found


def _check(armature_object: bpy.types.Object) -> None:
    data: Any = armature_object.data
    name = armature_object.name
    if data.library is not None or data.override_library is not None:
        raise RigError(
            f"The bones of {name!r} belong to a linked file and cannot be changed here: import "
            "without Fit Armature, or onto a new armature."
        )
    if armature_object.hide_viewport or armature_object.hide_get():
        raise RigError(f"The armature {name!r} is hidden; show it, then fit it to the take.")
