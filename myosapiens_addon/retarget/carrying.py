# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries the figure through the world: pelvis, root bone or object, and IK controls."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from . import lanes, posing
from .curves import OBJECT, BoneCurves

if TYPE_CHECKING:
    from ..motion.motion import FloatArray
    from .ik import Controls
    from .posing import Pose, Tree
    from .rig import Rig
    from .work import Work

THE_OBJECT = -1
HIPS = ("thigh.L", "thigh.R")


def put_back(curves: dict[str, BoneCurves], rig: Rig, frames: int) -> None:
    """Take the places of an earlier take out of what this one does not move."""
    for name, before in curves.items():
        if name in rig.moved:
            curves[name] = dataclasses.replace(before, location=np.zeros((3, frames)))
    if rig.place.is_animated:
        stays = np.repeat(rig.place.location[:, None], frames, axis=1)
        curves[OBJECT] = BoneCurves(bone=OBJECT, location=stays)


def carry(
    work: Work, curves: dict[str, BoneCurves], pose: Pose, moved: FloatArray, way: FloatArray
) -> dict[int, FloatArray]:
    """Key the way on what is to carry it.

    Args:
        work: the take and the armature.
        curves: the channels so far; what carries gets its location there.
        pose: the pose that they make.
        moved: (3, F) how far the figure is moved from where its root stands at rest.
        way: (3, F) how much of that is its way over the ground.

    Returns:
        Bone (`THE_OBJECT` for the object) → how far it moves.
    """
    target, tree = work.target, work.tree
    bone = _carrying_bone(work)
    root = target.figure.chains.get("root", (-1,))[0]
    carrier = work.options.carrier
    if carrier == "root" and (
        root < 0 or (bone not in (None, root) and not tree.is_above(root, bone))
    ):
        work.notes.warnings.append(
            f"The bone map of {target.rig.name!r} has no root above the pelvis; the pelvis "
            "carries the way."
        )
        carrier = "pelvis"
    if bone is None:
        work.notes.warnings.append(
            f"No bone of {target.rig.name!r} can carry the way (all are connected, locked or "
            "driven); the armature object carries it."
        )
        _carry_by_object(work, curves, moved)
        return {THE_OBJECT: moved}
    if carrier == "pelvis" or (carrier == "root" and root == bone):
        _carry_by_bone(curves, tree, pose, bone, moved)
        return {bone: moved}
    _carry_by_bone(curves, tree, pose, bone, moved - way)
    if carrier == "root":
        _carry_by_bone(curves, tree, pose, root, way)
        return {bone: moved - way, root: way}
    _carry_by_object(work, curves, way)
    return {bone: moved - way, THE_OBJECT: way}


def place_controls(
    work: Work,
    curves: dict[str, BoneCurves],
    wanted: dict[int, FloatArray],
    limbs: Controls,
    carried: dict[int, FloatArray],
) -> None:
    """Key where controls go, less what the bones that they hang on do for them already."""
    tree = work.tree
    if not limbs.places:
        return
    rest = {control: tree.rig.rest_rotations[control] for control in limbs.places}
    pose = posing.posed(tree, rest | wanted | limbs.rotations)
    heads = posing.heads(tree, pose.world, limbs.places)
    for control, place in limbs.places.items():
        moves = [way for bone, way in carried.items() if bone < 0 or tree.is_above(bone, control)]
        away = (place.T - heads[control].T - sum(way.T for way in moves)).T
        _carry_by_bone(curves, tree, pose, control, away)


def _carrying_bone(work: Work) -> int | None:
    """The bone whose location moves the figure: the pelvis, or the nearest above that may."""
    tree, rig, name = work.tree, work.tree.rig, work.extra.carrier
    at = rig.names.index(name) if name in rig.names else _below_the_whole(work)
    fixed = {*rig.unmovable, *rig.pinned}
    while at >= 0 and (rig.connected[at] or rig.names[at] in fixed):
        at = int(tree.parents[at])
    return at if at >= 0 else None


def _below_the_whole(work: Work) -> int:
    """The pelvis, or the nearest bone above that trunk and legs hang on together.

    In some rigs (MMD) the trunk does not hang on the pelvis, but beside it on the same bone.
    """
    tree, chains = work.tree, work.target.figure.chains
    pelvis = chains.get("pelvis", (-1,))[0]
    trunk = next((role for role in ("spine", "neck", "head") if role in chains), "")
    others = [chains[role][0] for role in (trunk, *HIPS) if role in chains]
    at = pelvis
    while at >= 0 and not all(tree.is_above(at, other) for other in others):
        at = int(tree.parents[at])
    return at if at >= 0 else pelvis


def _carry_by_bone(
    curves: dict[str, BoneCurves], tree: Tree, pose: Pose, bone: int, moved: FloatArray
) -> None:
    rig = tree.rig
    name = rig.names[bone]
    world = pose.world
    if bone not in world or int(tree.parents[bone]) not in {-1, *world}:
        world = posing.stands(tree, {bone: rig.rest_rotations[bone]}, [bone]) | world
    axes = posing.location_axes(tree, bone, world)
    before = curves.get(name)
    curves[name] = BoneCurves(
        bone=name,
        rotation_mode=rig.rotation_modes[bone],
        rotations=before.rotations if before is not None else None,
        location=lanes.rotate(lanes.conjugate(axes), moved),
    )


def _carry_by_object(work: Work, curves: dict[str, BoneCurves], moved: FloatArray) -> None:
    rig = work.tree.rig
    location = rig.place.basis @ moved + rig.place.location[:, None]
    curves[OBJECT] = BoneCurves(bone=OBJECT, location=location)
    work.notes.warnings += object_warning(rig)


def object_warning(rig: Rig) -> list[str]:
    """A sentence about what else moves an object that carries the way; none for nothing."""
    why = rig.place.hindered
    if not why:
        return []
    return [
        f"The armature object {rig.name!r} carries the way, but something else moves it too "
        f"({why}), so it may not go where the take goes."
    ]
