# SPDX-License-Identifier: GPL-3.0-or-later
"""The solid figure of a skeleton, and the backdrop behind it: vertices and quads in numpy.

World axes are Blender's (Z up), any length unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_SEGMENTS = 28
_CAP_RINGS = 7

# Relative to the height of the figure.
_THINNEST, _SPINE, _THICKEST = 0.0055, 0.0095, 0.024  # _SPINE: the thinnest of the middle
_LINK_FROM = 0.012  # a child further than this from its parent's bone is tied to it
_LINK_RADIUS = 0.011
_FAR_ROOT = 0.25
_HEAD_SEMI_AXES = (0.056, 0.066)  # across and along; a head is about an eighth of the stature

# Relative to the length of the bone.
_SLENDERNESS = 0.115
_TAPER = 0.72  # radius at the tail relative to the head's
_NEAR_TAIL = 0.3  # a child this close to the tail continues the bone

_LEFT = re.compile(r"(?i:[_.\- ]l(?=$|[_.\- ])|^l[_.\- ])|(?<![a-zA-Z])left|Left|LEFT")
_RIGHT = re.compile(r"(?i:[_.\- ]r(?=$|[_.\- ])|^r[_.\- ])|(?<![a-zA-Z])right|Right|RIGHT")


class Paint(IntEnum):
    """The materials of the picture, in slot order."""

    MIDDLE = 0
    LEFT = 1
    RIGHT = 2
    JOINT = 3
    BACKDROP = 4


@dataclass(frozen=True, kw_only=True)
class Solid:
    """A mesh: vertices (n, 3), quads (m, 4) of vertex indices, paint (m,) of each quad."""

    vertices: Array
    quads: Indices
    paint: Indices


@dataclass(frozen=True, kw_only=True)
class Bones:
    """What of an armature does not change with time.

    Attributes:
        names: name of each bone.
        parents: (bones,) index of the parent among these bones, −1 without one.
        rest_heads: (bones, 3) heads at rest, in the armature's frame.
    """

    names: tuple[str, ...]
    parents: Indices
    rest_heads: Array

    @property
    def sides(self) -> Indices:
        """(bones,) `Paint.LEFT`, `Paint.RIGHT` or `Paint.MIDDLE`, by name."""
        return np.array([side_of(name) for name in self.names], dtype=np.int64)

    @property
    def head_bone(self) -> int | None:
        """The highest bone of the middle that carries nothing of it: where a head would be."""
        middle = np.flatnonzero(self.sides == Paint.MIDDLE)
        carriers = {int(self.parents[bone]) for bone in middle}
        ends = [int(bone) for bone in middle if int(bone) not in carriers]
        if not ends or len(self.names) < 3:
            return None
        top = max(ends, key=lambda bone: self.rest_heads[bone, 2])
        return top if self.rest_heads[top, 2] >= self.rest_heads[:, 2].max() - 1e-9 else None


def side_of(name: str) -> Paint:
    """The side a bone's name speaks of: `femur_r`, `thigh.L.001`, `LeftArm`."""
    if _LEFT.search(name):
        return Paint.LEFT
    return Paint.RIGHT if _RIGHT.search(name) else Paint.MIDDLE


def figure(bones: Bones, heads: Array, tails: Array, *, size: float) -> Solid:
    """One moment of the skeleton as tapered capsules with balls at the joints.

    A bone that carries others but ends away from all of them (a pelvis) has no shape of its
    own: ties to what it carries show it better. The same goes for stubs of the middle.

    Args:
        bones: names and parents.
        heads: (bones, 3) bone heads in the world.
        tails: (bones, 3) bone tails in the world.
        size: height of the figure, which the thicknesses follow.
    """
    sides, head_bone = bones.sides, bones.head_bone
    lengths = np.linalg.norm(tails - heads, axis=1)
    thinnest = np.where(sides == Paint.MIDDLE, _SPINE, _THINNEST) * size
    radii = np.clip(_SLENDERNESS * lengths, thinnest, _THICKEST * size)
    shaped = _has_shape(bones, heads, tails) & (lengths > 1e-6 * size)
    shown = np.flatnonzero(shaped & (np.arange(len(heads)) != head_bone))
    parts = [
        capsules(heads[shown], tails[shown], radii[shown], _TAPER * radii[shown], sides[shown]),
        _joint_balls(heads[shown], radii[shown], size=size),
        _links(bones, heads, np.where(shaped[:, None], tails, heads), radii, size=size),
    ]
    if head_bone is not None:
        parts.append(_skull(heads[head_bone], tails[head_bone], size=size))
    return join(parts)


def _has_shape(bones: Bones, heads: Array, tails: Array) -> NDArray[np.bool_]:
    """Whether a bone's tail means something: a child starts there, or it is a limb's end."""
    nearest = np.full(len(heads), np.inf)
    children = np.flatnonzero(bones.parents >= 0)
    parents = bones.parents[children]
    np.minimum.at(nearest, parents, np.linalg.norm(heads[children] - tails[parents], axis=1))
    is_leaf = np.isinf(nearest)
    lengths = np.linalg.norm(tails - heads, axis=1)
    limb_end = is_leaf & ((bones.sides != Paint.MIDDLE) | (bones.parents < 0))
    return np.asarray(limb_end | (~is_leaf & (nearest < _NEAR_TAIL * lengths)))


def _joint_balls(heads: Array, radii: Array, *, size: float) -> Solid:
    large = radii > 2.0 * _THINNEST * size
    return balls(heads[large], 1.18 * radii[large], Paint.JOINT)


def _links(bones: Bones, heads: Array, tails: Array, radii: Array, *, size: float) -> Solid:
    """Thin ties from a parent's bone to children that do not sit on it (hips, shoulders)."""
    children = np.flatnonzero(bones.parents >= 0)
    parents = bones.parents[children]
    near = _nearest_on(heads[parents], tails[parents], heads[children])
    reach = np.linalg.norm(heads[children] - near, axis=1)
    # A root far away, on the floor say, is not a part of the body.
    far_root = (bones.parents[parents] < 0) & (reach > _FAR_ROOT * size)
    carries_on = np.isin(children, bones.parents)
    stub = (bones.sides[children] == Paint.MIDDLE) & ~carries_on & (children != bones.head_bone)
    tied = (reach > _LINK_FROM * size) & ~far_root & ~stub
    children, near = children[tied], near[tied]
    thin = np.minimum(radii[children], _LINK_RADIUS * size)
    return capsules(near, heads[children], thin, thin, bones.sides[children])


def _nearest_on(starts: Array, ends: Array, points: Array) -> Array:
    along = ends - starts
    square = np.maximum(np.sum(along**2, axis=1), 1e-18)
    share = np.clip(np.sum((points - starts) * along, axis=1) / square, 0.0, 1.0)
    return np.asarray(starts + share[:, None] * along)


def _skull(head: Array, tail: Array, *, size: float) -> Solid:
    """An egg along the head's bone, which is often a mere stub."""
    across, along = (share * size for share in _HEAD_SEMI_AXES)
    axis = tail - head
    axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
    ball = balls(np.zeros((1, 3)), np.ones(1), Paint.MIDDLE)
    lengthwise = np.outer(ball.vertices @ axis, axis)
    egg: Array = along * lengthwise + across * (ball.vertices - lengthwise)
    return Solid(vertices=head + 0.8 * along * axis + egg, quads=ball.quads, paint=ball.paint)


def capsules(
    starts: Array, ends: Array, start_radii: Array, end_radii: Array, paint: Indices
) -> Solid:
    """Round-ended cones, one per row."""
    cap = np.linspace(0.0, np.pi / 2, _CAP_RINGS)
    rise = np.concatenate([-np.sin(cap[::-1]), np.sin(cap)])
    reach = np.concatenate([np.cos(cap[::-1]), np.cos(cap)])
    at_end = np.repeat([False, True], _CAP_RINGS)
    radii = np.where(at_end, end_radii[:, None], start_radii[:, None])
    middles = np.where(at_end[None, :, None], ends[:, None], starts[:, None])
    return _turned(middles, ends - starts, radii * rise, radii * reach, paint)


def balls(centres: Array, radii: Array, paint: Paint) -> Solid:
    """Spheres, one per row."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 2 * _CAP_RINGS + 1)
    middles = np.repeat(centres[:, None], len(angle), axis=1)
    up = np.broadcast_to([0.0, 0.0, 1.0], centres.shape)
    rise, reach = radii[:, None] * np.sin(angle), radii[:, None] * np.cos(angle)
    return _turned(middles, up, rise, reach, np.full(len(centres), paint, dtype=np.int64))


def _turned(middles: Array, along: Array, rise: Array, reach: Array, paint: Indices) -> Solid:
    """Surfaces of revolution.

    Args:
        middles: (shapes, rings, 3) a point for each ring.
        along: (shapes, 3) the axes.
        rise: (shapes, rings) how far along the axis a ring is from its point.
        reach: (shapes, rings) its radius.
        paint: (shapes,) paint.
    """
    axis, side, other = _frames(along)
    turn = np.linspace(0.0, 2 * np.pi, _SEGMENTS, endpoint=False)[None, :, None]
    spokes = np.cos(turn) * side[:, None] + np.sin(turn) * other[:, None]
    centres = middles + rise[..., None] * axis[:, None]
    vertices = centres[:, :, None] + reach[..., None, None] * spokes[:, None]
    rings = middles.shape[1]
    return Solid(
        vertices=vertices.reshape(-1, 3),
        quads=_tube_quads(len(middles), rings),
        paint=np.repeat(paint, (rings - 1) * _SEGMENTS),
    )


def _frames(along: Array) -> tuple[Array, Array, Array]:
    """Right-handed unit frames whose first axis is `along` (Z where it has no length)."""
    length = np.linalg.norm(along, axis=1, keepdims=True)
    up = np.broadcast_to([0.0, 0.0, 1.0], along.shape)
    axis = np.where(length > 1e-12, along / np.maximum(length, 1e-12), up)
    helper = np.where(np.abs(axis[:, 2:]) < 0.9, up, [1.0, 0.0, 0.0])
    side = np.cross(helper, axis)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    return axis, side, np.cross(axis, side)


def _tube_quads(count: int, rings: int) -> Indices:
    ring, segment = np.meshgrid(np.arange(rings - 1), np.arange(_SEGMENTS), indexing="ij")
    after = (segment + 1) % _SEGMENTS
    low, high = ring * _SEGMENTS, (ring + 1) * _SEGMENTS
    one = np.stack([low + segment, low + after, high + after, high + segment], axis=-1)
    shift = np.arange(count) * rings * _SEGMENTS
    return np.asarray((one.reshape(1, -1, 4) + shift[:, None, None]).reshape(-1, 4), dtype=np.int64)


def join(parts: Sequence[Solid]) -> Solid:
    """Several solids as one."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    return Solid(
        vertices=np.concatenate([part.vertices for part in parts]),
        quads=np.concatenate([part.quads + at for part, at in zip(parts, starts, strict=True)]),
        paint=np.concatenate([part.paint for part in parts]),
    )


def backdrop(centre: Array, toward_camera: Array, *, ground: float, depth: float) -> Solid:
    """A studio floor that bends up into a wall, so that the picture has no horizon.

    Args:
        centre: (3,) middle of the figures.
        toward_camera: (3,) horizontal unit vector.
        ground: height of the floor.
        depth: distance from the middle to the foot of the wall.
    """
    bend = np.linspace(0.0, np.pi / 2, 25)
    back = np.concatenate([[-20.0 * depth], depth + depth * np.sin(bend), [2.0 * depth]])
    rise = np.concatenate([[0.0], depth * (1.0 - np.cos(bend)), [20.0 * depth]])
    across = np.cross([0.0, 0.0, 1.0], toward_camera)
    base = np.array([centre[0], centre[1], ground])
    profile = base - back[:, None] * toward_camera + rise[:, None] * np.array([0.0, 0.0, 1.0])
    reach = 30.0 * depth * across
    rows = np.arange(len(profile) - 1)
    count = len(profile)
    quads = np.stack([rows, rows + count, rows + count + 1, rows + 1], axis=1)
    paint = np.full(len(quads), Paint.BACKDROP, dtype=np.int64)
    return Solid(
        vertices=np.concatenate([profile - reach, profile + reach]), quads=quads, paint=paint
    )
