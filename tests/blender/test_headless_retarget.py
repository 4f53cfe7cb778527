# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on the command line, through a service with a real solve."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import headless
from myosapiens_addon.blender.compat import curves_of
from tests.blender.conftest import ROOT, LiveService
from tests.blender.posing import evaluated

SAMPLE = ROOT / "scripts" / "sample"
TAKE, MARKERSET = SAMPLE / "walk.c3d", SAMPLE / "markerset.xml"
CLOSED = "http://127.0.0.1:9"


def run(*words: str | Path) -> int:
    return headless.main([str(word) for word in words], program="test")


@pytest.fixture
def base(live_service: LiveService, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that name the service; its key is in the environment."""
    monkeypatch.setenv("MYOSAPIENS_API_KEY", live_service.api_key)
    return ["--base-url", live_service.base_url]


def take(tmp_path: Path, **changes: Path) -> list[str | Path]:
    return [
        "--c3d", changes.get("c3d", TAKE), "--markerset", changes.get("markerset", MARKERSET),
        "--out", tmp_path / "out.blend", "--report", tmp_path / "r.json",
    ]  # fmt: skip


def job_count(base: list[str], capfd: pytest.CaptureFixture[str]) -> int:
    headless.flush()
    capfd.readouterr()
    assert run("jobs", *base, "--json", "--limit", "10000") == 0
    return len(json.loads(capfd.readouterr().out)["jobs"])


def test_a_take_becomes_an_action(
    base: list[str], tmp_path: Path, own_folders: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = job_count(base, capfd)
    assert run("retarget", *take(tmp_path), *base, "--rate", "capture", "--height", "1.72") == 0
    row = json.loads((tmp_path / "r.json").read_text())["takes"][0]
    assert row["status"] == "done"
    assert row["frames"] == 480
    assert row["capture_rate"] == pytest.approx(100.0, abs=1e-3)
    assert min(row["seconds"][stage] for stage in ("upload", "solve", "download")) > 0.0
    assert job_count(base, capfd) == before + 1
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    assert len(curves_of(bpy.data.actions[row["action"]])) > 100
    frames = 1 + np.arange(0, 480, 10) / 100.0 * row["scene_rate"]
    pelvis, foot = np.moveaxis(
        evaluated(row["armature"], frames, ("pelvis", "calcaneus_r"))[..., :3, 3], 1, 0
    )
    speed = np.linalg.norm(pelvis[-1] - pelvis[0]) / 4.7
    assert 1.2 < speed < 1.4  # the sample walks at 1.3 m/s
    assert 0.8 < pelvis[:, 2].mean() < 1.1
    assert -0.02 < foot[:, 2].min() < 0.08
    assert not list((own_folders / "jobs").glob("*.tmp"))


def test_check_characters_jobs_assets_answer(
    base: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    for command, key in (("check", "ready_characters"), ("characters", "characters"),
                         ("jobs", "jobs"), ("assets", "assets")):  # fmt: skip
        headless.flush()
        capfd.readouterr()
        assert run(command, *base, "--json") == 0
        assert key in json.loads(capfd.readouterr().out)
        assert run(command, *base) == 0
        assert capfd.readouterr().out.strip()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def bad_takes(folder: Path) -> dict[str, dict[str, Path]]:
    data = TAKE.read_bytes()
    markers = MARKERSET.read_text()
    none_used = bytearray(data)
    none_used[2:4] = b"\0\0"
    return {
        "no C3D": {"c3d": written(folder / "a.c3d", b"this is a text file\n" * 60)},
        "empty": {"c3d": written(folder / "b.c3d", b"")},
        "truncated": {"c3d": written(folder / "c.c3d", data[: len(data) // 2])},
        "missing": {"c3d": folder / "gone.c3d"},
        "a folder": {"c3d": folder},
        "no XML": {"markerset": written(folder / "d.xml", b"<markers><marker")},
        "no markers": {"markerset": written(folder / "e.xml", b"<markers/>")},
        "no match": {
            "markerset": written(folder / "f.xml", markers.replace('name="', 'name="ZZ').encode())
        },
    }


CASES = (
    "no C3D", "empty", "truncated", "missing", "a folder", "no XML", "no markers", "no match",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_found_before_anything_is_sent(
    case: str, base: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = job_count(base, capfd)
    code = run("retarget", *take(tmp_path, **bad_takes(tmp_path)[case]), *base)
    said = capfd.readouterr().err
    assert code == 2, said
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    assert len(errors) == 1
    assert errors[0].endswith(".")
    assert json.loads((tmp_path / "r.json").read_text())["takes"][0]["error"]
    assert not (tmp_path / "out.blend").exists()
    assert job_count(base, capfd) == before


def test_a_failed_job_says_what_the_service_said(
    base: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    markers = MARKERSET.read_text().replace('body="skull"', 'body="antler"')
    markerset = written(tmp_path / "odd.xml", markers.encode())
    code = run("retarget", *take(tmp_path, markerset=markerset), *base)
    said = capfd.readouterr().err
    assert code == 1, said
    assert "antler" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out.blend").exists()


def test_a_wrong_key_and_a_service_that_is_not_there(
    base: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run("retarget", *take(tmp_path), "--base-url", CLOSED) == 4
    assert "127.0.0.1 cannot be reached" in capfd.readouterr().err
    monkeypatch.setenv("MYOSAPIENS_API_KEY", "ak_live_secretsecret")
    assert run("retarget", *take(tmp_path), *base) == 3
    said = capfd.readouterr()
    assert "secretsecret" not in said.err + said.out
    assert "secretsecret" not in (tmp_path / "r.json").read_text()
    monkeypatch.delenv("MYOSAPIENS_API_KEY")
    assert run("check", *base) == 3


def test_nothing_is_sent_when_the_armature_is_not_there(
    base: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = job_count(base, capfd)
    assert run("retarget", *take(tmp_path), *base, "--armature", "Hero") == 2
    assert job_count(base, capfd) == before


def test_preflight_tells_labels(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    headless.flush()
    capfd.readouterr()
    assert run("preflight", "--c3d", TAKE, "--markerset", MARKERSET) == 0
    assert "39/39 markers, 480 frames at 100 Hz" in capfd.readouterr().out
    bad = bad_takes(tmp_path)["no match"]["markerset"]
    assert run("preflight", "--c3d", TAKE, "--markerset", bad) == 2
