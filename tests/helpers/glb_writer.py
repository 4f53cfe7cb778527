# SPDX-License-Identifier: GPL-3.0-or-later
"""Small GLB files for tests: good ones written by pygltflib, odd ones piece by piece."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib

Node = dict[str, Any]


def f4(values: object) -> np.ndarray:
    """Numbers as a GLB holds them."""
    return np.asarray(values, np.float32)


def write_glb(
    path: Path, nodes: list[Node], channels: list[tuple[int, str, np.ndarray, np.ndarray]]
) -> Path:
    """Write nodes (pygltflib keywords) and channels (node, path, times, values xyz[w])."""
    blob = b""
    gltf = pygltflib.GLTF2(
        scene=0,
        nodes=[pygltflib.Node(**node) for node in nodes],
        scenes=[pygltflib.Scene(nodes=_roots(nodes))],
        animations=[pygltflib.Animation()] if channels else [],
    )
    for node, target, times, values in channels:
        accessors: list[int] = []
        for array in (np.asarray(times, np.float32), np.asarray(values, np.float32)):
            gltf.bufferViews.append(
                pygltflib.BufferView(buffer=0, byteOffset=len(blob), byteLength=array.nbytes)
            )
            kind = "SCALAR" if array.ndim == 1 else f"VEC{array.shape[1]}"
            gltf.accessors.append(
                pygltflib.Accessor(
                    bufferView=len(gltf.bufferViews) - 1,
                    componentType=5126,
                    count=len(array),
                    type=kind,
                )
            )
            accessors.append(len(gltf.accessors) - 1)
            blob += array.tobytes()
        animation = gltf.animations[0]
        animation.samplers.append(
            pygltflib.AnimationSampler(input=accessors[0], output=accessors[1])
        )
        animation.channels.append(
            pygltflib.AnimationChannel(
                sampler=len(animation.samplers) - 1,
                target=pygltflib.AnimationChannelTarget(node=node, path=target),
            )
        )
    gltf.buffers = [pygltflib.Buffer(byteLength=len(blob))]
    gltf.set_binary_blob(blob)
    gltf.save_binary(str(path))
    return path


def _roots(nodes: list[Node]) -> list[int]:
    below = {child for node in nodes for child in node.get("children", [])}
    return [index for index in range(len(nodes)) if index not in below]


class Odd:
    """A file put together by hand, so that anything can be in it."""

    def __init__(self, nodes: list[Node]) -> None:
        self.binary = b""
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "nodes": nodes,
            "buffers": [{"byteLength": 0}],
            "bufferViews": [],
            "accessors": [],
            "animations": [{"samplers": [], "channels": []}],
        }

    def add(self, values: np.ndarray, *, normalized: bool = False, gap: int = 0) -> int:
        """Append values (N,) or (N, k), each followed by unused bytes; returns the accessor."""
        rows = np.asarray(values).reshape(len(values), -1)
        component = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "f4": 5126}[rows.dtype.str[1:]]
        data = b"".join(row.tobytes() + b"?" * gap for row in rows)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        if gap:
            view["byteStride"] = rows.shape[1] * rows.itemsize + gap
        self.document["bufferViews"].append(view)
        accessor = {
            "bufferView": len(self.document["bufferViews"]) - 1,
            "componentType": component,
            "count": len(rows),
            "type": {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[rows.shape[1]],
        }
        if normalized:
            accessor["normalized"] = True
        self.document["accessors"].append(accessor)
        self.binary += data
        return len(self.document["accessors"]) - 1

    def move(self, node: int, path: str, times: int, values: int, how: str = "LINEAR") -> None:
        """A channel between two accessors."""
        animation = self.document["animations"][0]
        animation["samplers"].append({"input": times, "output": values, "interpolation": how})
        target = {"node": node, "path": path}
        animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})

    def save(self, path: Path) -> Path:
        """Write the file."""
        self.document["buffers"][0]["byteLength"] = len(self.binary)
        return rewritten(path, self.document, self.binary)


def two_bodies() -> Odd:
    """Two bodies with 20 keys each."""
    file = Odd(
        [
            {"name": "world", "children": [1, 3]},
            {"name": "a", "translation": [0, 1, 0], "children": [2]},
            {"name": "b", "translation": [0, 0.5, 0]},
            {"name": "floor"},
        ]
    )
    times = np.arange(20, dtype=np.float32) / 10
    for node in (1, 2):
        turns = f4([[np.sin(t), 0, 0, np.cos(t)] for t in times])
        file.move(node, "rotation", file.add(times), file.add(turns))
        file.move(node, "translation", file.add(times), file.add(f4([[0, 1, 0]] * 20)))
    return file


def rewritten(path: Path, document: object, binary: bytes) -> Path:
    """Write a container with this description and this binary chunk."""
    return with_text(path, json.dumps(document).encode(), binary)


def with_text(path: Path, text: bytes, binary: bytes) -> Path:
    """The same with a description that need not be JSON."""
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    body += struct.pack("<II", len(binary), 0x004E4942) + binary
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    return path


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """The description and the binary chunk of a good file."""
    data = path.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]
