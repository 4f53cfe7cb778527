# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a take goes onto an armature.

A character's own armature, made for such takes, has a bone for every body and gets them as they
are, slides of the joints included. Every other armature is retargeted by roles.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RigError
from . import align, bone_map, carrying, lanes, path, retargeting
from .curves import OBJECT, BoneCurves
from .figure import figure_of
from .follow import UP
from .mapping import check, detect
from .mapping.roles import Skeleton
from .work import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..motion.motion import FloatArray, Motion
    from .bone_map import BoneMap
    from .curves import PoseCurves
    from .mapping.presets import Preset
    from .mapping.roles import RoleMap
    from .rig import Rig
    from .work import RetargetOptions

CHECKS = 4
# Rest poses are the same when their bones point the same way within this cosine (5 degrees).
SAME_WAY = 0.996
# Legs that differ by more than this share belong to another person.
SAME_LEGS = 0.02
# Less sure than this, a map that was found is named in a warning.
DOUBTFUL = 0.75
# Less sure than this, it is none: a door, a dog, a handful of bones.
HOPELESS = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A take on an armature.

    Attributes:
        curves: the channels.
        checks: indices of some frames, in which Blender's own result can be looked at.
        rotations: bone → (4, checks) what it should come to there in the armature's space.
        warnings: sentences.
        map_title: what said which bone follows what; empty for a character's own armature.
    """

    curves: PoseCurves
    checks: tuple[int, ...]
    rotations: dict[str, FloatArray]
    warnings: list[str] = field(default_factory=list[str])
    map_title: str = ""


def put_on(
    motion: Motion,
    rig: Rig,
    bones: RoleMap | None,
    options: RetargetOptions,
    known: Sequence[Preset] | None = None,
) -> Outcome:
    """Put a take on an armature, whichever it is.

    Args:
        motion: the take.
        rig: the armature.
        bones: the roles of its bones; None to find them out.
        options: how.
        known: the presets to choose from; the built-in ones unless given.

    Raises:
        RigError: it is not clear which bone should follow what.
    """
    pairs = own_bones(rig, motion) if bones is None else None
    bodies = roles_of_bodies(motion)
    unit_m = _own_unit_m(motion, bodies, rig) if pairs is not None else None
    if pairs is not None and unit_m is not None:
        return _as_it_is(motion, rig, pairs, options, unit_m)
    warnings: list[str] = []
    if bones is None:
        bones = _found(rig, known, warnings)
    else:
        warnings += checked(rig, bones)
    made = retargeting.retarget(motion, bodies, rig, bones, options, pairs=pairs)
    checks = _checks(motion)
    return Outcome(
        curves=made.curves,
        checks=checks,
        rotations={bone: turn[:, list(checks)] for bone, turn in made.rotations.items()},
        warnings=[*warnings, *made.notes.warnings],
        map_title=bones.title,
    )


def check_map(rig: Rig, bones: RoleMap | None, known: Sequence[Preset] | None = None) -> None:
    """Refuse, before there is a take, an armature that none can be put on.

    Raises:
        RigError: it is not clear which bone should follow what.
    """
    if bones is not None:
        checked(rig, bones)
    elif not rig.names or np.isnan(rig.body_rest_rotations).all():
        _found(rig, known, [])


def roles_of_bodies(motion: Motion) -> RoleMap:
    """The roles of a take's bodies; takes of one person are looked at once."""
    return _roles(motion.names, motion.parents.tobytes(), motion.rest_positions.tobytes())


@functools.lru_cache(maxsize=8)
def _roles(names: tuple[str, ...], parents: bytes, heads: bytes) -> RoleMap:
    skeleton = Skeleton(
        names=names,
        parents=np.frombuffer(parents, np.int32),
        heads=np.frombuffer(heads, np.float64).reshape(-1, 3),
    )
    return detect.detect(skeleton).role_map


def own_bones(rig: Rig, motion: Motion) -> BoneMap | None:
    """Bones by the bodies' names, where the armature was made from such bodies; else None."""
    try:
        pairs = bone_map.by_name(rig, motion)
    except RigError:
        return None
    known = ~np.isnan(rig.body_rest_rotations[list(pairs.bones)]).any(axis=1)
    return pairs if known.mean() > 0.5 or _stands_alike(rig, motion, pairs) else None


def _stands_alike(rig: Rig, motion: Motion, pairs: BoneMap) -> bool:
    """Whether most bodies have a bone, and both stand in the same rest pose."""
    if len(pairs.bones) < 0.5 * len(motion.names):
        return False
    body_of = dict(zip(pairs.bones, pairs.bodies, strict=True))
    cosines: list[float] = []
    for bone, body in body_of.items():
        parent = int(rig.parents[bone])
        if parent in body_of:
            ours = rig.rest_positions[bone] - rig.rest_positions[parent]
            theirs = motion.rest_positions[body] - motion.rest_positions[body_of[parent]]
            size = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
            if size > 1e-9:
                cosines.append(float(ours @ theirs) / size)
    return bool(cosines) and float(np.mean(np.array(cosines) > SAME_WAY)) > 0.9


def _own_unit_m(motion: Motion, bodies: RoleMap, rig: Rig) -> float | None:
    """Metres per unit of the armature, where it was made for this person; None for another.

    On other legs feet would slide. An object that was made larger enlarges the person as well;
    one whose bones are that much smaller instead shows the person as large as life.
    """
    skeleton = Skeleton(names=motion.names, parents=motion.parents, heads=motion.rest_positions)
    theirs = path.leg_length(figure_of(skeleton, bodies))
    ours = path.leg_length(figure_of(rig.skeleton, bodies))
    if not (theirs and ours):
        return 1.0
    units = (1.0, rig.place.world_scale)
    return next((unit for unit in units if abs(ours * unit / theirs - 1.0) <= SAME_LEGS), None)


def _as_it_is(
    motion: Motion, rig: Rig, pairs: BoneMap, options: RetargetOptions, unit_m: float
) -> Outcome:
    curves = _elsewhere(align.align(motion, rig, pairs, unit_m=unit_m), rig, options)
    checks = _checks(motion)
    turned = _as_bodies(motion, rig, pairs, checks)
    free = [bone for bone in pairs.bones if rig.names[bone] not in rig.unmovable]
    return Outcome(
        curves=dataclasses.replace(curves, bones=tuple(_without_turns(curves.bones, rig))),
        checks=checks,
        rotations={name: turn for name, turn in turned.items() if name not in rig.unmovable},
        warnings=[
            *_unmatched(pairs, rig),
            *retargeting.left_out_warning(rig, pairs.bones),
            *retargeting.hindrance_warning(rig, free),
            *(carrying.object_warning(rig) if options.carrier == "object" else ()),
        ],
    )


def _without_turns(bones: Sequence[BoneCurves], rig: Rig) -> Iterator[BoneCurves]:
    """The channels, less the rotations of bones that are locked or driven."""
    for row in bones:
        if row.bone not in rig.unmovable:
            yield row
        elif row.location is not None:
            yield dataclasses.replace(row, rotations=None)


def _checks(motion: Motion) -> tuple[int, ...]:
    """A few frames, spread over the take."""
    places = np.linspace(0, motion.frame_count - 1, CHECKS).round().astype(int)
    return tuple(dict.fromkeys(places.tolist()))


def _as_bodies(
    motion: Motion, rig: Rig, pairs: BoneMap, checks: tuple[int, ...]
) -> dict[str, FloatArray]:
    """What bones that were made from bodies come to in some frames."""
    return {
        rig.names[bone]: retargeting.with_body(
            rig, bone, motion.rotations[list(checks), body].T, motion.rest_rotations[body]
        )
        for bone, body in zip(pairs.bones, pairs.bodies, strict=True)
    }


def _elsewhere(curves: PoseCurves, rig: Rig, options: RetargetOptions) -> PoseCurves:
    """The way scaled, left out, or carried by the object, where that is asked for."""
    carried = options.carrier == "object"
    asked = options.path_scale not in (None, 1.0) or options.in_place or carried
    if not asked and not rig.place.is_animated:
        return curves
    root = rig.names.index(curves.bones[0].bone)
    axes, rest = rig.rest_rotations[root], rig.rest_positions[root][:, None]
    first = curves.bones[0]
    if first.location is None:
        return curves
    scale = 1.0 if options.path_scale is None else options.path_scale
    place = rest + lanes.rotate(axes, first.location)
    place[:2] *= scale
    way = path.travel(place, curves.times, UP)
    if options.in_place or carried:
        place -= way
    moved = dataclasses.replace(first, location=lanes.rotate(lanes.conjugate(axes), place - rest))
    bones = [moved, *curves.bones[1:]]
    if carried or rig.place.is_animated:
        moves = carried and not options.in_place
        location = rig.place.basis @ (way if moves else 0.0 * way) + rig.place.location[:, None]
        bones.append(BoneCurves(bone=OBJECT, location=location))
    return dataclasses.replace(curves, bones=tuple(bones))


def _found(rig: Rig, known: Sequence[Preset] | None, warnings: list[str]) -> RoleMap:
    """The map that the armature's own names and shape tell."""
    if not rig.names:
        raise RigError(f"The armature {rig.name!r} has no bones; choose another one.")
    found = detect.detect(rig.skeleton, known)
    if not found.role_map.chains or found.sure < HOPELESS:
        raise RigError(
            f"It is not clear which bone of the armature {rig.name!r} should follow what: set "
            "its bone map in the panel, or name a preset or a map file (--map)."
        )
    if found.sure < DOUBTFUL:
        warnings.append(
            f"The bone map of {rig.name!r} was guessed ({found.sure:.0%} sure); look it over in "
            "the panel's bone map."
        )
    return found.role_map


def checked(rig: Rig, bones: RoleMap) -> list[str]:
    """Warnings of a map that somebody chose.

    Raises:
        RigError: nothing sensible can come of it.
    """
    problems = check.examine(bones, rig.skeleton)
    if problems.errors:
        raise RigError(f"The bone map of {rig.name!r}: {problems.errors[0]}")
    return [f"The bone map of {rig.name!r}: {warning}" for warning in problems.warnings]


def _unmatched(pairs: BoneMap, rig: Rig) -> list[str]:
    missing = pairs.unmatched_bodies
    if not missing:
        return []
    named = listed(missing)
    return [f"The armature {rig.name!r} has no bone for {named}; their motion is left out."]


def absent_warning(missing: Sequence[str], rig: Rig) -> list[str]:
    """A sentence about bones that a map names in vain; none where there are none."""
    if not missing:
        return []
    named = listed([repr(name) for name in missing])
    return [f"The bone map names {named}, which {rig.name!r} has not: left out."]
