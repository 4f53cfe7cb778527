# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `motion.glb`: one rigid node per body, no skin, animated node by node.

Source: Khronos glTF 2.0 specification, chapters 3.5 (nodes) and 3.11 (animations).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import kinematics, quaternion
from .glb_channels import ROTATION, SCALE, TRANSLATION, Keys, read_channels
from .glb_container import Container
from .glb_curve import UNIT_TOLERANCE
from .glb_nodes import Node, read_nodes
from .glb_tree import joints
from .motion import Motion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .glb_channels import Channels
    from .glb_curve import Curve
    from .glb_tree import Joint
    from .motion import FloatArray, IntArray

__all__ = ["Node", "read", "read_nodes"]

# The most frames that are composed at once, and the most frames times bodies: both fit the cache.
BLOCK, GROUP = 8192, 16384
# What a body takes in a frame: 7 numbers of 8 bytes.
POSE_BYTES = 56
# Keys of 4 bytes that turn each body make poses of 14 times their size.
MOST_TIMES_THE_FILE, ALWAYS_BYTES = 16, 1 << 26
# Rows of so many numbers begin where a cache line does.
CACHE_LINE = 8


@dataclass(frozen=True, kw_only=True)
class _Lane:
    """A joint and what moves it."""

    joint: Joint
    translation: Curve | None
    rotation: Curve | None
    tolerance: float


def read(path: Path) -> Motion:
    """Decode a `motion.glb`.

    A node is a body when it moves or stands below one that moves; `mocap_…` nodes and the
    nodes that only carry geometry (`<body>_geom_N`) are left out, as is everything that
    stands still above the first moving node (`Scene`, `world`, the floor).

    Raises:
        OutputError: the file is no GLB, is damaged, or holds no animation.
    """
    container = Container(path)
    channels = read_channels(container)
    moving = {node for node, paths in channels.items() if paths.keys() != {SCALE}}
    found = joints(container, read_nodes(container), moving)
    lanes = _lanes(container, found, channels)
    times = _time_axis(lanes)
    size = len(lanes) * (len(times) + 1) * POSE_BYTES
    if size > max(MOST_TIMES_THE_FILE * len(container.binary), ALWAYS_BYTES):
        what = f"would make {len(lanes)} bodies move over {len(times)} frames from a few keys"
        raise container.error(what)
    # Numbers that overflow are found afterwards.
    with np.errstate(all="ignore"):
        return _compose(container, lanes, times)


def _lanes(container: Container, found: list[Joint], channels: Channels) -> list[_Lane]:
    keys = Keys(container)
    lanes: list[_Lane] = []
    for joint in found:
        samplers = channels.get(joint.node.index, {})
        curves = {path: keys.curve(sampler, path) for path, sampler in samplers.items()}
        if SCALE in curves and not curves[SCALE].is_one():
            raise joint.node.not_rigid()
        rotation = curves.get(ROTATION)
        lanes.append(
            _Lane(
                joint=joint,
                translation=curves.get(TRANSLATION),
                rotation=rotation,
                tolerance=rotation.tolerance if rotation else UNIT_TOLERANCE,
            )
        )
    return lanes


def _time_axis(lanes: list[_Lane]) -> FloatArray:
    """Every moment at which any channel has a key: (F,) in s."""
    curves = (curve for lane in lanes for curve in (lane.translation, lane.rotation) if curve)
    axes = list({id(curve.times): curve.times for curve in curves}.values())
    longest = max(axes, key=len)
    if len(axes) == 1:
        return longest
    times = np.unique(np.concatenate(axes))
    return longest if len(times) == len(longest) else times


def _compose(container: Container, lanes: list[_Lane], times: FloatArray) -> Motion:
    """World poses over time; the pose at rest is one more frame behind the last."""
    frames = len(times)
    width = -(-(frames + 1) // CACHE_LINE) * CACHE_LINE
    positions, rotations = (np.empty((len(lanes), part, width)) for part in (3, 4))
    parents = [lane.joint.above for lane in lanes]
    for first in range(0, frames + 1, BLOCK):
        block = slice(first, min(first + BLOCK, frames + 1))
        where, turns = positions[:, :, block], rotations[:, :, block]
        for bodies in _groups(parents, max(1, GROUP // where.shape[2])):
            _fill(lanes, bodies, where, turns, times, first)
            part = slice(bodies.start, bodies.stop)
            _make_unit(lanes, bodies, turns[part])
            _put_on_stands(lanes, bodies, where, turns)
            if parents[bodies.start] >= 0:
                kinematics.compose_lanes(parents, bodies, where, turns)
            if not np.isfinite(where[part].sum()):
                raise container.error("is damaged: it holds positions that are no numbers")
    return _motion(lanes, times, positions, rotations)


def _groups(parents: list[int], size: int) -> Iterator[range]:
    """Bodies in a row, as many as are composed at once; roots go alone."""
    first = 0
    for body, parent in enumerate(parents):
        if parent < 0 or body - first == size:
            if body > first:
                yield range(first, body)
            first = body
        if parent < 0:
            yield range(body, body + 1)
            first = body + 1
    if first < len(parents):
        yield range(first, len(parents))


def _fill(
    lanes: list[_Lane],
    bodies: range,
    positions: FloatArray,
    rotations: FloatArray,
    times: FloatArray,
    first: int,
) -> None:
    """Write the poses against the parents."""
    frames = min(positions.shape[2], len(times) - first)
    for body in bodies:
        lane = lanes[body]
        for curve, rest, out in (
            (lane.translation, lane.joint.node.translation, positions[body]),
            (lane.rotation, lane.joint.node.rotation, rotations[body]),
        ):
            if curve is None:
                out[:] = rest[:, None]
                continue
            curve.fill(out[:, :frames], times, first)
            out[:, frames:] = rest[:, None]


def _make_unit(lanes: list[_Lane], bodies: range, rotations: FloatArray) -> None:
    """Make rotations (n, 4, frames) exactly unit; those far from it are refused."""
    w, x, y, z = rotations.swapaxes(0, 1)
    length = np.sqrt(w * w + x * x + y * y + z * z)
    off = np.abs(length - 1.0).max(axis=1)
    for lane, worst in zip((lanes[body] for body in bodies), off.tolist(), strict=True):
        if not worst <= lane.tolerance:
            raise lane.joint.node.not_unit()
    rotations *= (1.0 / length)[:, None]


def _put_on_stands(
    lanes: list[_Lane], bodies: range, positions: FloatArray, rotations: FloatArray
) -> None:
    """Where a body does not hang on its parent directly: its pose against the parent."""
    for body in bodies:
        stand = lanes[body].joint.stand
        if stand is None:
            continue
        origin, turn = stand
        where, turns = positions[body].T, rotations[body].T
        where[:] = origin + quaternion.rotate(turn, where)
        turns[:] = quaternion.multiply(turn, turns)


def _motion(
    lanes: list[_Lane], times: FloatArray, positions: FloatArray, rotations: FloatArray
) -> Motion:
    """The bodies of all lanes, frames first in shape though not in memory."""
    frames = len(times)
    kept = [row for row, lane in enumerate(lanes) if lane.joint.is_body]
    if len(kept) < len(lanes):
        positions, rotations = positions[kept], rotations[kept]
    return Motion(
        names=tuple(lanes[row].joint.node.name for row in kept),
        parents=_body_parents(lanes, kept),
        rest_positions=positions[:, :, frames].copy(),
        rest_rotations=rotations[:, :, frames].copy(),
        times=times - times[0],
        positions=positions[:, :, :frames].transpose(2, 0, 1),
        rotations=rotations[:, :, :frames].transpose(2, 0, 1),
    )


def _body_parents(lanes: list[_Lane], kept: list[int]) -> IntArray:
    """For each body the nearest body above it, -1 for none."""
    place = {row: body for body, row in enumerate(kept)}
    parents: list[int] = []
    for row in kept:
        above = lanes[row].joint.above
        while above >= 0 and above not in place:
            above = lanes[above].joint.above
        parents.append(place.get(above, -1))
    return np.array(parents, np.int32)
