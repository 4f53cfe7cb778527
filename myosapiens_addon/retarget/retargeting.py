# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion onto any armature: bones turn with the bodies of their role, feet stay planted.

`follow` says where bones turn, `twists` shares what helpers take, `path` where the hips go and
`carrying` on what, `feet` holds planted feet, and `posing` makes channels of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RigError
from . import carrying, extras, feet, follow, ik, lanes, posing, twists
from . import path as paths
from .curves import BoneCurves, PoseCurves
from .figure import figure_of
from .mapping.roles import Skeleton
from .work import Notes, RetargetOptions, Work, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..motion.motion import FloatArray, Motion
    from .bone_map import BoneMap
    from .contacts import Contacts
    from .curves import Setting
    from .extras import Extras
    from .follow import Source, Target
    from .mapping.roles import RoleMap
    from .rig import Rig


# An ankle that misses its place by more (m) is worth a sentence.
SHORTFALL_M = 0.01


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
    extra = extras.of_map(bones)
    if pairs is not None:  # then the root has its body's motion, and all the way
        extra = dataclasses.replace(extra, carrier=rig.names[pairs.bones[0]])
    source, target = _sides(motion, bodies, rig, bones, extra)
    work = Work(
        source=source,
        target=target,
        tree=posing.tree_of(rig, extra.hangs_on),
        extra=extra,
        options=options or RetargetOptions(),
        notes=Notes(),
    )
    turned = follow.followed(source, target) if pairs is None else _paired(source, target, pairs)
    wanted = _wanted(work, turned)
    moved, way = _moved(work, wanted)
    if pairs is None:
        wanted |= _free(twists.shared(target, wanted), rig)
    return _keyed(work, wanted, moved, way)


def _keyed(
    work: Work,
    wanted: dict[int, FloatArray],
    moved: FloatArray | None,
    way: FloatArray | None,
) -> Retargeted:
    """Channels of a pose, and of the way."""
    rig, motion = work.target.rig, work.source.motion
    limbs = _inverse(work, wanted, moved)
    pose = posing.posed(work.tree, wanted | limbs.rotations)
    shown = {bone: turn for bone, turn in wanted.items() if bone not in limbs.dropped}
    curves = _rotation_curves(rig, pose, motion.frame_count, limbs.dropped)
    carrying.put_back(curves, rig, motion.frame_count)
    keyed = set(shown)
    if moved is not None and way is not None:
        carried = carrying.carry(work, curves, pose, moved, way)
        carrying.place_controls(work, curves, wanted, limbs, carried)
        keyed |= {bone for bone in carried if bone != carrying.THE_OBJECT}
    work.notes.warnings += hindrance_warning(rig, sorted(keyed))
    return Retargeted(
        curves=PoseCurves(
            times=motion.times,
            bones=tuple(curves.values()),
            settings=_settings(rig, work.extra, limbs.settings),
        ),
        rotations={rig.names[bone]: turn for bone, turn in (shown | limbs.shown).items()},
        notes=work.notes,
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


def _wanted(work: Work, found: dict[int, FloatArray]) -> dict[int, FloatArray]:
    """Rotations of the bones that follow bodies and can be keyed."""
    target, rig = work.target, work.target.rig
    work.notes.warnings += left_out_warning(rig, found)
    place = {name: index for index, name in enumerate(rig.names)}
    for name, role in work.extra.also.items():
        chain = target.figure.chains.get(role, ())
        if name in place and chain and chain[0] in found:
            found[place[name]] = ik.alike(target, found[chain[0]], chain[0], place[name])
    return _free(found, rig)


def _free(found: dict[int, FloatArray], rig: Rig) -> dict[int, FloatArray]:
    return {bone: turn for bone, turn in found.items() if rig.names[bone] not in rig.unmovable}


def _moved(
    work: Work, wanted: dict[int, FloatArray]
) -> tuple[FloatArray | None, FloatArray | None]:
    """How far the figure is moved from rest (3, F), and how much of that is its travel.

    Where feet are to be planted, the rotations of the legs are changed for it.
    """
    source, target, options = work.source, work.target, work.options
    centre = paths.hip_centre(source, target)
    if centre is None:
        return None, None
    found = feet.find(source)
    size = paths.sizes(source, target, found)
    across = None
    if options.path_scale is not None:
        across = options.path_scale / target.rig.place.world_scale
    path = paths.wanted_path(centre[0], target, size, across=across)
    way = paths.travel(path, source.motion.times, target.figure.up)
    if options.in_place:
        path, way = path - way, np.zeros_like(way)
    places = posing.heads(work.tree, posing.stands(work.tree, wanted, centre[1]), centre[1])
    hips = np.mean([lanes.stacked(*places[bone], path[0])[:3] for bone in centre[1]], axis=0)
    moved = path - hips
    if options.contacts and not options.in_place and size.has_legs:
        moved = _planted(work, wanted, found, size, moved)
    return moved, way


def _planted(
    work: Work,
    wanted: dict[int, FloatArray],
    found: dict[str, Contacts],
    size: paths.Sizes,
    moved: FloatArray,
) -> FloatArray:
    """How the figure is moved when its planted feet are held; turns the legs in `wanted`."""
    turned, moved, shortfall = feet.plant(
        work.source, work.target, work.tree, wanted, found, size, moved
    )
    wanted |= turned
    work.notes.planted = len(found) if turned else 0
    if shortfall > SHORTFALL_M:
        work.notes.warnings.append(
            f"A leg of {work.target.rig.name!r} is too short or too long for its way in places: a "
            f"foot stays up to {1e3 * shortfall:.0f} mm from where it should stand."
        )
    return moved


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


def _inverse(work: Work, wanted: dict[int, FloatArray], moved: FloatArray | None) -> ik.Controls:
    """Controls for inverse kinematics, where they are asked for and there are any."""
    if not work.options.use_ik:
        return ik.Controls()
    found = ik.Controls()
    if moved is not None:
        found = ik.controls(work.target, work.tree, wanted, work.extra.limbs, moved)
    if not found.rotations:
        work.notes.warnings.append(
            f"The bone map of {work.target.rig.name!r} knows no controls for inverse kinematics; "
            "the bones themselves are keyed."
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


def left_out_warning(rig: Rig, found: Iterable[int]) -> list[str]:
    """A sentence about bones that follow bodies, but cannot be keyed; none where there are none."""
    names = [rig.names[bone] for bone in found]
    left_out = [f"{name} ({rig.unmovable[name]})" for name in names if name in rig.unmovable]
    return [f"Left as they are: {listed(left_out)}."] if left_out else []


def hindrance_warning(rig: Rig, keyed: Iterable[int]) -> list[str]:
    """A sentence about bones that something else acts on too; none where there are none."""
    names = [rig.names[bone] for bone in keyed]
    found = [f"{name} ({rig.hindered[name]})" for name in names if name in rig.hindered]
    if not found:
        return []
    return [
        f"Keyed, but something else acts on them too, so they may not show the take: "
        f"{listed(found)}."
    ]
