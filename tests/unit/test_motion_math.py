# SPDX-License-Identifier: GPL-3.0-or-later
"""Quaternions, kinematics, resampling and rotation modes against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from myosapiens_addon.errors import InputError
from myosapiens_addon.motion import kinematics, quaternion, resample
from myosapiens_addon.motion.motion import Motion
from myosapiens_addon.retarget import rotation_modes

RNG = np.random.default_rng(7)


def random_rotations(*shape: int) -> tuple[np.ndarray, Rotation]:
    xyzw = RNG.normal(size=(*shape, 4))
    xyzw /= np.linalg.norm(xyzw, axis=-1, keepdims=True)
    return xyzw[..., [3, 0, 1, 2]], Rotation.from_quat(xyzw.reshape(-1, 4))


def test_products_and_turned_vectors_equal_scipy() -> None:
    a, rot_a = random_rotations(50)
    b, rot_b = random_rotations(50)
    v = RNG.normal(size=(50, 3))
    product = (rot_a * rot_b).as_matrix()
    np.testing.assert_allclose(quaternion.to_matrix(quaternion.multiply(a, b)), product, atol=1e-12)
    np.testing.assert_allclose(quaternion.rotate(a, v), rot_a.apply(v), atol=1e-12)


def test_matrices_go_there_and_back_even_at_half_turns() -> None:
    half_turns = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0.6, 0.8, 0]])
    q = np.concatenate([random_rotations(200)[0], half_turns])
    back = quaternion.from_matrix(quaternion.to_matrix(q))
    assert quaternion.angle_between(q, back).max() < 1e-7


def test_slerp_equals_scipy_and_takes_the_short_way() -> None:
    a, rot_a = random_rotations(40)
    b, rot_b = random_rotations(40)
    b[::2] *= -1.0
    fraction = RNG.uniform(size=40)
    found = quaternion.slerp(a, b, fraction)
    for row in range(40):
        pair = Rotation.concatenate([rot_a[row], rot_b[row]])
        wanted = Slerp([0, 1], pair)(fraction[row]).as_matrix()
        np.testing.assert_allclose(quaternion.to_matrix(found[row]), wanted, atol=1e-9)


def test_slerp_of_nearly_equal_rotations_keeps_its_digits() -> None:
    a = np.array([1.0, 0, 0, 0])
    b = quaternion.normalised(np.array([1.0, 1e-6, 0, 0]))
    middle = quaternion.slerp(a, b, np.array(0.5))
    assert middle[1] == pytest.approx(0.5e-6, rel=1e-6)


def test_continuous_signs_never_jump() -> None:
    angle = np.linspace(0, 6 * np.pi, 100)
    q = np.stack([np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle], -1)[:, None]
    mixed = q * RNG.choice([-1.0, 1.0], size=(100, 1, 1))
    found = quaternion.continuous(mixed)
    assert np.abs(np.diff(found, axis=0)).max() < 0.2
    assert quaternion.angle_between(found, q).max() < 1e-7


def test_local_and_world_are_inverse() -> None:
    parents = np.array([-1, 0, 1, 1, 0], np.int32)
    positions, (rotations, _) = RNG.normal(size=(6, 5, 3)), random_rotations(6, 5)
    local = kinematics.local_from_world(parents, positions, rotations)
    back = kinematics.world_from_local(parents, *local)
    np.testing.assert_allclose(back[0], positions, atol=1e-12)
    assert quaternion.angle_between(back[1], rotations).max() < 1e-7


def swinging(rate_hz: float, duration_s: float = 1.0) -> Motion:
    """A two-body pendulum whose pose at any time is known in closed form."""
    times = np.arange(round(rate_hz * duration_s) + 1) / rate_hz
    positions, rotations = pendulum(times)
    identity = np.tile([1.0, 0, 0, 0], (2, 1))
    return Motion(
        names=("arm", "hand"),
        parents=np.array([-1, 0], np.int32),
        rest_positions=np.array([[0.0, 0, 1], [0, 0, 0.5]]),
        rest_rotations=identity,
        times=times,
        positions=positions,
        rotations=rotations,
    )


def pendulum(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    angle = 1.2 * np.sin(2 * np.pi * times)
    turn = Rotation.from_rotvec(np.stack([angle, 0 * angle, 0 * angle], -1))
    pivot = np.stack([times, 0 * times, 1 + 0 * times], -1)
    hand = pivot + turn.apply([0.0, 0, -0.5])
    q = turn.as_quat()[:, [3, 0, 1, 2]]
    return np.stack([pivot, hand], 1), np.stack([q, q], 1)


@pytest.mark.parametrize("fps", [24.0, 23.976, 30.0, 60.0, 240.0])
def test_resampling_is_true_in_time(fps: float) -> None:
    motion = swinging(120.0)
    times = resample.sample_times(motion.duration_s, fps)
    assert times[-1] <= motion.duration_s + 1e-9 < times[-1] + 1.001 / fps
    found = resample.resample(motion, times)
    positions, rotations = pendulum(times)
    # A cubic would do better; between samples 1/120 s apart a line is off by ½ a (dt/2)².
    assert np.abs(found.positions - positions).max() < 0.5 * 25 * (1 / 240) ** 2
    assert np.degrees(quaternion.angle_between(found.rotations, rotations)).max() < 0.03


def test_limbs_keep_their_length_between_samples() -> None:
    motion = swinging(10.0)
    found = resample.resample(motion, resample.sample_times(1.0, 97.0))
    length = np.linalg.norm(found.positions[:, 1] - found.positions[:, 0], axis=1)
    np.testing.assert_allclose(length, 0.5, atol=1e-12)


def test_the_last_frame_is_not_lost_to_rounding() -> None:
    assert len(resample.sample_times(float(np.float32(3.425)), 120.0)) == 412


@pytest.mark.parametrize("rate", [0.0, -24.0, float("nan"), float("inf")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="frames per second"):
        resample.sample_times(1.0, rate)


@pytest.mark.parametrize("order", rotation_modes.EULER_ORDERS)
def test_euler_angles_give_the_rotation_back_without_jumps(order: str) -> None:
    axes = np.linspace(0, 4 * np.pi, 400)
    truth = Rotation.from_euler("xyz", np.stack([2 * axes, 0.9 * np.sin(axes), np.cos(axes)], -1))
    angles = rotation_modes.euler(order, truth.as_quat()[:, [3, 0, 1, 2]])
    in_order = angles[:, ["XYZ".index(letter) for letter in order]]
    # Blender's XYZ turns about X first, in fixed axes: scipy's lower-case order.
    back = Rotation.from_euler(order.lower(), in_order)
    assert (back.inv() * truth).magnitude().max() < 1e-6
    assert np.abs(np.diff(angles, axis=0)).max() < 0.5


def test_axis_and_angle_give_the_rotation_back_without_jumps() -> None:
    angle = np.linspace(-7.0, 7.0, 200)
    truth = Rotation.from_rotvec(np.outer(angle, [0.6, 0.0, 0.8]))
    q = quaternion.continuous(truth.as_quat()[:, [3, 0, 1, 2]])
    path, values = rotation_modes.channels("AXIS_ANGLE", q)
    assert path == "rotation_axis_angle"
    back = Rotation.from_rotvec(values[:, :1] * values[:, 1:])
    assert (back.inv() * truth).magnitude().max() < 1e-6
    assert np.abs(np.diff(values, axis=0)).max() < 0.2
