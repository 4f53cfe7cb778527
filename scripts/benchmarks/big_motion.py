# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a `motion.glb` of any length: a tree of bodies that all turn, and a root that travels.

Source: Khronos glTF 2.0 specification, chapters 3.5, 3.11 and 4 (the GLB container).
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 100.0
LIMBS = 5
# Towards which side each limb grows from the trunk, in metres a body; glTF is Y up.
STEPS_M = ((0.03, 0.05, 0.0), (-0.03, 0.05, 0.0), (0.02, -0.08, 0.0), (-0.02, -0.08, 0.0))
TRUNK_STEP_M = (0.0, 0.05, 0.0)
SWING_RAD = 0.4
FLOAT, FLOATS = 5126, {1: "SCALAR", 3: "VEC3", 4: "VEC4"}

Array = NDArray[np.float32]


class _File:
    """The parts of the file as they grow; every view starts at a multiple of four bytes."""

    def __init__(self) -> None:
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []
        self.binary = bytearray()

    def add(self, values: Array) -> int:
        """Append an array (n, k); returns its accessor's index."""
        data = values.tobytes()
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        self.views.append(view)
        self.binary += data
        accessor = {
            "bufferView": len(self.views) - 1,
            "componentType": FLOAT,
            "count": len(values),
            "type": FLOATS[values.shape[1]],
            "min": values.min(axis=0).tolist(),
            "max": values.max(axis=0).tolist(),
        }
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def save(self, path: Path, document: dict[str, Any]) -> None:
        """Write the container."""
        buffers = [{"byteLength": len(self.binary)}]
        whole = {**document, "bufferViews": self.views, "accessors": self.accessors}
        text = json.dumps({**whole, "buffers": buffers}).encode()
        text = text.ljust(-(-len(text) // 4) * 4)
        size = 12 + 8 + len(text) + 8 + len(self.binary)
        with path.open("wb") as stream:
            stream.write(struct.pack("<4sII", b"glTF", 2, size))
            stream.write(struct.pack("<I4s", len(text), b"JSON") + text)
            stream.write(struct.pack("<I4s", len(self.binary), b"BIN\0"))
            stream.write(self.binary)


def write(path: Path, *, frames: int, bodies: int) -> None:
    """Write the motion: rotation and translation of every body, as the service does."""
    file = _File()
    parents = [_parent(body, bodies) for body in range(bodies)]
    times = (np.arange(frames, dtype=np.float32) / np.float32(RATE_HZ))[:, None]
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    axis = file.add(times)
    for body in range(bodies):
        for kind, values in (
            ("rotation", _turning(body, times)),
            ("translation", _travelling(body, parents[body], times)),
        ):
            samplers.append({"input": axis, "output": file.add(values), "interpolation": "LINEAR"})
            target = {"node": body, "path": kind}
            channels.append({"sampler": len(samplers) - 1, "target": target})
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [_node(body, parents) for body in range(bodies)],
        "animations": [{"samplers": samplers, "channels": channels}],
    }
    file.save(path, document)


def _parent(body: int, bodies: int) -> int:
    """A trunk, and limbs from its end."""
    trunk = max(1, bodies // (LIMBS + 1))
    if body <= trunk:
        return body - 1
    limb = (bodies - trunk) // LIMBS + 1
    return trunk if (body - trunk - 1) % limb == 0 else body - 1


def _node(body: int, parents: list[int]) -> dict[str, Any]:
    node: dict[str, Any] = {"name": f"body_{body:03}"}
    node["translation"] = list(_step(body, parents[body]))
    children = [child for child, parent in enumerate(parents) if parent == body]
    return {**node, "children": children} if children else node


def _step(body: int, parent: int) -> tuple[float, float, float]:
    if parent < 0:
        return (0.0, 1.0, 0.0)
    return STEPS_M[body % len(STEPS_M)] if parent != body - 1 else TRUNK_STEP_M


def _turning(body: int, times: Array) -> Array:
    """A swing about an axis of the body's own, x y z w."""
    axis = np.array([1.0, 0.3 + 0.01 * body, 0.5], np.float32)
    axis /= np.linalg.norm(axis)
    half = 0.5 * SWING_RAD * np.sin((1.0 + 0.05 * body) * times + body)
    return np.hstack([np.sin(half) * axis, np.cos(half)]).astype(np.float32)


def _travelling(body: int, parent: int, times: Array) -> Array:
    moved = np.tile(np.array(_step(body, parent), np.float32), (len(times), 1))
    if parent < 0:
        moved[:, 0] += 0.5 * times[:, 0]
        moved[:, 1] += 0.03 * np.sin(6.0 * times[:, 0])
        moved[:, 2] += 0.2 * np.sin(times[:, 0])
    return moved
