# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels of bones, put through forward kinematics of our own, give the wanted rotations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.retarget import lanes, posing, rotation_modes
from tests.helpers import forward
from tests.helpers.calm import calm
from tests.helpers.made_rigs import random_tree, random_turns

FRAMES = 4
MODES = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
seeds = st.integers(0, 100_000)


def posed_as(rig: posing.Rig, pose: posing.Pose) -> np.ndarray:
    rotations = {
        rig.names[bone]: forward.matrix(np.broadcast_to(q.reshape(4, -1), (4, FRAMES)).T)
        for bone, q in pose.channels.items()
    }
    return forward.poses(rig, rotations, {}, FRAMES)


def some_wanted(seed: int, count: int) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(count)[: int(rng.integers(1, count + 1))]
    return {int(bone): random_turns(rng, FRAMES).T for bone in chosen}


@calm()
@given(seeds, st.integers(1, 9))
def test_wanted_rotations_come_out(seed: int, count: int) -> None:
    rig = random_tree(seed, count)
    wanted = some_wanted(seed + 1, count)
    pose = posing.posed(posing.tree_of(rig), wanted)
    got = posed_as(rig, pose)
    for bone, turn in wanted.items():
        np.testing.assert_allclose(got[:, bone, :3, :3], forward.matrix(turn.T), atol=1e-9)
    assert set(pose.channels) == set(wanted)


@calm()
@given(seeds, st.integers(2, 9))
def test_heads_are_where_they_come_to_be(seed: int, count: int) -> None:
    rig = random_tree(seed, count)
    tree = posing.tree_of(rig)
    wanted = some_wanted(seed + 1, count)
    pose = posing.posed(tree, wanted)
    got = posed_as(rig, pose)
    for bone, head in posing.heads(tree, pose.world, wanted).items():
        spread = np.broadcast_to(head.reshape(3, -1), (3, FRAMES))
        np.testing.assert_allclose(got[:, bone, :3, 3], spread.T, atol=1e-9)


@calm()
@given(seeds, st.integers(1, 9))
def test_location_axes_move_a_bone_where_it_shall_go(seed: int, count: int) -> None:
    rig = random_tree(seed, count)
    tree = posing.tree_of(rig)
    rng = np.random.default_rng(seed)
    bone = int(rng.integers(count))
    wanted = some_wanted(seed + 1, count) | {bone: random_turns(rng, FRAMES).T}
    pose = posing.posed(tree, wanted)
    still = posed_as(rig, pose)
    way = rng.normal(size=(3, FRAMES))
    axes = posing.location_axes(tree, bone, pose.world)
    location = lanes.rotate(lanes.conjugate(axes), way)
    rotations = {
        rig.names[key]: forward.matrix(np.broadcast_to(q.reshape(4, -1), (4, FRAMES)).T)
        for key, q in pose.channels.items()
    }
    moved = forward.poses(rig, rotations, {rig.names[bone]: location.T}, FRAMES)
    np.testing.assert_allclose(moved[:, bone, :3, 3] - still[:, bone, :3, 3], way.T, atol=1e-9)


@calm()
@given(seeds)
def test_a_posed_bone_in_between_is_held_at_rest(seed: int) -> None:
    rig = dataclasses.replace(
        random_tree(seed, 4),
        parents=np.array([-1, 0, 1, 2], np.int32),
        posed=frozenset({"bone 0", "bone 2"}),
    )
    wanted = {bone: random_turns(np.random.default_rng(seed), FRAMES).T for bone in (1, 3)}
    pose = posing.posed(posing.tree_of(rig), wanted)
    np.testing.assert_array_equal(pose.channels[2], lanes.IDENTITY)
    assert set(pose.channels) == {1, 2, 3}


@pytest.mark.timeout(3)
def test_rings_of_what_hangs_on_what_do_not_hang() -> None:
    rig = dataclasses.replace(random_tree(1, 5), parents=np.array([-1, 0, 1, 2, 3], np.int32))
    tree = posing.tree_of(rig, {"bone 0": "bone 4", "bone 2": "bone 3", "nobody": "bone 1"})
    assert sorted(tree.order) == [0, 1, 2, 3, 4]
    for bone in range(5):
        assert bone in tree.with_ancestors([bone])
        assert not tree.is_above(bone, bone)


def test_what_hangs_on_another_bone_goes_with_it() -> None:
    rig = dataclasses.replace(
        random_tree(2, 4),
        parents=np.array([-1, 0, 0, -1], np.int32),
        inherits_rotation=np.ones(4, np.bool_),
    )
    tree = posing.tree_of(rig, {"bone 3": "bone 1"})
    rng = np.random.default_rng(0)
    wanted = {1: random_turns(rng, FRAMES).T, 3: random_turns(rng, FRAMES).T}
    pose = posing.posed(tree, wanted)
    hung = dataclasses.replace(rig, parents=np.array([-1, 0, 0, 1], np.int32))
    got = posed_as(hung, pose)
    np.testing.assert_allclose(got[:, 3, :3, :3], forward.matrix(wanted[3].T), atol=1e-9)


@pytest.mark.parametrize("mode", MODES)
@calm()
@given(seed=seeds)
def test_euler_angles_turn_alike_and_without_jumps(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(3, 1))
    start = random_turns(rng, 1).T
    angle = np.linspace(0.0, rng.uniform(1.0, 12.0), 400)
    turn = lanes.multiply(lanes.about(axes / np.linalg.norm(axes), angle), start)
    path, values = rotation_modes.channels(mode, turn.T)
    assert path == "rotation_euler"
    np.testing.assert_allclose(
        forward.euler_matrix(mode, values), forward.matrix(turn.T), atol=1e-7
    )
    jumps = np.abs(np.diff(values, axis=0))
    middle = "XYZ".index(mode[1])
    near_lock = np.abs(np.cos(values[:, middle])) < 0.15
    free = ~(near_lock[1:] | near_lock[:-1])
    assert (jumps[free] < 0.5).all()
    # In a gimbal lock two angles may be shared out anew, never by more than half a turn.
    assert (jumps < np.pi + 1e-6).all()


@calm()
@given(seeds)
def test_axis_and_angle_turn_alike_and_without_jumps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(3, 1))
    angle = np.linspace(-4.0, 7.0, 300)
    turn = lanes.about(axes / np.linalg.norm(axes), angle)
    path, values = rotation_modes.channels("AXIS_ANGLE", turn.T)
    assert path == "rotation_axis_angle"
    np.testing.assert_allclose(forward.axis_angle_matrix(values), forward.matrix(turn.T), atol=1e-9)
    assert np.abs(np.diff(values, axis=0)).max() < 0.1
