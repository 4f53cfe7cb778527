# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line inside real Blenders: by a script, and by the installed extension."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "scripts" / "sample"
SCRIPT = ROOT / "scripts" / "batch_retarget.py"
BINARIES = [path for path in os.environ.get("MYOSAPIENS_TEST_BLENDERS", "").split(":") if path]

pytestmark = [
    pytest.mark.skipif(not BINARIES, reason="no real Blender was given (--blender PATH)"),
    pytest.mark.parametrize("binary", BINARIES or ["none"], ids=lambda path: Path(path).name),
]


def run(binary: str, *words: str, profile: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary, *words],
        cwd=ROOT,
        env={
            **os.environ,
            "BLENDER_USER_RESOURCES": str(profile),
            "MYOSAPIENS_API_KEY": os.environ["MYOSAPIENS_TEST_KEY"],
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_the_script_solves_a_take(binary: str, tmp_path: Path) -> None:
    found = run(
        binary, "-b", "--factory-startup", "--python", str(SCRIPT), "--", "retarget",
        "--base-url", os.environ["MYOSAPIENS_TEST_URL"], "--c3d", str(SAMPLE / "walk.c3d"),
        "--markerset", str(SAMPLE / "markerset.xml"), "--new-armature",
        "--out", str(tmp_path / "out.blend"), "--json",
        profile=tmp_path / "profile",
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    take = json.loads(found.stdout.strip().splitlines()[-1])["takes"][0]
    assert take["status"] == "done"
    assert take["frames"] == 115
    assert (tmp_path / "out.blend").stat().st_size > 10_000


def test_the_extension_adds_a_command(binary: str, archive: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    installed = run(
        binary, "--command", "extension", "install-file", "-r", "user_default", "--enable",
        str(archive), profile=profile,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stdout + installed.stderr
    base = ("--base-url", os.environ["MYOSAPIENS_TEST_URL"])
    found = run(binary, "--command", "myosapiens", "check", *base, "--json", profile=profile)
    assert found.returncode == 0, found.stdout + found.stderr
    assert json.loads(found.stdout.strip().splitlines()[-1])["ready_characters"] == 1
    outside = run(
        binary, "--command", "myosapiens", "check", "--base-url", "https://service.invalid",
        profile=profile,
    )  # fmt: skip
    assert outside.returncode == 2
    assert "Allow Online Access" in outside.stderr
    assert "Traceback" not in outside.stderr
