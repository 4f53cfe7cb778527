# SPDX-License-Identifier: GPL-3.0-or-later
"""Component-wise rotations against matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from myosapiens_addon.retarget import lanes
from tests.helpers.calm import calm
from tests.helpers.forward import matrix

FRAMES = 5
components = st.floats(-1.0, 1.0, allow_nan=False, width=32)
vectors = arrays.arrays(np.float64, (3, FRAMES), elements=components)


@st.composite
def turns(draw: st.DrawFn, frames: int = FRAMES) -> np.ndarray:
    q = draw(arrays.arrays(np.float64, (4, frames), elements=components))
    q[0] += np.where(np.linalg.norm(q, axis=0) < 1e-3, 1.0, 0.0)
    return q / np.linalg.norm(q, axis=0)


@calm()
@given(turns(), turns())
def test_multiply_is_one_turn_after_the_other(a: np.ndarray, b: np.ndarray) -> None:
    got = matrix(lanes.multiply(a, b).T)
    np.testing.assert_allclose(got, matrix(a.T) @ matrix(b.T), atol=1e-9)


@calm()
@given(turns(), vectors)
def test_rotate_and_conjugate(q: np.ndarray, v: np.ndarray) -> None:
    turned = lanes.rotate(q, v)
    np.testing.assert_allclose(turned.T, (matrix(q.T) @ v.T[..., None])[..., 0], atol=1e-9)
    np.testing.assert_allclose(lanes.rotate(lanes.conjugate(q), turned), v, atol=1e-9)


@calm()
@given(turns(), vectors)
def test_what_does_not_change_mixes_with_what_does(q: np.ndarray, v: np.ndarray) -> None:
    one_turn, one_vector = q[:, 0], v[:, 0]
    spread = np.repeat(one_turn[:, None], FRAMES, axis=1)
    np.testing.assert_allclose(lanes.rotate(one_turn, v), lanes.rotate(spread, v), atol=1e-12)
    np.testing.assert_allclose(lanes.multiply(one_turn, q), lanes.multiply(spread, q), atol=1e-12)
    assert lanes.rotate(one_turn, one_vector).shape == (3,)


@calm()
@given(vectors, vectors)
def test_swing_leads_there_by_the_smallest_turn(a: np.ndarray, b: np.ndarray) -> None:
    a[0] += np.where(np.linalg.norm(a, axis=0) < 1e-3, 1.0, 0.0)
    b[1] += np.where(np.linalg.norm(b, axis=0) < 1e-3, 1.0, 0.0)
    start, end = lanes.unit(a), lanes.unit(b)
    assume((np.linalg.norm(start + end, axis=0) > 1e-6).all())
    q = lanes.swing(start, end)
    np.testing.assert_allclose(np.linalg.norm(q, axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(lanes.rotate(q, start), end, atol=1e-6)
    wanted = np.arccos(np.clip(np.sum(start * end, axis=0), -1.0, 1.0))
    angle = 2.0 * np.arctan2(np.linalg.norm(q[1:], axis=0), np.abs(q[0]))
    np.testing.assert_allclose(angle, wanted, atol=1e-5)


def test_swing_between_opposites_is_half_a_turn() -> None:
    start = np.array([[0.0, 0.0], [0.6, 0.8], [0.8, 0.6]])
    q = lanes.swing(start, -start)
    np.testing.assert_allclose(lanes.rotate(q, start), -start, atol=1e-9)
    assert np.isfinite(lanes.swing(np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0]))).all()


@pytest.mark.parametrize("opposite", [True, False])
def test_swing_between_opposites_in_some_frames(opposite: bool) -> None:
    start = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    one = np.array([0.0, 1.0, 0.0])
    end = start * (1.0, -1.0) if opposite else np.stack([-one, one], axis=1)
    q = lanes.swing(start if opposite else one, end)
    np.testing.assert_allclose(np.linalg.norm(q, axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(lanes.rotate(q, start if opposite else one), end, atol=1e-9)


@calm(max_examples=60)
@given(vectors, st.floats(-3.0, 3.0), st.floats(-1.4, 1.4))
def test_twist_angle_is_what_turns_about_the_axis(v: np.ndarray, twist: float, tilt: float) -> None:
    v[2] += np.where(np.linalg.norm(v, axis=0) < 1e-2, 1.0, 0.0)
    axis = lanes.unit(v[:, 0])
    across = lanes.unit(np.cross(axis, [0.6, -0.48, 0.64] if abs(axis[0]) < 0.9 else [0, 0, 1.0]))
    along = lanes.about(axis, np.full(FRAMES, twist))
    swung = lanes.multiply(lanes.about(across, np.full(FRAMES, tilt)), along)
    got = lanes.twist_angle(swung, axis)
    np.testing.assert_allclose(np.cos(got - twist), 1.0, atol=1e-6)


def test_twist_angle_has_no_jumps() -> None:
    axis = np.array([0.0, 0.6, 0.8])
    angle = np.linspace(0.0, 9.0, 200)
    q = lanes.about(axis, angle) * np.where(np.arange(200) % 2, -1.0, 1.0)
    got = lanes.twist_angle(q, axis)
    np.testing.assert_allclose(np.diff(got), np.diff(angle), atol=1e-9)
    assert abs(np.median(got)) <= np.pi


@calm()
@given(turns(), turns(), st.floats(0.0, 1.0))
def test_slerp_goes_the_shorter_way_at_an_even_pace(
    a: np.ndarray, b: np.ndarray, fraction: float
) -> None:
    def apart(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        between = lanes.multiply(lanes.conjugate(p), q)
        return 2.0 * np.arctan2(np.linalg.norm(between[1:], axis=0), np.abs(between[0]))

    got = lanes.slerp(a, b, fraction)
    np.testing.assert_allclose(np.linalg.norm(got, axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(apart(a, got), fraction * apart(a, b), atol=1e-6)
    np.testing.assert_allclose(apart(got, b), (1.0 - fraction) * apart(a, b), atol=1e-6)


@calm()
@given(turns(frames=20))
def test_continuous_keeps_rotations_and_takes_the_nearer_sign(q: np.ndarray) -> None:
    got = lanes.continuous(q)
    np.testing.assert_allclose(matrix(got.T), matrix(q.T), atol=1e-12)
    assert (np.sum(got[:, 1:] * got[:, :-1], axis=0) >= -1e-12).all()


def test_unit_of_nothing_is_nothing() -> None:
    np.testing.assert_array_equal(lanes.unit(np.zeros((3, 2))), np.zeros((3, 2)))
