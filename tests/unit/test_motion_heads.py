# SPDX-License-Identifier: GPL-3.0-or-later
"""Body origins against those that the service wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import glb, heads, parquet
from myosapiens_addon.motion.heads import Heads

TIMES = np.arange(5) / 10.0


def straight(*names: str, times: np.ndarray = TIMES) -> np.ndarray:
    """(F, B, 3) bodies that move along X by 1 m/s, a metre apart along Y."""
    positions = np.zeros((len(times), len(names), 3))
    positions[:, :, 0] = times[:, None]
    positions[:, :, 1] = np.arange(len(names))
    return positions


def written(*names: str) -> Heads:
    return Heads(name="xpos.parquet", times=TIMES, names=names, positions=straight(*names))


def test_a_real_motion_is_where_the_service_says(walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    found = heads.compare(
        parquet.read_xpos(walk / "xpos.parquet"), motion.names, motion.times, motion.positions
    )
    assert found.largest_mm < 0.001
    assert (found.bodies, found.frames) == (71, 412)


def test_a_real_motion_that_is_late_is_not(walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    late = heads.compare(
        parquet.read_xpos(walk / "xpos.parquet"), motion.names, motion.times + 0.1, motion.positions
    )
    assert late.largest_mm > 100.0
    assert late.frames == 400


def test_the_farthest_body_and_moment_are_named() -> None:
    positions = straight("b", "a")[:, ::-1]
    positions[3, 0] += [0.0, 0.003, 0.004]
    found = heads.compare(written("b", "a", "world"), ("a", "b"), TIMES, positions)
    assert found.largest_mm == pytest.approx(5.0)
    assert found.mean_mm == pytest.approx(0.5)
    assert (found.body, found.time_s, found.bodies, found.frames) == ("a", 0.3, 2, 5)


def test_other_moments_are_interpolated() -> None:
    times = np.linspace(0.0, 0.4, 17)
    found = heads.compare(written("a", "b"), ("a", "b"), times, straight("a", "b", times=times))
    assert found.largest_mm < 1e-9
    assert found.frames == 17


def test_moments_outside_are_left_out() -> None:
    times = np.array([-0.1, 0.0, 0.25, 0.40001, 0.5])
    found = heads.compare(written("a"), ("a",), times, straight("a", times=times))
    assert found.frames == 3
    assert found.largest_mm == pytest.approx(0.01)
    with pytest.raises(OutputError, match=r"no moment of the motion: it ends 0\.4 s"):
        heads.compare(written("a"), ("a",), times + 5.0, straight("a", times=times))


def test_one_frame() -> None:
    one = Heads(name="x", times=TIMES[:1], names=("a",), positions=straight("a")[:1])
    assert heads.compare(one, ("a",), TIMES[:1], straight("a")[:1]).largest_mm == 0.0


def test_bodies_of_another_character() -> None:
    with pytest.raises(OutputError, match="no body of the motion: it has a, the motion jaw"):
        heads.compare(written("a"), ("jaw",), TIMES, straight("jaw"))
