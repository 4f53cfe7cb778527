# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bones of a character's own armature lie, worked out from its bodies at rest.

A body is a point and three axes; a bone also needs a length and a roll that a person can see,
pick and rotate. A bone ends at the joint of the child that carries on its limb.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..motion.motion import FloatArray, Motion

UP = np.array([0.0, 0.0, 1.0])
SIDES = ("_r", "_l")
# Length of a bone without a child that carries it on, as a fraction of the figure's height:
# head 0.130 and hand 0.108 of the stature (Drillis and Contini, "Body segment parameters",
# 1966); the small ones are chosen to be seen and picked.
END_LENGTHS = {"skull": 0.130, "lunate": 0.108, "abdomen": 0.06, "toes": 0.035, "patella": 0.02}
END_LENGTH = 0.015
# Shorter than this fraction of the figure's height, a bone can be neither seen nor picked.
SHORTEST = 0.005
ROOT_LENGTH = 0.10
SIDE_STEP = 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class BoneLayout:
    """Heads, tails and roll axes of B bones in armature space (m, Z up).

    Attributes:
        heads: (B, 3) the bodies' origins.
        tails: (B, 3) never closer to the head than a person can see.
        z_axes: (B, 3) unit, direction of each bone's Z axis: X then points to the figure's
            left wherever the bone does not lie sideways itself, so that bending a knee, an
            elbow or the spine is a turn about X on both sides.
    """

    heads: FloatArray
    tails: FloatArray
    z_axes: FloatArray


def lay_out(motion: Motion) -> BoneLayout:
    """Bones for every body of the motion, in its rest pose."""
    heads = motion.rest_positions
    height = float(np.ptp(heads[:, 2])) / 0.9 or 1.0  # the top joint lies below the crown
    left = _left(motion)
    children = _children(motion)
    sizes = _subtree_sizes(motion)
    tails = np.empty_like(heads)
    for body in range(len(heads)):
        incoming = _incoming(motion, body, left)
        end = _carried_on_by(motion, children, sizes, body, incoming)
        span = heads[end] - heads[body] if end is not None else np.zeros(3)
        sided = bool(side_of(motion.names[body]))
        if end is not None and sided and _is_side_step(span, incoming, height):
            end = _carried_on_by(motion, children, sizes, end, incoming)
            span = heads[end] - heads[body] if end is not None else span
        if float(np.linalg.norm(span)) < SHORTEST * height:
            span = incoming * _end_length(motion, body) * height
        tails[body] = heads[body] + span
    return BoneLayout(heads=heads, tails=tails, z_axes=_z_axes(tails - heads, left))


def side_of(name: str) -> str:
    """`_r`, `_l`, or an empty text for a body in the middle."""
    return name[-2:] if name.endswith(SIDES) else ""


def _left(motion: Motion) -> FloatArray:
    """Unit vector to the figure's left: from each right body to its left twin, level."""
    place = {name: index for index, name in enumerate(motion.names)}
    heads = motion.rest_positions
    total = np.zeros(3)
    for name, index in place.items():
        twin = place.get(f"{name[:-2]}_l") if name.endswith("_r") else None
        if twin is not None:
            total += heads[twin] - heads[index]
    total[2] = 0.0
    length = float(np.linalg.norm(total))
    return total / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])


def _children(motion: Motion) -> list[list[int]]:
    parents = [int(parent) for parent in motion.parents]
    return [
        [body for body, parent in enumerate(parents) if parent == index]
        for index in range(len(parents))
    ]


def _subtree_sizes(motion: Motion) -> list[int]:
    sizes = [1] * len(motion.names)
    for body in reversed(range(len(sizes))):
        parent = int(motion.parents[body])
        if parent >= 0:
            sizes[parent] += sizes[body]
    return sizes


def _incoming(motion: Motion, body: int, left: FloatArray) -> FloatArray:
    """Unit direction in which the limb arrives at a body; forward for a root."""
    parent = int(motion.parents[body])
    if parent < 0:
        return np.cross(left, UP)
    span = motion.rest_positions[body] - motion.rest_positions[parent]
    length = float(np.linalg.norm(span))
    if length > 1e-6:
        return span / length
    # The body sits on its parent's joint, as a pelvis on its root: stand up out of it.
    return UP


def _carried_on_by(
    motion: Motion, children: list[list[int]], sizes: list[int], body: int, incoming: FloatArray
) -> int | None:
    """The child that the bone points to: of its own side, with the most behind it."""
    side = side_of(motion.names[body])
    same = [child for child in children[body] if side_of(motion.names[child]) == side]
    if not same:
        return None
    spans = motion.rest_positions[same] - motion.rest_positions[body]
    along = spans @ incoming / np.maximum(np.linalg.norm(spans, axis=1), 1e-9)
    best = max(range(len(same)), key=lambda index: (sizes[same[index]], along[index]))
    return same[best]


def _is_side_step(span: FloatArray, incoming: FloatArray, height: float) -> bool:
    """Whether the next joint lies close beside the limb, as the radius' beside the ulna's."""
    length = float(np.linalg.norm(span))
    return length < SIDE_STEP * height and float(span @ incoming) < 0.7 * length


def _end_length(motion: Motion, body: int) -> float:
    if motion.parents[body] < 0:
        return ROOT_LENGTH
    name = motion.names[body]
    return END_LENGTHS.get(name.removesuffix(side_of(name)), END_LENGTH)


def _z_axes(spans: FloatArray, left: FloatArray) -> FloatArray:
    y_axes = spans / np.linalg.norm(spans, axis=1, keepdims=True)
    sideways = np.abs(y_axes @ left) > 0.9
    # A bone that lies sideways (a clavicle, an arm in T-pose) has its X axis forward instead.
    x_axes = np.where(sideways[:, None], np.cross(left, UP), left)
    z_axes = np.cross(x_axes, y_axes)
    return z_axes / np.linalg.norm(z_axes, axis=1, keepdims=True)
