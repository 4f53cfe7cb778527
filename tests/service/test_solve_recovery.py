# SPDX-License-Identifier: GPL-3.0-or-later
"""The solve gives back the motion of made-up subjects whose true pose is known."""
# MuJoCo, ezc3d, pyarrow and pygltflib come without full types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from local_service.solve import SolveOptions, SolveResult, metrics, run
from local_service.solve.chain import Chain
from tests.service.solve_subjects import (
    Subject,
    make_subject,
    write_c3d,
    write_markerset,
    write_take,
)


def solve(subject: Subject, folder: Path, **options: object) -> SolveResult:
    movable = bool(options.pop("movable", False))
    return run(
        c3d=write_take(subject, folder / "take.c3d", noise_m=0.0004),
        markerset=write_markerset(subject, folder / "set.xml", movable=movable),
        out_dir=folder / "out",
        options=SolveOptions(**options),  # pyright: ignore[reportArgumentType] (a test's shorthand)
    )


def joint_errors(subject: Subject, result: SolveResult) -> dict[str, float]:
    """Mean distance (m) of every body's origin from the truth."""
    model = mujoco.MjModel.from_binary_path(str(result.outputs["model"]))
    chain, found = Chain(model), []
    for pose in metrics.read_poses(result.outputs["qpos"]):
        chain.pose(pose)
        found.append(chain.data.xpos.copy())
    distances = np.linalg.norm(np.array(found) - subject.body_positions(), axis=2).mean(axis=0)
    return dict(zip(chain.body_names, distances, strict=True))


def hinge(result: SolveResult, name: str) -> np.ndarray:
    model = mujoco.MjModel.from_binary_path(str(result.outputs["model"]))
    return metrics.read_poses(result.outputs["qpos"])[:, model.joint(name).qposadr[0]]


@pytest.mark.parametrize("heading_deg", [0, 75, 180, 260])
def test_any_walking_direction(tmp_path: Path, heading_deg: float) -> None:
    subject = make_subject(heading_rad=np.radians(heading_deg))
    result = solve(subject, tmp_path)
    assert result.rms_error_m < 0.006
    assert max(joint_errors(subject, result).values()) < 0.02
    for name in ("knee_flexion_r", "knee_flexion_l", "hip_flexion_r", "elbow_flexion_l"):
        assert np.degrees(np.abs(hinge(result, name) - subject.angle(name)).mean()) < 3.0


@pytest.mark.parametrize(
    ("size", "height_m"), [(0.72, None), (0.9, None), (1.12, 1.96), (1.12, None)]
)
def test_any_size(tmp_path: Path, size: float, height_m: float | None) -> None:
    subject = make_subject(size=size, proportions={"thigh": 1.05, "forearm": 0.94})
    result = solve(subject, tmp_path, subject_height_m=height_m)
    model = mujoco.MjModel.from_binary_path(str(result.outputs["model"]))
    for body in ("tibia_r", "talus_l", "ulna_r"):  # lengths of thigh, shank and upper arm
        true = np.linalg.norm(subject.model.body(body).pos)
        assert np.linalg.norm(model.body(body).pos) == pytest.approx(true, rel=0.03)
    assert model.body("tibia_r").pos[1] == model.body("tibia_l").pos[1]
    assert max(joint_errors(subject, result).values()) < 0.02


def test_without_scaling_the_skeleton_stays(tmp_path: Path) -> None:
    subject = make_subject(size=1.1)
    result = solve(subject, tmp_path, enable_scaling=False)
    model = mujoco.MjModel.from_binary_path(str(result.outputs["model"]))
    assert model.body("tibia_r").pos[1] == pytest.approx(-0.42875)
    assert result.rms_error_m > solve(subject, tmp_path).rms_error_m + 0.005


def test_arms_held_out(tmp_path: Path) -> None:
    subject = make_subject(arms_up=np.radians(85))
    result = solve(subject, tmp_path)
    assert max(joint_errors(subject, result).values()) < 0.025


def _turned(subject: Subject, turns: Rotation, lift_m: float) -> Subject:
    """The subject turned about the world's origin in every frame, and lifted."""
    poses = subject.poses.copy()
    own = Rotation.from_quat(np.roll(poses[:, 3:7], -1, axis=1))
    poses[:, 3:7] = np.roll((turns * own).as_quat(), 1, axis=1)
    poses[:, :3] = turns.apply(poses[:, :3]) + np.array([0.0, 0.0, lift_m])
    return replace(subject, poses=poses)


@pytest.mark.parametrize("how", ["lying", "cartwheel", "spinning"])
def test_any_attitude(tmp_path: Path, how: str) -> None:
    whole = make_subject()
    part = np.linspace(0, 2 * np.pi, len(whole.poses))
    turns, lift_m = {
        "lying": (Rotation.from_euler("x", np.full(len(part), -np.pi / 2)[:, None]), 0.3),
        "cartwheel": (Rotation.from_euler("y", part[:, None]), 1.2),
        "spinning": (Rotation.from_euler("z", 2 * part[:, None]), 0.0),
    }[how]
    subject = _turned(whole, turns, lift_m)
    result = solve(subject, tmp_path)
    assert max(joint_errors(subject, result).values()) < 0.02


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_half_of_the_markers(tmp_path: Path, seed: int) -> None:
    whole = make_subject(heading_rad=1.0)
    count = len(whole.names)
    kept = sorted(np.random.default_rng(seed).permutation(count)[: count * 3 // 5])
    subject = replace(
        whole,
        names=[whole.names[i] for i in kept],
        bodies=[whole.bodies[i] for i in kept],
        places_m=whole.places_m[kept],
    )
    result = solve(subject, tmp_path)
    errors = list(joint_errors(subject, result).values())
    assert np.mean(errors) < 0.02
    assert metrics.measure(result)["largest_joint_step_deg"] < 8.0


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_takes_of_a_few_frames(tmp_path: Path, frames: int) -> None:
    subject = make_subject(frames=frames)
    result = solve(subject, tmp_path, export_glb=True)
    assert result.frames == frames
    assert max(joint_errors(subject, result).values()) < 0.02


def test_hidden_markers_bring_no_jump(tmp_path: Path) -> None:
    whole = make_subject()
    chosen = [whole.names[i] for i in (0, 5, 14, 20, 27, 34, 35, 40)]
    gaps = [(name, slice(20 + 3 * i, 70 + i)) for i, name in enumerate(chosen)]
    gaps += [(whole.names[11], slice(0, 30)), (whole.names[41], slice(100, 120))]
    subject = replace(whole, hidden=gaps)
    result = solve(subject, tmp_path)
    model = mujoco.MjModel.from_binary_path(str(result.outputs["model"]))
    steps = metrics.joint_steps(Chain(model), metrics.read_poses(result.outputs["qpos"]))
    truth = metrics.joint_steps(Chain(whole.model), whole.poses)
    marked = [dof for dof in range(steps.shape[1]) if truth[:, dof].max() > 0]
    assert np.degrees(steps[:, marked].max() - truth[:, marked].max()) < 3.0
    assert max(joint_errors(subject, result).values()) < 0.03


def test_all_markers_gone_for_a_while(tmp_path: Path) -> None:
    whole = make_subject()
    subject = replace(whole, hidden=[(name, slice(40, 50)) for name in whole.names])
    result = solve(subject, tmp_path)
    assert result.frames == 120
    assert max(joint_errors(subject, result).values()) < 0.03


def test_a_ghost_marker_does_not_carry_the_body_away(tmp_path: Path) -> None:
    subject = make_subject()
    knee = subject.bodies.index("tibia_r")
    points = subject.marker_positions()
    points[50:60, knee] += [0.0, 0.0, 1.0]  # another marker's light for ten frames
    swapped = tmp_path / "ghost.c3d"
    write_c3d(swapped, subject.names, points * 1e3, 100.0)
    result = run(
        c3d=swapped,
        markerset=write_markerset(subject, tmp_path / "set.xml"),
        out_dir=tmp_path / "out",
        options=SolveOptions(),
    )
    assert joint_errors(subject, result)["tibia_r"] < 0.03


def test_movable_markers_are_found(tmp_path: Path) -> None:
    subject = make_subject()
    displaced = subject.places_m.copy()
    moved = subject.names.index("M14")
    displaced[moved] += [0.0, 0.025, 0.0]
    worn = replace(subject, places_m=displaced)
    take = write_take(worn, tmp_path / "take.c3d")
    rigid = write_markerset(subject, tmp_path / "rigid.xml")
    loose = tmp_path / "loose.xml"
    text = rigid.read_text()
    start = text.index('<marker name="M14"')
    loose.write_text(text[:start] + text[start:].replace('movable="0"', 'movable="1"', 1))
    errors = [
        run(c3d=take, markerset=m, out_dir=tmp_path, options=SolveOptions()).marker_rms_m["M14"]
        for m in (rigid, loose)
    ]
    assert errors[1] < 0.4 * errors[0]
    assert errors[0] > 0.01


def test_limits_are_kept_and_knees_bend_the_right_way(tmp_path: Path) -> None:
    subject = make_subject()
    result = solve(subject, tmp_path)
    figures = metrics.measure(result)
    assert figures["limit_violation_deg"] < 1e-6
    assert np.degrees(hinge(result, "knee_flexion_r").min()) >= -5.0 - 1e-6


def test_other_axes_and_units(tmp_path: Path) -> None:
    subject = make_subject()
    points = subject.marker_positions()
    y_up = points[..., [0, 2, 1]] * [1.0, 1.0, -1.0]
    y_down = points[..., [0, 2, 1]] * [1.0, -1.0, 1.0]
    markers = write_markerset(subject, tmp_path / "set.xml")
    for name, data in (("yup_to_zup", y_up), ("ydown_to_zup", y_down)):
        take = write_c3d(tmp_path / f"{name}.c3d", subject.names, data * 100, 100.0, "cm")
        options = SolveOptions(rotation=name, mocap_scale=100)
        result = run(c3d=take, markerset=markers, out_dir=tmp_path / name, options=options)
        assert max(joint_errors(subject, result).values()) < 0.02


def test_clip_length(tmp_path: Path) -> None:
    result = solve(make_subject(), tmp_path, clip_length=33)
    assert result.frames == 33
    assert metrics.read_poses(result.outputs["qpos"]).shape[0] == 33


def test_held_feet_slip_less(tmp_path: Path) -> None:
    """A foot that the markers let drift by 3 cm while it stands stays where it is."""
    subject = make_subject(frames=100)
    still = replace(subject, poses=np.repeat(subject.model.qpos0[None], 100, axis=0))
    soles = metrics.sole_positions(Chain(subject.model), still.poses[:1])[0]
    still.poses[:, 2] -= soles[:, 2].min()
    points = still.marker_positions()
    feet = [i for i, body in enumerate(still.bodies) if body == "calcaneus_r"]
    points[:, feet, 0] += np.linspace(0, 0.03, 100)[:, None]
    take = write_c3d(tmp_path / "take.c3d", still.names, points * 1e3, 100.0)
    markers = write_markerset(still, tmp_path / "set.xml")
    slips = []
    for free in (True, False):
        options = SolveOptions(disable_contacts=free)
        result = run(c3d=take, markerset=markers, out_dir=tmp_path / str(free), options=options)
        model = mujoco.MjModel.from_binary_path(str(result.outputs["model"]))
        poses = metrics.read_poses(result.outputs["qpos"])
        heel = metrics.sole_positions(Chain(model), poses)[:, 0]
        slips.append(np.ptp(heel[10:-10, 0]))
    assert slips[1] < 0.6 * slips[0]
