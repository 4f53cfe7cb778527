# SPDX-License-Identifier: GPL-3.0-or-later
"""The parquet flavour: what is in its zips, and coordinates read in a real Blender by it."""

from __future__ import annotations

import json
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

import build
import flavours
from tests.gui import blenders
from tests.helpers import solved_take

LINUX = "linux-x64"


@pytest.fixture(scope="module")
def parquet_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (archive,) = build.build_all(
        tmp_path_factory.mktemp("dist"), with_parquet=True, platforms=[LINUX]
    )
    return archive


def test_a_zip_brings_pyarrow_for_both_pythons_of_its_platform(parquet_zip: Path) -> None:
    with zipfile.ZipFile(parquet_zip) as archive:
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert parquet_zip.name == f"myosapiens-{build.manifest_version()}-{LINUX}.zip"
    assert manifest["platforms"] == [LINUX]
    arrows = [name for name in names if "pyarrow" in name]
    assert {name.split("-")[2] for name in arrows} == {"cp311", "cp313"}
    assert all("manylinux" in name for name in arrows)
    assert {f"./{name}" for name in names if name.endswith(".whl")} == set(manifest["wheels"])
    assert any("requests-" in name for name in names)


def test_the_slim_zip_is_for_every_platform(archive: Path) -> None:
    with zipfile.ZipFile(archive) as slim:
        assert not [name for name in slim.namelist() if "pyarrow" in name]
        assert "platforms" not in tomllib.loads(slim.read("blender_manifest.toml").decode())


def test_a_platform_without_pyarrow_is_refused() -> None:
    with pytest.raises(SystemExit, match="There is no platform windows-arm64; choose from"):
        flavours.fetch("windows-arm64")


def test_a_strange_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flavours, "WHEELS", tmp_path)
    (tmp_path / LINUX).mkdir()
    for python in flavours.PYTHONS:
        (tmp_path / LINUX / f"pyarrow-1-cp{python}.whl").write_bytes(b"another")
    with pytest.raises(SystemExit, match=r"are not those of parquet\.lock"):
        flavours.fetch(LINUX)


def test_coordinates_land_in_a_real_blender(parquet_zip: Path, tmp_path: Path) -> None:
    reason = blenders.why_not("trixie")  # the one whose Python the wheels are for
    if reason:
        pytest.skip(reason)
    solved_take.solve(tmp_path)
    profile = tmp_path / "profile"
    blenders.install("trixie", parquet_zip, profile)
    words = [
        "--command", "myosapiens", "import", "--new-armature", "--rate", "capture",
        "--output", str(tmp_path / "qpos.parquet"), str(tmp_path / "xpos.parquet"),
        "--model", str(tmp_path / solved_take.DEFINITION),
        "--out", str(tmp_path / "out.blend"), "--report", str(tmp_path / "r.json"),
    ]  # fmt: skip
    run = subprocess.run(
        [str(blenders.TOOL), "run", "trixie", "--timeout", "300", "--", *words],
        cwd=build.ROOT,
        env=blenders.environment(profile, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (row,) = json.loads((tmp_path / "r.json").read_text())["takes"]
    assert row["source"] == "qpos.parquet"
    assert row["xpos"]["largest_mm"] < 0.001
    assert row["xpos"]["bone_heads"]["largest_mm"] < 0.1
