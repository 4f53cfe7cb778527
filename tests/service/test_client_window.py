# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window shows and does, against the local service: characters, history, adopted jobs."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import Journal
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.spec import JobSpec
from myosapiens_addon.service.catalogue import Catalogue, fetch_catalogue
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.history import fetch_jobs, job_name
from tests.service.harness import ROOT, RunningService, start_job, wait_for

StartService = Callable[..., RunningService]
SAMPLE = ROOT / "scripts" / "sample"
FAST = PipelineSettings(poll_interval_s=0.05, progress_interval_s=0.0)
OUTPUTS = {"motion.glb", "qpos.parquet", "xpos.parquet", "model.mjb"}


def connect_to(service: RunningService) -> Callable[[threading.Event], Client]:
    return lambda cancel: Client(base_url=service.base_url, api_key=service.api_key, cancel=cancel)


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with connect_to(service)(threading.Event()) as made:
        yield made


def begin(
    service: RunningService,
    folder: Path,
    *,
    character: tuple[str | None, str | None] = (None, None),
    metadata: Mapping[str, str] | None = None,
) -> Pipeline:
    spec = JobSpec(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=folder / "out",
        character_id=character[0],
        character_version=character[1],
        metadata=metadata or {},
    )
    return Pipeline.begin(
        spec,
        base_url=service.base_url,
        journal=Journal(folder / "journal"),
        connect=connect_to(service),
        settings=FAST,
    )


def adopt(service: RunningService, folder: Path, job_id: str) -> Pipeline:
    return Pipeline.adopt(
        job_id,
        name="from elsewhere",
        out_dir=folder / "out",
        base_url=service.base_url,
        journal=Journal(folder / "journal"),
        connect=connect_to(service),
        settings=FAST,
    )


def counts(service: RunningService) -> tuple[int, int]:
    """How many files and jobs the service has."""
    with service.api() as api:
        return api.get("/v1/assets").json()["total"], api.get("/v1/jobs").json()["total"]


# Characters


def test_the_catalogue(client: Client, tmp_path: Path) -> None:
    catalogue = fetch_catalogue(client)
    (one,) = catalogue.entries
    assert (one.label, one.versions, one.default_version) == ("Local Human", ("v1.0.0",), "v1.0.0")
    assert one.description
    assert catalogue.save(tmp_path / "catalogue.json")
    assert Catalogue.load(tmp_path / "catalogue.json") == catalogue


@pytest.mark.parametrize(
    ("known", "version", "said"),
    [
        (True, "v0.9.0", "Version v0.9.0 of the character {} is DEPRECATED, not READY: choose"),
        (True, "v9", "The service does not have version v9 of the character {}: choose"),
        (False, "v1.0.0", "The service does not have version v1.0.0 of the character {}: choose"),
        (False, None, "The service does not have the character {}: choose"),
    ],
)
def test_a_character_that_cannot_be_used_costs_no_upload(
    service: RunningService,
    client: Client,
    tmp_path: Path,
    known: bool,
    version: str | None,
    said: str,
) -> None:
    mine = fetch_catalogue(client).entries[0].character_id
    character_id = mine if known else str(uuid.uuid4())
    before = counts(service)
    pipeline = begin(service, tmp_path, character=(character_id, version))
    last = pipeline.run(lambda _event: None)
    assert isinstance(last, events.Failed)
    assert last.sentence.startswith(said.format(character_id))
    assert (last.retryable, last.resumable) == (False, False)
    assert counts(service) == before
    assert pipeline.record.stage is Stage.FAILED
    told_by_service = "v0.9.0" not in said
    assert (last.fault.status, bool(last.fault.detail)) == (
        (404, True) if told_by_service else (None, False)
    )
    assert bool(last.fault.request_id) is told_by_service


def test_the_character_that_was_asked_for_is_used(
    service: RunningService, client: Client, tmp_path: Path
) -> None:
    mine = fetch_catalogue(client).entries[0]
    pipeline = begin(service, tmp_path, character=(mine.character_id, None))
    assert isinstance(pipeline.run(lambda _event: None), events.Finished)
    assert pipeline.record.character_version == mine.default_version


# History


def test_jobs_come_newest_first_and_named(
    service: RunningService, client: Client, tmp_path: Path
) -> None:
    metadata = {"scene": "撮影 ☂", "file": "x" * 5000, "take": "Spaß\udcff im\0Garten"}
    pipeline = begin(service, tmp_path, metadata=metadata)
    assert isinstance(pipeline.run(lambda _event: None), events.Finished)
    with service.api() as api:
        unnamed = start_job(api)
        wait_for(api, unnamed)
    page = fetch_jobs(client, limit=2)
    assert [job.job_id for job in page.jobs] == [unnamed, pipeline.record.job_id]
    assert page.total >= 2
    assert [job_name(job) for job in page.jobs] == [f"Job {unnamed[:8]}", "Spaß im Garten"]
    assert page.jobs[1].metadata == {
        "scene": "撮影 ☂",
        "file": "x" * 200,
        "take": "Spaß  im Garten",
        "myosapiens_client_token": pipeline.token,
    }
    assert fetch_jobs(client, offset=1, limit=1).jobs == page.jobs[1:]


# Jobs that were started elsewhere


@pytest.mark.parametrize("solved", [True, False])
def test_a_job_from_elsewhere_is_fetched(
    service: RunningService, tmp_path: Path, solved: bool
) -> None:
    with service.api() as api:
        job_id = start_job(api, export_glb=True)
        if solved:
            wait_for(api, job_id)
    before = counts(service)
    told: list[events.Event] = []
    pipeline = adopt(service, tmp_path, job_id)
    last = pipeline.run(told.append)
    assert isinstance(last, events.Finished), last
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS
    assert counts(service)[1] == before[1]
    assert not any(isinstance(event, events.Uploading) for event in told)
    found = Journal(tmp_path / "journal").find_job(job_id)
    assert found is not None
    assert (found.adopted, found.take_name, found.landed) == (True, "from elsewhere", False)


def test_a_job_from_elsewhere_that_fails_says_why(service: RunningService, tmp_path: Path) -> None:
    with service.api() as api:
        job_id = start_job(api, b"fail")
    last = adopt(service, tmp_path, job_id).run(lambda _event: None)
    assert isinstance(last, events.Failed)
    assert last.fault.kind == "JobFailedError"
    assert last.fault.detail.startswith("bad_take: ")


def test_a_job_from_elsewhere_is_cancelled(start_service: StartService, tmp_path: Path) -> None:
    service = start_service(solve_delay=30)
    with service.api() as api:
        job_id = start_job(api)
        pipeline = adopt(service, tmp_path, job_id)

        def emit(event: events.Event) -> None:
            if isinstance(event, events.Running):
                pipeline.cancel()

        last = pipeline.run(emit)
        assert isinstance(last, events.Canceled)
        assert last.remote_told
        assert api.get(f"/v1/jobs/{job_id}").json()["status"] == "CANCELED"
    assert pipeline.record.stage is Stage.CANCELED


def test_a_job_from_elsewhere_outlives_its_window(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service(solve_delay=1)
    with service.api() as api:
        job_id = start_job(api, export_glb=True)
    pipeline = adopt(service, tmp_path, job_id)

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Running):
            pipeline.detach()

    assert isinstance(pipeline.run(emit), events.Detached)
    journal = Journal(tmp_path / "journal")
    (record,) = journal.unfinished()
    assert record == pipeline.record
    again = Pipeline.resume(
        record.token, journal=journal, connect=connect_to(service), settings=FAST
    )
    assert isinstance(again.run(lambda _event: None), events.Finished)
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS
