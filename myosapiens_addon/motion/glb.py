# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `motion.glb`: one rigid node per body, no skin, animated node by node.

Source: Khronos glTF 2.0 specification, chapters 3.5 (nodes) and 3.11 (animations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from .glb_channels import ROTATION, SCALE, TRANSLATION, Keys, read_channels
from .glb_container import Container
from .glb_lanes import Lane, Lanes
from .glb_nodes import read_nodes
from .glb_tree import joints
from .motion import Motion

if TYPE_CHECKING:
    from pathlib import Path

    from .glb_channels import Channels
    from .glb_curve import Curve
    from .glb_tree import Joint
    from .motion import FloatArray, IntArray

# What a body takes in a frame: 7 numbers of 8 bytes.
POSE_BYTES = 56
# Keys of 4 bytes that turn each body make poses of 14 times their size.
MOST_TIMES_THE_FILE, ALWAYS_BYTES = 16, 1 << 26


def read(path: Path) -> Motion:
    """Decode a `motion.glb`.

    A node is a body when it moves or stands below one that moves; `mocap_…` nodes and the
    nodes that only carry geometry (`<body>_geom_N`) are left out, as is everything that
    stands still above the first moving node (`Scene`, `world`, the floor).

    Raises:
        OutputError: the file is no GLB, is damaged, or holds no animation.
    """
    try:
        return _read(Container(path))
    except MemoryError:
        what = "needs more memory than there is; free some, or take a shorter recording"
        raise OutputError(f"{path.name} {what}.") from None


def _read(container: Container) -> Motion:
    channels = read_channels(container)
    moving = {node for node, paths in channels.items() if paths.keys() != {SCALE}}
    found = joints(container, read_nodes(container), moving)
    most_bytes = max(MOST_TIMES_THE_FILE * len(container.binary), ALWAYS_BYTES)
    most_frames = most_bytes // (len(found) * POSE_BYTES)
    curves = _curves(Keys(container, most_frames), found, channels)
    times = _time_axis(curves)
    if len(times) > most_frames:
        what = f"would move {len(found)} bodies at {len(times)} times from few keys"
        raise container.error(what)
    lanes = [_lane(joint, own) for joint, own in zip(found, curves, strict=True)]
    composed = Lanes(container, lanes, times)
    composed.compose()
    return _motion(found, times, composed.positions, composed.rotations)


def _curves(keys: Keys, found: list[Joint], channels: Channels) -> list[dict[str, Curve]]:
    """For each joint what moves it, by path."""
    curves: list[dict[str, Curve]] = []
    for joint in found:
        samplers = channels.get(joint.node.index, {})
        own = {path: keys.curve(sampler, path) for path, sampler in samplers.items()}
        if SCALE in own and not own.pop(SCALE).is_one():
            raise joint.node.not_rigid()
        curves.append(own)
    return curves


def _time_axis(curves: list[dict[str, Curve]]) -> FloatArray:
    """Every moment at which any channel has a key: (F,) in s."""
    axes = list({id(c.times): c.times for own in curves for c in own.values()}.values())
    longest = max(axes, key=len)
    if len(axes) == 1:
        return longest
    times = np.unique(np.concatenate(axes))
    return longest if len(times) == len(longest) else times


def _lane(joint: Joint, curves: dict[str, Curve]) -> Lane:
    """A joint with what really moves it: most curves hold what is so at rest too."""
    place, turn = joint.node.pose
    translation, rotation = curves.get(TRANSLATION), curves.get(ROTATION)
    if translation and translation.holds(place):
        translation = None
    if rotation and rotation.holds(turn):
        rotation = None
    return Lane(joint=joint, translation=translation, rotation=rotation)


def _motion(
    found: list[Joint], times: FloatArray, positions: FloatArray, rotations: FloatArray
) -> Motion:
    """The bodies among the joints, frames first in shape though not in memory."""
    frames = len(times)
    kept = [row for row, joint in enumerate(found) if joint.is_body]
    if len(kept) < len(found):
        positions, rotations = positions[kept], rotations[kept]
    return Motion(
        names=tuple(found[row].node.name for row in kept),
        parents=_body_parents(found, kept),
        rest_positions=positions[:, :, frames].copy(),
        rest_rotations=rotations[:, :, frames].copy(),
        times=times - times[0],
        positions=positions[:, :, :frames].transpose(2, 0, 1),
        rotations=rotations[:, :, :frames].transpose(2, 0, 1),
    )


def _body_parents(found: list[Joint], kept: list[int]) -> IntArray:
    """For each body the nearest body above it, -1 for none."""
    place = {row: body for body, row in enumerate(kept)}
    parents: list[int] = []
    for row in kept:
        above = found[row].above
        while above >= 0 and above not in place:
            above = found[above].above
        parents.append(place.get(above, -1))
    return np.array(parents, np.int32)
