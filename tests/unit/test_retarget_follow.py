# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure on rigs of its own joints: what comes out points as the take does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.motion.motion import Motion
from myosapiens_addon.retarget.retargeting import Retargeted, RetargetOptions, retarget
from tests.helpers import figures, forward, likeness
from tests.helpers.calm import calm
from tests.helpers.made_rigs import figure_rig, role_map

ROWS = (0, 7, 20, 40)
CLOSE_DEG = 1e-3
UNPLANTED = RetargetOptions(contacts=False)
TURNS = {
    "as it is": np.eye(3),
    "Y up": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "facing back": np.diag([-1.0, -1.0, 1.0]),
    "facing aside": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "upside down": np.diag([1.0, -1.0, -1.0]),
    "X up": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
}


def put_on(
    motion: Motion,
    turn: np.ndarray,
    *,
    options: RetargetOptions = UNPLANTED,
    size: float = 1.0,
    seed: int = 0,
    drop: tuple[str, ...] = (),
    reach_deg: float = 0.0,
) -> tuple[Retargeted, likeness.Shown, likeness.Shown]:
    rig, chains = figure_rig(turn=turn, size=size, seed=seed, drop=drop, reach_deg=reach_deg)
    made = retarget(motion, role_map(figures.chains()), rig, role_map(chains), options)
    rows = [row for row in ROWS if row < motion.frame_count]
    take = likeness.of_motion(motion, figures.chains(), rows)
    target = forward.shown(
        rig, made.curves, chains, rows, up=turn[:, 2].tolist(), left=turn[:, 0].tolist()
    )
    return made, take, target


def all_measures(take: likeness.Shown, target: likeness.Shown) -> dict[str, float]:
    found = likeness.limbs(take, target) | likeness.trunk(take, target)
    found |= {f"palm{side}": value for side, value in likeness.palms(take, target).items()}
    return found | {f"sole{side}": value for side, value in likeness.feet(take, target).items()}


@pytest.mark.parametrize("name", TURNS)
def test_whichever_axis_is_up_and_ahead(name: str) -> None:
    _, take, target = put_on(figures.figure(slide_m=0.004), TURNS[name])
    found = all_measures(take, target)
    assert len(found) == 37
    assert max(found.values()) < CLOSE_DEG, found


@calm(max_examples=12)
@given(
    seed=st.integers(0, 9999),
    axes_seed=st.integers(0, 9999),
    size=st.floats(0.01, 200.0),
    reach_deg=st.floats(0.0, 90.0),
)
def test_any_size_rolls_and_axes(seed: int, axes_seed: int, size: float, reach_deg: float) -> None:
    motion = figures.figure(seed=seed, axes_seed=axes_seed, frames=9)
    _, take, target = put_on(motion, np.eye(3), size=size, seed=seed, reach_deg=reach_deg)
    limbs = likeness.limbs(take, target)
    assert max(limbs.values()) < CLOSE_DEG
    assert max(likeness.trunk(take, target).values()) < CLOSE_DEG
    assert max(likeness.palms(take, target).values()) < CLOSE_DEG


@pytest.mark.parametrize(
    "drop",
    [
        ("clavicle",),
        ("toe",),
        ("spine", "neck"),
        ("head",),
        likeness.FINGERS,
        likeness.LEGS,
        ("upper_arm", "forearm", "hand", *likeness.FINGERS),
        ("root",),
    ],
    ids="-".join,
)
def test_what_is_left_out_does_not_disturb_the_rest(drop: tuple[str, ...]) -> None:
    _, take, target = put_on(figures.figure(), np.eye(3), drop=drop)
    found = all_measures(take, target)
    soles = {f"sole{side}" for side in likeness.SIDES} if "toe" in drop else set[str]()
    assert max(value for key, value in found.items() if key not in soles) < CLOSE_DEG


def test_the_same_joints_make_the_same_steps() -> None:
    motion = figures.figure()
    made, take, target = put_on(motion, np.eye(3))
    assert not made.notes.warnings
    np.testing.assert_allclose(
        likeness.hips(target) - likeness.hips(target)[0],
        likeness.hips(take) - likeness.hips(take)[0],
        atol=1e-9,
    )


@calm(max_examples=10)
@given(st.floats(0.05, 50.0))
def test_the_way_is_as_much_longer_as_the_legs_are(size: float) -> None:
    _, take, target = put_on(figures.figure(), np.eye(3), size=size)
    ways = [likeness.hips(shown) - likeness.hips(shown)[0] for shown in (take, target)]
    np.testing.assert_allclose(ways[1], size * ways[0], atol=1e-7 * size)


def test_left_and_right_are_not_swapped() -> None:
    motion = figures.figure()
    mirrored = {
        role: figures.chains()[role[:-2] + (".R" if role.endswith(".L") else ".L")]
        if role[-2:] in likeness.SIDES
        else names
        for role, names in figures.chains().items()
    }
    rig, chains = figure_rig()
    made = retarget(motion, role_map(figures.chains()), rig, role_map(chains), UNPLANTED)
    target = forward.shown(rig, made.curves, chains, ROWS)
    wrong = likeness.limbs(likeness.of_motion(motion, mirrored, ROWS), target)
    assert min(wrong[f"upper_arm{side}"] for side in likeness.SIDES) > 10.0


def test_feet_that_stand_stay_and_bear_the_figure() -> None:
    motion = figures.figure(stands=True, frames=81)
    made, _, target = put_on(motion, np.eye(3), options=RetargetOptions(), size=0.5)
    assert made.notes.planted == 2
    assert not made.notes.warnings
    for side in likeness.SIDES:
        toes = target.heads[f"toe{side}"][0]
        assert np.ptp(toes, axis=0).max() < 1e-3
        np.testing.assert_allclose(toes[:, 2], target.rest[f"toe{side}"][0][2], atol=5e-3)


def test_a_spine_of_another_number_of_bones_ends_as_the_trunk_does() -> None:
    motion = figures.figure()
    rig, chains = figure_rig()
    for keep in (1, 2, 4):
        spine = chains["spine"]
        fewer = dict(chains) | {"spine": (*spine[: keep - 1], spine[-1])}
        made = retarget(motion, role_map(figures.chains()), rig, role_map(fewer), UNPLANTED)
        target = forward.shown(rig, made.curves, fewer, ROWS)
        take = likeness.of_motion(motion, figures.chains(), ROWS)
        assert likeness.trunk(take, target)["spine"] < CLOSE_DEG


@pytest.mark.parametrize("bodies", ["tibia", "femur", "ulna", "phalanx", ""])
def test_bodies_in_one_place_give_numbers(bodies: str) -> None:
    motion = figures.figure(frames=9)
    rests = motion.rest_positions.copy()
    for row, name in enumerate(figures.NAMES):
        if bodies in name:
            rests[row] = rests[max(int(figures.PARENTS[row]), 0)]
    flat = dataclasses.replace(motion, rest_positions=rests)
    made, _, _ = put_on(flat, np.eye(3), options=RetargetOptions())
    check_finite(made)


@pytest.mark.parametrize("role", ["thigh.L", "upper_arm.R", "hand.L", "foot.R", "spine", "index.L"])
def test_bones_of_no_length_give_numbers(role: str) -> None:
    rig, chains = figure_rig()
    bones = [rig.names.index(name) for name in chains[role]]
    tails, heads = rig.rest_tails.copy(), rig.rest_positions.copy()
    tails[bones] = heads[bones]
    for child in np.flatnonzero(np.isin(rig.parents, bones)):
        heads[child] = heads[rig.parents[child]]
    flat = dataclasses.replace(rig, rest_tails=tails, rest_positions=heads)
    for options in (RetargetOptions(), UNPLANTED):
        made = retarget(
            figures.figure(frames=9), role_map(figures.chains()), flat, role_map(chains), options
        )
        check_finite(made)


def check_finite(made: Retargeted) -> None:
    for row in made.curves.bones:
        for values in (row.rotations, row.location):
            assert values is None or np.isfinite(values).all(), row.bone
        if row.rotations is not None:
            np.testing.assert_allclose(np.linalg.norm(row.rotations, axis=0), 1.0, atol=1e-6)
