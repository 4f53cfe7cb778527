# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against the local service: every endpoint, real storage, real limits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from myosapiens_addon.errors import CancelledError
from myosapiens_addon.service import download as download_module
from myosapiens_addon.service import errors
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.job_models import Job, JobFilter, RetargetRequest
from myosapiens_addon.service.models import JobStatus
from myosapiens_addon.service.retry import RetryPolicy
from tests.service.harness import ROOT, RunningService

StartService = Callable[..., RunningService]
QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.02)


def connect(service: RunningService, **more: object) -> Client:
    options = {"api_key": service.api_key, "retry": QUICK, **more}
    return Client(base_url=service.base_url, **options)  # type: ignore[arg-type]


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with connect(service) as made:
        yield made


def file_of(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def request_for(client: Client, folder: Path, word: bytes = b"take") -> RetargetRequest:
    """A job for the small solver, which does what the take's first word says."""
    take = client.upload_asset(path=file_of(folder, "take.c3d", word))
    markerset = client.upload_asset(path=file_of(folder, "set.xml", b"<markers/>"))
    character = next(client.iter_characters(has_ready_versions=True))
    version = client.get_character(character_id=character.character_id).newest_ready()
    assert version is not None
    return RetargetRequest(
        tracker_asset_id=take.asset_id,
        markerset_asset_id=markerset.asset_id,
        character_id=character.character_id,
        character_version=version.version,
        metadata={"shot": "12"},
    )


def wait(client: Client, job_id: str) -> Job:
    end = time.monotonic() + 120
    while True:
        job = client.get_job(job_id=job_id)
        if job.status.is_final:
            return job
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("revision", [1, 2])
def test_a_job_through_every_endpoint(
    start_service: StartService, tmp_path: Path, revision: int
) -> None:
    service = start_service(revision=revision)
    with connect(service) as client:
        request = request_for(client, tmp_path)
        report = client.validate_manifest(
            character_id=request.character_id, version=request.character_version
        )
        assert report.status == "READY"
        started = client.start_retarget(request=request)
        assert started.revision == revision
        job = wait(client, started.ticket.job_id)
        assert job.status is JobStatus.SUCCEEDED
        assert job.metadata == {"shot": "12"}
        expected = {1: {"retarget_output"}, 2: {"motion", "qpos", "xpos", "model"}}[revision]
        assert set(job.outputs) == set(job.download_urls) == expected
        for name, asset_id in job.outputs.items():
            target = tmp_path / name
            client.download_asset(asset_id=asset_id, target=target)
            assert f'"role": "{name}"' in target.read_text()
        with pytest.raises(errors.ConflictError):
            client.delete_asset(asset_id=request.tracker_asset_id)
        assert client.cancel_job(job_id=job.job_id) is JobStatus.SUCCEEDED


def test_filters_of_jobs(client: Client, tmp_path: Path) -> None:
    request = request_for(client, tmp_path)
    mine = [client.start_retarget(request=request).ticket.job_id for _ in range(3)]
    for job_id in mine:
        wait(client, job_id)
    only = JobFilter(input_asset_id=request.tracker_asset_id)
    assert {job.job_id for job in client.iter_jobs(only=only)} == set(mine)
    page = client.list_jobs(only=only, limit=2, offset=1)
    assert (len(page.jobs), page.total, page.limit, page.offset) == (2, 3, 2, 1)
    asset = {"input_asset_id": request.tracker_asset_id}
    hour = timedelta(hours=1)
    for extra, count in (
        ({"statuses": (JobStatus.SUCCEEDED, JobStatus.QUEUED)}, 3),
        ({"statuses": (JobStatus.FAILED,)}, 0),
        ({"types": ("retarget",)}, 3),
        ({"has_output": True}, 3),
        ({"has_output": False}, 0),
        ({"created_after": datetime.now(UTC) - hour}, 3),
        ({"created_before": datetime.now(UTC) - hour}, 0),
    ):
        found = client.list_jobs(only=JobFilter(**asset, **extra))  # type: ignore[arg-type]
        assert found.total == count, extra


def test_assets_and_characters(client: Client, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    receipt = client.upload_asset(path=file_of(tmp_path, "walk.c3d", content))
    asset = client.get_asset(asset_id=receipt.asset_id)
    assert (asset.filename, asset.size_bytes, asset.is_completed) == ("walk.c3d", 300_000, True)
    client.download_asset(asset_id=receipt.asset_id, target=tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert receipt.asset_id in {found.asset_id for found in client.iter_assets(reference_count=0)}
    client.delete_asset(asset_id=receipt.asset_id)
    with pytest.raises(errors.NotFoundError):
        client.get_asset(asset_id=receipt.asset_id)
    assert list(client.iter_characters(name_contains="no such name")) == []


def test_a_failed_job_says_why(client: Client, tmp_path: Path) -> None:
    request = request_for(client, tmp_path, b"fail")
    job = wait(client, client.start_retarget(request=request).ticket.job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.error_type == "bad_take"


def test_a_request_that_is_wrong_names_the_field(client: Client, tmp_path: Path) -> None:
    request = request_for(client, tmp_path)
    wrong = RetargetRequest(**{**vars(request), "subject_gender": "other"})
    with pytest.raises(errors.RequestError, match="subject_gender"):
        client.start_retarget(request=wrong)


def test_a_running_job_is_cancelled(start_service: StartService, tmp_path: Path) -> None:
    service = start_service(solve_delay=30)
    with connect(service) as client:
        started = client.start_retarget(request=request_for(client, tmp_path))
        assert client.cancel_job(job_id=started.ticket.job_id) is JobStatus.CANCELED


def test_a_wrong_key(service: RunningService) -> None:
    with (
        connect(service, api_key="ak_live_wrong_one") as client,
        pytest.raises(errors.AuthenticationError) as caught,
    ):
        client.list_jobs()
    assert caught.value.status == 401
    assert caught.value.request_id


def test_the_rate_limit_is_lived_with(start_service: StartService) -> None:
    with connect(start_service(rate_limit=120)) as client:
        for _ in range(130):
            client.list_characters(limit=1)


def test_out_of_credits(start_service: StartService, tmp_path: Path) -> None:
    with connect(start_service(credits=1)) as client:
        request = request_for(client, tmp_path)
        client.start_retarget(request=request)
        with pytest.raises(errors.CreditsError):
            client.start_retarget(request=request)


def test_links_that_expire_are_renewed(start_service: StartService, tmp_path: Path) -> None:
    with connect(start_service(url_ttl=1)) as client:
        receipt = client.upload_asset(path=file_of(tmp_path, "a.c3d", b"x" * 1000))
        real, waits = download_module.check_address, [1.6]

        def slow(url: str) -> None:
            """The first address is used only when it is too old."""
            time.sleep(waits.pop() if waits else 0)
            real(url)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(download_module, "check_address", slow)
            digest = client.download_asset(asset_id=receipt.asset_id, target=tmp_path / "b")
    assert waits == []
    assert digest.size_bytes == 1000


def test_a_job_that_is_polled_can_be_left_at_once(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service(solve_delay=30)
    cancel = threading.Event()
    with connect(service, cancel=cancel) as client:
        client.start_retarget(request=request_for(client, tmp_path))
        threading.Timer(0.3, cancel.set).start()
        with pytest.raises(CancelledError):
            list(iter(client.list_jobs, None))  # for ever


MEMORY = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from myosapiens_addon.service.client import Client
def peak():
    # Not ru_maxrss: that one is inherited from the process that started this one.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
client = Client(base_url={url!r}, api_key={key!r})
small = client.upload_asset(path=Path({small!r}))
client.download_asset(asset_id=small.asset_id, target=Path({target!r}))
before = peak()
big = client.upload_asset(path=Path({big!r}))
client.download_asset(asset_id=big.asset_id, target=Path({target!r}))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_file(service: RunningService, tmp_path: Path) -> None:
    big = tmp_path / "big.c3d"
    with big.open("wb") as stream:
        stream.truncate(200_000_000)
    code = MEMORY.format(
        root=str(ROOT),
        url=service.base_url,
        key=service.api_key,
        small=str(file_of(tmp_path, "small.c3d", b"x" * 1000)),
        big=str(big),
        target=str(tmp_path / "back"),
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    assert (tmp_path / "back").stat().st_size == 200_000_000
    assert int(found.stdout) < 20_000  # KiB
