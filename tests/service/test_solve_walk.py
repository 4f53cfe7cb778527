# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of walking people: the shipped sample, and a laboratory's where it is at hand."""
# MuJoCo, ezc3d, pyarrow and pygltflib come without full types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from pathlib import Path

import mujoco
import numpy as np
import pyarrow.parquet as pq
import pytest

from local_service.solve import SolveOptions, SolveResult, metrics, run

ROOT = Path(__file__).resolve().parents[2]
LABORATORY = ROOT.parent / "shared" / "data" / "walk"
TAKES = {
    "sample": (ROOT / "scripts/sample/walk.c3d", ROOT / "scripts/sample/markerset.xml"),
    "laboratory": (LABORATORY / "take.c3d", LABORATORY / "markerset.xml"),
}
RMS_MM = {"sample": 12.0, "laboratory": 40.0}


@pytest.fixture(scope="module", params=list(TAKES))
def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SolveResult:
    c3d, markerset = TAKES[request.param]
    if not c3d.exists():
        pytest.skip(f"the {request.param} take is not here")
    out = tmp_path_factory.mktemp(request.param)
    return run(c3d=c3d, markerset=markerset, out_dir=out, options=SolveOptions(mocap_scale=1000))


@pytest.fixture(scope="module")
def figures(walk: SolveResult) -> dict[str, float]:
    return metrics.measure(walk)


def test_figures(walk: SolveResult, figures: dict[str, float]) -> None:
    name = "laboratory" if "Marker LSHN" in " ".join(walk.warnings) else "sample"
    assert figures["rms_mm"] <= RMS_MM[name]
    assert figures["limit_violation_deg"] < 1e-6
    # The laboratory's own heel and finger markers jump by 8 degrees' worth.
    assert figures["largest_joint_step_deg"] < 9.0
    assert figures["stance_lowest_mm"] > -10.0
    assert figures["stance_highest_mm"] < 10.0


def test_it_walks_like_a_human(walk: SolveResult) -> None:
    """Knees bend 55-70 degrees in swing and nearly straighten; the pelvis is 0.55 statures up."""
    model = mujoco.MjModel.from_binary_path(str(walk.outputs["model"]))
    poses = metrics.read_poses(walk.outputs["qpos"])
    for side in "rl":
        knee = np.degrees(poses[:, model.joint(f"knee_flexion_{side}").qposadr[0]])
        assert 50 < knee.max() < 72
        assert -5 <= knee.min() < 12
        hip = np.degrees(poses[:, model.joint(f"hip_flexion_{side}").qposadr[0]])
        assert 30 < np.ptp(hip) < 65
    height = poses[:, 2]
    assert 0.9 < height.mean() < 1.1
    assert 0.01 < np.ptp(height) < 0.08


def test_joint_centres_near_another_solve(tmp_path: Path) -> None:
    """Another solve of this take, on another character with other lengths, is a few cm away."""
    c3d, markerset = TAKES["laboratory"]
    if not c3d.exists():
        pytest.skip("the laboratory take is not here")
    result = run(c3d=c3d, markerset=markerset, out_dir=tmp_path, options=SolveOptions())
    truth = np.load(LABORATORY / "golden_xpos.npy")
    names = json.loads((LABORATORY / "body_names.json").read_text())
    xpos = pq.read_table(result.outputs["xpos"])
    for body in ("pelvis", "femur_r", "tibia_r", "tibia_l", "talus_l", "ulna_r", "skull"):
        ours = np.stack([xpos[f"{body}_{axis}"].to_numpy() for axis in "xyz"], axis=1)
        error = np.linalg.norm(ours - truth[:, names.index(body)], axis=1)
        assert error.mean() < 0.055, body


def test_only_sizes_explain_the_smaller_error(tmp_path: Path) -> None:
    """Without scaling the laboratory's subject fits worse: the scaling does its work."""
    c3d, markerset = TAKES["laboratory"]
    if not c3d.exists():
        pytest.skip("the laboratory take is not here")
    errors = [
        run(
            c3d=c3d,
            markerset=markerset,
            out_dir=tmp_path,
            options=SolveOptions(enable_scaling=scaling),
        ).rms_error_m
        for scaling in (True, False)
    ]
    assert errors[0] < errors[1] - 0.004
