# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes become bodies, and what carries them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import glb
from myosapiens_addon.motion.motion import Motion
from tests.helpers.glb_writer import Node, Odd, f4

TIMES = np.arange(4, dtype=np.float32)
Z_UP = Rotation.from_euler("x", 90, degrees=True)
AWAY = f4([[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 1, 0]])
TURNS = Rotation.from_euler("y", [[0], [30], [60], [90]], degrees=True)


def decoded(
    path: Path, nodes: list[Node], moving: list[int], turning: tuple[int, ...] = ()
) -> Motion:
    file = Odd(nodes)
    times, away = file.add(TIMES), file.add(AWAY)
    turns = file.add(f4(TURNS.as_quat()))
    for node in moving:
        file.move(node, "translation", times, away)
    for node in turning:
        file.move(node, "rotation", times, turns)
    return glb.read(file.save(path / "m.glb"))


def positions_of(motion: Motion, body: int) -> np.ndarray:
    """In the axes of the file."""
    return Z_UP.inv().apply(motion.positions[:, body])


def test_what_stands_between_bodies_is_counted_in(tmp_path: Path) -> None:
    quarter = Rotation.from_euler("z", 90, degrees=True).as_quat().tolist()
    motion = decoded(
        tmp_path,
        [
            {"name": "Scene", "rotation": quarter, "children": [1]},
            {"name": "world", "translation": [0, 1, 0], "children": [2]},
            {"name": "a", "children": [3]},
            {"name": "a_geom_0", "translation": [0, 0, 2], "rotation": quarter, "children": [4]},
            {"name": "b", "translation": [1, 0, 0]},
        ],
        moving=[2],
        turning=(2,),
    )
    assert motion.names == ("a", "b")
    assert motion.parents.tolist() == [-1, 0]
    scene = Rotation.from_quat(quarter)
    root = scene.apply(np.array([0, 1, 0]) + AWAY)
    np.testing.assert_allclose(positions_of(motion, 0), root, atol=1e-6)
    arm = np.array([0, 0, 2]) + scene.apply([1, 0, 0])
    np.testing.assert_allclose(
        positions_of(motion, 1), root + (scene * TURNS).apply(arm), atol=1e-6
    )
    turned = Rotation.from_quat(motion.rotations[:, 1][:, [1, 2, 3, 0]])
    wanted = Z_UP * scene * TURNS * scene
    assert (turned.inv() * wanted).magnitude().max() < 1e-6


def test_markers_are_left_out_whether_they_move_or_not(tmp_path: Path) -> None:
    motion = decoded(
        tmp_path,
        [
            {"name": "world", "children": [1, 2, 3]},
            {"name": "mocap_LASI"},
            {"name": "mocap_RASI", "translation": [5, 5, 5]},
            {"name": "pelvis", "children": [4]},
            {"name": "mocap_LKNE"},
        ],
        moving=[1, 3, 4],
    )
    assert motion.names == ("pelvis",)


def test_a_moving_marker_carries_its_bodies_though_it_is_none(tmp_path: Path) -> None:
    motion = decoded(
        tmp_path,
        [
            {"name": "mocap_a", "children": [1]},
            {"name": "body", "translation": [0, 0, 1], "children": [2]},
            {"name": "mocap_b", "children": [3]},
            {"name": "tip"},
        ],
        moving=[0, 2],
        turning=(0, 1),
    )
    assert motion.names == ("body", "tip")
    assert motion.parents.tolist() == [-1, 0]
    body = AWAY + TURNS.apply([0, 0, 1])
    np.testing.assert_allclose(positions_of(motion, 0), body, atol=1e-6)
    tip = body + (TURNS * TURNS).apply(AWAY)
    np.testing.assert_allclose(positions_of(motion, 1), tip, atol=1e-6)


def test_geometry_may_be_scaled_and_is_no_body(tmp_path: Path) -> None:
    motion = decoded(
        tmp_path,
        [
            {"name": "world", "children": [1, 2]},
            {"name": "floor", "mesh": 0, "scale": [9, 9, 1]},
            {"name": "femur_r", "children": [3, 4]},
            {"name": "femur_r_geom_12", "mesh": 1, "scale": [1e-3, 1e-3, 1e-3]},
            {"name": "tibia_r"},
        ],
        moving=[2],
    )
    assert motion.names == ("femur_r", "tibia_r")


def test_nodes_placed_by_rigid_matrices_are_bodies(tmp_path: Path) -> None:
    turn = Rotation.from_euler("xyz", [20, -50, 170], degrees=True)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn.as_matrix(), [1, 2, 3]
    motion = decoded(
        tmp_path,
        [
            {"name": "a", "children": [1]},
            {"name": "b", "matrix": matrix.T.ravel().tolist()},
        ],
        moving=[0],
    )
    np.testing.assert_allclose(positions_of(motion, 1), np.add(AWAY, [1, 2, 3]), atol=1e-6)
    found = Rotation.from_quat(motion.rest_rotations[1, [1, 2, 3, 0]])
    assert (found.inv() * Z_UP * turn).magnitude() < 1e-9


MATRICES = {
    "scaled": np.diag([2.0, 2, 2, 1]),
    "mirrored": np.diag([-1.0, 1, 1, 1]),
    "sheared": np.eye(4) + 0.1 * np.eye(4, k=1),
    "projecting": np.eye(4) + np.eye(4, k=-3),
    "flat": np.diag([1.0, 1, 0, 1]),
    "vast": np.diag([1e308, 1e308, 1e308, 1]),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_other_matrices_are_refused(tmp_path: Path, kind: str) -> None:
    matrix = MATRICES[kind].T.ravel().tolist()
    nodes = [{"name": "a", "children": [1]}, {"name": "b", "matrix": matrix}]
    with pytest.raises(OutputError, match="scales the node 'b'"):
        decoded(tmp_path, nodes, moving=[0])


def test_scale_channels_that_change_nothing_are_taken(tmp_path: Path) -> None:
    for factor, good in ((1.0, True), (1.5, False)):
        file = Odd([{"name": "a"}])
        times = file.add(TIMES)
        file.move(0, "translation", times, file.add(AWAY))
        file.move(0, "scale", times, file.add(np.full((4, 3), factor, np.float32)))
        path = file.save(tmp_path / "m.glb")
        if good:
            assert glb.read(path).names == ("a",)
            continue
        with pytest.raises(OutputError, match="scales the node 'a'"):
            glb.read(path)


def test_two_figures_have_two_roots(tmp_path: Path) -> None:
    nodes: list[Node] = [{"name": "a"}, {"name": "b", "children": [2]}, {"name": "c"}]
    motion = decoded(tmp_path, nodes, moving=[0, 1])
    assert motion.names == ("a", "b", "c")
    assert motion.parents.tolist() == [-1, -1, 1]


def test_targets_of_extensions_and_weights_are_passed_by(tmp_path: Path) -> None:
    file = Odd([{"name": "a"}])
    times, away = file.add(TIMES), file.add(AWAY)
    file.move(0, "translation", times, away)
    file.move(0, "weights", times, away)
    file.move(0, "pointer", times, away)
    del file.document["animations"][0]["channels"][2]["target"]["node"]
    assert glb.read(file.save(tmp_path / "m.glb")).frame_count == 4
