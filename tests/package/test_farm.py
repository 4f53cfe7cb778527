# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm's template, run by the Open Job Description tools against the local service."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kept_solver import KEPT_VARIABLE
from local_service import solve
from tests.gui import blenders
from tests.helpers import blender_seat
from tests.service.batch_solver import BAD
from tests.service.harness import ROOT, RunningService, launch

OPENJD = Path(sys.executable).with_name("openjd")
TEMPLATE = ROOT / "scripts" / "farm" / "retarget.openjd.yaml"
SAMPLE = ROOT / "scripts" / "sample"
TAKES, PER_TASK = 20, 5
BINARY = next(iter(blender_seat.commands()))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "kept").mkdir()
    solve.run(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=folder / "kept",
        options=solve.SolveOptions(export_glb=True),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEPT_VARIABLE, str(folder / "kept"))
        running = launch(folder / "data", solver="batch_solver:run")
    yield running
    running.kill()


class Farm:
    """A day of takes, and what a scheduler would do with them."""

    def __init__(self, service: RunningService, folder: Path, bad: int = 0) -> None:
        self.service = service
        self.folder = folder
        self.out = folder / "results"
        self.secrets = {"MYOSAPIENS_API_KEY": service.api_key}
        self._jobs_before = len(self._all_jobs())
        table = folder / "takes.csv"
        takes = [self._take(number, is_bad=number == bad) for number in range(1, TAKES + 1)]
        table.write_text("".join(f"{line}\n" for line in ["c3d", *takes]))
        self.parameters = {
            "TakesFile": table,
            "Takes": f"1-{TAKES}",
            "TakesPerTask": PER_TASK,
            "Markerset": SAMPLE / "markerset.xml",
            "OutputFolder": self.out,
            "Options": "--new-armature --rate capture",
            "BaseUrl": service.base_url,
            "Blender": sys.executable,
            "StartedAs": "MODULE",
            "Script": ROOT / "scripts" / "batch_retarget.py",
            "Python": sys.executable,
        }

    def _take(self, number: int, *, is_bad: bool) -> str:
        # The last bytes are behind the last frame: another file, the same motion.
        content = (SAMPLE / "walk.c3d").read_bytes()
        tail = BAD if is_bad else f"{self.folder.name}-{number}".encode()
        path = self.folder / f"take{number:02d}.c3d"
        path.write_bytes(content[: -len(tail)] + tail)
        return path.name

    def start(self, *words: str, **parameters: object) -> subprocess.Popen[str]:
        """`openjd run` in a worker's environment, where the key is."""
        given = {**self.parameters, **parameters}
        pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
        ours = ("MYOSAPIENS_", "MYOSDK_")
        plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.Popen(
            [str(OPENJD), "run", str(TEMPLATE), *words, *pairs],
            env={
                "BLENDER_USER_RESOURCES": str(self.folder / "blender"),
                **plain,
                **self.secrets,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **parameters: object) -> tuple[int, str]:
        """The exit code, and all that the log says."""
        process = self.start(*words, **parameters)
        log, _ = process.communicate(timeout=300)
        assert self.service.api_key not in log
        assert "Traceback" not in log, log
        return process.returncode, log

    def _all_jobs(self) -> list[dict[str, Any]]:
        with self.service.api() as api:
            found = api.get("/v1/jobs", params={"limit": 100}).json()
        assert found["total"] <= 100
        return found["jobs"]

    def jobs(self) -> int:
        """How many jobs the service saw since the day began."""
        return len(self._all_jobs()) - self._jobs_before

    def results(self) -> list[str]:
        return sorted(path.name for path in self.out.glob("*.blend"))

    def statuses(self, report: str = "report.json") -> Counter[str]:
        takes = json.loads((self.out / report).read_text())["takes"]
        return Counter(take["status"] for take in takes)


def test_a_day_in_four_tasks_and_one_report(service: RunningService, tmp_path: Path) -> None:
    day = Farm(service, tmp_path)
    code, log = day.run()
    assert code == 0, log
    assert re.findall(r"First\(INT\) = (\d+)", log) == ["1", "6", "11", "16"]
    assert re.search(r"Blender \d+\.\d+\.\d+", log)
    assert day.results() == [f"take{number:02d}.blend" for number in range(1, TAKES + 1)]
    assert all((day.out / name).stat().st_size > 10_000 for name in day.results())
    assert day.jobs() == TAKES
    assert day.statuses() == {"done": TAKES}
    takes = json.loads((day.out / "report.json").read_text())["takes"]
    assert [take["number"] for take in takes] == list(range(1, TAKES + 1))
    # The options were heard: a key for each captured frame, not for each of the scene's.
    assert {take["frames"] for take in takes} == {480}
    assert len({take["job_id"] for take in takes}) == TAKES
    page = (day.out / "report.html").read_text()
    assert all(f"take{number:02d}" in page for number in range(1, TAKES + 1))
    assert sorted(path.name for path in (day.out / "parts").glob("*.json")) == [
        "000001.json", "000006.json", "000011.json", "000016.json",
    ]  # fmt: skip
    told = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in told if service.api_key.encode() in path.read_bytes()]

    # A scheduler may run a task twice: nothing is sent, nothing is written anew.
    before = (day.out / "take06.blend").stat().st_mtime_ns
    code, log = day.run("--step", "Retarget", "--task-param", "First=6")
    assert code == 0, log
    assert day.jobs() == TAKES
    assert (day.out / "take06.blend").stat().st_mtime_ns == before
    assert day.statuses("parts/000006.json") == {"done": PER_TASK}


def test_a_take_that_fails(service: RunningService, tmp_path: Path) -> None:
    day = Farm(service, tmp_path, bad=7)
    wanted = {"Takes": "6-10"}
    code, log = day.run(**wanted)
    assert code != 0
    assert "exited with code: 1 " in log
    assert "take07.c3d is bad" in log
    assert "Running step 'Report'" not in log
    assert day.results() == ["take06.blend", "take08.blend", "take09.blend", "take10.blend"]
    assert day.statuses("parts/000006.json") == {"done": 4, "failed": 1}
    assert day.jobs() == 5
    # Tried again: only the failed one is sent. The job goes on to its report, which fails.
    code, log = day.run(**wanted, FailedTakes="GO_ON")
    assert code != 0
    assert "Running step 'Report'" in log
    assert "ERROR executing action: 'Run Step 'Report'" in log
    assert day.statuses() == {"done": 4, "failed": 1}
    assert day.jobs() == 6


def test_a_task_that_the_scheduler_takes_away(service: RunningService, tmp_path: Path) -> None:
    day = Farm(service, tmp_path)
    process = day.start(Takes="1-4", Concurrency=1)
    for line in process.stdout or ():
        if "[1/4]" in line:
            break
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    # Blender came to its end by itself, and said so.
    assert "the same command goes on where it was" in log
    assert day.statuses("parts/000001.json")["cancelled"] > 0
    # Another worker, which gets the key by a command of the studio's settings.
    vault, studio = tmp_path / "vault", tmp_path / "studio.toml"
    vault.write_text(service.api_key)
    studio.write_text(f"[key]\ncommand = ['cat', '{vault}']\n")
    day.secrets = {"MYOSAPIENS_CONFIG": str(studio)}
    code, log = day.run(Takes="1-4")
    assert code == 0, log
    # Hidden files, too: what was being written when the task was taken away is gone.
    assert day.results() == [f"take{number:02d}.blend" for number in range(1, 5)]
    assert day.jobs() == 4


@pytest.mark.skipif(bool(blender_seat.why_not(BINARY)), reason=blender_seat.why_not(BINARY))
def test_a_real_blender(service: RunningService, archive: Path, tmp_path: Path) -> None:
    """By the enabled extension, then by the script: the same takes, sent once."""
    binary = tmp_path / "blender-of-the-worker"
    words = blender_seat.commands()[BINARY]
    if words[0] == str(blenders.TOOL):  # it shows Blender the folder it is started in, and these
        words[-1:] = ["--bind", str(ROOT), "--"]
    binary.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    binary.chmod(0o755)
    profile = tmp_path / "profile"
    profile.mkdir()
    environment = blenders.environment(profile, {})
    installed = subprocess.run(
        [str(binary), *blenders.INSTALL, str(archive)], env=environment, capture_output=True
    )
    assert installed.returncode == 0, installed.stderr
    day = Farm(service, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_USER_RESOURCES", str(profile))
        patch.setenv("BLENDER", str(binary))
        wanted = {"Takes": "1-2", "Blender": ""}
        code, log = day.run(**wanted, StartedAs="EXTENSION")
        assert code == 0, log
        assert (len(day.results()), day.jobs(), day.statuses()) == (2, 2, {"done": 2})
        code, log = day.run("--step", "Retarget", **wanted, StartedAs="SCRIPT")
        assert code == 0, log
    assert log.count("done before") == 2
    assert day.jobs() == 2
