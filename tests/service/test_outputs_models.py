# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates and angles that the service writes become poses by the scaled model: MuJoCo's own."""
# MuJoCo is a compiled module without types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
from pathlib import Path

import mujoco
import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.spatial.transform import Rotation

from local_service.solve.skeleton import SKELETON_PATH
from myosapiens_addon.motion import coordinates, decoding, mjcf, npz
from myosapiens_addon.motion.decoding import Decoded, DecodeOptions
from tests.helpers import exact_truth, mjcf_oracle, solved_take
from tests.helpers.exact_truth import Truth

FRAMES = 480
NEAR_MM, NEAR_DEG = 1e-3, math.degrees(1e-6)  # 1e-6 m and 1e-6 rad


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all outputs of the sample take, its model as MJCF, and the truth."""
    folder = tmp_path_factory.mktemp("solved")
    solved_take.solve(folder)
    return folder


@pytest.fixture(scope="module")
def model(solved: Path) -> mujoco.MjModel:
    return mujoco.MjModel.from_binary_path(str(solved / "model.mjb"))


@pytest.fixture(scope="module")
def truth(solved: Path) -> Truth:
    return Truth.load(solved / solved_take.TRUTH)


def decoded(solved: Path, *names: str, model: Path | None = None) -> Decoded:
    options = DecodeOptions(model=model or solved / solved_take.DEFINITION)
    return decoding.decode([solved / name for name in names], options)


def errors(found: Decoded, truth: Truth) -> dict[str, float]:
    motion = found.motion
    return truth.errors(motion.names, motion.parents, motion.positions, motion.rotations)


def test_the_definition_is_the_scaled_model(
    solved: Path, model: mujoco.MjModel, truth: Truth
) -> None:
    """To MuJoCo and to the reader; and the truth is what the service says of positions."""
    again = mujoco.MjModel.from_xml_path(str(solved / solved_take.DEFINITION))
    rows = solved_take.coordinates(solved / "qpos.parquet")
    positions, rotations = mjcf_oracle.poses(again, rows)
    assert truth.positions is not None
    np.testing.assert_allclose(positions, truth.positions, rtol=0, atol=1e-12)
    assert mjcf_oracle.rotations_differ_by(rotations, truth.rotations) < 1e-12
    mjcf_oracle.compare(mjcf.read(solved / solved_take.DEFINITION), again)
    table = pq.read_table(solved / "xpos.parquet")
    for body, name in enumerate(truth.names):
        told = np.stack([table[f"{name}_{axis}"].to_numpy() for axis in "xyz"], axis=1)
        np.testing.assert_allclose(told, truth.positions[:, body], rtol=0, atol=1e-12)
    reference = mujoco.MjModel.from_xml_path(str(SKELETON_PATH))
    assert np.abs(reference.body_pos - model.body_pos).max() > 0.005  # it is scaled indeed


def test_coordinates_have_mujocos_poses(solved: Path, truth: Truth) -> None:
    found = decoded(solved, "qpos.parquet")
    assert (found.source, found.warnings) == ("qpos.parquet", ())
    assert found.motion.names == truth.names
    np.testing.assert_allclose(found.motion.times, np.arange(FRAMES) / 100.0, atol=1e-12)
    apart = errors(found, truth)
    assert apart["position"] < NEAR_MM
    assert apart["rotation"] < NEAR_DEG


def test_coordinates_on_the_model_as_mujoco_writes_it(
    solved: Path, model: mujoco.MjModel, truth: Truth, tmp_path: Path
) -> None:
    """Six digits: exact by what stands there, and near to the model that it was."""
    path = tmp_path / "model.xml"
    path.write_text(solved_take.as_mujoco_writes_it(model), encoding="utf-8")
    found = decoded(solved, "qpos.parquet", model=path)
    written = mujoco.MjModel.from_xml_path(str(path))
    apart = errors(found, solved_take.truth_of(written, solved / "qpos.parquet"))
    assert apart["position"] < NEAR_MM
    assert apart["rotation"] < NEAR_DEG
    assert 0.0 < errors(found, truth)["position"] < 0.01


def test_positions_of_the_service_are_met(solved: Path) -> None:
    found = decoded(solved, "qpos.parquet", "xpos.parquet")
    assert found.distance is not None
    assert (found.distance.bodies, found.distance.frames) == (len(found.motion.names), FRAMES)
    assert found.distance.largest_mm < 0.001
    assert found.warnings == ()


def test_a_model_of_other_lengths_is_told(solved: Path, truth: Truth) -> None:
    """The reference skeleton: bodies turn the same, at other places."""
    found = decoded(solved, "qpos.parquet", "xpos.parquet", model=SKELETON_PATH)
    apart = errors(found, truth)
    assert apart["rotation"] < NEAR_DEG
    assert apart["position"] > 5.0
    assert found.distance is not None
    assert found.distance.largest_mm == pytest.approx(apart["position"], rel=1e-6)
    (warning,) = found.warnings
    assert found.distance.body in warning
    assert "the model may have other lengths than the subject" in warning


def test_angles_turn_bodies_as_mujoco_does(solved: Path, truth: Truth) -> None:
    found = decoded(solved, "output.npz")
    character = mjcf.read(solved / solved_take.DEFINITION)
    names = npz.read(solved / "output.npz").joint_names
    wanted = exact_truth.by_angles_alone(truth, character, names)
    assert wanted.turning == truth.names[1:]  # all but the root
    assert errors(found, wanted)["turn"] < NEAR_DEG
    np.testing.assert_allclose(found.motion.times, np.arange(FRAMES) / 100.0, atol=1e-12)
    (warning,) = found.warnings
    assert "no root" in warning


def test_angles_are_the_coordinates(solved: Path, model: mujoco.MjModel) -> None:
    rows = solved_take.coordinates(solved / "qpos.parquet")
    character = mjcf.read(solved / solved_take.DEFINITION)
    found = coordinates.from_angles(character, npz.read(solved / "output.npz")).coordinates
    balls = 0
    for index in range(1, model.njnt):  # the first is the root
        joint = model.joint(index)
        at = int(joint.qposadr[0])
        if joint.type[0] == mujoco.mjtJoint.mjJNT_BALL:
            one, other = (
                Rotation.from_quat(each[:, [at + 1, at + 2, at + 3, at]]) for each in (found, rows)
            )
            assert (one.inv() * other).magnitude().max() < 1e-6
            balls += 1
        else:
            assert np.abs(found[:, at] - rows[:, at]).max() < 1e-6, joint.name
            assert np.ptp(rows[:, at]) > 1e-3, joint.name  # it moves
    assert balls == 2
