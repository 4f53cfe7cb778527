# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangle meshes of a model's simple shapes: capsules, ellipsoids, boxes and the floor."""
# MuJoCo's structures come from a compiled module without full types.
# pyright: reportAttributeAccessIssue=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Triangles = NDArray[np.uint16]
SEGMENTS, RINGS = 16, 8


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One geom.

    Attributes:
        body: Id of the body that carries it.
        vertices_m: (n, 3) in the geom's frame.
        normals: (n, 3).
        triangles: (m, 3).
        position_m: Of the geom in its body.
        quaternion: w x y z, of the geom in its body.
        rgba: Linear colour.
    """

    body: int
    vertices_m: Array
    normals: Array
    triangles: Triangles
    position_m: Array
    quaternion: Array
    rgba: Array


def shapes(model: Any) -> list[Shape]:  # noqa: ANN401 (MjModel has no type)
    """The shapes of a model's geoms, in geom order; meshes and the like are left out."""
    found: list[Shape] = []
    for index in range(model.ngeom):
        mesh = _mesh(int(model.geom_type[index]), np.array(model.geom_size[index]))
        if mesh is None:
            continue
        vertices, normals, triangles = mesh
        found.append(
            Shape(
                body=int(model.geom_bodyid[index]),
                vertices_m=vertices,
                normals=normals,
                triangles=triangles,
                position_m=np.array(model.geom_pos[index]),
                quaternion=np.array(model.geom_quat[index]),
                rgba=np.array(model.geom_rgba[index], dtype=np.float64),
            )
        )
    return found


def _mesh(kind: int, size: Array) -> tuple[Array, Array, Triangles] | None:
    kinds = mujoco.mjtGeom
    if kind == kinds.mjGEOM_CAPSULE:
        return _ball(np.full(3, size[0]), half_length_m=float(size[1]))
    if kind == kinds.mjGEOM_ELLIPSOID:
        return _ball(size)
    if kind == kinds.mjGEOM_SPHERE:
        return _ball(np.full(3, size[0]))
    if kind == kinds.mjGEOM_BOX:
        return _box(size)
    if kind == kinds.mjGEOM_PLANE:
        return _plane(size)
    return None


def _ball(radii_m: Array, half_length_m: float = 0.0) -> tuple[Array, Array, Triangles]:
    """A sphere stretched to `radii_m`; its halves are drawn apart along Z for a capsule."""
    polar = np.linspace(0, np.pi, RINGS + 1)
    # The equator twice: once for each half.
    polar = np.insert(polar, RINGS // 2, np.pi / 2)
    around = np.linspace(0, 2 * np.pi, SEGMENTS + 1)
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    unit = np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1
    )
    vertices = unit * radii_m
    vertices[: RINGS // 2 + 1, :, 2] += half_length_m
    vertices[RINGS // 2 + 1 :, :, 2] -= half_length_m
    normals = unit / radii_m
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return vertices.reshape(-1, 3), normals.reshape(-1, 3), _grid(len(polar), len(around))


def _grid(rows: int, columns: int) -> Triangles:
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    below = corner + columns
    quads = [np.stack([corner, below, corner + 1], 1), np.stack([corner + 1, below, below + 1], 1)]
    return np.concatenate(quads).astype(np.uint16)


def _box(half_m: Array) -> tuple[Array, Array, Triangles]:
    vertices: list[Array] = []
    normals: list[Array] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            one, other = np.roll(normal, 1) * sign, np.roll(normal, 2)
            corners = [
                normal - one - other,
                normal + one - other,
                normal + one + other,
                normal - one + other,
            ]
            vertices.extend(np.array(corners) * half_m)
            normals.extend([normal] * 4)
    first = np.arange(0, 24, 4)[:, None]
    halves = [first + np.array([0, 1, 2]), first + np.array([0, 2, 3])]
    triangles = np.concatenate(halves).astype(np.uint16)
    return np.array(vertices), np.array(normals), triangles


def _plane(size: Array) -> tuple[Array, Array, Triangles]:
    # MuJoCo writes an endless plane as size 0.
    x, y = (float(half) or 5.0 for half in size[:2])
    vertices = np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])
    normals = np.tile([0.0, 0.0, 1.0], (4, 1))
    return vertices, normals, np.array([[0, 1, 2], [0, 2, 3]], dtype=np.uint16)
