# SPDX-License-Identifier: GPL-3.0-or-later
"""Many takes through the sub-command `batch`, against the local service.

Its solves do nothing but wait, and leave what the real solve of the sample take left. What the
service sees is written down by the service.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _env
from local_service import solve

from .figure import Figure
from .kept_solver import KEPT_VARIABLE

SCRIPTS = _env.ROOT / "scripts"
SAMPLE = SCRIPTS / "sample"
SOLVER = "benchmarks.kept_solver:run"
READY = "listening on "
KEY = "ak_local_batch"
TAKES, MANY_TAKES = 100, 300
CONCURRENCY = 8
SOLVE_S = 2.0
TIMES_IDEAL = 1.25
GROWTH_MB = 100.0
# What the reference leaves open: a burst of a minute's requests, then as many a minute.
ALLOWED_PER_MINUTE = 240
RATED_TAKES = 60
RUN_LIMIT_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request of the API as the service saw it."""

    arrived_s: float
    method: str
    path: str
    status: int


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service, and where it writes its requests down."""

    base_url: str
    watch: Path

    def requests(self) -> list[Request]:
        """What it has seen, in order."""
        rows = [line.split() for line in self.watch.read_text().splitlines()]
        found = [
            Request(arrived_s=float(when), method=method, path=path, status=int(status))
            for when, method, path, status in rows
        ]
        return sorted(found, key=lambda one: one.arrived_s)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A batch that has ended: its wall time and the process' memory after each take, in MB."""

    wall_s: float
    memory_mb: list[float]
    summary: dict[str, Any]


def figures(_data: Path) -> list[Figure]:
    """Time against the ideal, memory, requests and jobs."""
    with tempfile.TemporaryDirectory(prefix="batch-") as name:
        folder = Path(name)
        _keep_outputs(folder / "kept")
        _lay_out(folder / "takes", MANY_TAKES)
        return [
            *_of_time(folder / "time"),
            *_of_memory(folder / "memory"),
            *_of_rate(folder / "rate"),
        ]


def _keep_outputs(folder: Path) -> None:
    folder.mkdir()
    solve.run(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=folder,
        options=solve.SolveOptions(revision=2, export_glb=True),
    )


def _lay_out(folder: Path, count: int) -> None:
    """Takes of one motion, each a file of its own: the bytes behind its data differ."""
    folder.mkdir()
    content = (SAMPLE / "walk.c3d").read_bytes()
    for number in range(1, count + 1):
        (folder / f"walk{number}.c3d").write_bytes(content + f"{number:512}".encode())
    lines = ["c3d,markerset", f"walk*.c3d,{SAMPLE / 'markerset.xml'}"]
    (folder / "takes.csv").write_text("\n".join(lines) + "\n")


def _of_time(folder: Path) -> list[Figure]:
    with _service(folder, solve_delay=SOLVE_S, workers=CONCURRENCY) as service:
        ended = _run(folder, service, TAKES, CONCURRENCY)
        requests = service.requests()
        for result in (folder / "out").glob("*.blend"):
            result.unlink()
        # All outputs are here: what is left is to open a file, land a take and save, 100 times.
        landed = _run(folder, service, TAKES, CONCURRENCY)
    ideal_s = TAKES * SOLVE_S / CONCURRENCY + landed.wall_s
    jobs = sum(one.method == "POST" and one.path == "/v1/runs/retarget" for one in requests)
    uploads = sum(one.path == "/v1/assets/initiate" for one in requests)
    sys.stderr.write(
        f"batch: {TAKES} takes in {ended.wall_s:.1f} s, of which {landed.wall_s:.1f} s to import; "
        f"{len(requests)} requests, {jobs} jobs, {uploads} uploads\n{_kinds(requests)}"
    )
    return [
        _figure("to the ideal", ended.wall_s / ideal_s, "x", TIMES_IDEAL),
        _figure("to solving alone", ended.wall_s / (TAKES * SOLVE_S / CONCURRENCY), "x", 1.0),
        _figure("jobs a take", jobs / TAKES, "jobs", 1.0),
        _figure("uploads", uploads, "files", TAKES + 1.0),
        _figure("requests a take", len(requests) / TAKES, "requests", 15.0),
    ]


def _of_memory(folder: Path) -> list[Figure]:
    with _service(folder, solve_delay=0.0, workers=2) as service:
        ended = _run(folder, service, MANY_TAKES, CONCURRENCY)
    grown_mb = ended.memory_mb[-1] - ended.memory_mb[0]
    peak_mb = max(ended.memory_mb) - ended.memory_mb[0]
    sys.stderr.write(
        f"batch: {MANY_TAKES} takes in {ended.wall_s:.1f} s; {ended.memory_mb[0]:.0f} MB after the "
        f"first, {ended.memory_mb[-1]:.0f} MB after the last\n"
    )
    return [
        _figure(f"memory grown over {MANY_TAKES} takes", grown_mb, "MB", GROWTH_MB),
        _figure(f"most memory beyond the first, {MANY_TAKES} takes", peak_mb, "MB", GROWTH_MB),
    ]


def _of_rate(folder: Path) -> list[Figure]:
    """A service that refuses beyond its rate: what it lets through, and how often it refuses."""
    with _service(folder, solve_delay=0.0, workers=2, rate_limit=ALLOWED_PER_MINUTE) as service:
        ended = _run(folder, service, RATED_TAKES, CONCURRENCY)
        requests = service.requests()
    refused = sum(one.status == 429 for one in requests)
    jobs = sum(one.path == "/v1/runs/retarget" and one.status < 300 for one in requests)
    spent_min = (requests[-1].arrived_s - requests[0].arrived_s) / 60.0
    allowed = ALLOWED_PER_MINUTE * (1.0 + spent_min)
    sys.stderr.write(
        f"batch: at {ALLOWED_PER_MINUTE} requests a minute, {RATED_TAKES} takes in "
        f"{ended.wall_s:.1f} s with {len(requests)} requests, {refused} refused, "
        f"after a refusal {_after_refusals(requests):.2f} s without a request\n{_kinds(requests)}"
    )
    return [
        _figure("requests to those allowed", len(requests) / allowed, "x", 1.0),
        _figure("requests refused", refused / len(requests), "of all", 0.1),
        _figure("jobs a take, refused at times", jobs / RATED_TAKES, "jobs", 1.0),
    ]


def _after_refusals(requests: list[Request]) -> float:
    """The shortest time from a refusal to the next request that came after it was told (s)."""
    told_s = 0.1  # requests that were under way with the refused one
    gaps = [
        min((later.arrived_s - one.arrived_s for later in requests
             if later.arrived_s > one.arrived_s + told_s), default=float("inf"))
        for one in requests if one.status == 429
    ]  # fmt: skip
    return min(gaps, default=float("inf"))


def _kinds(requests: list[Request]) -> str:
    counted = Counter(
        f"{one.method} {'/'.join(part if len(part) < 30 else '…' for part in one.path.split('/'))}"
        for one in requests
    )
    return "".join(f"batch:   {number:5} {kind}\n" for kind, number in counted.most_common())


@contextmanager
def _service(folder: Path, **options: object) -> Generator[Service]:
    folder.mkdir()
    watch = folder / "requests.txt"
    command = [sys.executable, "-m", "benchmarks.watched_service", str(watch), "--port", "0"]
    command += ["--api-key", KEY, "--data", str(folder / "service"), "--solver", SOLVER]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    environment = os.environ | {
        "PYTHONPATH": str(SCRIPTS),
        KEPT_VARIABLE: str(folder.parent / "kept"),
    }
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:
        try:
            line = service.stdout.readline() if service.stdout else ""
            if not line.startswith(READY):
                raise SystemExit("The local service did not start; its words are above.")
            yield Service(base_url=line.removeprefix(READY).strip(), watch=watch)
        finally:
            service.terminate()


def _run(folder: Path, service: Service, takes: int, concurrency: int) -> Ended:
    command = [sys.executable, str(SCRIPTS / "batch_retarget.py"), "batch", "--json"]
    command += ["--jobs", str(folder.parent / "takes" / "takes.csv"), "--rows", f"1-{takes}"]
    command += ["--out", str(folder / "out"), "--concurrency", str(concurrency)]
    command += ["--base-url", service.base_url, "--new-armature"]
    environment = os.environ | {
        "MYOSAPIENS_API_KEY": KEY,
        "BLENDER_USER_RESOURCES": str(folder / "blender"),
    }
    begun_s = time.monotonic()
    memory_mb: list[float] = []
    told: dict[str, Any] = {}
    log = folder / "stderr.txt"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
        ) as run,
    ):
        for line in run.stdout or ():
            told = json.loads(line)
            if told["event"] == "landed":
                memory_mb.append(_memory_mb(run.pid))
    wall_s = time.monotonic() - begun_s
    if run.returncode != 0 or told.get("done") != takes:
        raise SystemExit(f"{log.read_text()[-4000:]}The batch failed: {told}")
    return Ended(wall_s=wall_s, memory_mb=memory_mb, summary=told)


def _memory_mb(pid: int) -> float:
    """What a process holds in memory; 0 where the system does not tell it this way."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _figure(name: str, value: float, unit: str, reference: float) -> Figure:
    return Figure(name=f"batch: {name}", value=value, unit=unit, reference=reference)
