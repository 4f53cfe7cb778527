# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Python with bpy: decoding against Blender's importer, bare numpy, and memory.

Prints one line of JSON. `memory` wants a process of its own, in which nothing has happened yet.
"""

from __future__ import annotations

import gc
import json
import os
import re
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy
import numpy as np

from myosapiens_addon.motion import glb, quaternion
from myosapiens_addon.motion.glb_container import Container

RUNS, SHORT_RUNS, DECODINGS = 7, 15, 3
# The nodes above the first body turn Z up to Y up, and a motion turns that back.
UNTURNED = np.array([1.0, 0.0, 0.0, 0.0])
UNMOVED = {"translation": (0.0, 0.0, 0.0), "rotation": (0.0, 0.0, 0.0, 1.0)}
# Keys are floats of 32 bits, and rest poses in the file are longer.
SAME_M = 1e-6


def short(path: Path) -> dict[str, Any]:
    """Seconds of one file, imported and decoded in turn."""
    _imported(path), _timed(glb.read, path)
    rows = [(_imported(path), _decoded(path)) for _ in range(SHORT_RUNS)]
    imported, decoded = (statistics.median(column) for column in zip(*rows, strict=True))
    return {
        "blender": bpy.app.version_string,
        "imported": imported,
        "decoded": decoded,
        "to import": statistics.median(one / other for one, other in rows),
    }


def _imported(path: Path) -> float:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    started = time.perf_counter()
    bpy.ops.import_scene.gltf(filepath=str(path))
    return time.perf_counter() - started


def _decoded(path: Path) -> float:
    return statistics.median(_timed(glb.read, path) for _ in range(DECODINGS))


def _timed(work: Callable[..., Any], *arguments: Any) -> float:  # noqa: ANN401
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


class Bare:
    """The same poses without any care: where what stands in the file is known beforehand."""

    def __init__(self, path: Path) -> None:
        container = Container(path)
        document = container.document
        self.path = path
        self.nodes = document["nodes"]
        self.start = path.stat().st_size - len(container.binary)
        animation = document["animations"][0]
        self.columns: dict[tuple[int, str], tuple[int, int]] = {}
        for channel in animation["channels"]:
            output = animation["samplers"][channel["sampler"]]["output"]
            accessor = document["accessors"][output]
            offset = document["bufferViews"][accessor["bufferView"]]["byteOffset"]
            target = channel["target"]
            self.columns[target["node"], target["path"]] = (self.start + offset, accessor["count"])
            self.frames = accessor["count"]
        self.parents = {
            child: i for i, n in enumerate(self.nodes) for child in n.get("children", [])
        }
        self.order = self._order()

    def _order(self) -> list[int]:
        """Everything below the first node that moves, parents first."""
        moving = {node for node, _ in self.columns}
        tops = [node for node in moving if self.parents[node] not in moving]
        tops = [node for node in tops if not self._is_below(node, moving - {node})]
        order: list[int] = []
        while tops:
            order.append(tops.pop())
            tops.extend(reversed(self.nodes[order[-1]].get("children", [])))
        return order

    def _is_below(self, node: int, others: set[int]) -> bool:
        while node in self.parents:
            node = self.parents[node]
            if node in others:
                return True
        return False

    def frames_first(self) -> tuple[np.ndarray, np.ndarray]:
        """Arrays (B, F, 4) and (B, F, 3): a frame's numbers side by side."""
        data = self.path.read_bytes()
        place = {node: row for row, node in enumerate(self.order)}
        rotations = np.empty((len(place), self.frames, 4))
        positions = np.empty((len(place), self.frames, 3))
        for row, node in enumerate(self.order):
            q, v = self._column(data, node, "rotation"), self._column(data, node, "translation")
            above = place.get(self.parents[node])
            turn = UNTURNED if above is None else rotations[above]
            rotations[row] = quaternion.multiply(turn, q)
            positions[row] = quaternion.rotate(turn, v)
            if above is not None:
                positions[row] += positions[above]
        return positions, rotations

    def components_first(self) -> tuple[np.ndarray, np.ndarray]:
        """Arrays (B, 4, F) and (B, 3, F): each component in one piece."""
        data = self.path.read_bytes()
        place = {node: row for row, node in enumerate(self.order)}
        rotations = np.empty((len(place), 4, self.frames))
        positions = np.empty((len(place), 3, self.frames))
        for row, node in enumerate(self.order):
            q = np.ascontiguousarray(self._column(data, node, "rotation").T)
            v = np.ascontiguousarray(self._column(data, node, "translation").T)
            above = place.get(self.parents[node])
            turn = UNTURNED if above is None else rotations[above].T
            rotations[row] = quaternion.multiply(turn, q.T).T
            positions[row] = quaternion.rotate(turn, v.T).T
            if above is not None:
                positions[row] += positions[above]
        return positions.swapaxes(1, 2), rotations.swapaxes(1, 2)

    def _column(self, data: bytes, node: int, path: str) -> np.ndarray:
        """The keys of a node as float64: (F, 4) w x y z, or (F, 3)."""
        width = 4 if path == "rotation" else 3
        if (node, path) in self.columns:
            offset, count = self.columns[node, path]
            flat = np.frombuffer(data, "<f4", count * width, offset)
            keys = flat.reshape(count, width).astype(np.float64)
        else:
            rest = np.array(self.nodes[node].get(path, UNMOVED[path]), np.float64)
            keys = np.broadcast_to(rest, (self.frames, width))
        return keys[:, [3, 0, 1, 2]] if width == 4 else keys


def long(path: Path, shorter: Path) -> dict[str, Any]:
    """Seconds of a long file, decoded and by bare numpy in turn."""
    bare = Bare(path)
    ways = {"frames first": bare.frames_first, "components first": bare.components_first}
    motion = glb.read(path)
    for work in ways.values():
        off = np.abs(work()[0].swapaxes(0, 1) - motion.positions).max()
        if not off < SAME_M:
            raise RuntimeError(f"the bare poses are {off} m from the decoded ones")
    del motion
    fewer = Bare(shorter).frames
    rows: list[dict[str, float]] = []
    for _ in range(RUNS):
        row = {name: _timed(work) for name, work in ways.items()}
        row["long"], row["shorter"] = _timed(glb.read, path), _timed(glb.read, shorter)
        row["growth"] = row["long"] / bare.frames / (row["shorter"] / fewer)
        row["to bare"] = row["long"] / min(row[name] for name in ways)
        rows.append(row)
    found = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return {**found, "bare": {name: found[name] for name in ways}}


def memory(path: Path) -> dict[str, float]:
    """Bytes of the arrays, by which the process grows at most, and that Python holds at most."""
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    motion = glb.read(path)
    process = _memory("VmHWM") - before
    arrays = motion.positions.nbytes + motion.rotations.nbytes + motion.times.nbytes
    del motion
    tracemalloc.start()
    glb.read(path)
    return {"arrays": arrays, "process": process, "python": tracemalloc.get_traced_memory()[1]}


def _memory(what: str) -> float:
    """Bytes of memory that the process holds, or held at most, where the system tells."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024.0 * int(found[1]) if found else np.nan


if __name__ == "__main__":
    work = {"short": short, "long": long, "memory": memory}[sys.argv[1]]
    print(json.dumps(work(*map(Path, sys.argv[2:]))), flush=True)
    os._exit(0)
