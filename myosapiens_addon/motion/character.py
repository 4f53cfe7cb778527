# SPDX-License-Identifier: GPL-3.0-or-later
"""A character as a kinematic tree: its bodies, and the joints that move them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .motion import FloatArray, IntArray


class JointKind(StrEnum):
    """What a joint lets its body do against the parent, named as MJCF names them."""

    FREE = "free"
    BALL = "ball"
    SLIDE = "slide"
    HINGE = "hinge"


# Coordinates of a joint in the generalized position, and their suffixes in `qpos.parquet`.
SUFFIXES: dict[JointKind, tuple[str, ...]] = {
    JointKind.FREE: ("_tx", "_ty", "_tz", "_qw", "_qx", "_qy", "_qz"),
    JointKind.BALL: ("_qw", "_qx", "_qy", "_qz"),
    JointKind.SLIDE: ("",),
    JointKind.HINGE: ("",),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """One joint between a body and its parent.

    Attributes:
        name: its name, unique within the character.
        kind: what it lets the body do.
        body: index of the body that it moves.
        position: (3,) its anchor in the body's own axes, in m.
        axis: (3,) unit vector in the body's own axes; no meaning for free and ball joints.
        reference: the coordinate at rest: rad for a hinge, m for a slide, else 0.
        limits: least and largest coordinate (rad or m; for a ball 0 and the largest angle in
            rad); None where it has no limits.
    """

    name: str
    kind: JointKind
    body: int
    position: FloatArray
    axis: FloatArray
    reference: float = 0.0
    limits: tuple[float, float] | None = None

    @property
    def width(self) -> int:
        """How many coordinates it has: 7, 4, 1 or 1."""
        return len(SUFFIXES[self.kind])

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Their names, as `qpos.parquet` has them."""
        return tuple(f"{self.name}{suffix}" for suffix in SUFFIXES[self.kind])


@dataclass(frozen=True, kw_only=True, eq=False)
class Character:
    """Bodies in a tree, at rest, and their joints.

    Axes as in MuJoCo: Z up, metres, quaternions w x y z. B bodies; the world is none of them.
    A parent stands before its children.

    Attributes:
        title: the model's name, for people.
        names: the B body names, each once.
        parents: (B,) int32, index of each body's parent, -1 for one that stands in the world.
        positions: (B, 3) float64, each body's origin in its parent's axes with every coordinate
            at its reference, in m.
        rotations: (B, 4) float64, likewise its rotation.
        joints: in model order, which is the order of their coordinates. Several joints of one
            body act one after the other, in this order.
    """

    title: str
    names: tuple[str, ...]
    parents: IntArray
    positions: FloatArray
    rotations: FloatArray
    joints: tuple[Joint, ...]

    @cached_property
    def coordinate_names(self) -> tuple[str, ...]:
        """The names of all N generalized coordinates, in model order."""
        return tuple(name for joint in self.joints for name in joint.coordinate_names)

    @cached_property
    def starts(self) -> dict[str, int]:
        """Joint name to the index of its first coordinate."""
        found: dict[str, int] = {}
        at = 0
        for joint in self.joints:
            found[joint.name] = at
            at += joint.width
        return found
