# SPDX-License-Identifier: GPL-3.0-or-later
"""A real take through the front door: as MuJoCo has it, whichever file it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.motion import decoding, quaternion
from myosapiens_addon.motion.decoding import Decoded, DecodeOptions
from myosapiens_addon.motion.timing import TakeFacts
from tests.helpers import mjcf_models
from tests.unit.decoding_bench import NPZ, QPOS, XPOS


def test_the_real_take(walk: Path) -> None:
    """Everything of one job: poses of the GLB, positions that agree, angles of the npz."""
    files = [walk / "motion_nomesh.glb", *(walk / name for name in (QPOS, NPZ, XPOS))]
    options = DecodeOptions(take=TakeFacts(rate_hz=120.0, frames=412), with_angles=True)
    found = decoding.decode(files, options)
    check_golden(found, walk, to_m=1e-6, to_deg=0.001)
    assert found.warnings == ()
    assert found.distance is not None
    assert found.distance.largest_mm < 0.001
    assert (found.distance.bodies, found.distance.frames) == (71, 412)
    assert found.angles is not None
    assert len(found.angles.names) == 118


def check_golden(found: Decoded, walk: Path, *, to_m: float | None, to_deg: float) -> None:
    names = json.loads((walk / "body_names.json").read_text())
    rows = [names.index(name) for name in found.motion.names]
    assert len(rows) == 71
    golden = np.load(walk / "golden_xquat.npy")[:, rows]
    off_rad = quaternion.angle_between(found.motion.rotations, golden)
    assert np.degrees(off_rad).max() < to_deg
    if to_m is not None:
        positions = np.load(walk / "golden_xpos.npy")[:, rows]
        assert np.linalg.norm(found.motion.positions - positions, axis=-1).max() < to_m
    np.testing.assert_allclose(found.motion.times, np.arange(412) / 120.0, rtol=0, atol=1e-6)


def test_the_real_coordinates_on_the_real_character(walk: Path) -> None:
    """Bodies turn as they did; they are elsewhere, for the subject has other lengths."""
    options = DecodeOptions(model=mjcf_models.of_package(), with_angles=True)
    found = decoding.decode([walk / QPOS, walk / XPOS], options)
    check_golden(found, walk, to_m=None, to_deg=0.01)
    names = json.loads((walk / "body_names.json").read_text())
    rows = [names.index(name) for name in found.motion.names]
    away = np.load(walk / "golden_xpos.npy")[:, rows] - found.motion.positions
    assert found.distance is not None
    largest = 1e3 * np.linalg.norm(away, axis=-1).max()
    assert found.distance.largest_mm == pytest.approx(largest, abs=1e-6)
    (sentence,) = found.warnings
    assert sentence.endswith("the model may have other lengths than the subject.")


def test_the_real_angles_are_the_same_in_every_file(walk: Path) -> None:
    model = mjcf_models.of_package()
    options = DecodeOptions(model=model, with_angles=True, take=TakeFacts(rate_hz=120.0))
    tables = [
        decoding.decode(files, options).angles
        for files in (
            [walk / NPZ], [walk / QPOS], [walk / "motion_nomesh.glb"],
            [walk / "motion_nomesh.glb", walk / NPZ], [walk / "motion_nomesh.glb", walk / QPOS],
        )
    ]  # fmt: skip
    first = tables[0]
    assert first is not None
    assert len(first.names) == 118
    for other in tables[1:]:
        assert other is not None
        assert set(first.names) <= set(other.names)
        columns = [other.names.index(name) for name in first.names]
        np.testing.assert_allclose(other.values[:, columns], first.values, rtol=0, atol=1e-6)
        np.testing.assert_allclose(other.times, np.arange(412) / 120.0, rtol=0, atol=1e-6)
