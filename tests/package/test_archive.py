# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the zip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import build

ROOT = Path(__file__).resolve().parents[2]


def test_the_zip_holds_the_package_its_wheels_and_nothing_else(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = set(content.namelist())
        manifest = tomllib.loads(content.read("blender_manifest.toml").decode())
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "blender/landing.py"} <= names
    assert {f"./{name}" for name in names if name.endswith(".whl")} == set(manifest["wheels"])
    assert len(manifest["wheels"]) == 7
    strange = {Path(name).suffix for name in names} - {".py", ".toml", ".whl", ".json", ""}
    assert not strange
    assert not [name for name in names if "__pycache__" in name or name.startswith(".")]


def test_the_manifest_says_what_is_needed() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    assert manifest["id"] == "myosapiens"
    assert manifest["name"] == "MyoSapiens"
    assert manifest["blender_version_min"] == "4.2.0"
    assert set(manifest["permissions"]) == {"network", "files"}
    assert manifest["tags"] == ["Animation", "Import-Export"]


def test_a_build_from_another_place_and_time_zone_is_the_same(
    archive: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in ("myosapiens_addon", "vendor", "scripts"):
        shutil.copytree(ROOT / name, copy / name)  # copies have the times of now
    for name in ("blender_manifest.toml", "LICENSE", "pyproject.toml"):
        shutil.copyfile(ROOT / name, copy / name)
    code = "import sys, build, pathlib; build.build(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONPATH": str(copy / "scripts")}
    environment["SOURCE_DATE_EPOCH"] = str(build.commit_time())
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "dist")], env=environment, check=True
    )
    assert (tmp_path / "dist" / archive.name).read_bytes() == archive.read_bytes()


def test_a_wheel_that_is_not_the_locks_is_replaced_or_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    text = build.LOCK.read_text()
    lock.write_text(text[:-65] + "0" * 64 + "\n")
    monkeypatch.setattr(build, "LOCK", lock)
    monkeypatch.setattr(build, "WHEELS", tmp_path / "wheels")
    with pytest.raises(subprocess.CalledProcessError):
        build.fetch_wheels()
