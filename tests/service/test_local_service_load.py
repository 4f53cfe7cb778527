# SPDX-License-Identifier: GPL-3.0-or-later
"""The local service under many clients at once, and with files larger than its memory use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from requests_toolbelt import MultipartEncoder

from tests.service.conftest import StartService
from tests.service.harness import WEB, RunningService, first_ready, start_job, upload, wait_for

CLIENTS = 20
BIG_BYTES = 200 * 1024 * 1024
BLOCK = bytes(range(256)) * 4096


def test_many_clients(start_service: StartService) -> None:
    running = start_service(workers=2)

    def work(number: int) -> tuple[str, str, bytes]:
        content = f"take {number}".encode() * 1000
        with running.api() as api:
            asset_id = upload(api, content, f"{number}.c3d")
            job_id = start_job(api, content)
            assert api.get("/v1/jobs", params={"limit": 100}).status_code == 200
            assert wait_for(api, job_id)["status"] == "SUCCEEDED"
            url = api.get(f"/v1/assets/{asset_id}").json()["download_url"]
            assert WEB.get(url).content == content
            return asset_id, job_id, content

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = list(pool.map(work, range(CLIENTS)))
    assert len({job_id for _, job_id, _ in done}) == CLIENTS
    with running.api() as api:
        assert api.get("/v1/jobs").json()["total"] == CLIENTS
        # Per client: one upload, the job's two inputs, its three outputs.
        assert api.get("/v1/assets").json()["total"] == CLIENTS * 6
    assert running.stderr.read_text() == ""


def test_many_cancels_of_one_job(start_service: StartService) -> None:
    running = start_service()
    with running.api() as api:
        job_id = start_job(api, b"hang")
        wait_for(api, job_id, "RUNNING")

        def cancel(_number: int) -> int:
            with running.api() as mine:
                return mine.delete(f"/v1/jobs/{job_id}").status_code

        with ThreadPoolExecutor(CLIENTS) as pool:
            statuses = sorted(pool.map(cancel, range(CLIENTS)))
        assert statuses == [200] + [409] * (CLIENTS - 1)


def test_cancels_at_every_moment(start_service: StartService) -> None:
    """A job is SUCCEEDED with all its outputs or CANCELED with none, whenever the cancel comes."""
    with start_service().api() as api:
        take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "m.xml")
        body = {"tracker_asset_id": take, "markerset_asset_id": markerset, **first_ready(api)}
        for step in range(12):
            job_id = api.post("/v1/runs/retarget", json=body).json()["job_id"]
            for _ in range(step * 8):  # from before the start to after the end
                api.get(f"/v1/jobs/{job_id}")
            answer = api.delete(f"/v1/jobs/{job_id}")
            job = wait_for(api, job_id)
            assert job["status"] == ("CANCELED" if answer.status_code == 200 else "SUCCEEDED")
            assert (job["output"] is None) == (job["status"] == "CANCELED")
        succeeded = api.get("/v1/jobs", params={"status": "SUCCEEDED"}).json()["total"]
        assert api.get("/v1/assets").json()["total"] == 2 + 3 * succeeded


def test_big_file_in_constant_memory(start_service: StartService) -> None:
    running = start_service()
    with running.api() as api:
        upload(api, b"warm", "warm.c3d")
        before = _peak_memory_bytes(running)
        body = {"purpose": "retarget", "filename": "big.c3d", "content_type": "text/plain"}
        ticket = api.post(
            "/v1/assets/initiate", json={**body, "expected_size_bytes": BIG_BYTES}
        ).json()
        fields = {**ticket["fields"], "file": ("big.c3d", _Zeros(BIG_BYTES), "text/plain")}
        form = MultipartEncoder(fields)
        headers = {"Content-Type": form.content_type, "Content-Length": str(form.len)}
        answer = WEB.post(ticket["upload_url"], content=_chunks(form), headers=headers, timeout=60)
        assert answer.status_code == 204, answer.text
        receipt = api.post(f"/v1/assets/{ticket['asset_id']}/complete").json()
        assert receipt["size_bytes"] == BIG_BYTES
        digest = hashlib.sha256()
        url = api.get(f"/v1/assets/{ticket['asset_id']}").json()["download_url"]
        with WEB.stream("GET", url) as download:
            for chunk in download.iter_raw():
                digest.update(chunk)
        assert digest.hexdigest() == receipt["checksum_sha256"]
        assert _peak_memory_bytes(running) - before < 30 * 1024 * 1024


class _Zeros:
    """A file of zero bytes that is never in memory as a whole."""

    def __init__(self, size_bytes: int) -> None:
        self.len = size_bytes

    def read(self, size_bytes: int = -1) -> bytes:
        count = self.len if size_bytes < 0 else min(size_bytes, self.len)
        self.len -= count
        return bytes(count)


def _chunks(form: MultipartEncoder) -> Iterator[bytes]:
    while chunk := form.read(256 * 1024):
        yield chunk


def _peak_memory_bytes(running: RunningService) -> int:
    status = Path(f"/proc/{running.process.pid}/status")
    if not status.exists():
        pytest.skip("peak memory is read from /proc, which this system does not have")
    match = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    assert match
    return int(match.group(1)) * 1024
