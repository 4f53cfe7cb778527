# SPDX-License-Identifier: GPL-3.0-or-later
"""From world poses of bodies to the pose channels of bones.

With B₀ a bone's rotation at rest, R₀ its body's rotation at rest and W(t) its body's rotation
in the take, the bone must stand at W(t) R₀⁻¹ B₀: it turns with its body, whatever its own axes.
A pose channel is what remains after the parent's pose and both rest poses are taken out:

    rotation  = B₀⁻¹ R₀ₚ · (Wₚ⁻¹ W) · R₀⁻¹ B₀
    location  = B₀⁻¹ R₀ₚ · (how far the body has moved in its parent's axes since rest)

where p is the nearest bone above that follows a body too. Bones keep the armature's lengths:
only what moves against the take's own rest pose becomes a location.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..motion import kinematics, quaternion
from .curves import BoneCurves, PoseCurves

if TYPE_CHECKING:
    from ..motion.motion import IntArray, Motion
    from .bone_map import BoneMap
    from .rig import Rig

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


def align(motion: Motion, rig: Rig, bone_map: BoneMap, *, unit_m: float = 1.0) -> PoseCurves:
    """Make every mapped bone follow its body; see the module's docstring for the formula.

    Args:
        motion: the take.
        rig: the armature.
        bone_map: which bone follows which body.
        unit_m: metres per unit of the armature.
    """
    bones, bodies = np.array(bone_map.bones, np.intp), np.array(bone_map.bodies, np.intp)
    parents = _mapped_parents(rig, bone_map)
    rest_world = (motion.rest_positions[bodies], motion.rest_rotations[bodies])
    rest_t, _ = kinematics.local_from_world(parents, *rest_world)
    moving = (motion.positions[:, bodies], motion.rotations[:, bodies])
    local_t, local_r = kinematics.local_from_world(parents, *moving)

    own_rest = rig.body_rest_rotations[bones]
    body_rest = np.where(np.isnan(own_rest), motion.rest_rotations[bodies], own_rest)
    above = np.where(parents[:, None] >= 0, body_rest[parents], IDENTITY)
    bone_back = quaternion.conjugate(rig.rest_rotations[bones])
    before = quaternion.multiply(bone_back, above)
    after = quaternion.multiply(quaternion.conjugate(body_rest), rig.rest_rotations[bones])
    # A root has no parent to be measured against: it goes where its body is.
    start = np.where(parents[:, None] >= 0, rest_t, rig.rest_positions[bones] * unit_m)
    rotations = quaternion.multiply(quaternion.multiply(before, local_r), after)
    rotations = quaternion.continuous(quaternion.normalised(rotations))
    locations = quaternion.rotate(before, local_t - start) / unit_m
    return PoseCurves(
        times=motion.times,
        bones=tuple(
            BoneCurves(
                bone=rig.names[bone],
                rotation_mode=rig.rotation_modes[bone],
                rotations=rotations[:, column].T,
                location=locations[:, column].T,
            )
            for column, bone in enumerate(bone_map.bones)
        ),
    )


def _mapped_parents(rig: Rig, bone_map: BoneMap) -> IntArray:
    """For each mapped bone the nearest mapped bone above it, as an index into the map."""
    place = {bone: index for index, bone in enumerate(bone_map.bones)}
    parents: list[int] = []
    for bone in bone_map.bones:
        above = int(rig.parents[bone])
        while above >= 0 and above not in place:
            above = int(rig.parents[above])
        parents.append(place.get(above, -1))
    return np.array(parents, np.int32)
