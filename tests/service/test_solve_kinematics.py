# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton and the solve's building blocks, against MuJoCo, finite differences and scipy."""
# MuJoCo, ezc3d, pyarrow and pygltflib come without full types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from local_service.solve import skeleton
from local_service.solve.chain import Chain, Points
from local_service.solve.contacts import anchors, runs
from local_service.solve.limits import Limits
from local_service.solve.scale_space import ScaleSpace
from local_service.solve.tracker import Goal, Tracker, bounded_step


def random_pose(chain: Chain, seed: int = 3) -> np.ndarray:
    tangent = np.random.default_rng(seed).normal(0, 0.2, chain.dof_count)
    pose = chain.moved(chain.rest, tangent)
    Limits(chain).clamp(pose)
    return pose


def some_points(chain: Chain) -> Points:
    rng = np.random.default_rng(5)
    return Points(
        bodies=np.arange(1, chain.model.nbody, dtype=np.intp),
        local_m=rng.normal(0, 0.1, (chain.model.nbody - 1, 3)),
    )


def test_skeleton_stands_as_anthropometry_says() -> None:
    model = skeleton.load_model()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    at = {model.body(i).name: data.xpos[i] for i in range(model.nbody)}
    stature = skeleton.REFERENCE_STATURE_M
    assert 20 <= model.nbody - 1 <= 30
    assert model.body_mass.sum() == pytest.approx(skeleton.REFERENCE_MASS_KG)
    # Winter, figure 4.1: hip 0.530 H, knee 0.285 H, ankle 0.039 H.
    for body, share in (("femur_r", 0.530), ("tibia_l", 0.285), ("talus_r", 0.039)):
        assert at[body][2] == pytest.approx(share * stature, abs=0.002)
    skull = model.body("skull").geomadr[0]
    assert data.geom_xpos[skull][2] + model.geom_size[skull][1] == pytest.approx(stature, abs=0.01)
    assert np.abs(data.site_xpos[:, 2]).max() < 1e-6


def test_body_frames_are_parallel_to_the_pelvis_and_sides_mirror() -> None:
    model = skeleton.load_model()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    pelvis = data.body("pelvis").xmat.reshape(3, 3)
    assert pelvis[:, 1] == pytest.approx([0, 0, 1])  # Y up
    assert pelvis[:, 2] == pytest.approx([-1, 0, 0])  # Z to the right of a subject that faces -Y
    for index in range(2, model.nbody):
        assert data.xmat[index].reshape(3, 3) == pytest.approx(pelvis)
        name = model.body(index).name
        if name.endswith("_r"):
            other = data.body(name[:-1] + "l").xpos
            assert other == pytest.approx(data.xpos[index] * [-1, 1, 1])


@pytest.mark.parametrize(
    ("joint", "tip", "direction"),
    [
        ("hip_flexion_r", "tibia_r", (1, 0, 0)),
        ("knee_flexion_l", "talus_l", (-1, 0, 0)),
        ("elbow_flexion_r", "lunate_r", (1, 0, 0)),
        ("hip_adduction_r", "tibia_r", (0, 0, -1)),
        ("hip_adduction_l", "tibia_l", (0, 0, 1)),
        ("ankle_dorsiflexion_r", "toes_r", (0, 1, 0)),
        ("clavicle_elevation_l", "scapula_l", (0, 1, 0)),
        ("thoracic_flexion", "skull", (1, 0, 0)),
    ],
)
def test_joints_turn_the_way_they_are_called(
    joint: str, tip: str, direction: tuple[float, float, float]
) -> None:
    """A positive angle carries `tip` along `direction` in the pelvis' frame."""
    chain = Chain(skeleton.load_model())
    chain.pose(chain.rest)
    before = chain.data.body(tip).xpos.copy()
    pose = chain.rest.copy()
    pose[chain.model.joint(joint).qposadr[0]] = 0.1
    chain.pose(pose)
    moved = chain.data.body("pelvis").xmat.reshape(3, 3).T @ (chain.data.body(tip).xpos - before)
    assert moved @ direction > 0.7 * np.linalg.norm(moved)


def test_scaling_a_spec_scales_distances_and_mass() -> None:
    spec = skeleton.load_spec()
    skeleton.scale_spec(spec, {"femur_r": np.array([1.0, 1.2, 1.0])}, mass_kg=100.0)
    model, reference = spec.compile(), skeleton.load_model()
    assert model.body("tibia_r").pos == pytest.approx(reference.body("tibia_r").pos * 1.2)
    assert model.body("tibia_l").pos == pytest.approx(reference.body("tibia_l").pos)
    assert model.body_mass.sum() == pytest.approx(100.0)


def test_jacobian_is_mujocos() -> None:
    chain = Chain(skeleton.load_model())
    chain.pose(random_pose(chain))
    points = some_points(chain)
    positions = chain.positions(points.bodies, points.local_m)
    ours = chain.jacobian(points.bodies, positions)
    for index, body in enumerate(points.bodies):
        expected = np.zeros((3, chain.dof_count))
        mujoco.mj_jac(chain.model, chain.data, expected, None, positions[index], int(body))
        assert ours[index] == pytest.approx(expected, abs=1e-12)


def test_size_jacobian_is_the_finite_difference() -> None:
    chain = Chain(skeleton.load_model())
    points, soles = some_points(chain), chain.sites("heel")
    tracker = Tracker(chain, Limits(chain), markers=points, soles=soles)
    space = ScaleSpace(chain, points, soles, np.array([4, 9], dtype=np.intp))
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [
            1 + rng.normal(0, 0.1, space.scale_count),
            rng.normal(0, 0.02, space.size - space.scale_count),
        ]
    )
    pose = random_pose(chain)

    def positions(sizes: np.ndarray) -> np.ndarray:
        space.apply(sizes, tracker)
        return tracker.predicted(pose).ravel()

    positions(values)
    ours = space.jacobian(chain)
    for column in range(space.size):
        step = np.zeros(space.size)
        step[column] = 1e-6
        expected = (positions(values + step) - positions(values - step)) / 2e-6
        assert ours[:, column] == pytest.approx(expected, abs=1e-7)


@given(st.integers(0, 10_000))
@settings(max_examples=300, deadline=None)
def test_bounded_step_is_near_the_best_within_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(12, 6))
    residual = rng.normal(size=12)
    low, high = -rng.uniform(0.01, 1, 6), rng.uniform(0.01, 1, 6)
    step = bounded_step(rows.T @ rows, rows.T @ residual, low, high)

    def cost(x: np.ndarray) -> float:
        return float(np.sum((rows @ x + residual) ** 2))

    assert np.all(step >= low)
    assert np.all(step <= high)
    best = cost(lsq_linear(rows, -residual, (low, high)).x)
    assert best - 1e-9 <= cost(step) <= cost(np.zeros(6)) + 1e-9
    inside = np.all(np.abs(np.linalg.lstsq(rows, -residual, rcond=None)[0]) < 0.01)
    assert not inside or cost(step) == pytest.approx(best)


def test_limits_clamp_hinges_and_balls() -> None:
    chain = Chain(skeleton.load_model())
    limits = Limits(chain)
    pose = chain.rest.copy()
    knee, shoulder = (chain.model.joint(n).qposadr[0] for n in ("knee_flexion_r", "shoulder_r"))
    pose[knee] = -1.0
    pose[shoulder : shoulder + 4] = [np.cos(1.55), 0, np.sin(1.55), 0]  # 3.1 rad about Y
    assert limits.violation_rad(pose[None]) == pytest.approx(1.0 - np.radians(5))
    limits.clamp(pose)
    assert limits.violation_rad(pose[None]) < 1e-9
    assert pose[knee] == pytest.approx(np.radians(-5))
    assert 2 * np.arccos(pose[shoulder]) == pytest.approx(np.radians(165))
    assert pose[shoulder + 2] > 0


def test_solving_one_frame_reaches_a_pose_within_limits() -> None:
    chain = Chain(skeleton.load_model())
    points = some_points(chain)
    tracker = Tracker(chain, Limits(chain), markers=points, soles=chain.sites("none"))
    truth = random_pose(chain, seed=8)
    goal = Goal(
        points_m=tracker.predicted(truth)[: len(points.bodies)],
        weights=np.ones(len(points.bodies)),
    )
    found = tracker.solve(chain.rest, goal, rounds=60)
    assert np.sqrt(tracker.cost(found, goal)) < 0.004
    assert tracker.limits.violation_rad(found[None]) == 0.0


def test_anchors_hold_planted_points_only() -> None:
    soles = np.zeros((100, 2, 3))
    soles[:, 0, 0] = np.where(np.arange(100) < 50, 0.0, (np.arange(100) - 50) * 0.02)
    soles[:, 0, 2] = np.where(np.arange(100) < 50, 0.01, 0.1)
    soles[:, 1, 2] = 0.2  # in the air all the time
    places, weights = anchors(soles, 100.0)
    assert weights[5:45, 0].min() > 0
    assert weights[60:, 0].max() == 0
    assert weights[:, 1].max() == 0
    assert np.abs(places[weights > 0]).max() < 1e-12


def test_runs() -> None:
    assert runs(np.array([1, 1, 0, 0, 1, 0, 1], dtype=bool)) == [(0, 2), (4, 5), (6, 7)]
    assert runs(np.zeros(3, dtype=bool)) == []
