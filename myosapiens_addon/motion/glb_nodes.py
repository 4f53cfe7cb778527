# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a GLB, each with its place in the tree and its pose against its parent at rest.

Source: Khronos glTF 2.0 specification, chapter 3.5 (nodes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import quaternion
from .glb_container import shown

if TYPE_CHECKING:
    from .glb_container import Container, Json
    from .motion import FloatArray

# A character has a hundred bodies, and a few nodes more for the geometry of each.
MOST_NODES = 10_000
UNIT_TOLERANCE = 1e-3
RIGID_TOLERANCE = 1e-4
SCALE_TOLERANCE = 1e-6
# What a node has where the file tells nothing; rotations there are x y z w.
UNMOVED, UNTURNED, ONES = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0)
NUMERIC = {int, float}

Numbers = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of the file; its pose is looked at when it is asked for.

    Attributes:
        container: the file.
        entry: the node as the file has it.
        index: its place in the file's list.
        name: its name, `node_<index>` where it has none.
        parent: the index of its parent, -1 for none.
        children: the indices of its children.
    """

    container: Container
    entry: Json
    index: int
    name: str
    parent: int
    children: tuple[int, ...]

    @property
    def translation(self) -> FloatArray:
        """Where it is in its parent's axes: (3,) m; raises as `pose` does."""
        return np.array(self.pose[0])

    @property
    def rotation(self) -> FloatArray:
        """How it is turned against its parent: (4,) w x y z; raises as `pose` does."""
        return np.array(self.pose[1])

    @cached_property
    def pose(self) -> tuple[Numbers, Numbers]:
        """Its translation and its rotation.

        Raises:
            OutputError: one of them is none, or the node is scaled.
        """
        if "matrix" in self.entry:
            return self._of_matrix()
        if "scale" in self.entry:
            scale = self._numbers("scale", ONES)
            if max(abs(value - 1.0) for value in scale) > SCALE_TOLERANCE:
                raise self.not_rigid()
        x, y, z, w = self._numbers("rotation", UNTURNED)
        length = math.hypot(x, y, z, w)
        if abs(length - 1.0) > UNIT_TOLERANCE:
            raise self.not_unit()
        rotation = (w / length, x / length, y / length, z / length)
        return self._numbers("translation", UNMOVED), rotation

    def _of_matrix(self) -> tuple[Numbers, Numbers]:
        """The pose of a node that is placed by a matrix, which has to be a rigid one."""
        numbers = self._numbers("matrix", (0.0,) * 16)
        if any(abs(value) > 1.0 + RIGID_TOLERANCE for value in (*numbers[:12], numbers[15])):
            raise self.not_rigid()
        matrix = np.array(numbers).reshape(4, 4).T
        turn = matrix[:3, :3]
        skewed = np.abs(turn.T @ turn - np.eye(3)).max() > RIGID_TOLERANCE
        projected = np.abs(matrix[3] - (0.0, 0.0, 0.0, 1.0)).max() > RIGID_TOLERANCE
        if skewed or projected or np.linalg.det(turn) < 0.0:
            raise self.not_rigid()
        return tuple(matrix[:3, 3].tolist()), tuple(quaternion.from_matrix(turn).tolist())

    def not_rigid(self) -> Exception:
        """The error of a node that is scaled, sheared or mirrored."""
        name = shown(self.name)
        return self.container.error(f"scales the node {name}, which a rigid body cannot take")

    def not_unit(self) -> Exception:
        """The error of a node with a rotation that is none."""
        name = shown(self.name)
        what = f"is damaged: a rotation of the node {name} is not of unit length"
        return self.container.error(what)

    def _numbers(self, key: str, default: Numbers) -> Numbers:
        if key not in self.entry:
            return default
        values: object = self.entry[key]
        numbers = cast("list[Any]", values) if isinstance(values, list) else []
        if not _are_numbers(numbers, len(default)):
            raise self.container.error(f"is damaged: a node's {key} is {shown(self.entry[key])}")
        return tuple(numbers)


def _are_numbers(values: list[Any], count: int) -> bool:
    """Whether they are so many finite numbers."""
    if len(values) != count or not NUMERIC.issuperset(map(type, values)):
        return False
    try:
        return all(map(math.isfinite, values))
    except OverflowError:  # a whole number beyond all floats
        return False


def read_nodes(container: Container) -> list[Node]:
    """Every node of a file, by index.

    Raises:
        OutputError: there are too many, or a node has two parents or a name that is no text.
    """
    entries = container.items("nodes")
    if len(entries) > MOST_NODES:
        what = f"has {len(entries)} nodes, more than the {MOST_NODES} that are read"
        raise container.error(what)
    children = [_children(container, entry) for entry in entries]
    parents = [-1] * len(entries)
    for index, below in enumerate(children):
        for child in below:
            if parents[child] >= 0:
                raise container.error(f"is damaged: node {child} has two parents")
            parents[child] = index
    return [
        Node(
            container=container,
            entry=entry,
            index=index,
            name=_name(container, entry, index),
            parent=parents[index],
            children=children[index],
        )
        for index, entry in enumerate(entries)
    ]


def _children(container: Container, entry: Json) -> tuple[int, ...]:
    children: object = entry.get("children", [])
    if not isinstance(children, list):
        raise container.error(f"is damaged: the children of a node are {shown(children)}")
    indices = cast("list[Any]", children)
    for index in indices:
        container.at("nodes", index)
    return tuple(indices)


def _name(container: Container, entry: Json, index: int) -> str:
    name: object = entry.get("name", "")
    if not isinstance(name, str) or not _is_text(name):
        raise container.error(f"is damaged: the name of node {index} is {shown(name)}")
    return name or f"node_{index}"


def _is_text(name: str) -> bool:
    """Whether it can be written: JSON can hold halves of characters, which nothing else can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
