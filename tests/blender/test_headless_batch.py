# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-command `batch` inside Blender: rows as `retarget` would do them, each in its file."""

from __future__ import annotations

import io
import json
import signal
import threading
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import batch_progress, batch_report, headless, preview
from myosapiens_addon.blender.compat import curves_of
from myosapiens_addon.errors import CancelledError, InputError, MyoSapiensError
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.batch import End, Status
from myosapiens_addon.service import errors
from tests.blender import rig_builders
from tests.blender.conftest import ROOT, LiveService
from tests.blender.test_batch_rows import read as rows_of

SAMPLE = ROOT / "scripts" / "sample"
TAKE, MARKERSET = SAMPLE / "walk.c3d", SAMPLE / "markerset.xml"
CLOSED = "http://127.0.0.1:9"
PNG = b"\x89PNG\r\n\x1a\n"


def run(*words: str | Path) -> int:
    return headless.main([str(word) for word in words], program="test")


@pytest.fixture
def base(live_service: LiveService, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that name the service; its key is in the environment."""
    monkeypatch.setenv("MYOSAPIENS_API_KEY", live_service.api_key)
    return ["--base-url", live_service.base_url]


def table(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "takes.jsonl"
    path.write_text("".join(json.dumps({"c3d": str(TAKE), **row}) + "\n" for row in rows))
    return path


def batch(folder: Path, jobs: Path, base: list[str], *words: str | Path) -> int:
    markerset = () if "--markerset" in words else ("--markerset", MARKERSET)
    return run("batch", "--jobs", jobs, "--out", folder / "out", *base, *markerset, *words)


def rows(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "out" / "report.json").read_text())["takes"]


def keys(blend: Path, action: str) -> dict[tuple[str, int], np.ndarray]:
    """Every curve of an action of a file."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    found: dict[tuple[str, int], np.ndarray] = {}
    for curve in curves_of(bpy.data.actions[action]):
        values = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", values)
        found[curve.data_path, curve.array_index] = values
    return found


def rig_file(path: Path, name: str) -> Path:
    """A .blend with a rig of that name, and nothing else."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig_builders.mixamo(name=name)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def test_a_row_is_what_retarget_does(base: list[str], tmp_path: Path) -> None:
    hero = rig_file(tmp_path / "hero.blend", "Hero")
    before = hero.read_bytes()
    bpy.ops.wm.open_mainfile(filepath=str(hero))
    alone = tmp_path / "alone.blend"
    words = ("--c3d", TAKE, "--markerset", MARKERSET, "--out", alone, "--armature", "Hero")
    report = tmp_path / "alone.json"
    assert run("retarget", *words, *base, "--rate", "50", "--report", report) == 0
    (one,) = json.loads(report.read_text())["takes"]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    jobs = table(
        tmp_path,
        {"blend": "hero.blend", "armature": "Hero", "rate": 50},
        {"blend": "hero.blend", "rate": "50"},
    )
    assert batch(tmp_path, jobs, base) == 0
    expected = keys(alone, one["action"])
    assert len(expected) > 50
    for row in rows(tmp_path):
        same = ("status", "action", "armature", "frames", "scene_rate", "warnings", "bone_map")
        assert {name: row[name] for name in same} == {name: one[name] for name in same}
        found = keys(Path(row["out"]), row["action"])
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[curve], expected[curve]) for curve in expected)
    assert [Path(row["out"]).name for row in rows(tmp_path)] == ["walk.blend", "walk-2.blend"]
    assert hero.read_bytes() == before


def test_each_take_goes_into_its_own_file_by_its_own_options(
    base: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for quality in ("_SAMPLES", "_SAMPLES_WITHOUT_DENOISER"):
        monkeypatch.setattr(preview, quality, 1)  # a picture, whatever it looks like
    rig_file(tmp_path / "a.blend", "Ada")
    other = rig_file(tmp_path / "b.blend", "Bea")
    bpy.ops.wm.open_mainfile(filepath=str(other))
    jobs = table(
        tmp_path,
        {"blend": "a.blend", "armature": "Ada", "out": "ada/take.blend", "set_range": True},
        {"out": "bea"},
        {"new-armature": "yes", "rate": "capture", "preview": "p.png", "out": "n.blend",
         "in_place": False},
    )  # fmt: skip
    assert batch(tmp_path, jobs, base, "--armature", "Bea", "--rate", "25", "--in-place") == 0
    ada, bea, new = rows(tmp_path)
    assert (ada["armature"], bea["armature"], new["armature"]) == ("Ada", "Bea", "walk")
    assert (ada["frames"], bea["frames"], new["frames"]) == (120, 120, 480)
    assert [Path(row["out"]).relative_to(tmp_path).as_posix() for row in (ada, bea, new)] == [
        "ada/take.blend", "bea/walk.blend", "n.blend",
    ]  # fmt: skip
    assert (tmp_path / "p.png").read_bytes().startswith(PNG)
    ways = {}
    for row in (ada, bea, new):
        bpy.ops.wm.open_mainfile(filepath=row["out"])
        ways[row["armature"]] = _way(row["armature"])
        assert [entry.name for entry in bpy.data.actions] == [row["action"]]
        names = {entry.name for entry in bpy.data.objects if entry.type == "ARMATURE"}
        # A new armature stands beside the one of the open file.
        assert names == ({"Bea", "walk"} if row is new else {row["armature"]})
    assert ways["Ada"] < 0.3
    assert ways["Bea"] < 0.3
    assert ways["walk"] > 4.0


def _way(name: str) -> float:
    """How far an armature's bones travel from the first to the last key (m)."""
    target = bpy.data.objects[name]
    span = target.animation_data.action.frame_range
    places = []
    for frame in span:
        bpy.context.scene.frame_set(int(frame))
        evaluated = target.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads = [evaluated.matrix_world @ bone.head for bone in evaluated.pose.bones]
        places.append(np.mean(heads, axis=0))
    return float(np.linalg.norm((places[1] - places[0])[:2]))


def job_count(base: list[str], capfd: pytest.CaptureFixture[str]) -> int:
    headless.flush()
    capfd.readouterr()
    assert run("jobs", *base, "--json", "--limit", "10000") == 0
    return len(json.loads(capfd.readouterr().out)["jobs"])


def test_a_target_that_cannot_take_it_fails_before_it_is_paid(
    base: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rig_file(tmp_path / "a.blend", "Ada")
    (tmp_path / "broken.blend").write_bytes(b"BLENDER-v300" + bytes(100))
    before = job_count(base, capfd)
    jobs = table(
        tmp_path,
        {"blend": "a.blend", "armature": "Nobody"},
        {"blend": "broken.blend"},
        {"blend": "a.blend", "armature": "Nobody", "out": "again.blend"},
        {"blend": "a.blend"},
        {"out": str(tmp_path / "a.blend" / "inside.blend")},
        {"out": "r.blend", "report": str(tmp_path / "a.blend" / "inside.json")},
    )
    assert batch(tmp_path, jobs, base) == 1
    said = capfd.readouterr().err
    assert "Traceback" not in said
    found = rows(tmp_path)
    assert [row["status"] for row in found] == ["failed"] * 3 + ["done"] + ["failed"] * 2
    assert "Nobody" in found[0]["error"]
    assert found[0]["error"] == found[2]["error"]
    assert "broken.blend" in found[1]["error"]
    assert "cannot be written" in found[4]["error"]
    assert "cannot be written" in found[5]["error"]
    assert job_count(base, capfd) == before + 1


def test_events_for_machines_are_all_there_is_on_stdout(
    base: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    headless.flush()
    capfd.readouterr()
    assert batch(tmp_path, table(tmp_path, {}), base, "--new-armature", "--json") == 0
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    order = ["begun", "started", "fetched", "landing", "landed", "summary"]
    places = [[one["event"] for one in told].index(event) for event in order]
    assert places == sorted(places)
    assert told[-1]["done"] == 1
    assert told[-2]["out"] == str(tmp_path / "out" / "walk.blend")
    headless.flush()
    assert batch(tmp_path, table(tmp_path, {}), base, "--new-armature") == 0
    said = capfd.readouterr()
    assert said.out.startswith("1 of 1 takes done (1 before) in ")
    assert said.err == "[1/1] walk: done before\n"


def test_thumbnails_also_for_takes_that_landed_before(base: list[str], tmp_path: Path) -> None:
    jobs = table(tmp_path, {}, {})
    assert batch(tmp_path, jobs, base, "--new-armature", "--rows", "2") == 0
    assert batch(tmp_path, jobs, base, "--new-armature", "--thumbnails") == 0
    first, second = rows(tmp_path)
    assert (first["before"], second["before"]) == (False, True)
    pictures = [tmp_path / "out" / "thumbs" / f"{name}.png" for name in ("walk", "walk-2")]
    assert [first["thumbnail"], second["thumbnail"]] == [str(picture) for picture in pictures]
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/png") >= 2
    # Another run makes none that is there, and one that cannot be made is no failed take.
    made = pictures[1].stat().st_mtime_ns
    pictures[0].unlink()
    Path(first["out"]).write_bytes(b"BLENDER-v300" + bytes(100))
    assert batch(tmp_path, jobs, base, "--new-armature", "--thumbnails") == 0
    first, second = rows(tmp_path)
    assert (first["before"], second["before"]) == (True, True)
    assert "no picture of the result" in first["warnings"][-1]
    assert not any("picture" in warning for warning in second["warnings"])
    assert pictures[1].stat().st_mtime_ns == made


def test_landing_runs_while_threads_do(base: list[str], tmp_path: Path) -> None:
    """Files are opened and saved while other takes are under way; nothing of them is left."""
    rig_file(tmp_path / "a.blend", "Ada")
    jobs = table(tmp_path, *({"blend": "a.blend", "out": f"t{n}.blend"} for n in range(6)))
    before = threading.active_count()
    assert batch(tmp_path, jobs, base, "--concurrency", "6") == 0
    assert [row["status"] for row in rows(tmp_path)] == ["done"] * 6
    for row in rows(tmp_path):
        bpy.ops.wm.open_mainfile(filepath=row["out"])
        assert len(bpy.data.actions) == 1
        assert len(bpy.data.objects) == 1
    assert threading.active_count() <= before


def test_without_access_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: Path
) -> None:
    monkeypatch.delenv("MYOSAPIENS_API_KEY", raising=False)
    monkeypatch.delenv("MYOSDK_API_KEY", raising=False)
    jobs = table(tmp_path, {})
    assert batch(tmp_path, jobs, ["--base-url", CLOSED]) == 3
    monkeypatch.setenv("MYOSAPIENS_API_KEY", "ak_local_x")
    assert batch(tmp_path, jobs, ["--base-url", CLOSED]) == 4
    assert not list(own_folders.glob("jobs/*.json"))


def test_places_that_cannot_be_written_are_told_first(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = table(tmp_path, {})
    words = ("batch", "--jobs", jobs, "--out", tmp_path / "out", "--base-url", CLOSED)
    assert run(*words, "--markerset", MARKERSET, "--state", TAKE) == 2
    assert "choose another place with --state." in capfd.readouterr().err
    assert run(*words, "--markerset", MARKERSET, "--report", tmp_path / "report.HTML") == 2
    assert "names the page" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_ctrl_c_at_the_very_end_costs_no_report(
    base: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, hears = batch_report.write, signal.getsignal(signal.SIGINT)

    def impatient(*given: Any, **more: Any) -> Path:  # noqa: ANN401
        signal.raise_signal(signal.SIGINT)
        return write(*given, **more)

    monkeypatch.setattr(batch_report, "write", impatient)
    assert batch(tmp_path, table(tmp_path, {"armature": "Nobody"}), base) == 1
    assert [row["status"] for row in rows(tmp_path)] == ["failed"]
    # Not always Python's own: a shell may have told what it starts in the background to ignore it.
    assert signal.getsignal(signal.SIGINT) is hears


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 2), (errors.AuthenticationError("x"), 3),
        (errors.UnreachableError("x"), 4), (errors.UnknownOutcomeError("x"), 4),
        (errors.ServerError("x"), 4), (errors.JobFailedError("x", job_id="j"), 1),
        (errors.CreditsError("x"), 1), (CancelledError(), 130),
    ],
)  # fmt: skip
def test_exit_codes(error: MyoSapiensError, code: int) -> None:
    assert headless.exit_code(error) == code


# Tables


WRONG = {
    "a column": ("c3d,markerst\nwalk1.c3d,x\n", "line 2, column markerst"),
    "no markerset": ("c3d\nwalk1.c3d\n", "line 2, column markerset: it is missing"),
    "a markerset that is not there": ("c3d,markerset\nwalk1.c3d,m.xml\n", "column markerset: "),
    "a take that is not there": ("c3d,markerset\nwalk9.c3d,{m}\n", "line 2, column c3d: "),
    "a rate": ("c3d,markerset,rate\nwalk1.c3d,{m},x\n", "line 2, column rate: invalid rate"),
    "a gender": ("c3d,markerset,gender\nwalk1.c3d,{m},x\n", "line 2, column gender: invalid"),
    "a height": ("c3d,markerset,height\nwalk1.c3d,{m},180\n", "line 2: The subject's height of"),
    "a map": ("c3d,markerset,map\nwalk1.c3d,{m},nobody\n", "line 2, column map: "),
    "a model": ("c3d,markerset,model\nwalk1.c3d,{m},m.xml\n", "line 2: The character's model"),
    "one place for two": (
        "c3d,markerset,out\nwalk1.c3d,{m},a.blend\nwalk2.c3d,{m},a.blend\n",
        "line 3, column out: ",
    ),
    "both targets": (
        "c3d,markerset,armature,new_armature\nwalk1.c3d,{m},Hero,yes\n",
        "line 2, column new_armature: not allowed with",
    ),
    "the last of many": (
        "c3d,markerset,rate\n" + "walk1.c3d,{m},\n" * 3 + "walk2.c3d,{m},-5\n",
        "line 5, column rate",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_table_is_told_by_line_and_column(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No service is there: what is not found first would be exit code 4."""
    monkeypatch.setenv("MYOSAPIENS_API_KEY", "ak_local_x")
    for name in ("walk1.c3d", "walk2.c3d"):
        (tmp_path / name).write_bytes(TAKE.read_bytes())
    text, expected = WRONG[case]
    jobs = tmp_path / "takes.csv"
    jobs.write_text(text.replace("{m}", str(MARKERSET)))
    capfd.readouterr()
    assert run("batch", "--jobs", jobs, "--out", tmp_path / "out", "--base-url", CLOSED) == 2
    (said,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("ERROR: ")]
    assert expected in said
    assert str(jobs) in said
    assert said.endswith(".")


# The live table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_live_table(tmp_path: Path) -> None:
    takes = rows_of(tmp_path, "c3d,markerset\n" + "{t},{m}\n" * 5)
    terminal = Terminal()
    progress = batch_progress.Progress(takes=5, stderr=terminal, stdout=None, concurrency=2)
    for take in takes:
        progress.begin(take)
        progress.hear(take, events.Running(token="t", seconds=3.0))
        progress.hear(
            take, events.Uploading(token="t", name="x.c3d", bytes_done=5, bytes_total=10**7)
        )
    for number, take in enumerate(takes):
        failed = number == 3
        take.report.error = "It is bad." if failed else None
        error = MyoSapiensError("It is bad.")
        status = Status.FAILED if failed else Status.DONE
        progress.end(take, End(status=status, error=error if failed else None))
    progress.close()
    shown = terminal.getvalue()
    assert "solving, 3 s" in shown
    assert "sending x.c3d 0% of 10.0 MB" in shown
    assert "walk-4: failed: It is bad." in shown
    assert "5/5" in shown
    assert "walk-5 " not in shown  # two lines for takes on their way, and all were taken
