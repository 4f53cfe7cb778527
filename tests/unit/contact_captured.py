# SPDX-License-Identifier: GPL-3.0-or-later
"""The real take as a source of contacts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from myosapiens_addon.motion import glb, quaternion

from .contact_takes import Array, Limb, Take


def captured(folder: Path) -> Take:
    """The real take, with the feet of its skeleton made rigid."""
    motion = glb.read(folder / "motion_nomesh.glb")
    body = {name: index for index, name in enumerate(motion.names)}
    rest, rest_r = motion.rest_positions, motion.rest_rotations

    def turns(name: str) -> Array:
        back = quaternion.conjugate(rest_r[body[name]])
        return quaternion.multiply(motion.rotations[:, body[name]], back)

    limbs: list[Limb] = []
    pelvis = motion.positions[:, body["pelvis"]]
    for side in "rl":
        joint = {
            "pelvis": body["pelvis"], "hip": body[f"femur_{side}"], "knee": body[f"tibia_{side}"],
            "ankle": body[f"talus_{side}"], "heel": body[f"calcaneus_{side}"],
            "ball": body[f"toes_{side}"],
        }  # fmt: skip
        pairs = {
            "hip": "pelvis", "knee": "hip", "ankle": "knee", "ball": "ankle", "heel": "ankle",
        }  # fmt: skip
        spans = {end: rest[joint[end]] - rest[joint[start]] for end, start in pairs.items()}
        spans["tip"] = np.array([0.0, -0.06, -0.003])
        rotations = {
            "thigh": turns(f"femur_{side}"), "shin": turns(f"tibia_{side}"),
            "foot": turns(f"calcaneus_{side}"), "toe": turns(f"toes_{side}"),
        }  # fmt: skip
        low = 0.018
        heights = {"ball": low, "tip": low - 0.003, "heel": low + spans["heel"][2]}
        heights["heel"] -= spans["ball"][2]
        joints = {name: motion.positions[:, index] for name, index in joint.items()}
        none = np.zeros(len(motion.times), np.bool_)
        limbs.append(
            Limb(joints=joints, rotations=rotations, spans=spans, heights=heights,
                 toe=none, heel=none)
        )  # fmt: skip
    return Take(times=motion.times, pelvis=pelvis, turn=turns("pelvis"), limbs=tuple(limbs))
