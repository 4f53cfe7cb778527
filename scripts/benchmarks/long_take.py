# SPDX-License-Identifier: GPL-3.0-or-later
"""Longer takes made of a short one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from myosapiens_addon.motion import kinematics, quaternion
from myosapiens_addon.retarget.mapping import roles as role_names
from myosapiens_addon.retarget.mapping.roles import RoleMap

if TYPE_CHECKING:
    from myosapiens_addon.motion.motion import FloatArray, Motion

STIRRED_RAD = 0.03
STILL = ("myoskeleton_root", "pelvis", "femur", "tibia", "talus", "calcaneus", "toes")


def there_and_back(motion: Motion, frames: int) -> Motion:
    """A take of any length: walked to its end, back again, and so on, without a jump."""
    period = 2 * motion.frame_count - 2
    place = np.arange(frames) % period
    rows = np.minimum(place, period - place)
    return dataclasses.replace(
        motion,
        times=np.arange(frames) / motion.rate_hz,
        positions=np.ascontiguousarray(motion.positions[rows]),
        rotations=np.ascontiguousarray(motion.rotations[rows]),
    )


def stirred(motion: Motion) -> Motion:
    """The same take with every joint turning a little, so that no channel is still."""
    rng = np.random.default_rng(11)
    count = len(motion.names)
    axes = rng.normal(size=(count, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    pace, phase = rng.uniform(1.0, 6.0, count), rng.uniform(0.0, 2.0 * np.pi, count)
    half = 0.5 * STIRRED_RAD * np.sin(motion.times[:, None] * pace + phase)
    turns = np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * axes], axis=-1)
    places, rotations = kinematics.local_from_world(
        motion.parents, motion.positions, motion.rotations
    )
    # The legs stay as they are, so that planted feet are planted.
    still = [name.startswith(STILL) for name in motion.names]
    turns[:, still] = [1.0, 0.0, 0.0, 0.0]
    positions, world = kinematics.world_from_local(
        motion.parents, places, quaternion.multiply(rotations, turns)
    )
    return dataclasses.replace(motion, positions=positions, rotations=world)


def carried(motion: Motion, way: FloatArray) -> Motion:
    """The same take on a moving walkway.

    Args:
        motion: the take.
        way: (F, 3) m, how far the ground has moved.
    """
    return dataclasses.replace(motion, positions=motion.positions + way[:, None])


def own_bones(bodies: RoleMap) -> RoleMap:
    """The roles without the root and without helpers that share a limb's twist."""
    chains = {
        role: names
        for role, names in bodies.chains.items()
        if role != "root" and role_names.word_of(role) not in role_names.TWISTS
    }
    return RoleMap(chains=chains)


def fewer(bodies: RoleMap, count: int) -> RoleMap:
    """Those without the first neck bones too, so that there are so many."""
    chains = dict(own_bones(bodies).chains)
    spare = sum(map(len, chains.values())) - count
    if not 0 <= spare < len(chains["neck"]):
        raise ValueError(f"the take cannot have {count} bones")
    chains["neck"] = chains["neck"][spare:]
    return RoleMap(chains=chains)
