# SPDX-License-Identifier: GPL-3.0-or-later
"""Through Blender and out again: evaluated poses against the truth."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import landing as landings
from myosapiens_addon.motion import glb
from myosapiens_addon.motion.quaternion import angle_between
from tests.blender.posing import body_poses


def test_a_real_take_at_capture_rate(walk: Path) -> None:
    path = walk / "motion_nomesh.glb"
    options = landings.LandingOptions(new_armature=True, rate="capture", start_frame=1)
    landing = landings.land([path], name="walk", options=options)
    motion = glb.read(path)
    names = json.loads((walk / "body_names.json").read_text())
    rows = [names.index(name) for name in motion.names]
    golden_positions = np.load(walk / "golden_xpos.npy")[:, rows]
    golden_rotations = np.load(walk / "golden_xquat.npy")[:, rows]
    frames = 1 + np.arange(412) / 120.0 * landing.scene_rate_hz
    heads, rotations = body_poses(landing.armature, frames, motion)
    assert landing.frames == 412
    assert landing.capture_rate_hz == pytest.approx(120.0, abs=1e-3)
    assert np.linalg.norm(heads - golden_positions, axis=-1).max() <= 0.1e-3
    assert np.degrees(angle_between(rotations, golden_rotations)).max() <= 0.01


@pytest.mark.parametrize("fps", [(24, 1.0), (30, 1.001), (60, 1.0)])
def test_a_real_take_at_the_scenes_rate_plays_at_its_own_speed(
    walk: Path, fps: tuple[int, float]
) -> None:
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps
    path = walk / "motion_nomesh.glb"
    options = landings.LandingOptions(new_armature=True, start_frame=10)
    landing = landings.land([path], name="walk", options=options)
    motion = glb.read(path)
    names = json.loads((walk / "body_names.json").read_text())
    golden = np.load(walk / "golden_xpos.npy")[:, [names.index(name) for name in motion.names]]
    frames = 10.0 + np.arange(landing.frames)
    heads, _ = body_poses(landing.armature, frames, motion)
    times = (frames - 10.0) / landing.scene_rate_hz
    before = np.minimum((times * 120.0).astype(int), 410)
    part = (times * 120.0 - before)[:, None, None]
    wanted = golden[before] + part * (golden[before + 1] - golden[before])
    # A limb turning between two captured frames leaves the straight line by a tenth of a mm.
    assert np.linalg.norm(heads - wanted, axis=-1).max() < 0.5e-3
    assert landing.frames == int(3.425 * landing.scene_rate_hz + 1e-3) + 1
