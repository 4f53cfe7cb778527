# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of a GLB are bodies, and how each is carried."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import quaternion
from .glb_container import shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from .glb_container import Container
    from .glb_nodes import Node
    from .motion import FloatArray

# Where something is and how it is turned: (3,) m and (4,) w x y z.
Pose = tuple["FloatArray", "FloatArray"]

# glTF is Y up, a Motion Z up: a quarter turn about X takes the one to the other.
Z_UP: Pose = (np.zeros(3), np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0]))
MARKER_PREFIX = "mocap_"
GEOMETRY_NAME = re.compile(r"_geom_\d+$")
MOST_BODIES = 5_000


class Joint(NamedTuple):
    """A node whose pose is wanted in every frame: a body, or what moves and carries one.

    Attributes:
        node: the node.
        is_body: whether it is a body.
        above: the place of the joint that carries it in the list of all, -1 for a root.
        stand: the pose of the nodes between, which do not move: (3,) m and (4,) against what
            carries it; `None` where there are none.
    """

    node: Node
    is_body: bool
    above: int
    stand: Pose | None


def joints(container: Container, nodes: list[Node], moving: Collection[int]) -> list[Joint]:
    """The bodies and what carries them, parents first.

    A node is a body when it moves or stands below one that moves; `mocap_…` nodes and the
    nodes that only carry geometry (`<body>_geom_N`) are none.

    Raises:
        OutputError: the nodes form a ring, or there is no body, or too many, or two of a name.
    """
    order = _parents_first(container, nodes)
    bodies = _bodies(nodes, order, moving)
    if not bodies:
        raise container.error("holds no animated body")
    if len(bodies) > MOST_BODIES:
        raise container.error(
            f"has {len(bodies)} bodies, more than the {MOST_BODIES} that are read"
        )
    names = [nodes[body].name for body in bodies]
    if len(set(names)) < len(names):
        name, count = Counter(names).most_common(1)[0]
        raise container.error(f"is damaged: {count} of its bodies have the name {shown(name)}")
    return _joints(nodes, order, bodies, moving)


def _joints(
    nodes: list[Node], order: list[int], bodies: set[int], moving: Collection[int]
) -> list[Joint]:
    wanted = bodies | _above(nodes, bodies)
    found: list[Joint] = []
    # By node: the joint that carries what hangs on it, and the pose of what is between.
    carriers: dict[int, int] = {-1: -1}
    stands: dict[int, Pose | None] = {-1: Z_UP}
    for index in order:
        if index not in wanted:
            continue
        node = nodes[index]
        above, stand = carriers[node.parent], stands[node.parent]
        if index in bodies or index in moving:
            carriers[index], stands[index] = len(found), None
            found.append(Joint(node=node, is_body=index in bodies, above=above, stand=stand))
        else:
            carriers[index], stands[index] = above, _on(stand, node)
    return found


def _on(stand: Pose | None, node: Node) -> Pose:
    """The pose of a node that stands on something."""
    if stand is None:
        return node.translation, node.rotation
    origin, turn = stand
    return (
        origin + quaternion.rotate(turn, node.translation),
        quaternion.multiply(turn, node.rotation),
    )


def _parents_first(container: Container, nodes: list[Node]) -> list[int]:
    order: list[int] = []
    stack = [node.index for node in reversed(nodes) if node.parent < 0]
    while stack:
        order.append(stack.pop())
        stack.extend(reversed(nodes[order[-1]].children))
    if len(order) != len(nodes):
        raise container.error("is damaged: its nodes form a ring")
    return order


def _bodies(nodes: list[Node], order: list[int], moving: Collection[int]) -> set[int]:
    bodies: set[int] = set()
    below_a_body: set[int] = set()
    for index in order:
        node = nodes[index]
        if _is_body(node, index in moving, index in below_a_body):
            bodies.add(index)
        if index in bodies or index in below_a_body:
            below_a_body.update(node.children)
    return bodies


def _is_body(node: Node, moves: bool, below_a_body: bool) -> bool:
    if node.name.startswith(MARKER_PREFIX):
        return False
    return moves or (below_a_body and not GEOMETRY_NAME.search(node.name))


def _above(nodes: list[Node], bodies: set[int]) -> set[int]:
    """All nodes that have a body below them, but for bodies."""
    found: set[int] = set()
    for body in bodies:
        above = nodes[body].parent
        while above >= 0 and above not in bodies and above not in found:
            found.add(above)
            above = nodes[above].parent
    return found
