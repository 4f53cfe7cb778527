# SPDX-License-Identifier: GPL-3.0-or-later
"""The local service's process: nothing is lost when it ends, and it ends when told to."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import StartService
from tests.service.harness import (
    WEB,
    initiate,
    is_gone,
    launch,
    post_form,
    start_job,
    start_process,
    upload,
    wait_for,
    wait_for_worker,
)


def test_kill_and_restart(start_service: StartService) -> None:
    running = start_service(solve_delay=2)
    with running.api() as api:
        kept = upload(api, b"kept content", "kept.c3d")
        ticket = initiate(api, b"half done", "half.c3d")
        canceled = start_job(api)
        api.delete(f"/v1/jobs/{canceled}")
        first, second, third = (start_job(api) for _ in range(3))
        wait_for(api, first, "RUNNING")
        url = api.get(f"/v1/assets/{kept}").json()["download_url"]
        worker = wait_for_worker(running)
    (running.data_dir / "incoming" / "torn.part").write_bytes(b"torn")
    (running.data_dir / "files" / "nobodys.c3d").write_bytes(b"adopted, but never finished")
    running.kill()
    assert is_gone(worker, within_s=60), "the worker outlived its service"
    again = start_service(data=running.data_dir)
    assert again.storage_url == running.storage_url
    with again.api() as api:
        assert WEB.get(url).content == b"kept content"
        assert post_form(ticket, b"half done").status_code == 204
        jobs = [wait_for(api, job_id) for job_id in (first, second, third)]
        assert [job["status"] for job in jobs] == ["SUCCEEDED"] * 3
        starts = [job["started_at"] for job in jobs]
        assert starts == sorted(starts)
        assert api.get(f"/v1/jobs/{canceled}").json()["status"] == "CANCELED"
        assert len(api.get("/v1/jobs").json()["jobs"]) == 4
        assert api.get(f"/v1/assets/{kept}").json()["status"] == "completed"
    assert not list((again.data_dir / "incoming").iterdir())
    assert not (again.data_dir / "files" / "nobodys.c3d").exists()


def test_interrupted_job_is_run_again_from_the_start(start_service: StartService) -> None:
    running = start_service()
    with running.api() as api:
        job_id = start_job(api, b"hang")
        first = wait_for(api, job_id, "RUNNING")
    running.stop()
    again = start_service(data=running.data_dir)
    with again.api() as api:
        second = wait_for(api, job_id, "RUNNING")
        assert second["started_at"] > first["started_at"]
        assert second["created_at"] == first["created_at"]


def test_other_revision_after_a_restart(start_service: StartService) -> None:
    running = start_service()
    with running.api() as api:
        job_id = start_job(api)
        before = wait_for(api, job_id)
    running.stop()
    with start_service(data=running.data_dir, revision=1).api() as api:
        assert api.get(f"/v1/jobs/{job_id}").json()["output"] == before["output"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_promptly(start_service: StartService, number: signal.Signals) -> None:
    running = start_service()
    with running.api() as api:
        wait_for(api, start_job(api, b"hang"), "RUNNING")
        worker = wait_for_worker(running)
        os.kill(running.process.pid, number)
        assert running.process.wait(60) == 0
    assert is_gone(worker, within_s=60)
    assert running.stderr.read_text() == ""


def test_signal_ends_it_during_an_upload(start_service: StartService) -> None:
    running = start_service()
    address = httpx.URL(running.storage_url)
    with socket.create_connection((address.host, address.port)) as sock:
        head = "POST /local HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
        sock.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b".encode())
        time.sleep(0.2)
        running.stop()
    assert running.process.returncode == 0
    assert "Traceback" not in running.stderr.read_text()


def test_one_folder_one_service(start_service: StartService) -> None:
    running = start_service()
    with pytest.raises(RuntimeError, match="is in use by another local service"):
        launch(running.data_dir)
    with running.api() as api:
        assert api.get("/v1/jobs").status_code == 200
        assert wait_for(api, start_job(api))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--host", "0.0.0.0"], "choose a key of your own with --api-key"),  # noqa: S104
        (["--character", "myoskeleton"], "needs the package myo_model"),
        (["--host", "0.0.0.0", "--api-key", ""], "printable ASCII"),  # noqa: S104
        (["--api-key", "schlüssel"], "printable ASCII"),
        (["--port", "70000"], "whole number from 0 to 65535"),
        (["--port", "x"], "whole number"),
        (["--revision", "3"], "invalid choice"),
        (["--rate-limit", "0"], "whole number from 1"),
        (["--url-ttl", "0"], "whole number from 1"),
        (["--solve-delay", "nan"], "not a number of seconds"),
        (["--workers", "-1"], "whole number from 1"),
        (["--data", "/dev/null/x"], "cannot be used"),
    ],
)
def test_wrong_command_line(tmp_path: Path, words: list[str], sentence: str) -> None:
    code, said = _run_to_the_end(tmp_path, words)
    assert code == 2
    assert sentence in said
    assert "Traceback" not in said


def test_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = _run_to_the_end(tmp_path, ["--port", str(taken.getsockname()[1])])
    assert code == 2
    assert "choose another port with --port" in said


def test_help_names_the_defaults(tmp_path: Path) -> None:
    process = start_process("--help", stderr=tmp_path / "stderr.txt")
    help_text, _ = process.communicate(timeout=60)
    words = " ".join(help_text.split())
    for word in ("8765", "ak_local_development", "out/local_service", "listening on"):
        assert word in words.replace("- ", "-"), word


def _run_to_the_end(folder: Path, words: list[str]) -> tuple[int, str]:
    stderr = folder / "stderr.txt"
    defaults = [] if "--data" in words else ["--data", str(folder / "data")]
    ports = [] if "--port" in words else ["--port", "0"]
    process = start_process(*defaults, *ports, *words, stderr=stderr)
    try:
        code = process.wait(60)
    finally:
        process.kill()
    return code, " ".join(stderr.read_text().split())
