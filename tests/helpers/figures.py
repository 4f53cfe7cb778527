# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole figure with fingers, its bodies named as in takes, that moves every joint.

It stands as takes do at rest: Z up, facing −Y, the arms hanging. All in numpy: it also runs
where only Blender's Python is.
"""

from __future__ import annotations

import numpy as np

from myosapiens_addon.motion import kinematics, quaternion
from myosapiens_addon.motion.motion import Motion

# name, parent, place at rest (m) of the bodies in the middle and on the left.
BODIES: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("myoskeleton_root", "", (0, 0, 0.96)),
    ("pelvis", "myoskeleton_root", (0, 0, 0.96)),
    ("lumbar_spine_5", "pelvis", (0, 0.09, 1.01)),
    ("lumbar_spine_4", "lumbar_spine_5", (0, 0.085, 1.04)),
    ("lumbar_spine_3", "lumbar_spine_4", (0, 0.08, 1.07)),
    ("lumbar_spine_2", "lumbar_spine_3", (0, 0.09, 1.10)),
    ("lumbar_spine_1", "lumbar_spine_2", (0, 0.10, 1.125)),
    ("thoracic_spine", "lumbar_spine_1", (0, 0.125, 1.155)),
    ("cervical_spine_7", "thoracic_spine", (0, 0.12, 1.415)),
    ("cervical_spine_4", "cervical_spine_7", (0, 0.11, 1.47)),
    ("cervical_spine_1", "cervical_spine_4", (0, 0.105, 1.52)),
    ("skull", "cervical_spine_1", (0, 0.10, 1.535)),
    ("clavicle_l", "thoracic_spine", (0.025, 0.075, 1.385)),
    ("scapula_l", "clavicle_l", (0.165, 0.09, 1.405)),
    ("humerus_l", "scapula_l", (0.175, 0.10, 1.37)),
    ("ulna_l", "humerus_l", (0.175, 0.09, 1.04)),
    ("radius_l", "ulna_l", (0.19, 0.085, 1.025)),
    ("lunate_l", "radius_l", (0.215, 0.065, 0.77)),
    ("metacarpal_1_l", "lunate_l", (0.21, 0.04, 0.745)),
    ("proximal_phalanx_1_l", "metacarpal_1_l", (0.20, 0.025, 0.72)),
    ("distal_phalanx_1_l", "proximal_phalanx_1_l", (0.19, 0.012, 0.695)),
    ("proximal_phalanx_2_l", "lunate_l", (0.229, 0.044, 0.692)),
    ("intermediate_phalanx_2_l", "proximal_phalanx_2_l", (0.235, 0.037, 0.653)),
    ("distal_phalanx_2_l", "intermediate_phalanx_2_l", (0.237, 0.033, 0.63)),
    ("proximal_phalanx_3_l", "lunate_l", (0.229, 0.06, 0.693)),
    ("intermediate_phalanx_3_l", "proximal_phalanx_3_l", (0.235, 0.059, 0.651)),
    ("distal_phalanx_3_l", "intermediate_phalanx_3_l", (0.237, 0.058, 0.624)),
    ("proximal_phalanx_4_l", "lunate_l", (0.224, 0.074, 0.694)),
    ("intermediate_phalanx_4_l", "proximal_phalanx_4_l", (0.226, 0.077, 0.657)),
    ("distal_phalanx_4_l", "intermediate_phalanx_4_l", (0.227, 0.079, 0.633)),
    ("proximal_phalanx_5_l", "lunate_l", (0.215, 0.084, 0.70)),
    ("intermediate_phalanx_5_l", "proximal_phalanx_5_l", (0.214, 0.089, 0.668)),
    ("distal_phalanx_5_l", "intermediate_phalanx_5_l", (0.213, 0.092, 0.649)),
    ("femur_l", "pelvis", (0.081, 0.06, 0.88)),
    ("tibia_l", "femur_l", (0.079, 0.058, 0.455)),
    ("talus_l", "tibia_l", (0.079, 0.07, 0.072)),
    ("calcaneus_l", "talus_l", (0.087, 0.12, 0.02)),
    ("toes_l", "calcaneus_l", (0.089, -0.065, 0.02)),
)
SIDES = {".L": "_l", ".R": "_r"}
FINGERS = {"index": 2, "middle": 3, "ring": 4, "little": 5}
# World axes of a body at rest: X forward (−Y), Y up (Z), Z to the right (−X).
FACING = quaternion.from_matrix(np.array([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]]))
RIGHT = np.array([0.0, 0.0, 1.0])
# Joints that bend about one axis: from and to, rad, about the body's own right.
HINGES = {"ulna": (0.1, 1.3), "tibia": (-1.1, -0.05), "toes": (-0.1, 0.4)}
# How far others turn, rad.
REACH = {
    "pelvis": 0.25, "lumbar": 0.05, "thoracic": 0.1, "cervical": 0.1, "skull": 0.2,
    "clavicle": 0.1, "scapula": 0.1, "humerus": 0.8, "radius": 0.5, "lunate": 0.4,
    "metacarpal": 0.2, "proximal": 0.4, "intermediate": 0.4, "distal": 0.3,
    "femur": 0.5, "talus": 0.2, "calcaneus": 0.1,
}  # fmt: skip
LEGS = ("femur", "tibia", "talus", "calcaneus", "toes")


def chains() -> dict[str, tuple[str, ...]]:
    """Role → the bodies that play it, told independently of the presets."""
    lumbar = tuple(f"lumbar_spine_{number}" for number in (5, 4, 3, 2, 1))
    out: dict[str, tuple[str, ...]] = {
        "root": ("myoskeleton_root",),
        "pelvis": ("pelvis",),
        "spine": (*lumbar, "thoracic_spine"),
        "neck": ("cervical_spine_7", "cervical_spine_4", "cervical_spine_1"),
        "head": ("skull",),
    }
    words = {
        "clavicle": "clavicle", "upper_arm": "humerus", "forearm": "ulna", "hand": "lunate",
        "thigh": "femur", "shin": "tibia", "foot": "talus", "toe": "toes",
    }  # fmt: skip
    bones = ("proximal_phalanx", "intermediate_phalanx", "distal_phalanx")
    for side, end in SIDES.items():
        out |= {f"{role}{side}": (f"{body}{end}",) for role, body in words.items()}
        for finger, number in FINGERS.items():
            out[f"{finger}{side}"] = tuple(f"{bone}_{number}{end}" for bone in bones)
        thumb = ("metacarpal_1", "proximal_phalanx_1", "distal_phalanx_1")
        out[f"thumb{side}"] = tuple(f"{bone}{end}" for bone in thumb)
    return out


def _both_sides() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    rows = list(BODIES)
    for name, parent, (x, y, z) in BODIES:
        if name.endswith("_l"):
            above = f"{parent[:-2]}_r" if parent.endswith("_l") else parent
            rows.append((f"{name[:-2]}_r", above, (-x, y, z)))
    place = {name: index for index, (name, _, _) in enumerate(rows)}
    parents = np.array([place[parent] if parent else -1 for _, parent, _ in rows], np.int32)
    return tuple(place), parents, np.array([spot for _, _, spot in rows], np.float64)


NAMES, PARENTS, RESTS = _both_sides()


def _about(axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    half = 0.5 * angles[..., None]
    return np.concatenate([np.cos(half), np.sin(half) * axes], axis=-1)


def figure(
    *,
    frames: int = 41,
    rate_hz: float = 100.0,
    seed: int = 5,
    stands: bool = False,
    axes_seed: int | None = None,
    slide_m: float = 0.0,
) -> Motion:
    """The figure, moving.

    Args:
        frames: how many.
        rate_hz: in a second.
        seed: of the movement.
        stands: legs and pelvis stay where they are: both feet stand all the time.
        axes_seed: give every body axes of its own at rest; the movement stays the same.
        slide_m: how far the forearms and shins slide in their joints.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / rate_hz
    rest = np.tile(FACING, (len(NAMES), 1))
    offsets, locals_at_rest = kinematics.local_from_world(PARENTS, RESTS, rest)
    turns = np.empty((frames, len(NAMES), 4))
    phase = rng.uniform(0.0, 2 * np.pi, len(NAMES))
    for body, name in enumerate(NAMES):
        word = name.split("_")[0]
        wave = np.sin(2 * np.pi * times + phase[body])
        axis = rng.normal(size=3)
        if word in HINGES:
            low, high = HINGES[word]
            axis, angle = RIGHT, low + (high - low) * 0.5 * (1.0 + wave)
        else:
            angle = REACH.get(word, 0.0) * wave
        if stands and word in (*LEGS, "pelvis"):
            angle = 0.0 * wave
        turns[:, body] = _about(axis / np.linalg.norm(axis), angle)
    moving = np.repeat(offsets[None], frames, axis=0)
    for name in ("ulna_l", "ulna_r", "tibia_l", "tibia_r"):
        moving[:, NAMES.index(name), 0] += slide_m * np.sin(5.0 * times)
    if not stands:
        way = np.stack([0.2 * times, -1.1 * times, 0.02 * np.sin(9.0 * times)], axis=-1)
        moving[:, 0] += way
    positions, rotations = kinematics.world_from_local(
        PARENTS, moving, quaternion.multiply(locals_at_rest, turns)
    )
    own = _own_axes(axes_seed)
    return Motion(
        names=NAMES,
        parents=PARENTS,
        rest_positions=RESTS,
        rest_rotations=quaternion.multiply(rest, own),
        times=times,
        positions=positions,
        rotations=quaternion.multiply(rotations, own),
    )


def _own_axes(seed: int | None) -> np.ndarray:
    if seed is None:
        return np.tile([1.0, 0.0, 0.0, 0.0], (len(NAMES), 1))
    axes = np.random.default_rng(seed).normal(size=(len(NAMES), 4))
    return axes / np.linalg.norm(axes, axis=1, keepdims=True)
