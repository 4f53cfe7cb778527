# SPDX-License-Identifier: GPL-3.0-or-later
"""Twist bones: they stay along their limb and share out what turns about it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion
from myosapiens_addon.retarget.retargeting import RetargetOptions, retarget
from myosapiens_addon.retarget.rig import Rig
from tests.helpers import figures, forward
from tests.helpers.calm import calm
from tests.helpers.made_rigs import Chains, figure_rig, rig, role_map

PLACES = (0.25, 0.5, 0.75)
LIMBS = {"forearm": "hand", "upper_arm": "forearm", "shin": "foot", "thigh": "shin"}


def with_twists(limb: str, places: tuple[float, ...] = PLACES, seed: int = 3) -> tuple[Rig, Chains]:
    """The figure's rig with helpers along a left limb, children of its bone."""
    plain, chains = figure_rig(seed=seed)
    rng = np.random.default_rng(seed)
    bone = plain.names.index(chains[f"{limb}.L"][0])
    end = plain.rest_positions[plain.names.index(chains[f"{LIMBS[limb]}.L"][0])]
    heads = [plain.rest_positions[bone] + p * (end - plain.rest_positions[bone]) for p in places]
    names = tuple(f"twist {place}" for place in range(len(places)))
    turns = rng.normal(size=(len(places), 4))
    made = rig(
        plain.names + names,
        np.concatenate([plain.parents, np.full(len(places), bone)]),
        np.concatenate([plain.rest_positions, heads]),
        np.concatenate([plain.rest_tails, np.array(heads) + 0.05]),
        np.concatenate(
            [plain.rest_rotations, turns / np.linalg.norm(turns, axis=1, keepdims=True)]
        ),
    )
    return made, dict(chains) | {f"{limb}_twist.L": names}


def turned_about(limb: str, body: str, angle: np.ndarray) -> Motion:
    """The figure at rest, but for one body that turns about a left limb's line."""
    motion = figures.figure(frames=len(angle), seed=1)
    start, end = (
        figures.NAMES.index(figures.chains()[f"{role}.L"][0]) for role in (limb, LIMBS[limb])
    )
    axis = figures.RESTS[end] - figures.RESTS[start]
    axis = axis / np.linalg.norm(axis)
    turn = np.concatenate([np.cos(angle / 2)[:, None], np.sin(angle / 2)[:, None] * axis], axis=1)
    positions = np.repeat(figures.RESTS[None], len(angle), axis=0)
    rotations = np.repeat(motion.rest_rotations[None], len(angle), axis=0)
    pivot = figures.NAMES.index(body)
    for row in range(len(figures.NAMES)):
        if row == pivot or _below(row, pivot):
            rotations[:, row] = quaternion.multiply(turn, rotations[:, row])
            from_pivot = positions[:, row] - figures.RESTS[pivot]
            positions[:, row] = figures.RESTS[pivot] + quaternion.rotate(turn, from_pivot)
    return dataclasses.replace(motion, positions=positions, rotations=rotations)


def _below(row: int, pivot: int) -> bool:
    at = int(figures.PARENTS[row])
    while at >= 0 and at != pivot:
        at = int(figures.PARENTS[at])
    return at == pivot


def twisted(motion: Motion, made_rig: Rig, chains: Chains, limb: str) -> np.ndarray:
    """(n, F) how far each helper has turned about the limb, rad; it stays along it."""
    made = retarget(
        motion,
        role_map(figures.chains()),
        made_rig,
        role_map(chains),
        RetargetOptions(contacts=False),
    )
    posed = forward.of_curves(made_rig, made.curves)
    rest = forward.rests(made_rig)
    start, end = (made_rig.names.index(chains[f"{role}.L"][0]) for role in (limb, LIMBS[limb]))
    axis = rest[end, :3, 3] - rest[start, :3, 3]
    axis = axis / np.linalg.norm(axis)
    seen = posed[:, end, :3, 3] - posed[:, start, :3, 3]
    seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    out = []
    for name in chains[f"{limb}_twist.L"]:
        row = made_rig.names.index(name)
        turn = posed[:, row, :3, :3] @ rest[row, :3, :3].T
        np.testing.assert_allclose(turn @ axis, seen, atol=1e-6)
        across = np.cross(axis, [0.0, 1.0, 0.0])
        across = across / np.linalg.norm(across)
        out.append(np.arctan2((turn @ across) @ np.cross(axis, across), (turn @ across) @ across))
    return np.array(out)


@calm(max_examples=15)
@given(st.floats(-2.5, 2.5))
def test_a_forearm_takes_more_towards_the_hand(angle: float) -> None:
    wave = np.linspace(0.0, angle, 7)
    got = twisted(turned_about("forearm", "lunate_l", wave), *with_twists("forearm"), "forearm")
    np.testing.assert_allclose(got, np.outer(PLACES, wave), atol=1e-6)


@calm(max_examples=10)
@given(st.floats(-1.5, 1.5))
def test_an_upper_arm_gives_back_more_towards_the_shoulder(angle: float) -> None:
    wave = np.linspace(0.0, angle, 7)
    motion = turned_about("upper_arm", "humerus_l", wave)
    got = twisted(motion, *with_twists("upper_arm"), "upper_arm")
    np.testing.assert_allclose(got, np.outer(PLACES, wave), atol=1e-6)


@pytest.mark.parametrize("limb", LIMBS)
def test_helpers_lie_along_their_limb_in_any_motion(limb: str) -> None:
    got = twisted(figures.figure(), *with_twists(limb), limb)
    assert np.isfinite(got).all()


def test_helpers_at_one_place_share_by_their_order() -> None:
    wave = np.linspace(0.0, 1.2, 5)
    made, chains = with_twists("forearm", (0.0, 0.0))
    got = twisted(turned_about("forearm", "lunate_l", wave), made, chains, "forearm")
    np.testing.assert_allclose(got, np.outer((1 / 3, 2 / 3), wave), atol=1e-6)


def test_a_locked_helper_is_left_alone() -> None:
    made, chains = with_twists("forearm")
    locked = dataclasses.replace(made, unmovable={"twist 1": "locked"})
    done = retarget(
        figures.figure(), role_map(figures.chains()), locked, role_map(chains),
        RetargetOptions(contacts=False),
    )  # fmt: skip
    names = {row.bone for row in done.curves.bones}
    assert "twist 1" not in names
    assert {"twist 0", "twist 2"} <= names
