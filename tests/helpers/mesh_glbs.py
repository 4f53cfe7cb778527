# SPDX-License-Identifier: GPL-3.0-or-later
"""GLB files with a figure that moves and has meshes, in plain numpy: for Blender's Python too."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion

Json = dict[str, Any]
Array = np.ndarray
TYPES = {"f": 5126, "u1": 5121, "u2": 5123, "u4": 5125}
# From Z up to Y up, x y z w.
Y_UP = [-float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5))]
# A turn about an axis that is none of the three.
ASKEW = np.array([0.5, 0.5, -0.1, np.sqrt(1 - 0.51)])
# A white picture of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63f80f0001010100"
    "b138f6140000000049454e44ae426082"
)


@dataclass
class Glb:
    """A file in the making.

    Attributes:
        document: its description.
        blob: its binary part.
        vertices: node name → where its vertices are in its body's axes, (N, 3) m.
        bodies: node name → its body.
    """

    document: Json = field(
        default_factory=lambda: {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [], "nodes": [], "meshes": [],
            "accessors": [], "bufferViews": [], "buffers": [], "animations": [], "materials": [],
        }
    )  # fmt: skip
    blob: bytearray = field(default_factory=bytearray)
    vertices: dict[str, Array] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)

    def view(self, data: bytes) -> int:
        self.blob += bytes(-len(self.blob) % 4)
        entry = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        self.document["bufferViews"].append(entry)
        self.blob += data
        return len(self.document["bufferViews"]) - 1

    def accessor(self, values: Array) -> int:
        kind = values.dtype.kind
        component = TYPES["f" if kind == "f" else f"u{values.dtype.itemsize}"]
        shape = "SCALAR" if values.ndim == 1 else f"VEC{values.shape[1]}"
        view = self.view(np.ascontiguousarray(values).tobytes())
        self.document["accessors"].append(
            {"bufferView": view, "componentType": component, "count": len(values), "type": shape}
        )
        return len(self.document["accessors"]) - 1

    def node(self, name: str, parent: int | None = None, **entry: object) -> int:
        self.document["nodes"].append({"name": name, **entry})
        index = len(self.document["nodes"]) - 1
        if parent is not None:
            self.document["nodes"][parent].setdefault("children", []).append(index)
        return index

    def mesh(self, vertices: Array, *, material: int | None = None, **attributes: Array) -> int:
        """A mesh of triangles, each vertex with the next two."""
        faces = np.arange(len(vertices) - 2, dtype=np.uint16)[:, None] + np.arange(3, dtype="u2")
        primitive: Json = {
            "attributes": {
                name: self.accessor(values)
                for name, values in {"POSITION": vertices, **attributes}.items()
            },
            "indices": self.accessor(faces.ravel()),
        }
        if material is not None:
            primitive["material"] = material
        self.document["meshes"].append({"primitives": [primitive]})
        return len(self.document["meshes"]) - 1

    def write(self, path: Path) -> Path:
        self.document["buffers"] = [{"byteLength": len(self.blob)}]
        text = json.dumps({key: value for key, value in self.document.items() if value}).encode()
        text += b" " * (-len(text) % 4)
        blob = bytes(self.blob) + bytes(-len(self.blob) % 4)
        head = b"glTF" + struct.pack("<III", 2, 28 + len(text) + len(blob), len(text))
        path.write_bytes(head + b"JSON" + text + struct.pack("<I", len(blob)) + b"BIN\0" + blob)
        return path


def figure(motion: Motion, *, meshes: bool = True) -> Glb:
    """The bodies of a motion in a tree, moving; every body with a mesh of its own.

    Every third body has a second one on a node `<body>_geom_1` that is turned and shifted;
    `world` has a floor, and two markers of the capture stand on it.
    """
    glb = Glb()
    glb.document["materials"] = [
        {"name": "bone", "pbrMetallicRoughness": {"baseColorFactor": [0.9, 0.8, 0.7, 1.0]}}
    ]
    scene = glb.node("Scene", rotation=Y_UP)
    world = glb.node("world", scene)
    glb.document["scenes"] = [{"nodes": [scene]}]
    nodes = _bodies(glb, motion, world)
    _animate(glb, motion, nodes)
    if meshes:
        for number, (name, node) in enumerate(zip(motion.names, nodes, strict=True)):
            _dress(glb, name, node, number)
        flat = np.array([[-5, -5, 0], [5, -5, 0], [5, 5, 0], [-5, 5, 0]], np.float32)
        glb.document["nodes"][world]["mesh"] = glb.mesh(flat)
        glb.node("mocap_LFHD", world, translation=[0.25, 0.5, 1.5])
        glb.node("mocap_RFHD", world, translation=[-0.25, 0.5, 1.5], mesh=glb.mesh(flat))
    return glb


def _bodies(glb: Glb, motion: Motion, world: int) -> list[int]:
    nodes: list[int] = []
    places = _local(motion, motion.rest_positions[None], motion.rest_rotations[None])
    for body, (name, parent) in enumerate(zip(motion.names, motion.parents, strict=True)):
        position, rotation = places[0][0, body], places[1][0, body]
        above = world if parent < 0 else nodes[parent]
        turn = rotation[[1, 2, 3, 0]].tolist()
        nodes.append(glb.node(name, above, translation=position.tolist(), rotation=turn))
    return nodes


def _local(motion: Motion, positions: Array, rotations: Array) -> tuple[Array, Array]:
    """Poses (F, B, …) against each body's parent."""
    local_p, local_r = positions.copy(), rotations.copy()
    for body, parent in enumerate(motion.parents):
        if parent >= 0:
            back = quaternion.conjugate(rotations[:, parent])
            local_p[:, body] = quaternion.rotate(back, positions[:, body] - positions[:, parent])
            local_r[:, body] = quaternion.multiply(back, rotations[:, body])
    return local_p, local_r


def _animate(glb: Glb, motion: Motion, nodes: list[int]) -> None:
    positions, rotations = _local(motion, motion.positions, motion.rotations)
    times = glb.accessor(motion.times.astype(np.float32))
    animation: Json = {"samplers": [], "channels": []}
    for body, node in enumerate(nodes):
        turns = quaternion.continuous(rotations[:, body])[:, [1, 2, 3, 0]]
        for path, values in (("translation", positions[:, body]), ("rotation", turns)):
            output = glb.accessor(values.astype(np.float32))
            animation["samplers"].append({"input": times, "output": output})
            target = {"node": node, "path": path}
            sampler = len(animation["samplers"]) - 1
            animation["channels"].append({"sampler": sampler, "target": target})
    glb.document["animations"] = [animation]


def _dress(glb: Glb, name: str, node: int, number: int) -> None:
    rng = np.random.default_rng(number)
    shape = rng.normal(scale=0.05, size=(4 + number, 3)).astype(np.float32)
    glb.document["nodes"][node]["mesh"] = glb.mesh(shape, material=0)
    glb.vertices[name], glb.bodies[name] = shape.astype(np.float64), name
    if number % 3 == 0:
        extra, place = f"{name}_geom_1", np.array([0.02, -0.03, 0.05])
        other = rng.normal(scale=0.05, size=(5, 3)).astype(np.float32)
        turn = [float(value) for value in ASKEW[[1, 2, 3, 0]]]
        glb.node(extra, node, translation=place.tolist(), rotation=turn, mesh=glb.mesh(other))
        glb.vertices[extra] = place + quaternion.rotate(ASKEW, other.astype(np.float64))
        glb.bodies[extra] = name


def damaged(path: Path, change: Callable[[Glb], None], motion: Motion) -> Path:
    """A figure's file in which something has been changed."""
    glb = figure(motion)
    change(glb)
    return glb.write(path)
