# SPDX-License-Identifier: GPL-3.0-or-later
"""Small GLB files for tests, written by pygltflib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pygltflib

Node = dict[str, Any]


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
