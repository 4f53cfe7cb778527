# SPDX-License-Identifier: GPL-3.0-or-later
"""A skeleton at rest seen as a human figure, and the anatomical frame of each of its segments.

The same rules are applied to the bodies of a take and to the bones of an armature, so that a
frame means the same on both, whatever the rest pose, the roll of bones, or which axis is up:

- trunk, neck, head and clavicles: the figure's own axes, X forward, Y up, Z to the right;
- upper arm, forearm, thigh, shin: Y along the segment from joint to joint, X where the joint's
  flexion leads (at the knee where the kneecap is). Where elbow or knee is clearly bent at rest,
  its hinge says so; where it is straight, X is forward, as in every T-, A- and I-pose;
- hand: Y from the wrist to the knuckles, X to the thumb's side: from the little to the index
  finger, or, without fingers, forward (palms down in a T-pose, to the thighs with arms down);
- foot and toes: X where the foot points, level, Y up: the sole, not the instep, is compared;
- fingers: Y along the bone, X across the palm.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..motion import quaternion
from .mapping import roles as role_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..motion.motion import FloatArray
    from .mapping.roles import RoleMap, Skeleton

# Bends (rad) from which a hinge begins to count, and counts alone.
CLEAR_BEND = (np.radians(10.0), np.radians(30.0))
# A hanging forearm deviates outwards, by 10 to 15 degrees, without being bent (sine of the most).
CARRYING = np.sin(np.radians(16.0))
# An arm within this cosine of forward has no forward side of its own.
ALONG = 0.9
NEXT = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
ABOVE = {"hand": "forearm", "forearm": "upper_arm", "shin": "thigh"}
LIMB_OF = {
    "upper_arm": ("upper_arm", "forearm"),
    "forearm": ("upper_arm", "forearm"),
    "thigh": ("thigh", "shin"),
    "shin": ("thigh", "shin"),
}
FINGERS = role_names.FINGERS


@dataclass(frozen=True, eq=False)
class Figure:
    """A skeleton whose bones have roles.

    Attributes:
        skeleton: the bones (or bodies) at rest.
        chains: role → indices of the bones that share it.
        up: (3,) unit; None to find it out from the figure, as one of the six axes.
    """

    skeleton: Skeleton
    chains: Mapping[str, tuple[int, ...]]
    known_up: FloatArray | None = None

    @cached_property
    def _frames(self) -> dict[tuple[str, int], FloatArray | None]:
        return {}

    @cached_property
    def up(self) -> FloatArray:
        """Which way is up, (3,) unit: the axis from the feet to the head."""
        if self.known_up is not None:
            return self.known_up
        high = [self.head(role) for role in ("head", "neck", "spine") if role in self.chains]
        low = [self.head(f"{word}{side}") for word in ("foot", "shin", "thigh")
               for side in role_names.SIDES if f"{word}{side}" in self.chains]  # fmt: skip
        if "pelvis" in self.chains:
            (low if high else high).append(self.head("pelvis"))
        if not high or not low:
            return np.array([0.0, 0.0, 1.0])
        way = high[0] - low[0]
        axis = int(np.argmax(np.abs(way)))
        return np.eye(3)[axis] * (np.sign(way[axis]) or 1.0)

    @cached_property
    def left(self) -> FloatArray:
        """Which way is left, (3,) unit and level."""
        total = np.zeros(3)
        for word in ("thigh", "upper_arm", "clavicle", "shin", "foot"):
            if {f"{word}.L", f"{word}.R"} <= set(self.chains):
                total += self.level(self.head(f"{word}.L") - self.head(f"{word}.R"))
        length = float(np.linalg.norm(total))
        if length > 1e-9:
            return total / length
        spare = np.array([1.0, 0.0, 0.0])
        return spare if abs(self.up[0]) < ALONG else np.array([0.0, 0.0, 1.0])

    @cached_property
    def forward(self) -> FloatArray:
        """Which way the figure faces, (3,) unit and level."""
        return np.cross(self.left, self.up)

    @cached_property
    def axes(self) -> FloatArray:
        """Rotation (4,) of the figure's own frame: X forward, Y up, Z right."""
        return _rotation(self.forward, self.up)

    def level(self, vector: FloatArray) -> FloatArray:
        """The part of a vector across `up`."""
        return vector - (vector @ self.up) * self.up

    def head(self, role: str, place: int = 0) -> FloatArray:
        """Where a role's bone begins, (3,)."""
        return self.skeleton.heads[self.chains[role][place]]

    def end_role(self, role: str) -> str | None:
        """The role at whose joint a limb's segment ends; None where the figure has none."""
        word, side = role_names.word_of(role), role_names.side_of(role)
        if word == "hand":
            ends = [f"{finger}{side}" for finger in ("middle", "index", "ring", "little")]
            return next((end for end in ends if end in self.chains), None)
        if word == "clavicle":
            wanted = f"upper_arm{side}"
        elif word == "foot":
            wanted = f"toe{side}"
        else:
            wanted = f"{NEXT[word]}{side}" if word in NEXT else ""
        return wanted if wanted in self.chains else None

    def direction(self, role: str, place: int = 0) -> FloatArray | None:
        """Unit direction (3,) of a segment at rest; None where nothing shows it."""
        chain = self.chains[role]
        if role_names.word_of(role) in FINGERS:
            return self._finger_direction(role, place)
        end = self.end_role(role)
        if end is not None:
            return _unit(self.head(end) - self.head(role))
        own = self._own_direction(chain[place])
        above = f"{ABOVE.get(role_names.word_of(role), '')}{role_names.side_of(role)}"
        # What has no end of its own (a hand without fingers) goes on as the segment before.
        return self.direction(above) if own is None and above in self.chains else own

    def _own_direction(self, bone: int) -> FloatArray | None:
        tails = self.skeleton.tails
        return None if tails is None else _unit(tails[bone] - self.skeleton.heads[bone])

    def _finger_direction(self, role: str, place: int) -> FloatArray | None:
        """To the next joint; the last bone goes on as the one before: tails are often none."""
        chain = self.chains[role]
        if len(chain) == 1:
            return self._own_direction(chain[0])
        first = min(place, len(chain) - 2)
        return _unit(self.head(role, first + 1) - self.head(role, first))

    def frame(self, role: str, place: int = 0) -> FloatArray | None:
        """The anatomical frame (4,) of a role's bone at rest; None where it cannot be told."""
        key = (role, place)
        if key not in self._frames:
            self._frames[key] = self._frame(role, place)
        return self._frames[key]

    def _frame(self, role: str, place: int) -> FloatArray | None:
        word = role_names.word_of(role)
        if word in LIMB_OF:
            return self._along(role, self.flexion(role))
        if word == "hand":
            return self._along(role, self._radial(role_names.side_of(role)))
        if word in ("foot", "toe"):
            return _rotation(self._heading(role_names.side_of(role)), self.up)
        if word in FINGERS:
            return self._finger_frame(role, place)
        return self.axes

    def _along(self, role: str, x: FloatArray, place: int = 0) -> FloatArray | None:
        y = self.direction(role, place)
        return None if y is None else _rotation(x, y, keep_y=True)

    def _finger_frame(self, role: str, place: int) -> FloatArray | None:
        hand = f"hand{role_names.side_of(role)}"
        palm = self.frame(hand) if hand in self.chains else None
        if palm is None:
            return None
        return self._along(role, _third_axis(palm), place)

    def flexion(self, role: str) -> FloatArray:
        """Where flexion of a limb's middle joint leads, seen from one of its segments: (3,)."""
        word, side = role_names.word_of(role), role_names.side_of(role)
        y = self.direction(role)
        if y is None:
            return self.forward
        rule = self._forward_side(y)
        upper, lower = (self._direction_of(f"{part}{side}") for part in LIMB_OF[word])
        if upper is None or lower is None:
            return rule
        is_arm = word in ("upper_arm", "forearm")
        if is_arm:
            lower = self._without_carrying(upper, lower, side)
        across = np.array(_crossed(upper.tolist(), lower.tolist()))
        sine = float(np.linalg.norm(across))
        bend = math.atan2(sine, float(upper @ lower))
        trust = min(max((bend - CLEAR_BEND[0]) / (CLEAR_BEND[1] - CLEAR_BEND[0]), 0.0), 1.0)
        if trust == 0.0:
            return rule
        hinge: FloatArray = across / (sine if is_arm else -sine)
        forward = np.array(_crossed(hinge.tolist(), y.tolist()))
        return (1.0 - trust) * rule + trust * forward

    def _without_carrying(self, upper: FloatArray, lower: FloatArray, side: str) -> FloatArray:
        """The forearm's direction without the carrying angle, which is no flexion."""
        outward = np.cross(self._forward_side(upper), upper) * (1.0 if side == ".L" else -1.0)
        return lower - float(np.clip(lower @ outward, 0.0, CARRYING)) * outward

    def _direction_of(self, role: str) -> FloatArray | None:
        return self.direction(role) if role in self.chains else None

    def _forward_side(self, y: FloatArray) -> FloatArray:
        """Forward, across a direction; that of a limb lifted from hanging when it is along it."""
        across = self.forward - (self.forward @ y) * y
        if abs(float(self.forward @ y)) < ALONG:
            return across / np.linalg.norm(across)
        lift = quaternion.from_two_vectors(-self.up, y)
        return quaternion.rotate(lift, self.forward)

    def _radial(self, side: str) -> FloatArray:
        """The thumb's side of the hand, (3,)."""
        knuckles = [
            self.head(f"{finger}{side}")
            for finger in ("index", "middle", "ring", "little")
            if f"{finger}{side}" in self.chains
        ]
        across = _unit(knuckles[0] - knuckles[-1]) if len(knuckles) > 1 else None
        if across is not None:
            return across
        y = self.direction(f"hand{side}")
        return self.forward if y is None else self._forward_side(y)

    def _heading(self, side: str) -> FloatArray:
        """Where a foot points, level: from the ankle to the toes."""
        role = f"foot{side}" if f"foot{side}" in self.chains else f"toe{side}"
        way = self.direction(role)
        level = None if way is None else self.level(way)
        if level is None or float(np.linalg.norm(level)) < 0.2:
            return self.forward
        return level / float(np.linalg.norm(level))


def figure_of(
    skeleton: Skeleton,
    role_map: RoleMap,
    *,
    up: FloatArray | None = None,
    moves: Mapping[str, str] | None = None,
) -> Figure:
    """A skeleton and its roles; bones that are not there are passed over.

    Args:
        skeleton: the bones at rest.
        role_map: their roles.
        up: which way is up; None to find it out.
        moves: control → the bone whose place it has in the figure: controls may stand anywhere.
    """
    place = {name: index for index, name in enumerate(skeleton.names)}
    moved = {
        place[control]: place[bone]
        for control, bone in (moves or {}).items()
        if control in place and bone in place
    }
    if moved:
        skeleton = _moved(skeleton, moved)
    chains = {
        role: tuple(place[name] for name in names if name in place)
        for role, names in role_map.chains.items()
    }
    return Figure(skeleton, {role: chain for role, chain in chains.items() if chain}, up)


def _moved(skeleton: Skeleton, moves: Mapping[int, int]) -> Skeleton:
    bones, others = list(moves), list(moves.values())
    heads = skeleton.heads.copy()
    heads[bones] = skeleton.heads[others]
    if skeleton.tails is None:
        return dataclasses.replace(skeleton, heads=heads)
    tails = skeleton.tails.copy()
    tails[bones] = skeleton.tails[others]
    return dataclasses.replace(skeleton, heads=heads, tails=tails)


def _unit(vector: FloatArray) -> FloatArray | None:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else None


def _rotation(x: FloatArray, y: FloatArray, *, keep_y: bool = False) -> FloatArray:
    """Rotation (4,) of the frame with one axis as given and the other as near as may be."""
    z = _crossed(x.tolist(), y.tolist())
    length = math.sqrt(z[0] * z[0] + z[1] * z[1] + z[2] * z[2])
    z = [part / length for part in z]
    if keep_y:
        columns = (_crossed(y.tolist(), z), y.tolist(), z)
    else:
        columns = (x.tolist(), _crossed(z, x.tolist()), z)
    return quaternion.from_axes(*columns)


def _third_axis(q: FloatArray) -> FloatArray:
    """The Z axis (3,) of a frame (4,)."""
    w, x, y, z = q.tolist()
    return np.array([2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)])


def _crossed(a: list[float], b: list[float]) -> list[float]:
    """The vector product; for one pair of vectors numpy takes ten times as long."""
    return [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
