# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks `<worldbody>`: the bodies in MuJoCo's order, each with its pose and its joints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from .. import quaternion
from . import orientation
from .compiler import Settings
from .defaults import MAIN, Defaults
from .node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..motion import FloatArray

# Bodies and frames; humans with all their bones and fingers have some two hundred.
MOST_PLACES = 2000
# Of these MuJoCo makes bodies and joints by rules of its own.
MAKES_BODIES = frozenset({"attach", "composite", "flexcomp", "replicate"})
HANGS_ON_BODIES = frozenset({"camera", "geom", "inertial", "light", "plugin", "site"})
WORLD = -1


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A place and a rotation against what is above, in m and as a unit quaternion."""

    position: FloatArray = field(default_factory=lambda: np.zeros(3))
    rotation: FloatArray = field(default_factory=lambda: np.array([1.0, 0.0, 0.0, 0.0]))

    def of(self, inner: Pose) -> Pose:
        """Where something stands that stands so within this one."""
        return Pose(
            position=self.position + quaternion.rotate(self.rotation, inner.position),
            rotation=quaternion.normalised(quaternion.multiply(self.rotation, inner.rotation)),
        )


@dataclass(frozen=True, kw_only=True)
class JointElement:
    """A joint as it is written, completed by its class, and the frames that hold it."""

    node: Node
    frame: Pose


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body: who its parent is (-1: the world), its pose against it, its joints in order."""

    node: Node
    parent: int
    pose: Pose
    joints: list[JointElement] = field(default_factory=list[JointElement])


@dataclass(frozen=True, kw_only=True)
class _Open:
    """An element whose children are being visited, and what holds for them."""

    body: int
    frame: Pose
    childclass: str
    rest: Iterator[Node]


@dataclass(kw_only=True)
class Walk:
    """One walk over all bodies.

    Attributes:
        settings: those of the definition.
        defaults: its classes.
        bodies: what was met so far; a parent stands before its children.
    """

    settings: Settings
    defaults: Defaults
    bodies: list[Body] = field(default_factory=list[Body])
    _frames: int = 0

    def visit(self, worldbody: Node) -> None:
        """Add all bodies of a `<worldbody>`; without recursion, for they may be nested deep.

        Raises:
            CharacterError: an element cannot be understood, or would make bodies by itself.
        """
        rest = iter(worldbody.children)
        stack = [_Open(body=WORLD, frame=Pose(), childclass=MAIN, rest=rest)]
        while stack:
            child = next(stack[-1].rest, None)
            if child is None:
                stack.pop()
            elif child.tag == "body":
                stack.append(self._body(child, stack[-1]))
            elif child.tag == "frame":
                stack.append(self._frame(child, stack[-1]))
            elif child.tag in {"joint", "freejoint"}:
                self._joint(child, stack[-1])
            else:
                _refuse_what_makes_bodies(child)

    def _body(self, node: Node, place: _Open) -> _Open:
        pose = place.frame.of(self._pose(node))
        self.bodies.append(Body(node=node, parent=place.body, pose=pose))
        childclass = self.defaults.check(node, "childclass", place.childclass)
        rest = iter(node.children)
        index = len(self.bodies) - 1
        return _Open(body=index, frame=Pose(), childclass=childclass, rest=rest)

    def _frame(self, node: Node, place: _Open) -> _Open:
        self._frames += 1
        return replace(
            place,
            frame=place.frame.of(self._pose(node)),
            childclass=self.defaults.check(node, "childclass", place.childclass),
            rest=iter(node.children),
        )

    def _pose(self, node: Node) -> Pose:
        if len(self.bodies) + self._frames > MOST_PLACES:
            raise node.error(f"there are more than {MOST_PLACES} bodies; that is no character.")
        position = node.numbers("pos", 3) or (0.0, 0.0, 0.0)
        return Pose(position=np.array(position), rotation=orientation.rotation(node, self.settings))

    def _joint(self, node: Node, place: _Open) -> None:
        if place.body == WORLD:
            raise node.error(f"{node.title} stands in the world, which does not move.")
        is_free = node.tag == "freejoint"
        full = node if is_free else self.defaults.joint(node, place.childclass)
        self.bodies[place.body].joints.append(JointElement(node=full, frame=place.frame))


def _refuse_what_makes_bodies(node: Node) -> None:
    copies_geometry = node.tag == "replicate" and all(
        inner.tag in HANGS_ON_BODIES or inner.tag in {"frame", "replicate"}
        for inner in node.below()
    )
    if node.tag in MAKES_BODIES and not copies_geometry:
        raise node.error(
            f"<{node.tag}> makes bodies by rules that are not supported; load the definition in "
            "MuJoCo and save it, which writes them out."
        )
    if node.tag not in HANGS_ON_BODIES | MAKES_BODIES:
        raise node.error(f"the element <{node.tag}> is not known; remove it.")
