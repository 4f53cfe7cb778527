# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-command `batch` as a process, against one service, with a folder of takes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service.harness import ROOT, RunningService

SCRIPT = ROOT / "scripts" / "batch_retarget.py"
SAMPLE = ROOT / "scripts" / "sample"
LIMIT_S = 120


@dataclass(kw_only=True)
class Ended:
    """A process that has ended: its code, what it told machines, and what it told people."""

    code: int
    events: list[dict[str, Any]]
    said: str

    @property
    def summary(self) -> dict[str, Any]:
        assert self.events, self.said
        return self.events[-1]

    def count(self, event: str) -> int:
        return sum(one.get("event") == event for one in self.events)


class BatchLine:
    """The script with a user folder of its own."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.out = folder / "out"
        self.table = folder / "takes.csv"
        self.key = service.api_key
        self.base_url = service.base_url

    def lay_out(self, count: int, *, failing: tuple[int, ...] = (), broken: tuple[int, ...] = ()
                ) -> None:  # fmt: skip
        """Takes of one motion that differ behind their data; and the table of them all."""
        content = (SAMPLE / "walk.c3d").read_bytes()
        for number in range(1, count + 1):
            ending = "fail" if number in failing else ""
            whole = content + f"{number:508}{ending:>4}".encode()
            if number in broken:
                whole = content[: len(content) // 2]
            (self.folder / f"walk{number}.c3d").write_bytes(whole)
        self.table.write_text(f"c3d,markerset\nwalk*.c3d,{SAMPLE / 'markerset.xml'}\n")

    def start(self, *words: str, name: str = "batch") -> subprocess.Popen[str]:
        command = [sys.executable, str(SCRIPT), name, "--json"]
        if name == "batch":
            command += ["--jobs", str(self.table), "--out", str(self.out)]
            command += ["--base-url", self.base_url, "--new-armature"]
        return subprocess.Popen(
            [*command, *words],
            env={
                **os.environ,
                "MYOSAPIENS_API_KEY": self.key,
                "BLENDER_USER_RESOURCES": str(self.folder / "blender"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, name: str = "batch") -> Ended:
        return ended(self.start(*words, name=name))

    def kill_at(self, event: str, *words: str, after: int = 1) -> None:
        """Start, and take the process away when it has told an event so many times."""
        process = self.start(*words)
        found = wait_for(process, event, after=after)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)
        assert found, f"{event} never came"

    def jobs_by_take(self) -> Counter[str]:
        """How many jobs the service has for each take."""
        with self.service.api() as api:
            answer = api.get("/v1/jobs", params={"limit": 100})
            while answer.status_code == 429:
                time.sleep(1.0)
                answer = api.get("/v1/jobs", params={"limit": 100})
        jobs = answer.json()["jobs"]
        assert answer.json()["total"] <= 100
        tokens = Counter(job["metadata"]["myosapiens_client_token"] for job in jobs)
        assert set(tokens.values()) <= {1}
        records = [
            json.loads(path.read_text())
            for path in self.folder.glob("blender/config/myosapiens/jobs/*.json")
        ]
        names = {record["token"]: Path(record["spec"]["c3d"]).name for record in records}
        return Counter(names[token] for token in tokens)

    def uploads(self) -> Counter[str]:
        """How often each file was sent."""
        with self.service.api() as api:
            found = api.get("/v1/assets", params={"limit": 100}).json()["assets"]
        kinds = (".c3d", ".xml")
        return Counter(one["filename"] for one in found if one["filename"].endswith(kinds))

    def report(self) -> dict[str, Any]:
        return json.loads((self.out / "report.json").read_text())

    def statuses(self) -> dict[str, str]:
        return {take["name"]: take["status"] for take in self.report()["takes"]}


def wait_for(process: subprocess.Popen[str], event: str, *, after: int = 1) -> bool:
    """Read what a process tells machines until an event has come so many times."""
    for line in process.stdout or ():
        after -= json.loads(line).get("event") == event
        if after <= 0:
            return True
    return False


def ended(process: subprocess.Popen[str]) -> Ended:
    out, said = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in said, said
    events = [json.loads(line) for line in out.splitlines()]
    return Ended(code=process.returncode, events=events, said=said)
