# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo, as a user starts it: the shipped sample, and a real take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


def run_demo(out: Path, *words: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py"), "--out", str(out), *words],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert str(out / "result.blend") in run.stdout
    assert (out / "result.blend").stat().st_size > 10_000
    picture = np.asarray(Image.open(out / "preview.png").convert("RGB"), dtype=float)
    assert picture.std(axis=(0, 1)).min() > 5.0  # something is to be seen
    return json.loads((out / "report.json").read_text())["takes"][0]


def test_the_shipped_sample(tmp_path: Path) -> None:
    take = run_demo(tmp_path)
    assert take["status"] == "done"
    assert take["frames"] == 115  # 4.79 s at 24 frames/s


@pytest.mark.parametrize(
    ("rig", "name", "bone_map"),
    [("rigify", "rig", "Rigify, FK controls"), ("mixamo", "Mixamo", "Mixamo")],
)
def test_rigs_of_other_kinds(tmp_path: Path, rig: str, name: str, bone_map: str) -> None:
    take = run_demo(tmp_path, "--rig", rig)
    assert (take["status"], take["frames"]) == ("done", 115)
    assert (take["armature"], take["bone_map"]) == (name, bone_map)
    assert take["direction_error_deg"] < 0.5


def test_a_real_take(tmp_path: Path, walk: Path) -> None:
    words = ("--c3d", str(walk / "take.c3d"), "--markerset", str(walk / "markerset.xml"))
    take = run_demo(tmp_path, *words)
    assert take["status"] == "done"
    assert take["frames"] == 83
    assert take["capture_rate"] == 120.0


def test_a_take_that_is_none_gives_the_jobs_exit_code(tmp_path: Path) -> None:
    broken = tmp_path / "broken.c3d"
    broken.write_text("no take")
    run = subprocess.run(
        [
            sys.executable, str(ROOT / "scripts" / "demo.py"),
            "--out", str(tmp_path / "out"), "--c3d", str(broken),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert "broken.c3d is no C3D file" in run.stderr
    assert "Traceback" not in run.stderr
