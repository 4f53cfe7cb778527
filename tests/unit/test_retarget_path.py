# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of the figure: how long and how high, and what of it is travel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.retarget import choosing, path
from myosapiens_addon.retarget.retargeting import RetargetOptions, retarget
from myosapiens_addon.retarget.rig import ObjectPlace, Rig
from tests.helpers import figures, forward, likeness, made_rigs, rigs
from tests.helpers.calm import calm
from tests.helpers.made_rigs import Chains, figure_rig, role_map

UP = np.array([0.0, 0.0, 1.0])
ROWS = range(0, 241, 20)


def long_walk() -> figures.Motion:
    return figures.figure(frames=241)


def hips(rig: Rig, chains: Chains, options: RetargetOptions, up: np.ndarray = UP) -> np.ndarray:
    """(K, 3) of the hips' middle."""
    made = retarget(long_walk(), role_map(figures.chains()), rig, role_map(chains), options)
    return likeness.hips(forward.shown(rig, made.curves, chains, ROWS, up=up.tolist()))


@calm(max_examples=10)
@given(st.floats(0.2, 3.0), st.floats(0.02, 50.0))
def test_metres_are_metres_of_the_scene(scale: float, world_scale: float) -> None:
    rig, chains = figure_rig(size=1.3 / world_scale)
    placed = dataclasses.replace(
        rig,
        place=ObjectPlace(basis=np.eye(3), location=np.zeros(3), world_scale=world_scale),
    )
    got = hips(placed, chains, RetargetOptions(contacts=False, path_scale=scale))
    take = likeness.hips(likeness.of_motion(long_walk(), figures.chains(), ROWS))
    wanted = take - take[0]
    moved = world_scale * (got - got[0])
    np.testing.assert_allclose(moved[:, :2], scale * wanted[:, :2], atol=1e-6)
    np.testing.assert_allclose(moved[:, 2], 1.3 * wanted[:, 2], atol=1e-6)


@pytest.mark.parametrize("turn", [np.eye(3), np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])])
def test_in_place_stays_in_place(turn: np.ndarray) -> None:
    rig, chains = figure_rig(turn=turn)
    up = turn @ UP
    there = hips(rig, chains, RetargetOptions(contacts=False), up)
    here = hips(rig, chains, RetargetOptions(contacts=False, in_place=True), up)
    level = np.eye(3) - np.outer(up, up)
    assert np.ptp(there @ level, axis=0).max() > 2.0
    assert np.ptp(here @ level, axis=0).max() < 0.2
    np.testing.assert_allclose(here @ up, there @ up, atol=1e-9)


@calm()
@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), st.integers(91, 300))
def test_travel_of_a_steady_walk_is_the_walk(x: float, y: float, frames: int) -> None:
    times = np.arange(frames) / 60.0
    way = np.stack([x * times, y * times, 1.0 + 0.0 * times])
    got = path.travel(way, times, UP)
    np.testing.assert_allclose(got, way * [[1.0], [1.0], [0.0]], atol=1e-9)


@pytest.mark.parametrize("frames", [2, 16, 61])
def test_travel_of_a_steady_walk_that_is_short(frames: int) -> None:
    times = np.arange(frames) / 60.0
    way = np.stack([0.0 * times, 1.2 * times, 1.0 + 0.0 * times])
    got = path.travel(way, times, UP)
    np.testing.assert_allclose(got, way * [[1.0], [1.0], [0.0]], atol=1e-3)


def test_travel_leaves_the_sway_of_steps_out() -> None:
    times = np.arange(600) / 100.0
    sway = 0.03 * np.sin(2 * np.pi * 1.0 * times)
    way = np.stack([sway, 1.2 * times, 0.0 * times])
    got = path.travel(way, times, UP)
    inner = slice(150, 450)
    assert np.abs(got[0, inner]).max() < 0.01
    np.testing.assert_allclose(got[1, inner], way[1, inner], atol=1e-6)


def test_travel_of_one_frame() -> None:
    got = path.travel(np.array([[1.0], [2.0], [3.0]]), np.zeros(1), UP)
    np.testing.assert_array_equal(got, [[1.0], [2.0], [0.0]])


@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
def test_hips_are_as_high_as_legs_are_long(size: float) -> None:
    motion = figures.figure(stands=True)
    rig, chains = figure_rig(size=size)
    made = retarget(
        motion, role_map(figures.chains()), rig, role_map(chains), RetargetOptions(contacts=False)
    )
    target = forward.shown(rig, made.curves, chains, (0, 20, 40))
    take = likeness.of_motion(motion, figures.chains(), (0, 20, 40))
    soles = [shown.heads["toe.L"][0][:, 2] - shown.rest["toe.L"][0][2] for shown in (take, target)]
    np.testing.assert_allclose(soles[1], size * soles[0], atol=0.02 * size)
    np.testing.assert_allclose(
        likeness.hips(target)[:, 2], size * likeness.hips(take)[:, 2], atol=0.02 * size
    )


@pytest.mark.parametrize("carrier", ["pelvis", "root", "object"])
def test_whatever_carries_it_the_way_is_the_same(carrier: str) -> None:
    rig, chains = figure_rig()
    options = RetargetOptions(contacts=False, carrier=carrier)
    made = retarget(long_walk(), role_map(figures.chains()), rig, role_map(chains), options)
    assert not made.notes.warnings
    shown = likeness.hips(forward.shown(rig, made.curves, chains, ROWS))
    for row in made.curves.bones:
        if not row.bone and row.location is not None:
            shown = shown + row.location.T[list(ROWS)]
    np.testing.assert_allclose(shown, hips(rig, chains, RetargetOptions(contacts=False)), atol=1e-9)


@pytest.mark.parametrize("kind", ["mmd", "mmd_blender"])
@pytest.mark.parametrize("carrier", ["pelvis", "root", "object"])
def test_a_trunk_beside_the_pelvis_is_carried_too(kind: str, carrier: str) -> None:
    truth = rigs.read(kind)
    bones = truth.skeleton
    assert bones.tails is not None
    turns = np.tile([1.0, 0.0, 0.0, 0.0], (len(bones.names), 1))
    made = made_rigs.rig(bones.names, bones.parents, bones.heads, bones.tails, turns)
    options = RetargetOptions(contacts=False, carrier=carrier)
    found = choosing.put_on(long_walk(), made, None, options)
    assert not found.warnings
    posed = forward.of_curves(made, found.curves)[..., :3, 3]
    upper, lower = (made.names.index(name) for name in ("上半身", "下半身"))
    apart = posed[:, upper] - posed[:, lower]
    rest = made.rest_positions[upper] - made.rest_positions[lower]
    lengths = np.linalg.norm(apart, axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(rest), atol=1e-9)


def test_the_object_goes_in_its_own_axes() -> None:
    rig, chains = figure_rig()
    basis = 0.5 * np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    place = ObjectPlace(basis=basis, location=np.array([4.0, 5.0, 6.0]), world_scale=0.5)
    options = RetargetOptions(contacts=False, carrier="object", path_scale=1.0)
    moved = dataclasses.replace(rig, place=place)
    made = retarget(long_walk(), role_map(figures.chains()), moved, role_map(chains), options)
    row = next(row for row in made.curves.bones if not row.bone)
    assert row.location is not None
    walked = row.location[:, -1] - row.location[:, 0]
    take = likeness.hips(likeness.of_motion(long_walk(), figures.chains(), (0, 240)))
    wanted = take[1] - take[0]
    np.testing.assert_allclose(walked, [-wanted[1], wanted[0], 0.0], atol=0.1)
    assert row.location[2].max() == pytest.approx(6.0)


def test_a_pelvis_whose_location_is_locked_or_driven_is_carried_by_what_is_above() -> None:
    made, chains = figure_rig()
    root, pelvis = chains["root"][0], chains["pelvis"][0]
    pinned = dataclasses.replace(made, pinned=frozenset([pelvis]))
    options = RetargetOptions(contacts=False)
    np.testing.assert_allclose(
        hips(pinned, chains, options), hips(made, chains, options), atol=1e-9
    )
    landed = retarget(long_walk(), role_map(figures.chains()), pinned, role_map(chains), options)
    assert [row.bone for row in landed.curves.bones if row.location is not None] == [root]


def test_what_else_moves_that_which_carries_the_way_is_told() -> None:
    made, chains = figure_rig()
    root = chains["root"][0]
    place = dataclasses.replace(made.place, hindered="driven")
    held = dataclasses.replace(made, hindered={root: "constraint 'Floor'"}, place=place)
    for carrier, says in (("root", f"{root} (constraint 'Floor')"), ("object", "(driven)")):
        options = RetargetOptions(contacts=False, carrier=carrier)
        landed = retarget(long_walk(), role_map(figures.chains()), held, role_map(chains), options)
        assert len(landed.notes.warnings) == 1
        assert says in landed.notes.warnings[0]
