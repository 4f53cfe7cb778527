# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `motion.glb`: one rigid node per body, no skin, animated node by node.

Source: Khronos glTF 2.0 specification, chapters 3.5 (nodes) and 3.11 (animations).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from . import kinematics, quaternion
from .glb_channels import Channel, read_channels
from .glb_container import Container, Json
from .motion import Motion

if TYPE_CHECKING:
    from pathlib import Path

    from .motion import FloatArray, IntArray

# glTF is Y up, a Motion Z up: a quarter turn about X takes the one to the other.
Z_UP = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
MARKER_PREFIX = "mocap_"
GEOMETRY_NAME = re.compile(r"_geom_\d+$")
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of the file: its place in the tree and its pose against its parent at rest."""

    index: int
    name: str
    parent: int
    children: tuple[int, ...]
    translation: FloatArray
    rotation: FloatArray


@dataclass(kw_only=True)
class _Tree:
    """What is gathered while walking down: the bodies, and the frames above them."""

    order: list[int] = field(default_factory=list[int])
    bodies: list[int] = field(default_factory=list[int])


def read(path: Path) -> Motion:
    """Decode a `motion.glb`.

    A node is a body when it moves or stands below one that moves; `mocap_…` nodes and the
    nodes that only carry geometry (`<body>_geom_N`) are left out, as is everything that
    stands still above the first moving node (`Scene`, `world`, the floor).

    Raises:
        OutputError: the file is no GLB, is damaged, or holds no animation.
    """
    container = Container(path)
    nodes = read_nodes(container)
    channels = read_channels(container)
    tree = _walk(container, nodes, channels)
    if not tree.bodies:
        raise container.error("holds no animated body")
    times = _time_axis(container, channels)
    return _compose(container, nodes, channels, tree, times)


def read_nodes(container: Container) -> list[Node]:
    """Every node of a file, by index.

    Raises:
        OutputError: a node has two parents, or a place that a rigid body cannot have.
    """
    entries = container.items("nodes")
    parents = [-1] * len(entries)
    for index, entry in enumerate(entries):
        for child in entry.get("children", []):
            container.at("nodes", child)
            if parents[child] >= 0:
                raise container.error(f"is damaged: node {child} has two parents")
            parents[child] = index
    return [
        _read_node(container, index, entry, parents[index]) for index, entry in enumerate(entries)
    ]


def _read_node(container: Container, index: int, entry: Json, parent: int) -> Node:
    name = str(entry.get("name", "")) or f"node_{index}"
    if "matrix" in entry:
        raise container.error(f"places the node {name} by a matrix, which is not supported")
    scale = _numbers(container, entry, "scale", (1.0, 1.0, 1.0))
    if not np.allclose(scale, 1.0, atol=1e-6):
        raise container.error(f"scales the node {name}, which a rigid body cannot take")
    x, y, z, w = _numbers(container, entry, "rotation", (0.0, 0.0, 0.0, 1.0))
    return Node(
        index=index,
        name=name,
        parent=parent,
        children=tuple(entry.get("children", [])),
        translation=_numbers(container, entry, "translation", (0.0, 0.0, 0.0)),
        rotation=unit(container, np.array([w, x, y, z]), name),
    )


def _numbers(container: Container, entry: Json, key: str, default: tuple[float, ...]) -> FloatArray:
    try:
        values = np.array(entry.get(key, default), dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (len(default),) or not np.all(np.isfinite(values)):
        raise container.error(f"is damaged: a node's {key} is {entry.get(key)!r}")
    return values


def unit(container: Container, rotation: FloatArray, name: str) -> FloatArray:
    """The rotations made exactly unit; refuses those that are far from it.

    Raises:
        OutputError: a quaternion has no usable length.
    """
    length = np.linalg.norm(rotation, axis=-1)
    if np.any(np.abs(length - 1.0) > UNIT_TOLERANCE):
        raise container.error(f"is damaged: a rotation of the node {name} is not of unit length")
    return rotation / length[..., None]


def _walk(container: Container, nodes: list[Node], channels: dict[int, Channel]) -> _Tree:
    """All nodes, parents first, and which of them are bodies."""
    tree = _Tree()
    below_a_body: set[int] = set()
    stack = [node.index for node in reversed(nodes) if node.parent < 0]
    while stack:
        node = nodes[stack.pop()]
        tree.order.append(node.index)
        stack.extend(reversed(node.children))
        if _is_body(node, channels, below_a_body):
            tree.bodies.append(node.index)
            below_a_body.update((node.index, *node.children))
        elif node.index in below_a_body:
            below_a_body.update(node.children)
    if len(tree.order) != len(nodes):
        raise container.error("is damaged: its nodes form a ring")
    return tree


def _is_body(node: Node, channels: dict[int, Channel], below_a_body: set[int]) -> bool:
    if node.name.startswith(MARKER_PREFIX):
        return False
    moves = node.index in channels
    carries_geometry = GEOMETRY_NAME.search(node.name) is not None and not moves
    return moves or (node.index in below_a_body and not carries_geometry)


def _time_axis(container: Container, channels: dict[int, Channel]) -> FloatArray:
    """Every moment at which any channel has a key: (F,) in s, from 0."""
    axes = {axis.tobytes(): axis for channel in channels.values() for axis in channel.axes()}
    if not axes:
        raise container.error("holds no animation")
    if len(axes) == 1:
        return next(iter(axes.values())).copy()
    return np.unique(np.concatenate(list(axes.values())))


def _compose(
    container: Container,
    nodes: list[Node],
    channels: dict[int, Channel],
    tree: _Tree,
    times: FloatArray,
) -> Motion:
    """World poses at rest and over time, by way of every node above the bodies."""
    place = {node: position for position, node in enumerate(tree.order)}
    parents = np.array([place.get(nodes[node].parent, -1) for node in tree.order], np.int32)
    rest_t = np.array([nodes[node].translation for node in tree.order])
    rest_r = np.array([nodes[node].rotation for node in tree.order])
    moving_t = np.repeat(rest_t[:, None], len(times), axis=1)
    moving_r = np.repeat(rest_r[:, None], len(times), axis=1)
    for node, channel in channels.items():
        if channel.translation is not None:
            moving_t[place[node]] = channel.translation.at(times)
        if channel.rotation is not None:
            sampled = channel.rotation.at(times)
            moving_r[place[node]] = unit(container, sampled, nodes[node].name)
    keep = np.array([place[node] for node in tree.bodies])
    rest = _to_z_up(*kinematics.world_from_local(parents, rest_t, rest_r))
    # Bodies first in memory, frames first in shape: composing walks body by body.
    frames_first = (moving_t.transpose(1, 0, 2), moving_r.transpose(1, 0, 2))
    moving = _to_z_up(*kinematics.world_from_local(parents, *frames_first))
    body_parents = _body_parents(nodes, tree.bodies)
    return Motion(
        names=tuple(nodes[node].name for node in tree.bodies),
        parents=body_parents,
        rest_positions=rest[0][keep],
        rest_rotations=rest[1][keep],
        times=times - times[0],
        positions=moving[0][:, keep],
        rotations=moving[1][:, keep],
    )


def _to_z_up(positions: FloatArray, rotations: FloatArray) -> tuple[FloatArray, FloatArray]:
    return quaternion.rotate(Z_UP, positions), quaternion.multiply(Z_UP, rotations)


def _body_parents(nodes: list[Node], bodies: list[int]) -> IntArray:
    """For each body the nearest body above it, as an index into `bodies`; -1 for none."""
    place = {node: position for position, node in enumerate(bodies)}
    parents: list[int] = []
    for body in bodies:
        above = nodes[body].parent
        while above >= 0 and above not in place:
            above = nodes[above].parent
        parents.append(place.get(above, -1))
    return np.array(parents, np.int32)
