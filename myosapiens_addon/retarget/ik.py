# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls for inverse kinematics instead of those for forward kinematics.

A preset says of each limb which control moves its end, which pole its knee or elbow follows, and
which switches make them drive. The pose is the one that was worked out already; here only other
controls come to hold it: the end's control stands where the foot or hand is, and the pole lies
on the line from the middle of the limb through its knee or elbow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from . import lanes, posing
from .mapping import roles as role_names

if TYPE_CHECKING:
    from ..motion.motion import FloatArray
    from .curves import Setting
    from .extras import Limb
    from .follow import Target
    from .posing import Tree

# A straight limb shows no plane: from the first to the second of these distances (shares of its
# length) of the middle joint from the straight line its anatomical one gives way to the shown.
PLANE_SHOWS = (0.001, 0.005)
# A joint bent a little the wrong way does not turn the limb round: below this cosine the shown
# plane counts less, unless the joint is clearly off the line, by the second of these distances.
RIGHT_WAY = 0.2
CLEARLY_OFF = (0.01, 0.02)


@dataclass(kw_only=True, eq=False)
class Controls:
    """What is keyed instead.

    Attributes:
        rotations: control → (4, F) in the armature's space.
        places: control → (3, F) where its head goes, in the armature's space.
        dropped: bones that are not keyed any more.
        settings: switches.
        shown: bones that then show the pose → (4, F).
    """

    rotations: dict[int, FloatArray] = field(default_factory=dict[int, "FloatArray"])
    places: dict[int, FloatArray] = field(default_factory=dict[int, "FloatArray"])
    dropped: set[int] = field(default_factory=set[int])
    settings: list[Setting] = field(default_factory=list["Setting"])
    shown: dict[int, FloatArray] = field(default_factory=dict[int, "FloatArray"])


def controls(
    target: Target,
    tree: Tree,
    wanted: Mapping[int, FloatArray],
    limbs: Sequence[Limb],
    moved: FloatArray,
) -> Controls:
    """The controls of every limb that the armature has.

    Args:
        target: the armature.
        tree: its tree.
        wanted: bone → (4, F) rotations in the armature's space.
        limbs: what the bone map says of each.
        moved: (3, F) how far the figure is moved from where its root stands at rest.
    """
    out = Controls()
    place = {name: index for index, name in enumerate(target.rig.names)}
    for limb in limbs:
        chains = [target.figure.chains.get(role, ()) for role in limb.roles]
        names = (limb.control, limb.pole)
        if all(chains) and all(chain[0] in wanted for chain in chains) and set(names) <= set(place):
            bones = [chain[0] for chain in chains]
            _one(out, target, tree, wanted, bones, limb, place, moved)
    return out


def _one(
    out: Controls,
    target: Target,
    tree: Tree,
    wanted: Mapping[int, FloatArray],
    bones: list[int],
    limb: Limb,
    place: Mapping[str, int],
    moved: FloatArray,
) -> None:
    heads = posing.heads(tree, posing.stands(tree, wanted, bones), bones)
    start, middle, end = (heads[bone] + moved for bone in bones)
    control, pole = place[limb.control], place[limb.pole]
    out.rotations[control] = alike(target, wanted[bones[2]], bones[2], control)
    out.places[control] = end + _offset(target, wanted[bones[2]], bones[2], control)
    out.places[pole] = _pole(target, wanted[bones[0]], bones[0], limb, (start, middle, end))
    out.dropped |= set(bones)
    _toe(out, target, wanted, limb, place)
    for role, name in limb.shown.items():
        bone = target.figure.chains.get(role, (-1,))[0]
        if name in place and bone in wanted:
            out.shown[place[name]] = alike(target, wanted[bone], bone, place[name])
    out.settings += limb.switches


def _toe(
    out: Controls,
    target: Target,
    wanted: Mapping[int, FloatArray],
    limb: Limb,
    place: Mapping[str, int],
) -> None:
    name, role = limb.toe, f"toe{role_names.side_of(limb.roles[2])}"
    bone = target.figure.chains.get(role, (-1,))[0]
    if name in place and bone in wanted:
        out.rotations[place[name]] = alike(target, wanted[bone], bone, place[name])
        out.dropped.add(bone)


def alike(target: Target, turned: FloatArray, bone: int, other: int) -> FloatArray:
    """What one bone has turned since rest, on another: (4, F)."""
    rest = target.rig.rest_rotations
    return lanes.multiply(turned, lanes.multiply(lanes.conjugate(rest[bone]), rest[other]))


def _offset(target: Target, turned: FloatArray, bone: int, control: int) -> FloatArray:
    """From the head of a bone to that of its control, (3, F)."""
    rest = target.rig.rest_positions
    own = lanes.rotate(lanes.conjugate(target.rig.rest_rotations[bone]), rest[control] - rest[bone])
    return lanes.rotate(turned, own)


def _pole(
    target: Target,
    turned: FloatArray,
    upper: int,
    limb: Limb,
    joints: tuple[FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    """Where the pole goes, (3, F): as far from the middle joint as the limb is long."""
    start, middle, end = joints
    role = limb.roles[0]
    away = target.figure.flexion(role)
    if role_names.word_of(role) == "upper_arm":
        away = -away  # an elbow points to where the arm does not bend
    side = lanes.rotate(
        turned, lanes.rotate(lanes.conjugate(target.rig.rest_rotations[upper]), away)
    )
    along = lanes.unit(end - start)
    rest = target.rig.rest_positions
    length = float(np.linalg.norm(rest[upper] - target.figure.head(limb.roles[2])))
    shown, anatomical = _across(middle - start, along), lanes.unit(_across(side, along))
    offset = np.sqrt(lanes.dot(shown, shown))
    agrees = np.clip(lanes.dot(lanes.unit(shown), anatomical) / RIGHT_WAY, 0.0, 1.0)
    weight = _ramp(offset / length, PLANE_SHOWS)
    weight = weight * np.maximum(agrees, _ramp(offset / length, CLEARLY_OFF))
    bent = weight * lanes.unit(shown) + (1.0 - weight) * anatomical
    return middle + length * lanes.unit(bent)


def _ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """0 up to the first end, 1 from the second."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)


def _across(vector: FloatArray, along: FloatArray) -> FloatArray:
    return vector - along * lanes.dot(vector, along)
