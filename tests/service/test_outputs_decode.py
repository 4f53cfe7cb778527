# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service writes, read by the extension's decoder: MuJoCo's own poses are the oracle."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from myosapiens_addon.motion import decoding, glb
from myosapiens_addon.motion.decoding import DecodeOptions
from myosapiens_addon.motion.joint_angles import JointAngles
from tests.helpers import solved_take
from tests.helpers.exact_truth import Truth

FRAMES = 480


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all outputs of the sample take, its model as MJCF, and the truth."""
    folder = tmp_path_factory.mktemp("solved")
    solved_take.solve(folder)
    return folder


def test_the_glb_has_the_poses_of_xpos(solved: Path) -> None:
    motion = glb.read(solved / "motion.glb")
    table = pq.read_table(solved / "xpos.parquet")
    np.testing.assert_allclose(motion.times, table["time"].to_numpy(), atol=1e-6)
    for body, name in enumerate(motion.names):
        wanted = np.stack([table[f"{name}_{axis}"].to_numpy() for axis in "xyz"], -1)
        assert np.linalg.norm(motion.positions[:, body] - wanted, axis=1).max() < 0.01e-3, name


def test_the_glb_has_mujocos_poses(solved: Path) -> None:
    """As near as numbers of 32 bits come."""
    motion = glb.read(solved / "motion.glb")
    truth = Truth.load(solved / solved_take.TRUTH)
    apart = truth.errors(motion.names, motion.parents, motion.positions, motion.rotations)
    assert apart["position"] < 0.001
    assert apart["rotation"] < 0.0001


def test_the_character_stands_as_blender_expects(solved: Path) -> None:
    motion = glb.read(solved / "motion.glb")
    place = {name: motion.rest_positions[index] for index, name in enumerate(motion.names)}
    assert place["skull"][2] > place["pelvis"][2] > place["femur_r"][2] > place["talus_r"][2] > 0
    assert place["toes_r"][1] < place["talus_r"][1] - 0.05  # it faces −Y
    assert place["femur_r"][0] < -0.05 < 0.05 < place["femur_l"][0]  # its right is at −X


def test_all_of_a_jobs_files_are_one_motion(solved: Path) -> None:
    """The GLB is the motion; the service's own positions say that it was read well."""
    names = ("motion.glb", "qpos.parquet", "xpos.parquet")
    found = decoding.decode([solved / name for name in names])
    assert (found.source, found.warnings) == ("motion.glb", ())
    assert found.distance is not None
    assert found.distance.frames == FRAMES
    assert found.distance.largest_mm < 0.001


def angles(solved: Path, name: str) -> JointAngles:
    options = DecodeOptions(model=solved / solved_take.DEFINITION)
    return decoding.read_angles([solved / name], options)


def test_joint_angles_are_the_same_by_all_routes(solved: Path) -> None:
    routes = {name: angles(solved, name) for name in ("output.npz", "qpos.parquet", "motion.glb")}
    for one, other in itertools.combinations(routes, 2):
        # Rotations in the GLB have 32 bits.
        near = 1e-6 if "motion.glb" in (one, other) else 1e-12
        assert set(routes[one].names) == set(routes[other].names)
        places = [routes[other].names.index(name) for name in routes[one].names]
        off = np.abs(routes[one].values - routes[other].values[:, places]).max(axis=0)
        worst = routes[one].names[int(off.argmax())]
        assert off.max() < near, (one, other, worst)
        np.testing.assert_allclose(routes[one].times, routes[other].times, atol=1e-6)
