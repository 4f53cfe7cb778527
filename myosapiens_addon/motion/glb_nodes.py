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
MOST_NODES = 20_000
UNIT_TOLERANCE = 1e-3
RIGID_TOLERANCE = 1e-4
SCALE_TOLERANCE = 1e-6


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
        """Where it is in its parent's axes: (3,) m.

        Raises:
            OutputError: that is no translation, or the node is scaled.
        """
        return self._pose[0]

    @property
    def rotation(self) -> FloatArray:
        """How it is turned against its parent: (4,) w x y z.

        Raises:
            OutputError: that is no rotation, or the node is scaled.
        """
        return self._pose[1]

    @cached_property
    def _pose(self) -> tuple[FloatArray, FloatArray]:
        if "matrix" in self.entry:
            return self._of_matrix()
        scale = self._numbers("scale", (1.0, 1.0, 1.0))
        if any(abs(value - 1.0) > SCALE_TOLERANCE for value in scale):
            raise self.not_rigid()
        x, y, z, w = self._numbers("rotation", (0.0, 0.0, 0.0, 1.0))
        length = math.hypot(x, y, z, w)
        if abs(length - 1.0) > UNIT_TOLERANCE:
            raise self.not_unit()
        return (
            np.array(self._numbers("translation", (0.0, 0.0, 0.0))),
            np.array([w, x, y, z]) / length,
        )

    def _of_matrix(self) -> tuple[FloatArray, FloatArray]:
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
        return matrix[:3, 3].copy(), quaternion.from_matrix(turn)

    def not_rigid(self) -> Exception:
        """The error of a node that is scaled, sheared or mirrored."""
        name = shown(self.name)
        return self.container.error(f"scales the node {name}, which a rigid body cannot take")

    def not_unit(self) -> Exception:
        """The error of a node with a rotation that is none."""
        name = shown(self.name)
        what = f"is damaged: a rotation of the node {name} is not of unit length"
        return self.container.error(what)

    def _numbers(self, key: str, default: tuple[float, ...]) -> tuple[float, ...]:
        values: object = self.entry.get(key, default)
        numbers = _floats(values)
        if len(numbers) != len(default) or not all(map(math.isfinite, numbers)):
            raise self.container.error(f"is damaged: a node's {key} is {shown(values)}")
        return numbers


def _floats(values: object) -> tuple[float, ...]:
    """The numbers of a list; none where it holds something else."""
    if not isinstance(values, list | tuple):
        return ()
    entries = cast("list[Any]", values)
    if not all(type(value) in (int, float) for value in entries):
        return ()
    try:
        return tuple(map(float, entries))
    except OverflowError:
        return ()


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
    # JSON can hold halves of characters, which no other text can.
    if not isinstance(name, str) or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise container.error(f"is damaged: the name of node {index} is {shown(name)}")
    return name or f"node_{index}"
