# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way is up, left and ahead, and the frames of segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.retarget.figure import Figure, figure_of
from myosapiens_addon.retarget.mapping.roles import Skeleton
from tests.helpers import figures
from tests.helpers.calm import calm
from tests.helpers.forward import matrix
from tests.helpers.made_rigs import figure_rig, role_map

# All turns that put axes onto axes.
CUBE = [
    np.array(rows)
    for x in range(3)
    for y in range(3)
    if x != y
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    for rows in [
        [
            (signs[0] * np.eye(3)[x]).tolist(),
            (signs[1] * np.eye(3)[y]).tolist(),
            np.cross(signs[0] * np.eye(3)[x], signs[1] * np.eye(3)[y]).tolist(),
        ]
    ]
]


def figure(turn: np.ndarray, *drop: str, reach_deg: float = 0.0) -> Figure:
    rig, chains = figure_rig(turn=turn, drop=drop, reach_deg=reach_deg)
    return figure_of(rig.skeleton, role_map(chains))


def frame(shown: Figure, role: str) -> np.ndarray:
    """(3, 3) a role's frame."""
    found = shown.frame(role)
    assert found is not None
    return matrix(found)


@pytest.mark.parametrize("turn", CUBE, ids=lambda turn: str(turn.astype(int).tolist()))
def test_up_left_and_ahead_in_every_stance(turn: np.ndarray) -> None:
    found = figure(turn)
    np.testing.assert_allclose(found.up, turn @ [0, 0, 1.0], atol=1e-9)
    np.testing.assert_allclose(found.left, turn @ [1.0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(found.forward, turn @ [0, -1.0, 0], atol=1e-9)


@pytest.mark.parametrize("drop", ["thigh", "upper_arm", "clavicle", "head", "foot", "spine"])
def test_they_are_found_without_some_roles_too(drop: str) -> None:
    found = figure(CUBE[5], drop)
    np.testing.assert_allclose(found.up, CUBE[5] @ [0, 0, 1.0], atol=1e-9)
    np.testing.assert_allclose(found.forward, CUBE[5] @ [0, -1.0, 0], atol=1e-9)


def test_nothing_at_all_stands_upright() -> None:
    empty = Skeleton(names=("a",), parents=np.array([-1], np.int32), heads=np.zeros((1, 3)))
    found = figure_of(empty, role_map({"pelvis": ("a",), "head": ("gone",)}))
    assert list(found.chains) == ["pelvis"]
    np.testing.assert_array_equal(found.up, [0, 0, 1])
    assert abs(float(found.left @ found.up)) < 1e-9


@calm()
@given(st.floats(0.0, 100.0))
def test_frames_turn_with_an_arm_that_is_lifted(reach_deg: float) -> None:
    hanging, lifted = figure(np.eye(3)), figure(np.eye(3), reach_deg=reach_deg)
    angle = np.radians(reach_deg)
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    for role in ("hand.L", "index.L", "little.L"):
        before, after = (frame(shown, role) for shown in (hanging, lifted))
        np.testing.assert_allclose(after, turn @ before, atol=1e-6)
    for role in ("upper_arm.L", "forearm.L"):
        after = frame(lifted, role)
        way = lifted.direction(role)
        assert way is not None
        np.testing.assert_allclose(after[:, 1], way, atol=1e-9)
        assert after[:, 0] @ lifted.forward > 0.9


@pytest.mark.parametrize("role", [role for role in figures.chains() if role != "root"])
def test_frames_are_right_handed_and_the_same_from_any_side(role: str) -> None:
    plain = frame(figure(np.eye(3)), role)
    assert np.linalg.det(plain) == pytest.approx(1.0)
    for turn in CUBE[::5]:
        np.testing.assert_allclose(frame(figure(turn), role), turn @ plain, atol=1e-7)


def test_controls_stand_where_what_they_move_does() -> None:
    rig, chains = figure_rig()
    far = rig.rest_positions.copy()
    control = rig.names.index(chains["hand.L"][0])
    far[control] = (5.0, 5.0, 5.0)
    moved = Skeleton(names=rig.names, parents=rig.parents, heads=far, tails=rig.rest_tails)
    found = figure_of(
        moved, role_map(chains), moves={chains["hand.L"][0]: chains["hand.R"][0], "x": "y"}
    )
    np.testing.assert_array_equal(found.head("hand.L"), found.head("hand.R"))
    np.testing.assert_array_equal(far[control], (5.0, 5.0, 5.0))
