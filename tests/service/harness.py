# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the local service as a user does, and speaks to it with plain httpx."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
SMALL_SOLVER = "small_solver:run"
API_KEY = "ak_local_of_the_tests"
# What takes so long hangs, however busy the machine is.
ENDS_S = 60
# Loading the certificates takes 20 ms per client, and nothing here speaks TLS.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
WEB = httpx.Client(verify=_NO_CERTIFICATES, timeout=ENDS_S)
OVER = ("SUCCEEDED", "FAILED", "CANCELED")


@dataclass(frozen=True, kw_only=True)
class RunningService:
    """One service process; `api()` and `storage()` are clients of its two origins."""

    base_url: str
    storage_url: str
    api_key: str
    revision: int
    data_dir: Path
    stderr: Path
    process: subprocess.Popen[str]

    def api(self, **headers: str) -> httpx.Client:
        headers = headers or {"X-Api-Key": self.api_key}
        return httpx.Client(
            base_url=self.base_url, headers=headers, timeout=ENDS_S, verify=_NO_CERTIFICATES
        )

    def stop(self) -> None:
        """SIGTERM, and the end that follows."""
        self.process.terminate()
        self.process.wait(ENDS_S)

    def kill(self) -> None:
        """The way of a power cut."""
        self.process.kill()
        self.process.wait(ENDS_S)


def launch(data_dir: Path, **options: Any) -> RunningService:  # noqa: ANN401
    """Start a service and wait until it listens.

    Args:
        data_dir: Its data folder.
        options: Those of the command line (`rate_limit=60`); `solver=None` is the real solve.
    """
    options = {"port": 0, "revision": 2, "api_key": API_KEY, "solver": SMALL_SOLVER, **options}
    words = [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    data_dir.mkdir(parents=True, exist_ok=True)
    stderr = data_dir.with_name(f"{data_dir.name}-stderr.txt")
    process = start_process("--data", str(data_dir), *words, stderr=stderr)
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith("listening on "):
        process.kill()
        process.wait(ENDS_S)
        raise RuntimeError(f"The service said {line!r}: {stderr.read_text()}")
    facts = json.loads((data_dir / "service.json").read_text())
    return RunningService(
        base_url=line.split()[-1],
        storage_url=facts["storage_url"],
        api_key=options["api_key"],
        revision=int(options["revision"]),
        data_dir=data_dir,
        stderr=stderr,
        process=process,
    )


def start_process(*words: str, stderr: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "local_service"), *words]
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    with stderr.open("w") as sink:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=sink, text=True, env=environment
        )


def initiate(api: httpx.Client, content: bytes, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Step one of an upload."""
    body = {
        "purpose": "retarget",
        "filename": name,
        "content_type": "application/octet-stream",
        "expected_size_bytes": len(content),
        **more,
    }
    answer = api.post("/v1/assets/initiate", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def post_form(ticket: dict[str, Any], content: bytes, **fields: str | None) -> httpx.Response:
    """Step two; `fields` replaces some of the presigned ones, None leaves one out."""
    merged = {**ticket["fields"], **fields}
    data = {name: value for name, value in merged.items() if value is not None}
    return WEB.post(ticket["upload_url"], data=data, files={"file": ("take.c3d", content)})


def upload(api: httpx.Client, content: bytes, name: str = "take.c3d", **more: Any) -> str:  # noqa: ANN401
    """All three steps; the asset's id."""
    ticket = initiate(api, content, name, **more)
    stored = post_form(ticket, content)
    assert stored.status_code == 204, stored.text
    answer = api.post(f"/v1/assets/{ticket['asset_id']}/complete")
    assert answer.status_code == 200, answer.text
    return ticket["asset_id"]


def first_ready(api: httpx.Client) -> dict[str, str]:
    """The fields of a request that name the service's character."""
    found = api.get("/v1/characters", params={"has_ready_versions": True}).json()["characters"][0]
    details = api.get(f"/v1/characters/{found['character_id']}").json()
    version = details["ready_versions"][0]["version"]
    return {"character_id": found["character_id"], "character_version": version}


def request_job(api: httpx.Client, take: str, markerset: str, **more: Any) -> httpx.Response:  # noqa: ANN401
    """Ask for a revision 2 job."""
    sources = {"tracker_asset_id": take, "markerset_asset_id": markerset}
    return api.post("/v1/runs/retarget", json={**sources, **first_ready(api), **more})


def start_job(api: httpx.Client, content: bytes = b"take", **more: Any) -> str:  # noqa: ANN401
    """Upload and start a revision 2 job; its id."""
    take = upload(api, content)
    markerset = upload(api, b"<markers/>", "markerset.xml", content_type="application/xml")
    answer = request_job(api, take, markerset, **more)
    assert answer.is_success, answer.text
    return answer.json()["job_id"]


def wait_for(
    api: httpx.Client, job_id: str, *statuses: str, timeout_s: float = 120
) -> dict[str, Any]:
    """Poll a job until it has one of the statuses (without any: until it is over)."""
    ends_s = time.monotonic() + timeout_s
    while True:
        job = api.get(f"/v1/jobs/{job_id}").json()
        if job["status"] in (statuses or OVER):
            return job
        assert time.monotonic() < ends_s, f"still {job['status']} after {timeout_s} s"
        time.sleep(0.05)


def find_workers(running: RunningService) -> list[int]:
    """The process ids of the workers that run now."""
    rows = [row.split() for row in _ps("-A", "-o", "pid=,ppid=,stat=")]
    parent = str(running.process.pid)
    return [int(pid) for pid, ppid, stat in rows if ppid == parent and not stat.startswith("Z")]


def wait_for_worker(running: RunningService) -> int:
    """The process id of the one worker, as soon as it runs."""
    ends_s = time.monotonic() + 60
    while not (found := find_workers(running)):
        assert time.monotonic() < ends_s, "no worker was started"
        time.sleep(0.02)
    (worker,) = found
    return worker


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes by itself."""
    ends_s = time.monotonic() + ENDS_S
    while not condition():
        assert time.monotonic() < ends_s, "it did not come to that"
        time.sleep(0.02)


def is_gone(pid: int, *, within_s: float) -> bool:
    """Whether the process ends in time."""
    ends_s = time.monotonic() + within_s
    while any(not stat.startswith("Z") for stat in _ps("-o", "stat=", "-p", str(pid))):
        if time.monotonic() > ends_s:
            return False
        time.sleep(0.02)
    return True


def _ps(*words: str) -> list[str]:
    run = subprocess.run(["ps", *words], capture_output=True, text=True, check=False)  # noqa: S607
    return run.stdout.splitlines()
