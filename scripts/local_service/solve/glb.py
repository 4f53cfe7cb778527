# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes `motion.glb`: one node per body in a tree, no skin, one animation.

Node index = body id; the last node, `Scene`, turns Z up into Y up and carries `world`.
"""
# pygltflib's records come without types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .motion import Solved, continuous
from .shapes import Shape, shapes

Array = NDArray[np.float64]
# From Z up to Y up: a quarter turn about X (x y z w).
Y_UP = [-float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5))]
XYZW = [1, 2, 3, 0]


def write_glb(solved: Solved, path: Path) -> None:
    """Write a motion with the model's shapes as meshes."""
    file = gltf.GLTF2(asset=gltf.Asset(version="2.0", generator="MyoSapiens local service"))
    buffer = _Buffer(file)
    _add_bodies(file, solved)
    _add_shapes(file, buffer, solved)
    file.nodes.append(gltf.Node(name="Scene", rotation=Y_UP, children=[0]))
    file.scenes.append(gltf.Scene(name="Scene", nodes=[len(file.nodes) - 1]))
    file.scene = 0
    _add_animation(file, buffer, solved)
    buffer.finish()
    file.save_binary(str(path))


class _Buffer:
    """Collects the binary part; every view starts at a multiple of four bytes."""

    def __init__(self, file: gltf.GLTF2) -> None:
        self._file = file
        self._blob = bytearray()

    def add(
        self, values: NDArray[np.generic], *, bounds: bool = False, target: int | None = None
    ) -> int:
        """Append an array (n,) or (n, k) and return its accessor's index."""
        component = {"f": gltf.FLOAT, "u": gltf.UNSIGNED_SHORT}[values.dtype.kind]
        width = 1 if values.ndim == 1 else values.shape[1]
        data = np.ascontiguousarray(values).tobytes()
        view = gltf.BufferView(
            buffer=0, byteOffset=len(self._blob), byteLength=len(data), target=target
        )
        self._file.bufferViews.append(view)
        self._blob += data + bytes(-len(data) % 4)
        columns = values.reshape(len(values), width)
        accessor = gltf.Accessor(
            bufferView=len(self._file.bufferViews) - 1,
            byteOffset=0,
            componentType=component,
            count=len(values),
            type=("SCALAR", "VEC2", "VEC3", "VEC4")[width - 1],
            min=columns.min(axis=0).tolist() if bounds else None,
            max=columns.max(axis=0).tolist() if bounds else None,
        )
        self._file.accessors.append(accessor)
        return len(self._file.accessors) - 1

    def finish(self) -> None:
        self._file.buffers.append(gltf.Buffer(byteLength=len(self._blob)))
        self._file.set_binary_blob(bytes(self._blob))


def _add_bodies(file: gltf.GLTF2, solved: Solved) -> None:
    model = solved.model
    parents = np.array(model.body_parentid)
    for body, name in enumerate(solved.body_names):
        children = [int(child) for child in np.flatnonzero(parents == body) if child != 0]
        node = gltf.Node(name=name, children=children)
        _place(node, np.array(model.body_pos[body]), np.array(model.body_quat[body]))
        file.nodes.append(node)


def _place(node: gltf.Node, position_m: Array, quaternion: Array) -> None:
    """Give a node its transform; what is nothing is left out."""
    if position_m.any():
        node.translation = position_m.tolist()
    if abs(quaternion[0]) < 1.0:
        node.rotation = quaternion[XYZW].tolist()


def _add_shapes(file: gltf.GLTF2, buffer: _Buffer, solved: Solved) -> None:
    """The first shape of a body goes on its own node, the others on nodes of their own."""
    counts: dict[int, int] = {}
    colours: dict[tuple[float, ...], int] = {}
    for shape in shapes(solved.model):
        number = counts.get(shape.body, 0)
        counts[shape.body] = number + 1
        material = _material(file, colours, shape)
        if number == 0:
            file.nodes[shape.body].mesh = _add_mesh(file, buffer, shape, material, in_body=True)
            continue
        node = gltf.Node(name=f"{solved.body_names[shape.body]}_geom_{number}")
        node.mesh = _add_mesh(file, buffer, shape, material, in_body=False)
        _place(node, shape.position_m, shape.quaternion)
        file.nodes.append(node)
        parent = file.nodes[shape.body]
        parent.children = [*(parent.children or []), len(file.nodes) - 1]


def _material(file: gltf.GLTF2, colours: dict[tuple[float, ...], int], shape: Shape) -> int:
    colour = tuple(round(float(value), 4) for value in shape.rgba)
    if colour not in colours:
        surface = gltf.PbrMetallicRoughness(
            baseColorFactor=list(colour), metallicFactor=0.0, roughnessFactor=0.7
        )
        file.materials.append(gltf.Material(pbrMetallicRoughness=surface))
        colours[colour] = len(file.materials) - 1
    return colours[colour]


def _add_mesh(
    file: gltf.GLTF2, buffer: _Buffer, shape: Shape, material: int, *, in_body: bool
) -> int:
    vertices, normals = shape.vertices_m, shape.normals
    if in_body:
        turn = Rotation.from_quat(shape.quaternion[XYZW])
        vertices, normals = turn.apply(vertices) + shape.position_m, turn.apply(normals)
    primitive = gltf.Primitive(
        attributes=gltf.Attributes(
            POSITION=buffer.add(vertices.astype(np.float32), bounds=True, target=gltf.ARRAY_BUFFER),
            NORMAL=buffer.add(normals.astype(np.float32), target=gltf.ARRAY_BUFFER),
        ),
        indices=buffer.add(shape.triangles.ravel(), target=gltf.ELEMENT_ARRAY_BUFFER),
        material=material,
    )
    file.meshes.append(gltf.Mesh(primitives=[primitive]))
    return len(file.meshes) - 1


def _add_animation(file: gltf.GLTF2, buffer: _Buffer, solved: Solved) -> None:
    """Rotation and translation of every body that has a joint."""
    animation = gltf.Animation(channels=[], samplers=[])
    times = solved.times_s.astype(np.float32)
    moving = [b for b in range(len(solved.body_names)) if solved.model.body_jntnum[b] > 0]
    for body in moving:
        positions, quaternions = local_poses(solved, body)
        rotation = quaternions[:, XYZW].astype(np.float32)
        _add_channel(animation, buffer, body, "rotation", times, rotation)
        _add_channel(animation, buffer, body, "translation", times, positions.astype(np.float32))
    file.animations.append(animation)


def _add_channel(
    animation: gltf.Animation,
    buffer: _Buffer,
    node: int,
    path: str,
    times: NDArray[np.float32],
    values: NDArray[np.float32],
) -> None:
    sampler = gltf.AnimationSampler(
        input=buffer.add(times, bounds=True), output=buffer.add(values), interpolation="LINEAR"
    )
    animation.samplers.append(sampler)
    target = gltf.AnimationChannelTarget(node=node, path=path)
    channel = gltf.AnimationChannel(sampler=len(animation.samplers) - 1, target=target)
    animation.channels.append(channel)


def local_poses(solved: Solved, body: int) -> tuple[Array, Array]:
    """A body's positions (frames, 3) and quaternions (frames, 4; w x y z) in its parent's frame."""
    parent = int(solved.model.body_parentid[body])
    outer = Rotation.from_quat(solved.quaternions[:, parent][:, XYZW]).inv()
    own = Rotation.from_quat(solved.quaternions[:, body][:, XYZW])
    positions = outer.apply(solved.positions_m[:, body] - solved.positions_m[:, parent])
    x, y, z, w = (outer * own).as_quat().T
    return positions, continuous(np.stack([w, x, y, z], axis=1))
