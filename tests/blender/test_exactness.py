# SPDX-License-Identifier: GPL-3.0-or-later
"""Through Blender and out again: evaluated poses against the truth."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import landing as landings
from myosapiens_addon.motion import glb, mjcf, npz
from tests.blender.exact_landing import land
from tests.blender.posing import body_poses
from tests.helpers import exact_truth
from tests.helpers.exact_truth import Truth

ROOT = Path(__file__).resolve().parents[2]
MM, DEGREES = 0.1, 0.01


def by_mujoco(*paths: Path) -> None:
    """Let a Python that has MuJoCo do what `solved_take` does; skips where there is none."""
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("MuJoCo is not at hand: .venv is missing (run scripts/test.py)")
    subprocess.run(
        [str(python), "-m", "tests.helpers.solved_take", *map(str, paths)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        check=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of the local service, its scaled model as MJCF, and MuJoCo's own poses."""
    folder = tmp_path_factory.mktemp("solved")
    by_mujoco(folder)
    return folder


def test_a_real_take_at_capture_rate(walk: Path) -> None:
    landed = land(walk / "motion_nomesh.glb")
    errors = landed.errors(exact_truth.golden(walk))
    assert landed.landing.frames == 412
    assert landed.landing.capture_rate_hz == pytest.approx(120.0, abs=1e-3)
    assert errors["position"] <= MM
    assert errors["rotation"] <= DEGREES


def test_real_coordinates_at_capture_rate(walk: Path, real_character: Path, tmp_path: Path) -> None:
    """Bodies turn as the subject's did; the definition's own lengths put them where MuJoCo does.

    It has slides, some with a reference, which the local service's has not.
    """
    pytest.importorskip("pyarrow")
    by_mujoco(real_character, walk / "qpos.parquet", tmp_path / "placed.npz")
    placed = Truth.load(tmp_path / "placed.npz")
    landed = land(walk / "qpos.parquet", model=str(real_character))
    errors = landed.errors(exact_truth.on_other_lengths(exact_truth.golden(walk), placed))
    assert landed.landing.frames == 412
    assert landed.motion.names == placed.names
    assert errors["position"] <= MM
    assert errors["rotation"] <= DEGREES


def test_real_angles_at_capture_rate(walk: Path, real_character: Path) -> None:
    """No root, abdomen and patellae: all other bodies turn against their parents as they did."""
    path = walk / "output.npz"
    landed = land(path, model=str(real_character), rate_hz=120.0)
    names = npz.read(path).joint_names
    truth = exact_truth.by_angles_alone(exact_truth.golden(walk), mjcf.read(real_character), names)
    assert landed.landing.frames == 412
    assert landed.motion.times[-1] == pytest.approx(411 / 120)
    left_out = set(landed.motion.names) - set(truth.turning or ())
    assert left_out == {"myoskeleton_root", "abdomen", "patella_r", "patella_l"}
    assert landed.errors(truth)["turn"] <= DEGREES


@pytest.mark.parametrize("name", ["motion.glb", "qpos.parquet"])
def test_a_solved_take_is_where_mujoco_has_it(solved: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    model = "" if name.endswith(".glb") else str(solved / "model.xml")
    errors = land(solved / name, model=model).errors(Truth.load(solved / "truth.npz"))
    assert errors["position"] <= MM
    assert errors["rotation"] <= DEGREES


def test_solved_angles_turn_bodies_as_mujoco_does(solved: Path) -> None:
    landed = land(solved / "output.npz", model=str(solved / "model.xml"))
    truth = exact_truth.by_angles_alone(
        Truth.load(solved / "truth.npz"),
        mjcf.read(solved / "model.xml"),
        npz.read(solved / "output.npz").joint_names,
    )
    assert truth.turning == landed.motion.names[1:]
    assert landed.errors(truth)["turn"] <= DEGREES


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
