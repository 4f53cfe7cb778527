# SPDX-License-Identifier: GPL-3.0-or-later
"""A landed take, out of Blender by one of its exporters and in again: what to compare.

Besides Blender's own importers there are two readers of BVH and glTF here, written from the
formats' public descriptions, so that an exporter and its importer cannot agree on an error.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from tests.blender.posing import evaluated

# glTF is Y up, Blender Z up.
Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What Blender shows of an armature.

    Attributes:
        names: its bones.
        parents: the name of each one's parent, "" for none.
        rest: (N, 4, 4) world matrices at rest.
        matrices: (F, N, 4, 4) world matrices, frame by frame.
    """

    names: tuple[str, ...]
    parents: tuple[str, ...]
    rest: np.ndarray
    matrices: np.ndarray

    @property
    def heads(self) -> np.ndarray:
        return self.matrices[..., :3, 3]

    @property
    def turned(self) -> np.ndarray:
        """(F, N, 3, 3): how each bone is turned against its rest, whatever its own axes."""
        return axes(self.matrices) @ np.swapaxes(axes(self.rest), -1, -2)


def show(name: str, frames: np.ndarray, bones: tuple[str, ...] | None = None) -> Shown:
    shown = bpy.data.objects[name]
    found = {bone.name: bone for bone in shown.data.bones}
    names = bones or tuple(found)
    rest = [np.array(shown.matrix_world @ found[bone].matrix_local) for bone in names]
    return Shown(
        names=names,
        parents=tuple(found[bone].parent.name if found[bone].parent else "" for bone in names),
        rest=np.array(rest),
        matrices=evaluated(name, frames, names),
    )


def axes(matrices: np.ndarray) -> np.ndarray:
    """The rotation of matrices, whatever their scale (FBX is in centimetres)."""
    turn = matrices[..., :3, :3]
    return turn / np.linalg.norm(turn, axis=-2, keepdims=True)


def degrees_apart(left: np.ndarray, right: np.ndarray) -> float:
    """The largest angle between two stacks of rotations; exact for small ones too."""
    chord = np.linalg.norm(left - right, axis=(-2, -1)) / np.sqrt(8.0)
    return float(np.degrees(2 * np.arcsin(np.clip(chord, 0.0, 1.0))).max())


def millimetres_apart(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.linalg.norm(left - right, axis=-1).max() * 1e3)


def require(*operators: str) -> None:
    """Skip where this Blender has not all of these (`EXPORT_SCENE_OT_fbx`)."""
    missing = [name for name in operators if not hasattr(bpy.types, name)]
    if missing:
        pytest.skip(f"this Blender has no {', '.join(missing)}")


def has_second_fbx_importer() -> bool:
    """From 4.5 on there is one that is not the add-on's."""
    return "fbx_import" in dir(bpy.ops.wm)


def add_skin(armature: bpy.types.Object) -> bpy.types.Object:
    """A mesh with a small tetrahedron at each bone, which follows that bone alone."""
    corners = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]) * 0.02
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])
    heads = np.array([bone.head_local for bone in armature.data.bones])
    mesh = bpy.data.meshes.new("Skin")
    count = len(heads)
    mesh.from_pydata(
        (heads[:, None] + corners).reshape(-1, 3).tolist(),
        [],
        (np.arange(count)[:, None, None] * 4 + faces).reshape(-1, 3).tolist(),
    )
    skin = bpy.data.objects.new("Skin", mesh)
    bpy.context.scene.collection.objects.link(skin)
    for index, bone in enumerate(armature.data.bones):
        group = skin.vertex_groups.new(name=bone.name)
        group.add([4 * index + corner for corner in range(4)], 1.0, "ADD")
    skin.modifiers.new("Armature", "ARMATURE").object = armature
    skin.parent = armature
    return skin


def select(*objects: bpy.types.Object) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    for entry in objects:
        entry.select_set(True)
    bpy.context.view_layer.objects.active = objects[0]


def clean_scene(fps: int) -> None:
    """Another file, empty, at the same rate."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = fps


def the_armature() -> bpy.types.Object:
    (found,) = [entry for entry in bpy.data.objects if entry.type == "ARMATURE"]
    return found


# BVH


def read_bvh(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str], float]:
    """Joint to its heads (F, 3), joint to its parent, and seconds per frame."""
    words = path.read_text().split()
    motion = words.index("MOTION")
    joints, parents = _bvh_joints(iter(words[:motion]))
    numbers = np.array(words[motion + 6 :], dtype=np.float64)
    rows = numbers.reshape(int(words[motion + 2]), -1)
    worlds: dict[str, np.ndarray] = {}
    column = 0
    for name, (offset, channels) in joints.items():
        local = np.tile(np.eye(4), (len(rows), 1, 1))
        moved = np.tile(offset, (len(rows), 1))
        for channel in channels:
            values, axis = rows[:, column], "XYZ".index(channel[0])
            column += 1
            if channel.endswith("position"):
                moved[:, axis] = values
            else:
                local[:, :3, :3] = local[:, :3, :3] @ _turn(axis, np.radians(values))
        local[:, :3, 3] = moved
        parent = parents[name]
        worlds[name] = worlds[parent] @ local if parent else local
    assert column == rows.shape[1]
    heads = {name: world[:, :3, 3] for name, world in worlds.items()}
    return heads, parents, float(words[motion + 5])


def _bvh_joints(
    words: Iterator[str],
) -> tuple[dict[str, tuple[np.ndarray, list[str]]], dict[str, str]]:
    """Offset and channels of each joint, in the order of the columns; and its parent."""
    joints: dict[str, tuple[np.ndarray, list[str]]] = {}
    parents: dict[str, str] = {}
    open_joints: list[str] = []
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            name = next(words)
            parent = open_joints[-1] if open_joints else ""
            open_joints.append(name if word != "End" else "")
            if word != "End":
                joints[name], parents[name] = (np.zeros(3), []), parent
        elif word == "OFFSET":
            offset = np.array([float(next(words)) for _axis in range(3)])
            if open_joints[-1]:
                joints[open_joints[-1]] = (offset, joints[open_joints[-1]][1])
        elif word == "CHANNELS":
            joints[open_joints[-1]][1].extend(next(words) for _ in range(int(next(words))))
        elif word == "}":
            open_joints.pop()
    return joints, parents


def _turn(axis: int, angle: np.ndarray) -> np.ndarray:
    """(F, 3, 3): rotations about one axis."""
    turn = np.zeros((len(angle), 3, 3))
    after, last = (axis + 1) % 3, (axis + 2) % 3
    turn[:, axis, axis] = 1.0
    turn[:, after, after] = turn[:, last, last] = np.cos(angle)
    turn[:, last, after], turn[:, after, last] = np.sin(angle), -np.sin(angle)
    return turn


# glTF


@dataclass(frozen=True, kw_only=True)
class Gltf:
    """A `.glb` file: its nodes, and its animations by their names."""

    nodes: list[dict[str, Any]]
    animations: dict[str, list[tuple[int, str, np.ndarray, np.ndarray]]]

    def times(self, animation: str) -> np.ndarray:
        """Every moment at which something has a key."""
        return np.unique(np.concatenate([key[2] for key in self.animations[animation]]))

    def heads(self, animation: str, times: np.ndarray) -> dict[str, np.ndarray]:
        """Node to its places (F, 3) at some moments, in Blender's axes."""
        moving = {(node, path): keys for node, path, *keys in self.animations[animation]}
        parents = {
            child: parent
            for parent, node in enumerate(self.nodes)
            for child in node.get("children", [])
        }
        worlds: dict[int, np.ndarray] = {}

        def world(index: int) -> np.ndarray:
            if index not in worlds:
                own = self._local(index, moving, times)
                above = world(parents[index]) if index in parents else Z_UP
                worlds[index] = above @ own
            return worlds[index]

        return {node["name"]: world(i)[:, :3, 3] for i, node in enumerate(self.nodes)}

    def _local(self, index: int, moving: dict[Any, list[np.ndarray]], times: np.ndarray) -> Any:  # noqa: ANN401
        parts = []
        for path, usual in (("translation", [0, 0, 0]), ("rotation", [0, 0, 0, 1])):
            still = np.array(self.nodes[index].get(path, usual), dtype=np.float64)
            keys, values = moving.get((index, path), (np.zeros(1), still[None]))
            parts.append(
                np.stack([np.interp(times, keys, values[:, i]) for i in range(len(still))], -1)
            )
        x, y, z, w = (parts[1] / np.linalg.norm(parts[1], axis=-1, keepdims=True)).T
        local = np.tile(np.eye(4), (len(times), 1, 1))
        local[:, :3, :3] = np.moveaxis(
            np.array([
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]), -1, 0,
        )  # fmt: skip
        local[:, :3, 3] = parts[0]
        return local


def read_glb(path: Path) -> Gltf:
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + length])
    blob = data[20 + length + 8 :]

    def array(number: int) -> np.ndarray:
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        values = np.frombuffer(blob, "<f4", accessor["count"] * width, start).astype(np.float64)
        return values if width == 1 else values.reshape(-1, width)

    animations = {
        animation["name"]: [
            (
                channel["target"]["node"],
                channel["target"]["path"],
                array(animation["samplers"][channel["sampler"]]["input"]),
                array(animation["samplers"][channel["sampler"]]["output"]),
            )
            for channel in animation["channels"]
        ]
        for animation in document.get("animations", [])
    }
    return Gltf(nodes=document["nodes"], animations=animations)
