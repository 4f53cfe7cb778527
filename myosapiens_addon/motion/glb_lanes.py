# SPDX-License-Identifier: GPL-3.0-or-later
"""World poses of all joints of a GLB, composed in pieces that fit the processor's cache."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import lanes, quaternion
from .glb_curve import UNIT_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .glb_container import Container
    from .glb_curve import Curve
    from .glb_tree import Joint
    from .motion import FloatArray

# The most frames that are composed at once.
BLOCK = 2048
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
        self._turns = [lane.turns for lane in found]
        self._carried = self._carried_by_turning()
        poses = [lane.joint.node.pose for lane in found]
        self._rest_positions = np.array([pose[0] for pose in poses])
        self._rest_rotations = np.array([pose[1] for pose in poses])
        self._arms = lanes.turning(self._rest_positions)
        width = -(-(len(times) + 1) // CACHE_LINE) * CACHE_LINE
        self.positions = np.empty((len(found), 3, width))
        self.rotations = np.empty((len(found), 4, width))

    def _carried_by_turning(self) -> list[list[int]]:
        """For each joint whose places its rotation turns: those of all that turn with it."""
        carried: list[list[int]] = [[] for _ in self._lanes]
        turners: list[int] = []
        for body, parent in enumerate(self._parents):
            if parent >= 0:
                carried[turners[parent]].append(body)
            turners.append(body if self._turns[body] else turners[parent])
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
                self._compose(first, last, room.narrowed(last - first))

    def _compose(self, first: int, last: int, room: _Room) -> None:
        positions, rotations = self.positions[:, :, first:last], self.rotations[:, :, first:last]
        for body, parent in enumerate(self._parents):
            place = positions[body]
            if parent < 0:
                place[:] = self._offset(body, first, room)
            else:
                place += positions[parent]
            if not self._turns[body]:
                rotations[body] = rotations[parent]
                continue
            self._turn(body, first, room)
            if parent < 0:
                rotations[body] = room.signed[:4]
            else:
                lanes.multiply(rotations[parent], room.signed, rotations[body], room.factors)
            self._carry(body, rotations[body], positions, first, room)
        if not np.isfinite(positions.sum()):
            raise self._container.error("is damaged: it holds positions that are no numbers")

    def _turn(self, body: int, first: int, room: _Room) -> None:
        """Write a rotation against what carries it, and the same with the other sign."""
        lane, own = self._lanes[body], room.signed[:4]
        self._fill(lane.rotation, self._rest_rotations[body], own, first)
        if not lanes.make_unit(own, lane.tolerance):
            raise lane.joint.node.not_unit()
        if lane.joint.stand is not None:
            own[:] = quaternion.multiply(lane.joint.stand[1], own.T).T
        np.negative(own, out=room.signed[4:])

    def _carry(
        self, carrier: int, rotation: FloatArray, positions: FloatArray, first: int, room: _Room
    ) -> None:
        """Write how far all that it carries is from what it hangs on, in the world."""
        carried = self._carried[carrier]
        if carried:
            lanes.pair_up(rotation, room.pairs)
        for body in carried:
            lane = self._lanes[body]
            if lane.translation is None and lane.joint.stand is None:
                np.matmul(self._arms[body], room.pairs, out=positions[body])
            else:
                offset = self._offset(body, first, room)
                lanes.rotate(room.pairs, offset, positions[body], room.matrices)

    def _offset(self, body: int, first: int, room: _Room) -> FloatArray:
        """A position against what carries it: (3, n)."""
        lane, offset = self._lanes[body], room.offset
        self._fill(lane.translation, self._rest_positions[body], offset, first)
        if lane.joint.stand is not None:
            origin, turn = lane.joint.stand
            offset[:] = (origin + quaternion.rotate(turn, offset.T)).T
        return offset

    def _fill(self, curve: Curve | None, rest: FloatArray, out: FloatArray, first: int) -> None:
        """Write what a curve holds, and the pose at rest behind its end."""
        moving = min(out.shape[1], len(self._times) - first) if curve else 0
        if curve:
            curve.fill(out[:, :moving], self._times, first)
        if moving < out.shape[1]:
            out[:, moving:] = rest[:, None]


class _Room:
    """Arrays to work in, the same for all joints: new ones would cost more than the work."""

    def __init__(self, frames: int) -> None:
        self.signed = np.empty((8, frames))
        self.factors = np.empty((4, 4, frames))
        self.pairs = np.empty((10, frames))
        self.matrices = np.empty((9, frames))
        self.offset = np.empty((3, frames))

    def narrowed(self, frames: int) -> _Room:
        """The same for fewer frames."""
        room = copy.copy(self)
        for name, array in vars(self).items():
            setattr(room, name, array[..., :frames])
        return room
