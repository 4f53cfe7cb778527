# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures made from a figure, as plain rigs: other names, rolls, rest poses and proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from myosapiens_addon.motion import kinematics, quaternion
from myosapiens_addon.retarget.mapping.roles import RoleMap
from myosapiens_addon.retarget.rig import Rig

if TYPE_CHECKING:
    from myosapiens_addon.motion.motion import Motion

ARM = ("upper_arm", "forearm", "hand")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What to make of a figure.

    Attributes:
        abduction_deg: how far the arms are lifted sideways from hanging.
        elbow_deg: how far the elbows are bent forward.
        no_carrying: forearms go on as upper arms do before elbows are bent: people's deviate
            sideways by the carrying angle, most armatures' do not.
        knee_deg: how far the knees are bent, the feet staying level.
        roll_seed: of random rolls; None for none.
        modes: rotation modes, one after the other.
        leg_scale: thighs and shins are so much longer.
        size: everything is so much larger.
        turn: (4,) rotation of everything: another axis up, another way to face.
    """

    abduction_deg: float = 0.0
    elbow_deg: float = 0.0
    no_carrying: bool = False
    knee_deg: float = 0.0
    roll_seed: int | None = None
    modes: tuple[str, ...] = ("QUATERNION",)
    leg_scale: float = 1.0
    size: float = 1.0
    turn: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


def rig_like(motion: Motion, bodies: RoleMap, look: Look) -> tuple[Rig, RoleMap]:
    """An armature with one bone per body that has a role, and its own names.

    Args:
        motion: whose rest pose, facing −Y with the arms down, is taken.
        bodies: the roles of its bodies.
        look: what is different.
    """
    positions = posed(motion, bodies, look)[0]
    role_of = {
        name: (role, place)
        for role, names in bodies.chains.items()
        if role != "root"
        for place, name in enumerate(names)
    }
    kept = [index for index, name in enumerate(motion.names) if name in role_of]
    heads = positions[kept]
    parents = np.array([_kept_above(motion, index, kept) for index in kept], np.int32)
    tails = _tails(heads, parents)
    # Names that tell nothing.
    names = tuple(f"b{3 * row + 7:03d}" for row in range(len(kept)))
    chains: dict[str, list[str]] = {}
    for row, index in enumerate(kept):
        chains.setdefault(role_of[motion.names[index]][0], []).append(names[row])
    rig = Rig(
        name="Target",
        names=names,
        parents=parents,
        rest_positions=heads,
        rest_tails=tails,
        rest_rotations=_bone_axes(tails - heads, look.roll_seed),
        body_rest_rotations=np.full((len(kept), 4), np.nan),
        rotation_modes=tuple(look.modes[row % len(look.modes)] for row in range(len(kept))),
        inherits_rotation=np.ones(len(kept), np.bool_),
        local_location=np.ones(len(kept), np.bool_),
        connected=np.zeros(len(kept), np.bool_),
    )
    return rig, RoleMap(chains={role: tuple(found) for role, found in chains.items()})


def posed(motion: Motion, bodies: RoleMap, look: Look) -> tuple[np.ndarray, np.ndarray]:
    """Joint positions (B, 3) and rotations (B, 4) of the figure as it shall stand."""
    local_t, local_r = kinematics.local_from_world(
        motion.parents, motion.rest_positions, motion.rest_rotations
    )
    local_t, local_r = local_t.copy(), local_r.copy()
    place = {name: index for index, name in enumerate(motion.names)}
    for side, sign in ((".L", -1.0), (".R", 1.0)):
        turns: list[tuple[str, np.ndarray, float]] = [
            (role, np.array(axis), np.radians(degrees))
            for role, axis, degrees in (
                ("upper_arm", (0.0, 1.0, 0.0), sign * look.abduction_deg),
                ("forearm", (1.0, 0.0, 0.0), -look.elbow_deg),
                ("thigh", (1.0, 0.0, 0.0), -0.5 * look.knee_deg),
                ("shin", (1.0, 0.0, 0.0), look.knee_deg),
                ("foot", (1.0, 0.0, 0.0), -0.5 * look.knee_deg),
            )
        ]
        if look.no_carrying:
            joints = [place[bodies.chains[f"{role}{side}"][0]] for role in ARM]
            turns.append(("forearm", *_straightening(motion.rest_positions[joints])))
        # What is turned later acts first: forearms go straight, and are bent from there.
        for role, axis, angle in turns:
            _turn(motion, local_r, place[bodies.chains[f"{role}{side}"][0]], axis, angle)
        for role in ("shin", "foot"):
            local_t[place[bodies.chains[f"{role}{side}"][0]]] *= look.leg_scale
    lifted, turned = kinematics.world_from_local(motion.parents, local_t, local_r)
    longer = (look.leg_scale - 1.0) * np.ptp(
        motion.rest_positions[[place[bodies.chains[role][0]] for role in ("thigh.L", "foot.L")], 2]
    )
    lifted = lifted + np.array([0.0, 0.0, longer])
    whole = np.array(look.turn)
    return look.size * quaternion.rotate(whole, lifted), quaternion.multiply(whole, turned)


def _straightening(joints: np.ndarray) -> tuple[np.ndarray, float]:
    """The axis and angle (rad) that bring the second of two segments in line with the first."""
    upper, lower = np.diff(joints, axis=0)
    axis = np.cross(lower, upper)
    sine = float(np.linalg.norm(axis))
    return axis / sine, float(np.arctan2(sine, upper @ lower))


def _turn(motion: Motion, local: np.ndarray, body: int, axis: np.ndarray, angle: float) -> None:
    """Turn a body and all behind it about a world axis, in the pose at rest."""
    world = motion.rest_rotations[body]
    own = quaternion.rotate(quaternion.conjugate(world), axis)
    turn = np.concatenate([[np.cos(angle / 2)], np.sin(angle / 2) * own])
    local[body] = quaternion.multiply(local[body], turn)


def _kept_above(motion: Motion, index: int, kept: list[int]) -> int:
    at = int(motion.parents[index])
    while at >= 0 and at not in kept:
        at = int(motion.parents[at])
    return kept.index(at) if at >= 0 else -1


def _tails(heads: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """At the first child's head; a bone without children goes on as its parent does."""
    tails = np.empty_like(heads)
    for row in range(len(heads)):
        children = np.flatnonzero(parents == row)
        spans = [heads[child] - heads[row] for child in children]
        long = [span for span in spans if np.linalg.norm(span) > 1e-6]
        if long:
            tails[row] = heads[row] + long[0]
        else:
            above = parents[row]
            tails[row] = heads[row] + 0.5 * (heads[row] - heads[above])
    return tails


def _bone_axes(spans: np.ndarray, seed: int | None) -> np.ndarray:
    y = spans / np.linalg.norm(spans, axis=1, keepdims=True)
    start = np.tile([0.0, 1.0, 0.0], (len(y), 1))
    start[y[:, 1] < -0.999] = [1e-3, 1.0, 0.0]
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    swing = quaternion.from_two_vectors(start, y)
    if seed is None:
        return swing
    roll = np.random.default_rng(seed).uniform(-np.pi, np.pi, len(y))
    about = np.zeros((len(y), 4))
    about[:, 0], about[:, 2] = np.cos(roll / 2), np.sin(roll / 2)
    return quaternion.multiply(swing, about)
