# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-command `batch` in real Blenders, by the script and by the installed extension.

Both are the same program as `python scripts/batch_retarget.py`: the same help, the same results.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kept_solver import KEPT_VARIABLE
from local_service import solve
from tests.helpers import blender_seat
from tests.helpers.blender_seat import Seat
from tests.service.harness import API_KEY, RunningService, launch

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "scripts" / "sample"
SCRIPT = ROOT / "scripts" / "batch_retarget.py"
COMMANDS = blender_seat.commands()
SAME = ("name", "status", "action", "armature", "frames", "capture_rate", "scene_rate", "coverage")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose jobs are what the real solve of the sample left."""
    kept = tmp_path_factory.mktemp("kept")
    solve.run(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=kept,
        options=solve.SolveOptions(revision=2, export_glb=True),
    )
    os.environ[KEPT_VARIABLE] = str(kept)
    data = tmp_path_factory.mktemp("service") / "data"
    running = launch(data, solver="batch_solver:run", workers=3, solve_delay=0.5)
    yield running
    running.stop()
    del os.environ[KEPT_VARIABLE]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Four takes of which the service cannot solve one."""
    content = (SAMPLE / "walk.c3d").read_bytes()
    for number in range(1, 5):
        ending = "fail" if number == 2 else ""
        (tmp_path / f"walk{number}.c3d").write_bytes(content + f"{number:508}{ending:>4}".encode())
    path = tmp_path / "takes.csv"
    path.write_text(f"c3d,markerset\nwalk*.c3d,{SAMPLE / 'markerset.xml'}\n")
    return path


@pytest.fixture(params=COMMANDS)
def seat(request: pytest.FixtureRequest, tmp_path: Path) -> Seat:
    """A real Blender with a profile of its own."""
    reason = blender_seat.why_not(request.param)
    if reason:
        pytest.skip(reason)
    return Seat(COMMANDS[request.param], tmp_path / "profile")


def words(service: RunningService, table: Path, out: Path, *more: str) -> list[str]:
    return ["batch", "--jobs", str(table), "--out", str(out), "--base-url", service.base_url,
            "--concurrency", "3", "--json", *more]  # fmt: skip


def events(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines() if line.startswith('{"event"')]


def rows(out: Path) -> list[dict[str, Any]]:
    takes = json.loads((out / "report.json").read_text())["takes"]
    return [{name: take[name] for name in SAME} for take in takes]


def by_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={
            **os.environ,
            "MYOSAPIENS_API_KEY": API_KEY,
            "BLENDER_USER_RESOURCES": str(folder / "python"),
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def plain(said: str) -> str:
    """A help text without the program's name, however it is broken into lines."""
    start = said.index("usage: ")
    text = " ".join(said[start:].split())
    return re.sub(r"usage: .*? batch \[-h\]", "usage: batch [-h]", text, count=1).split(
        " Blender quit"
    )[0]


def test_all_three_ways_are_one_program(
    seat: Seat, archive: Path, service: RunningService, table: Path, tmp_path: Path
) -> None:
    key = {"MYOSAPIENS_API_KEY": API_KEY}
    expected = by_python(tmp_path, *words(service, table, tmp_path / "p", "--new-armature"))
    assert expected.returncode == 1, expected.stderr
    script = ("--factory-startup", "--python", str(SCRIPT), "--")
    by_script = seat.blender(
        *script, *words(service, table, tmp_path / "s", "--new-armature"), **key
    )
    assert by_script.returncode == 1, by_script.stdout
    seat.extension("install-file", "-r", "user_default", "--enable", str(archive))
    ours = ("--command", "myosapiens")
    by_command = seat.blender(
        *ours, *words(service, table, tmp_path / "c", "--new-armature"), **key
    )
    assert by_command.returncode == 1, by_command.stdout
    for run in (by_script, by_command):
        assert "Traceback" not in run.stdout
        assert "walk2.c3d is bad" in run.stdout
        assert [one["event"] for one in events(run.stdout)].count("landed") == 3
    assert rows(tmp_path / "p") == rows(tmp_path / "s") == rows(tmp_path / "c")
    assert all((tmp_path / "c" / f"walk{n}.blend").stat().st_size > 10_000 for n in (1, 3, 4))
    told = [seat.blender(*way, "batch", "--help").stdout for way in (script, ours)]
    helps = [plain(said) for said in (by_python(tmp_path, "batch", "--help").stdout, *told)]
    assert "--thumbnails" in helps[0]
    assert helps[1].startswith(helps[0])
    assert helps[2].startswith(helps[0])


def test_the_open_file_takes_the_motion(
    seat: Seat, service: RunningService, table: Path, tmp_path: Path
) -> None:
    """`blender -b FILE`: each take goes into a copy of it, onto the armature that it has."""
    key = {"MYOSAPIENS_API_KEY": API_KEY}
    script = ("--python", str(SCRIPT), "--")
    first = words(service, table, tmp_path / "first", "--new-armature", "--rows", "1")
    made = seat.blender("--factory-startup", *script, *first, **key)
    assert made.returncode == 0, made.stdout
    rig = tmp_path / "first" / "walk1.blend"
    before = rig.read_bytes()
    more = words(service, table, tmp_path / "more", "--rows", "3-4", "--thumbnails")
    run = seat.blender("-b", str(rig), *script, *more, **key)
    assert run.returncode == 0, run.stdout
    assert [row["armature"] for row in rows(tmp_path / "more")] == ["walk1", "walk1"]
    assert rig.read_bytes() == before
    again = seat.blender("-b", str(rig), *script, *more, **key)
    assert [one["event"] for one in events(again.stdout)].count("landed before") == 2
    assert (tmp_path / "more" / "thumbs" / "walk4.png").stat().st_size > 1000


def test_interrupted_in_a_real_blender(
    seat: Seat, archive: Path, service: RunningService, table: Path, tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """As a farm stops a task: its process group is told to end, politely."""
    seat.extension("install-file", "-r", "user_default", "--enable", str(archive))
    command = [*COMMANDS[request.node.callspec.params["seat"]], "--command", "myosapiens"]
    out = tmp_path / "out"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("BLEND")}
    with subprocess.Popen(
        [*command, *words(service, table, out, "--new-armature")],
        cwd=ROOT,
        env={**variables, "BLENDER_USER_RESOURCES": str(seat.profile),
             "MYOSAPIENS_API_KEY": API_KEY},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as run:  # fmt: skip
        for line in run.stdout or ():
            if '"event": "started"' in line:
                break
        _tell_blender(run.pid, signal.SIGTERM)
        said = run.stdout.read() if run.stdout else ""
    assert run.returncode == 130, said
    assert "Traceback" not in said
    assert "cancelled" in {row["status"] for row in rows(out)}
    again = seat.blender(
        "--command", "myosapiens", *words(service, table, out, "--new-armature"),
        MYOSAPIENS_API_KEY=API_KEY,
    )  # fmt: skip
    assert again.returncode == 1, again.stdout
    assert [row["status"] for row in rows(out)] == ["done", "failed", "done", "done"]


def _tell_blender(pid: int, number: signal.Signals) -> None:
    """Send a signal to the Blender below a process, whatever stands between them."""
    found = [pid]
    while found:
        one = found.pop()
        if Path(f"/proc/{one}/comm").read_text().startswith("blender"):
            os.kill(one, number)
            return
        for task in Path(f"/proc/{one}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    raise AssertionError("there is no Blender")
