# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each bone of the armature must turn, so that it follows the body of its role.

With A and B₀ the anatomical frame and the axes of a bone at rest, A₀ and R₀ those of its body,
and W(t) the body's rotation in the take, the bone must stand in the armature's space at

    C · S(t) W(t) R₀⁻¹ A₀ · A⁻¹ B₀

where C turns the take's axes (Z up) to the armature's, and S(t) is the small turn from the
body's own direction to that from joint to joint: bodies slide on each other, bones do not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..motion import quaternion
from . import lanes
from .figure import FINGERS
from .mapping import roles as role_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..motion.motion import FloatArray, Motion
    from .figure import Figure
    from .rig import Rig

# A joint that stays within this share of the segment's length of its place needs no swing.
FIXED = 1e-4
UP = np.array([0.0, 0.0, 1.0])


def _no_rows() -> dict[int, FloatArray]:
    return {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A take, body by body.

    Attributes:
        motion: the take.
        figure: its bodies in their roles.
    """

    motion: Motion
    figure: Figure
    # A body's row is gathered from all over memory, and wanted by its neighbours too.
    _joints: dict[int, FloatArray] = field(init=False, repr=False, default_factory=_no_rows)

    def turn(self, body: int) -> FloatArray:
        """World rotations of a body: (4, F)."""
        return np.ascontiguousarray(self.motion.rotations[:, body].T)

    def joint(self, body: int) -> FloatArray:
        """World positions of a body's origin: (3, F), m, not to be written to."""
        if body not in self._joints:
            self._joints[body] = np.ascontiguousarray(self.motion.positions[:, body].T)
        return self._joints[body]

    def rest(self, body: int) -> FloatArray:
        """World rotation of a body at rest: (4,)."""
        return self.motion.rest_rotations[body]

    def body(self, role: str, place: int = 0) -> int:
        """The body of a role: its joint."""
        return self.figure.chains[role][place]

    def turning(self, role: str, place: int = 0) -> int:
        """The body whose rotation a role has.

        It is the role's own, but a foot of several bodies (talus, calcaneus) turns as the one
        that carries the toes.
        """
        own = self.body(role, place)
        side = role_names.side_of(role)
        if role_names.word_of(role) != "foot" or f"toe{side}" not in self.figure.chains:
            return own
        at = int(self.motion.parents[self.body(f"toe{side}")])
        above = at
        while above >= 0 and above != own:
            above = int(self.motion.parents[above])
        return at if above == own else own


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """An armature, bone by bone.

    Attributes:
        rig: its bones.
        figure: those that have a role.
        turned: (4,) the take's axes in the armature's: C above.
    """

    rig: Rig
    figure: Figure
    turned: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        """Work out C: the take's up is the armature's, the rest as little turned as may be."""
        up = self.figure.up
        opposite = float(up @ UP) < -0.5
        turned = np.array([0.0, 1.0, 0.0, 0.0]) if opposite else quaternion.from_two_vectors(UP, up)
        object.__setattr__(self, "turned", turned)


def followed(source: Source, target: Target) -> dict[int, FloatArray]:
    """Rotations (4, F) in the armature's space of every bone whose role a body plays too."""
    out: dict[int, FloatArray] = {}
    for role, bones in target.figure.chains.items():
        word = role_names.word_of(role)
        if word == "root" or word in role_names.TWISTS:
            continue
        if word in ("spine", "neck"):
            out |= _shared(source, target, word)
        elif word in role_names.METACARPALS:
            out |= _with_hand(source, target, role)
        elif role in source.figure.chains:
            out |= _chain(source, target, role, bones)
    return out


def _chain(
    source: Source, target: Target, role: str, bones: tuple[int, ...]
) -> dict[int, FloatArray]:
    """Bone by bone; a finger of fewer bones follows the first bodies, and the last the last."""
    bodies = source.figure.chains[role]
    places = [min(place, len(bodies) - 1) for place in range(len(bones))]
    return {
        bone: _followed(source, target, role, (place, body))
        for place, (bone, body) in enumerate(zip(bones, places, strict=True))
    }


def _followed(source: Source, target: Target, role: str, places: tuple[int, int]) -> FloatArray:
    bone = target.figure.chains[role][places[0]]
    theirs, ours = source.figure.frame(role, places[1]), target.figure.frame(role, places[0])
    if theirs is None or ours is None:
        theirs, ours = source.figure.axes, target.figure.axes
    body = source.turning(role, places[1])
    turn = source.turn(body)
    ends = _ends(source, role, places[1])
    if ends is not None:
        turn = _swung(source, body, turn, *ends)
    return _carried(target, turn, source.rest(body), theirs, ours, bone)


def _carried(
    target: Target,
    turn: FloatArray,
    rest: FloatArray,
    theirs: FloatArray,
    ours: FloatArray,
    bone: int,
) -> FloatArray:
    """C · W R₀⁻¹ A₀ · A⁻¹ B₀."""
    fixed = lanes.multiply(lanes.conjugate(rest), theirs)
    fixed = lanes.multiply(fixed, lanes.conjugate(ours))
    fixed = lanes.multiply(fixed, target.rig.rest_rotations[bone])
    turned = lanes.multiply(turn, fixed)
    if target.turned[0] == 1.0:
        return turned
    return lanes.multiply(target.turned, turned)


def _ends(source: Source, role: str, place: int) -> tuple[int, int] | None:
    """The bodies at the two joints of a segment; None for one whose direction is its body's."""
    word = role_names.word_of(role)
    chain = source.figure.chains[role]
    if word in FINGERS:
        return (chain[place], chain[place + 1]) if place + 1 < len(chain) else None
    end = source.figure.end_role(role)
    return (chain[0], source.body(end)) if end is not None else None


def _swung(source: Source, body: int, turn: FloatArray, start: int, end: int) -> FloatArray:
    """Rotations of a body turned so that its segment points from joint to joint."""
    way = source.joint(end) - source.joint(start)
    rest_way = source.motion.rest_positions[end] - source.motion.rest_positions[start]
    own = lanes.rotate(lanes.conjugate(source.rest(body)), rest_way)
    length = float(np.linalg.norm(rest_way))
    pointed = lanes.rotate(turn, own)
    if length < 1e-9 or float(np.abs(way - pointed).max()) < FIXED * length:
        return turn
    return lanes.multiply(lanes.swing(pointed / length, lanes.unit(way)), turn)


def _with_hand(source: Source, target: Target, role: str) -> dict[int, FloatArray]:
    """What lies in the palm goes with the hand."""
    hand = f"hand{role_names.side_of(role)}"
    if hand not in target.figure.chains or hand not in source.figure.chains:
        return {}
    palm = _followed(source, target, hand, (0, 0))
    rest = target.rig.rest_rotations
    from_palm = lanes.conjugate(rest[target.figure.chains[hand][0]])
    return {
        bone: lanes.multiply(palm, lanes.multiply(from_palm, rest[bone]))
        for bone in target.figure.chains[role]
    }


def _shared(source: Source, target: Target, word: str) -> dict[int, FloatArray]:
    """A spine or neck of any number of bones: the source's bend, shared by arc length.

    How far the trunk has turned is known at the end of each body; between two ends it is
    interpolated, and a bone takes what is due at its own end. So the last bone turns as the
    last body, which carries the arms or the head, and equal chains turn alike.
    """
    bones = target.figure.chains[word]
    below = "pelvis" if word == "spine" else "spine"
    knots = _knots(source, word, below)
    if knots is None:
        return {}
    bodies, ends = knots
    out: dict[int, FloatArray] = {}
    for bone, share in zip(bones, _shares(target.figure, word), strict=True):
        last = int(np.clip(np.searchsorted(ends, share - 1e-9), 1, len(ends) - 1))
        span = ends[last] - ends[last - 1]
        fraction = float((share - ends[last - 1]) / span) if span > 0.0 else 1.0
        turn = _between(source, bodies[last - 1], bodies[last], fraction)
        frames = (source.figure.axes, target.figure.axes)
        out[bone] = _carried(target, turn, lanes.IDENTITY, *frames, bone)
    return out


def _between(source: Source, before: int, after: int, fraction: float) -> FloatArray:
    """What a body has turned since rest, or a mean of two: (4, F)."""
    end = lanes.multiply(source.turn(after), lanes.conjugate(source.rest(after)))
    if fraction > 1.0 - 1e-6:
        return end
    start = lanes.multiply(source.turn(before), lanes.conjugate(source.rest(before)))
    return lanes.slerp(start, end, fraction)


def _knots(source: Source, word: str, below: str) -> tuple[list[int], FloatArray] | None:
    """Bodies, from the one below the chain on, and where along it (0 to 1) each ends."""
    chains = source.figure.chains
    start = chains.get(below, ()) or chains.get("pelvis", ())
    if not start:
        return None
    if word in chains:
        return [start[-1], *chains[word]], np.array([0.0, *_shares(source.figure, word)])
    end = chains.get("head", ())
    # No neck in the source: half way to the head, as far as the armature's last neck bone.
    return ([start[-1], end[0]], np.array([0.0, 2.0])) if word == "neck" and end else None


def _shares(figure: Figure, word: str) -> list[float]:
    """Where along a chain each of its bones ends, as a share of its length."""
    heads = [figure.head(word, place) for place in range(len(figure.chains[word]))]
    lengths = [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(heads)]
    end = _chain_end(figure, word)
    # Without an end of its own the last bone is as long as the one before.
    spare = lengths[-1] if lengths else 1.0
    lengths.append(float(np.linalg.norm(end - heads[-1])) if end is not None else spare)
    ends = np.cumsum(lengths)
    if ends[-1] <= 0.0:
        return [(place + 1) / len(heads) for place in range(len(heads))]
    return [float(share) for share in ends / ends[-1]]


def _chain_end(figure: Figure, word: str) -> FloatArray | None:
    wanted: Sequence[str] = ("neck", "head") if word == "spine" else ("head",)
    return next((figure.head(role) for role in wanted if role in figure.chains), None)
