# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion onto any armature: bones turn with the bodies of their role, feet stay planted.

`follow` says where bones turn, `twists` shares what helpers take, `path` where the hips go,
`feet` holds planted feet, and `posing` makes channels of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RigError
from . import extras, feet, follow, ik, lanes, posing, twists
from . import path as paths
from .curves import OBJECT, BoneCurves, PoseCurves
from .figure import figure_of
from .mapping.roles import Skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..motion.motion import FloatArray, Motion
    from .bone_map import BoneMap
    from .curves import Setting
    from .extras import Extras
    from .follow import Source, Target
    from .mapping.roles import RoleMap
    from .posing import Tree
    from .rig import Rig


NAMED = 6
# An ankle that misses its place by more (m) is worth a sentence.
SHORTFALL_M = 0.01


@dataclass(frozen=True, kw_only=True)
class RetargetOptions:
    """How a take goes onto an armature.

    Attributes:
        path_scale: how the way across the ground is scaled: None by leg length, else times
            this (1 for the recorded metres).
        in_place: leave the way over the ground out; the swaying of steps stays.
        carrier: what the way over the ground is keyed on: `pelvis`, `root` or `object`.
        contacts: hold planted feet in place.
        use_ik: key controls for inverse kinematics, where the bone map's preset knows them.
    """

    path_scale: float | None = None
    in_place: bool = False
    carrier: str = "pelvis"
    contacts: bool = True
    use_ik: bool = False


@dataclass(kw_only=True)
class Notes:
    """What people should know of a retarget.

    Attributes:
        warnings: sentences.
        planted: feet that were held in place at some time.
    """

    warnings: list[str] = field(default_factory=list[str])
    planted: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Retargeted:
    """A take on an armature.

    Attributes:
        curves: the channels.
        rotations: bone → (4, F) what it should come to in the armature's space.
        notes: what to tell.
    """

    curves: PoseCurves
    rotations: dict[str, FloatArray]
    notes: Notes


def retarget(
    motion: Motion,
    bodies: RoleMap,
    rig: Rig,
    bones: RoleMap,
    options: RetargetOptions | None = None,
    *,
    pairs: BoneMap | None = None,
) -> Retargeted:
    """Put a take on an armature.

    Args:
        motion: the take.
        bodies: the roles of its bodies.
        rig: the armature at rest.
        bones: the roles of its bones.
        options: how.
        pairs: bones that follow bodies by name: then these, and not the roles, say what turns
            with what, as on a character's own armature.

    Raises:
        RigError: no bone of the armature has a role that a body of the take has too.
    """
    options = options or RetargetOptions()
    notes = Notes()
    extra = extras.of_map(bones)
    if pairs is not None:  # then the root has its body's motion, and all the way
        extra = dataclasses.replace(extra, carrier=rig.names[pairs.bones[0]])
    source, target = _sides(motion, bodies, rig, bones, extra)
    tree = posing.tree_of(rig, extra.hangs_on)
    turned = follow.followed(source, target) if pairs is None else _paired(source, target, pairs)
    wanted = _wanted(target, turned, extra, notes)
    found = feet.find(source)
    size = paths.sizes(source, target, found)
    moved, way = _moved(source, target, tree, wanted, size, options)
    if moved is not None and options.contacts and not options.in_place and size.has_legs:
        turned, moved, shortfall = feet.plant(source, target, tree, wanted, found, size, moved)
        wanted |= turned
        notes.planted = (len(turned) > 0 and len(found)) or 0
        if shortfall > SHORTFALL_M:
            notes.warnings.append(
                f"A leg of {rig.name!r} is too short or too long for its way in places: a foot "
                f"stays up to {1e3 * shortfall:.0f} mm from where it should stand."
            )
    if pairs is None:
        wanted |= _free(twists.shared(target, wanted), rig)
    limbs = _inverse(target, tree, wanted, extra, moved, options, notes)
    pose = posing.posed(tree, wanted | limbs.rotations)
    shown = {bone: turn for bone, turn in wanted.items() if bone not in limbs.dropped}
    curves = _rotation_curves(rig, pose, motion.frame_count, limbs.dropped)
    _put_back(curves, rig, motion.frame_count)
    if moved is not None and way is not None:
        carried = _carry(curves, tree, pose, extra, target, moved, way, options, notes)
        _place_controls(curves, tree, wanted, limbs, carried)
    _note_hindrances(rig, shown, notes)
    return Retargeted(
        curves=PoseCurves(
            times=motion.times,
            bones=tuple(curves.values()),
            settings=_settings(rig, extra, limbs.settings),
        ),
        rotations={rig.names[bone]: turn for bone, turn in (shown | limbs.shown).items()},
        notes=notes,
    )


def _sides(
    motion: Motion, bodies: RoleMap, rig: Rig, bones: RoleMap, extra: Extras
) -> tuple[follow.Source, follow.Target]:
    skeleton = Skeleton(names=motion.names, parents=motion.parents, heads=motion.rest_positions)
    theirs = figure_of(skeleton, bodies, up=follow.UP)
    ours = figure_of(rig.skeleton, bones, moves=extra.moves)
    common = set(theirs.chains) & set(ours.chains) - {"root"}
    if not common:
        raise RigError(
            f"No bone of the armature {rig.name!r} has a role in its bone map that a body of the "
            "take has too; choose another preset, or set the bones in the map."
        )
    return follow.Source(motion=motion, figure=theirs), follow.Target(rig=rig, figure=ours)


def _paired(source: Source, target: Target, pairs: BoneMap) -> dict[int, FloatArray]:
    return {
        bone: with_body(target.rig, bone, source.turn(body), source.rest(body))
        for bone, body in zip(pairs.bones, pairs.bodies, strict=True)
    }


def with_body(rig: Rig, bone: int, turn: FloatArray, rest: FloatArray) -> FloatArray:
    """Rotations (4, F) of a bone that was made from a body, which turn as it does: W R₀⁻¹ B₀.

    Args:
        rig: the armature.
        bone: its index.
        turn: (4, F) world rotations of the body.
        rest: (4,) that of the body at rest, where the bone does not know it.
    """
    own = rig.body_rest_rotations[bone]
    rest = rest if np.isnan(own).any() else own
    return lanes.multiply(turn, lanes.multiply(lanes.conjugate(rest), rig.rest_rotations[bone]))


def _wanted(
    target: Target, found: dict[int, FloatArray], extra: Extras, notes: Notes
) -> dict[int, FloatArray]:
    """Rotations of the bones that follow bodies and can be keyed."""
    rig = target.rig
    left_out = [
        f"{rig.names[bone]} ({rig.unmovable[rig.names[bone]]})"
        for bone in found
        if rig.names[bone] in rig.unmovable
    ]
    if left_out:
        notes.warnings.append(f"Left as they are: {_listed(left_out)}.")
    place = {name: index for index, name in enumerate(rig.names)}
    for name, role in extra.also.items():
        chain = target.figure.chains.get(role, ())
        if name in place and chain and chain[0] in found:
            found[place[name]] = ik.alike(target, found[chain[0]], chain[0], place[name])
    return _free(found, rig)


def _free(found: dict[int, FloatArray], rig: Rig) -> dict[int, FloatArray]:
    return {bone: turn for bone, turn in found.items() if rig.names[bone] not in rig.unmovable}


def _moved(
    source: Source,
    target: Target,
    tree: Tree,
    wanted: dict[int, FloatArray],
    size: paths.Sizes,
    options: RetargetOptions,
) -> tuple[FloatArray | None, FloatArray | None]:
    """How far the figure is moved from rest (3, F), and how much of that is its travel."""
    centre = paths.hip_centre(source, target)
    if centre is None:
        return None, None
    across = None
    if options.path_scale is not None:
        across = options.path_scale / target.rig.place.world_scale
    path = paths.wanted_path(centre[0], target, size, across=across)
    way = paths.travel(path, source.motion.times, target.figure.up)
    if options.in_place:
        path, way = path - way, np.zeros_like(way)
    places = posing.heads(tree, posing.posed(tree, wanted).world, centre[1])
    hips = np.mean([lanes.stacked(*places[bone], path[0])[:3] for bone in centre[1]], axis=0)
    return path - hips, way


def _rotation_curves(
    rig: Rig, pose: posing.Pose, frames: int, dropped: set[int]
) -> dict[str, BoneCurves]:
    return {
        rig.names[bone]: BoneCurves(
            bone=rig.names[bone],
            rotation_mode=rig.rotation_modes[bone],
            rotations=lanes.continuous(np.broadcast_to(turn.reshape(4, -1), (4, frames))),
        )
        for bone, turn in pose.channels.items()
        if bone not in dropped
    }


def _put_back(curves: dict[str, BoneCurves], rig: Rig, frames: int) -> None:
    """Take the places of an earlier take out of what this one does not move."""
    for name, before in curves.items():
        if name in rig.animated:
            curves[name] = dataclasses.replace(before, location=np.zeros((3, frames)))
    if rig.place.is_animated:
        stays = np.repeat(rig.place.location[:, None], frames, axis=1)
        curves[OBJECT] = BoneCurves(bone=OBJECT, location=stays)


def _carry(
    curves: dict[str, BoneCurves],
    tree: Tree,
    pose: posing.Pose,
    extra: Extras,
    target: Target,
    moved: FloatArray,
    way: FloatArray,
    options: RetargetOptions,
    notes: Notes,
) -> dict[int, FloatArray]:
    """Key the way on what is to carry it; returns bone (−1: the object) → how far it moves."""
    bone = _carrying_bone(tree, extra, target)
    root = target.figure.chains.get("root", (-1,))[0]
    carrier = options.carrier
    if carrier == "root" and (
        root < 0 or (bone not in (None, root) and not tree.is_above(root, bone))
    ):
        notes.warnings.append(
            f"The bone map of {target.rig.name!r} has no root above the pelvis; the pelvis "
            "carries the way."
        )
        carrier = "pelvis"
    if bone is None:
        notes.warnings.append(
            f"No bone of {target.rig.name!r} can carry the way (all are connected, locked or "
            "driven); the armature object carries it."
        )
        _carry_by_object(curves, target, moved)
        return {-1: moved}
    if carrier == "pelvis" or (carrier == "root" and root == bone):
        _carry_by_bone(curves, tree, pose, bone, moved)
        return {bone: moved}
    _carry_by_bone(curves, tree, pose, bone, moved - way)
    if carrier == "root":
        _carry_by_bone(curves, tree, pose, root, way)
        return {bone: moved - way, root: way}
    _carry_by_object(curves, target, way)
    return {bone: moved - way, -1: way}


def _place_controls(
    curves: dict[str, BoneCurves],
    tree: Tree,
    wanted: dict[int, FloatArray],
    limbs: ik.Controls,
    carried: dict[int, FloatArray],
) -> None:
    """Key where controls go, less what the bones that they hang on do for them already."""
    if not limbs.places:
        return
    rest = {control: tree.rig.rest_rotations[control] for control in limbs.places}
    pose = posing.posed(tree, rest | wanted | limbs.rotations)
    stands = posing.heads(tree, pose.world, limbs.places)
    for control, place in limbs.places.items():
        moves = [way for bone, way in carried.items() if bone < 0 or tree.is_above(bone, control)]
        away = (place.T - stands[control].T - sum(way.T for way in moves)).T
        _carry_by_bone(curves, tree, pose, control, away)


def _carrying_bone(tree: Tree, extra: Extras, target: Target) -> int | None:
    """The bone whose location moves the pelvis: its own, or the nearest above that may."""
    rig = tree.rig
    name = extra.carrier
    at = rig.names.index(name) if name in rig.names else target.figure.chains["pelvis"][0] \
        if "pelvis" in target.figure.chains else -1  # fmt: skip
    while at >= 0 and (rig.connected[at] or rig.names[at] in rig.unmovable):
        at = int(tree.parents[at])
    return at if at >= 0 else None


def _carry_by_bone(
    curves: dict[str, BoneCurves], tree: Tree, pose: posing.Pose, bone: int, moved: FloatArray
) -> None:
    rig = tree.rig
    name = rig.names[bone]
    world = pose.world
    if bone not in world or int(tree.parents[bone]) not in {-1, *world}:
        world = posing.posed(tree, {bone: rig.rest_rotations[bone]}).world | world
    axes = posing.location_axes(tree, bone, world)
    before = curves.get(name)
    curves[name] = BoneCurves(
        bone=name,
        rotation_mode=rig.rotation_modes[bone],
        rotations=before.rotations if before is not None else None,
        location=lanes.rotate(lanes.conjugate(axes), moved),
    )


def _carry_by_object(curves: dict[str, BoneCurves], target: Target, moved: FloatArray) -> None:
    place = target.rig.place
    curves[OBJECT] = BoneCurves(bone=OBJECT, location=place.basis @ moved + place.location[:, None])


def _inverse(
    target: Target,
    tree: Tree,
    wanted: dict[int, FloatArray],
    extra: Extras,
    moved: FloatArray | None,
    options: RetargetOptions,
    notes: Notes,
) -> ik.Controls:
    """Controls for inverse kinematics, where they are asked for and there are any."""
    if not options.use_ik:
        return ik.Controls()
    found = ik.Controls()
    if moved is not None:
        found = ik.controls(target, tree, wanted, extra.limbs, moved)
    if not found.rotations:
        notes.warnings.append(
            f"The bone map of {target.rig.name!r} knows no controls for inverse kinematics; the "
            "bones themselves are keyed."
        )
    return found


def _settings(rig: Rig, extra: Extras, others: list[Setting]) -> tuple[Setting, ...]:
    """The switches that the armature has; those of limbs go before the others."""
    rows = {(row.bone, row.path): row for row in (*extra.switches, *others)}
    return tuple(
        row
        for row in rows.values()
        if f"{row.bone}{row.path}" in rig.properties
        or (row.path.startswith(".") and row.bone in rig.names)
    )


def _note_hindrances(rig: Rig, keyed: Iterable[int], notes: Notes) -> None:
    names = [rig.names[bone] for bone in keyed]
    found = [f"{name} ({rig.hindered[name]})" for name in names if name in rig.hindered]
    if found:
        notes.warnings.append(
            f"Keyed, but something else acts on them too, so they may not show the take: "
            f"{_listed(found)}."
        )


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{rest}"
