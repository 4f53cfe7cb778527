# SPDX-License-Identifier: GPL-3.0-or-later
"""Motions for tests, in plain numpy: they also run where only Blender's Python is."""

from __future__ import annotations

import numpy as np

from myosapiens_addon.motion import kinematics, quaternion
from myosapiens_addon.motion.decoding import Decoded
from myosapiens_addon.motion.motion import Motion

NAMES = (
    "root", "pelvis", "lumbar_spine_1", "thoracic_spine", "skull",
    "humerus_r", "ulna_r", "radius_r", "lunate_r", "humerus_l",
    "femur_r", "tibia_r", "patella_r", "talus_r", "toes_r", "femur_l", "tibia_l",
)  # fmt: skip
PARENTS = np.array([-1, 0, 1, 2, 3, 3, 5, 6, 7, 3, 1, 10, 10, 11, 13, 1, 15], np.int32)
# Offsets in each parent's axes: X forward, Y up, Z to the right; the root stands at 0.9 m.
OFFSETS = np.array([
    [0, 0, 0.9], [0, 0, 0], [-0.08, 0.06, 0], [0, 0.15, 0], [0.02, 0.30, 0],
    [0, 0.22, 0.17], [0.0, -0.29, 0.0], [0, -0.01, 0.02], [0, -0.24, 0.02], [0, 0.22, -0.17],
    [-0.06, -0.08, 0.08], [0, -0.42, 0], [0.03, -0.40, 0], [0, -0.43, 0], [0.12, -0.05, 0],
    [-0.06, -0.08, -0.08], [0, -0.42, 0],
])  # fmt: skip
# World axes of a body at rest: its X (forward) along −Y, its Y (up) along Z.
FACING = quaternion.from_matrix(np.array([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]]))
IDENTITY = np.array([1.0, 0, 0, 0])


def moving(*, frames: int = 25, rate_hz: float = 100.0, seed: int = 3) -> Motion:
    """A figure of 17 bodies that walks off, turning every joint smoothly.

    Two bodies stand in one place (root and pelvis), and the patella slides.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / rate_hz
    rest_r = np.tile(IDENTITY, (len(NAMES), 1))
    rest_r[1] = FACING
    axes = rng.normal(size=(len(NAMES), 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angle = np.sin(2 * np.pi * times[:, None] + rng.uniform(0, 6, len(NAMES))) * 0.6
    turn = np.concatenate(
        [np.cos(angle / 2)[..., None], np.sin(angle / 2)[..., None] * axes], axis=-1
    )
    turn[:, 1] = IDENTITY  # the pelvis is fixed to the root
    offsets = np.repeat(OFFSETS[None], frames, axis=0)
    offsets[:, 0, :2] += np.stack([0.3 * times, -1.2 * times], -1)
    offsets[:, 12, 1] += 0.02 * np.sin(9 * times)
    positions, rotations = kinematics.world_from_local(
        PARENTS, offsets, quaternion.multiply(rest_r, turn)
    )
    rest = kinematics.world_from_local(PARENTS, OFFSETS, rest_r)
    return Motion(
        names=NAMES,
        parents=PARENTS,
        rest_positions=rest[0],
        rest_rotations=rest[1],
        times=times,
        positions=positions,
        rotations=rotations,
    )


def as_decoded(motion: Motion) -> Decoded:
    """A motion as if it had been read from a `motion.glb`."""
    return Decoded(motion=motion, source="motion.glb")
