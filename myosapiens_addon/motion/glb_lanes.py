# SPDX-License-Identifier: GPL-3.0-or-later
"""World poses of all joints of a GLB, composed in pieces that fit the processor's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import lanes
from .glb_curve import UNIT_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .glb_container import Container
    from .glb_curve import Curve
    from .glb_tree import Joint
    from .motion import FloatArray

# The most frames that are composed at once.
BLOCK = 2048
# Of a short take several joints are made ready at once: so many numbers in a row at most.
COLUMNS = 2048
UNTURNED = (1.0, 0.0, 0.0, 0.0)
# A row of numbers begins where a cache line does.
CACHE_LINE = 8


class Lane(NamedTuple):
    """A joint and what moves it: `None` where it stays as it is at rest."""

    joint: Joint
    translation: Curve | None
    rotation: Curve | None

    @property
    def tolerance(self) -> float:
        """How far from 1 the length of a rotation may be."""
        return self.rotation.tolerance if self.rotation else UNIT_TOLERANCE

    @property
    def turns(self) -> bool:
        """Whether it turns against what carries it."""
        joint = self.joint
        return bool(self.rotation or joint.stand or joint.node.pose[1] != UNTURNED)


class _Stand(NamedTuple):
    """What carries a joint and does not move: its place (3, 1) m, and matrices of its rotation."""

    origin: FloatArray
    of_vectors: FloatArray
    of_rotations: FloatArray


class Lanes:
    """The poses of all joints in the world; the pose at rest comes behind the last frame.

    Attributes:
        positions: (B, 3, ≥ F + 1) m.
        rotations: (B, 4, ≥ F + 1).
    """

    def __init__(self, container: Container, found: Sequence[Lane], times: FloatArray) -> None:
        self._container = container
        self._lanes = found
        self._times = times
        self._parents = [lane.joint.above for lane in found]
        self._turning = [row for row, lane in enumerate(found) if lane.turns]
        self._tolerances = [lane.tolerance for lane in found]
        self._stands = [_stand(lane.joint) for lane in found]
        rest = np.array(
            [(*place, *turn) for place, turn in (lane.joint.node.pose for lane in found)]
        )
        self._rest_positions, self._rest_rotations = rest[:, :3], rest[:, 3:]
        self._carried = self._carried_by_turning()
        self._arms = list(lanes.turning(self._rest_positions))
        width = -(-(len(times) + 1) // CACHE_LINE) * CACHE_LINE
        # In one array: memory that is freed in large pieces is had again without its pages anew.
        poses = np.empty((len(found), 7, width))
        self.positions, self.rotations = poses[:, :3], poses[:, 3:]

    def _carried_by_turning(self) -> dict[int, list[int]]:
        """For each joint that turns: those whose places its rotation turns, parents first."""
        carried: dict[int, list[int]] = {row: [] for row in self._turning}
        turners: list[int] = []
        for row, parent in enumerate(self._parents):
            if parent >= 0:
                carried[turners[parent]].append(row)
            turners.append(row if row in carried else turners[parent])
        return carried

    def compose(self) -> None:
        """Fill the arrays.

        Raises:
            OutputError: a curve holds what is no rotation or no number.
        """
        frames = self.positions.shape[2]
        room = _Room(min(frames, BLOCK))
        # Numbers that overflow are found afterwards.
        with np.errstate(all="ignore"):
            for first in range(0, frames, BLOCK):
                last = min(first + BLOCK, frames)
                if last - first < room.frames:
                    room = _Room(last - first)
                self._compose(first, last, room)

    def _compose(self, first: int, last: int, room: _Room) -> None:
        positions, rotations = self.positions[:, :, first:last], self.rotations[:, :, first:last]
        for start in range(0, len(self._turning), room.joints):
            group = self._turning[start : start + room.joints]
            self._turn(group, first, room)
            for place, row in enumerate(group):
                parent = self._parents[row]
                if parent < 0:
                    positions[row] = self._offset(row, first, room)
                    rotations[row] = room.signed[:4, place]
                else:
                    factors = room.factors[:, :, place]
                    lanes.multiply(rotations[parent], factors, rotations[row])
                self._carry(row, positions, rotations, first, room)
        if not np.isfinite(positions.sum()):
            raise self._container.error("is damaged: it holds positions that are no numbers")

    def _turn(self, group: list[int], first: int, room: _Room) -> None:
        """Write rotations against what carries them, and what products with them are made of."""
        signed = room.signed[:, : len(group)]
        own = signed[:4]
        for place, row in enumerate(group):
            rest = self._rest_rotations[row]
            self._fill(self._lanes[row].rotation, rest, own[:, place], first)
        off = lanes.make_unit(own, [self._tolerances[row] for row in group])
        if off:
            raise self._lanes[group[off[0]]].joint.node.not_unit()
        for place, row in enumerate(group):
            stand = self._stands[row]
            if stand:
                own[:, place] = stand.of_rotations @ own[:, place]
        np.negative(own, out=signed[4:])
        lanes.spread(signed, room.factors[:, :, : len(group)])

    def _carry(
        self, carrier: int, positions: FloatArray, rotations: FloatArray, first: int, room: _Room
    ) -> None:
        """Write the places of all that a joint carries, and the rotations of what stays on it."""
        carried, rotation = self._carried[carrier], rotations[carrier]
        if carried:
            lanes.pair_up(rotation, room.pairs, room.others)
        for row in carried:
            if self._lanes[row].translation is None and self._stands[row] is None:
                self._arms[row].dot(room.pairs, out=room.turned)
            else:
                offset = self._offset(row, first, room)
                lanes.rotate(room.pairs, offset, room.turned, room.matrices)
            np.add(room.turned, positions[self._parents[row]], out=positions[row])
            if row not in self._carried:
                rotations[row] = rotation

    def _offset(self, row: int, first: int, room: _Room) -> FloatArray:
        """A position against what carries it: (3, n)."""
        stand = self._stands[row]
        self._fill(self._lanes[row].translation, self._rest_positions[row], room.offset, first)
        if stand:
            room.offset[:] = stand.of_vectors @ room.offset + stand.origin
        return room.offset

    def _fill(self, curve: Curve | None, rest: FloatArray, out: FloatArray, first: int) -> None:
        """Write what a curve holds, and the pose at rest behind its end."""
        moving = min(out.shape[1], len(self._times) - first) if curve else 0
        if curve:
            curve.fill(out[:, :moving], self._times, first)
        if moving < out.shape[1]:
            out[:, moving:] = rest[:, None]


def _stand(joint: Joint) -> _Stand | None:
    if joint.stand is None:
        return None
    origin, turn = joint.stand
    return _Stand(origin[:, None], *lanes.matrices_of(turn))


class _Room:
    """Arrays to work in, the same for all joints: new ones would cost more than the work."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        # In a short take calls would cost more than what they work out.
        self.joints = max(1, COLUMNS // frames)
        self.signed = np.empty((8, self.joints, frames))
        self.factors = np.empty((4, 4, self.joints, frames))
        self.pairs = np.empty((10, frames))
        self.others = np.empty((10, frames))
        self.matrices = np.empty((9, frames))
        self.offset = np.empty((3, frames))
        self.turned = np.empty((3, frames))
