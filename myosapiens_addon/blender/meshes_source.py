# SPDX-License-Identifier: GPL-3.0-or-later
"""What a `motion.glb` has to show: the meshes on its bodies. Plain numpy, for a worker too.

Left out is what no body carries (the floor, and all else that stands still above the bodies)
and the markers of the capture, `mocap_…`, which are handed on as places.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from ..motion import quaternion
from ..motion.glb_container import JSON_CHUNK, MAGIC, MOST_JSON_BYTES, Container
from ..motion.glb_nodes import read_nodes
from ..motion.glb_tree import MARKER_PREFIX, Z_UP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from ..motion.glb_container import Json
    from ..motion.glb_nodes import Node
    from ..motion.motion import FloatArray

DRACO = "KHR_draco_mesh_compression"
NO_TURN = np.array([1.0, 0.0, 0.0, 0.0])
NO_MESHES = "{source} holds no meshes."
# Far more than any character has; what holds more would keep Blender busy for minutes.
MOST_MESHES = 5_000
MOST_MARKERS = 1_000
MOST_POINTS = 50_000_000
DEEPEST = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Hung:
    """One node with a mesh.

    Attributes:
        body: name of the body that carries it.
        mesh: index of the mesh.
        position: (3,) of the node in its body's axes, in m; zero where it is the body's own.
        rotation: (4,) likewise, w x y z.
        points: how many vertices and corners the mesh has.
    """

    body: str
    mesh: int
    position: FloatArray
    rotation: FloatArray
    points: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Marker:
    """A `mocap_…` node: its name, and where it stands in the world at rest (Z up, m, w x y z)."""

    name: str
    position: FloatArray
    rotation: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A file, the nodes of it that are to be shown (in the order of the bodies), its markers."""

    container: Container
    hung: tuple[Hung, ...]
    markers: tuple[Marker, ...]


def read(path: Path, bodies: Collection[str]) -> Source:
    """The meshes of a file that hang on the given bodies, and its markers.

    Raises:
        OutputError: the file is damaged, keeps data outside itself, or has no mesh on a body.
    """
    container = Container(path)
    _check_buffers(container)
    nodes = read_nodes(container)
    hung = _hung(container, nodes, tuple(bodies))
    if not hung:
        raise OutputError(NO_MESHES.format(source=path.name))
    if len(hung) > MOST_MESHES or sum(entry.points for entry in hung) > MOST_POINTS:
        raise container.error("has more meshes than any character needs")
    return Source(container=container, hung=hung, markers=tuple(_markers(nodes)))


def glance(path: Path) -> Json:
    """The description in a GLB file, without the rest of it; an empty one where there is none.

    Raises:
        OutputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(20)
            if len(head) < 20 or head[:4] != MAGIC:
                return {}
            size, kind = struct.unpack_from("<II", head, 12)
            text = file.read(min(size, MOST_JSON_BYTES)) if kind == JSON_CHUNK else b""
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _check_buffers(container: Container) -> None:
    buffers = container.items("buffers")
    apart = len(buffers) > 1 or any("uri" in buffer for buffer in buffers)
    if apart or any(view.get("buffer", 0) != 0 for view in container.items("bufferViews")):
        raise container.error("keeps a part of its data outside the file, which is not read")


def _hung(container: Container, nodes: list[Node], bodies: tuple[str, ...]) -> tuple[Hung, ...]:
    """The nodes with meshes, body by body, each body's own node first."""
    place = {body: number for number, body in enumerate(bodies)}
    found: list[tuple[int, bool, Hung]] = []
    for node in nodes:
        chain = _chain(nodes, node, place) if "mesh" in node.entry else []
        body = chain[-1].name if chain else ""
        if body not in place:
            continue
        position, rotation = _composed(chain[:-1])
        mesh = container.count(node.entry, "mesh")
        hung = Hung(
            body=body,
            mesh=mesh,
            position=position,
            rotation=rotation,
            points=_points(container, mesh),
        )
        found.append((place[body], len(chain) > 1, hung))
    return tuple(entry[-1] for entry in sorted(found, key=lambda entry: entry[:2]))


def _chain(nodes: list[Node], node: Node, bodies: Collection[str]) -> list[Node]:
    """A node and all above it up to the body that carries it, or to the top; none for a marker."""
    chain = [node]
    while chain[-1].name not in bodies:
        if chain[-1].name.startswith(MARKER_PREFIX):
            return []
        if chain[-1].parent < 0:
            break
        chain.append(nodes[chain[-1].parent])
        if len(chain) > DEEPEST:
            raise node.container.error("is damaged: its nodes are nested too deep")
    return chain


def _composed(chain: list[Node]) -> tuple[FloatArray, FloatArray]:
    """The place of the first node of a chain in the axes above its last."""
    position, rotation = np.zeros(3), NO_TURN
    for node in chain:
        position = node.translation + quaternion.rotate(node.rotation, position)
        rotation = quaternion.multiply(node.rotation, rotation)
    return position, rotation


def _markers(nodes: list[Node]) -> Iterator[Marker]:
    """The markers, as far as they have a place: some exporters scale them."""
    found = [node for node in nodes if node.name.startswith(MARKER_PREFIX)]
    for node in found[:MOST_MARKERS]:
        try:
            chain = _chain(nodes, nodes[node.parent], ()) if node.parent >= 0 else []
            position, rotation = _composed([node, *chain])
        except OutputError:
            continue
        yield Marker(
            name=node.name,
            position=quaternion.rotate(Z_UP[1], position),
            rotation=quaternion.multiply(Z_UP[1], rotation),
        )


def _points(container: Container, mesh: int) -> int:
    """How many vertices and corners a mesh has, as far as its description tells."""
    total = 0
    for primitive in container.list_of(container.at("meshes", mesh), "primitives"):
        attributes = container.object_of(primitive, "attributes")
        for accessor in (attributes.get("POSITION"), primitive.get("indices")):
            if accessor is not None:
                total += container.count(container.at("accessors", accessor), "count")
    return total
