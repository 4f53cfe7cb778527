# SPDX-License-Identifier: GPL-3.0-or-later
"""`import` on the command line: files in, a .blend and a report out, or one sentence."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import headless, reading
from myosapiens_addon.blender.compat import curves_of
from tests.helpers.motions import as_decoded, moving


@pytest.fixture
def motion_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that decodes to a made motion; decoding has tests of its own."""
    path = tmp_path / "walk 07.glb"
    path.write_bytes(b"glTF")
    monkeypatch.setattr(reading.Wanted, "decode", lambda _wanted: as_decoded(moving()))
    return path


def run(*words: str | Path) -> int:
    return headless.main([str(word) for word in words], program="test")


def test_a_blend_and_a_report_come_out(
    motion_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "new" / "out.blend", tmp_path / "r.json"
    headless.flush()  # what a real Blender printed before, it may still hold back
    capfd.readouterr()
    code = run(
        "import", "--output", motion_file, "--new-armature", "--rate", "capture", "--set-range",
        "--out", out, "--report", report, "--json",
    )  # fmt: skip
    assert code == 0
    row = json.loads(report.read_text())["takes"][0]
    assert json.loads(capfd.readouterr().out) == {"takes": [row]}
    assert row["status"] == "done"
    assert row["action"] == row["armature"] == "walk 07"
    assert row["frames"] == 25
    assert row["capture_rate"] == pytest.approx(100.0)
    assert row["error"] is None
    assert {"upload", "solve", "download", "decode", "retarget", "write"} <= set(row["seconds"])
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.blend"]
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert bpy.data.objects["walk 07"].animation_data.action.name == "walk 07"
    assert len(curves_of(bpy.data.actions["walk 07"])) == 17 * 7


def test_the_open_file_keeps_its_name(motion_file: Path, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert run("import", "--output", motion_file, "--out", tmp_path / "out.blend") == 0
    assert bpy.data.filepath == str(tmp_path / "scene.blend")


def test_an_existing_output_is_replaced_whole(motion_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.blend"
    out.write_bytes(b"old")
    assert run("import", "--output", motion_file, "--out", out) == 0
    assert out.stat().st_size > 10_000
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".out", "out.blend1"))]


WRONG = {
    "no such file": (["--output", "gone.glb"], "gone.glb is not there"),
    "no such armature": (["--armature", "Hero"], "There is no armature 'Hero'"),
    "a folder as output": (["--out", "."], "cannot be"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_one_sentence_and_code_2(
    case: str, motion_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if case == "no such file":
        monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    words, sentence = WRONG[case]
    given = ["import", "--output", motion_file, "--out", tmp_path / "out.blend"]
    code = run(*given, *words, "--report", tmp_path / "r.json")
    said = capfd.readouterr()
    assert code == 2
    assert said.out == ""
    errors = [line for line in said.err.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert "Traceback" not in said.err
    row = json.loads((tmp_path / "r.json").read_text())["takes"][0]
    assert row["status"] == "failed"
    assert sentence in row["error"]
    assert not (tmp_path / "out.blend").exists()


@pytest.mark.parametrize("rate", ["0", "-3", "fast", "nan", "inf"])
def test_a_wrong_rate_is_wrong_usage(
    rate: str, motion_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run("import", "--output", motion_file, "--out", tmp_path / "o.blend", "--rate", rate)
    assert code == 2
    assert "--rate" in capfd.readouterr().err


def test_help_and_unknown_commands(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "retarget" in capfd.readouterr().out
    assert run("dance") == 2
    assert run("retarget", "--help") == 0
    assert "--new-armature" in capfd.readouterr().out


def untold(command: argparse.ArgumentParser) -> list[str]:
    """What a command takes without saying what it is."""
    found: list[str] = []
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += untold(below)
        elif not action.help:
            found.append(f"{command.prog} {action.option_strings or action.dest}")
    return found


def test_every_option_says_what_it_is() -> None:
    assert untold(headless.parser("myosapiens")) == []
