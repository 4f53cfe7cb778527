# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/batch_retarget.py as a process: interrupted, killed, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.conftest import StartService
from tests.service.harness import ROOT, RunningService

SCRIPT = ROOT / "scripts" / "batch_retarget.py"
SAMPLE = ROOT / "scripts" / "sample"
LIMIT_S = 120


class CommandLine:
    """The script with a user folder of its own, against one service."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.out, self.report = folder / "out.blend", folder / "report.json"

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), *words, "--base-url", self.service.base_url],
            env={
                **os.environ,
                "MYOSAPIENS_API_KEY": self.service.api_key,
                "BLENDER_USER_RESOURCES": str(self.folder / "blender"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_retarget(self) -> subprocess.Popen[str]:
        take = ["--c3d", str(SAMPLE / "walk.c3d"), "--markerset", str(SAMPLE / "markerset.xml")]
        return self.start("retarget", *take, "--out", str(self.out), "--report", str(self.report))

    def resume(self) -> tuple[int, dict[str, list[dict[str, str]]]]:
        process = self.start("resume", "--json")
        out, err = process.communicate(timeout=LIMIT_S)
        assert "Traceback" not in err
        return process.returncode, json.loads(out)

    def jobs(self) -> list[dict[str, str]]:
        with self.service.api() as api:
            return api.get("/v1/jobs").json()["jobs"]


@pytest.fixture
def line(start_service: StartService, tmp_path: Path) -> CommandLine:
    return CommandLine(start_service(solver=None, solve_delay=2), tmp_path)


def wait_until_started(process: subprocess.Popen[str]) -> None:
    for text in process.stderr or ():
        if "is on the service" in text:
            return
    raise AssertionError("the job was not started")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_resumed(line: CommandLine, number: signal.Signals) -> None:
    process = line.start_retarget()
    wait_until_started(process)
    process.send_signal(number)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "goes on" in said
    assert "Traceback" not in said
    assert json.loads(line.report.read_text())["takes"][0]["status"] == "cancelled"
    assert not line.out.exists()
    code, answer = line.resume()
    assert (code, [take["status"] for take in answer["takes"]]) == (0, ["done"])
    assert line.out.stat().st_size > 10_000
    assert len(line.jobs()) == 1
    assert line.resume() == (0, {"takes": []})


def test_killed_and_resumed(line: CommandLine) -> None:
    process = line.start_retarget()
    wait_until_started(process)
    process.kill()
    process.communicate(timeout=LIMIT_S)
    code, answer = line.resume()
    assert code == 0, answer
    assert line.out.stat().st_size > 10_000
    assert len(line.jobs()) == 1


def test_cancelled_from_elsewhere(start_service: StartService, tmp_path: Path) -> None:
    # Longer than another Blender takes to start.
    line = CommandLine(start_service(solve_delay=300), tmp_path)
    process = line.start_retarget()
    wait_until_started(process)
    job_id = line.jobs()[0]["job_id"]
    other = line.start("cancel", job_id)
    out, _ = other.communicate(timeout=LIMIT_S)
    assert (other.returncode, job_id in out) == (0, True)
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "Traceback" not in said
    assert not line.out.exists()
