# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline against the local service: killed for real, the service killed, resumed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import Journal
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.spec import JobSpec, SolveOptions, Subject
from myosapiens_addon.service.client import Client
from tests.service.harness import ROOT, RunningService, launch

StartService = Callable[..., RunningService]
SAMPLE = ROOT / "scripts" / "sample"
FAST = PipelineSettings(poll_interval_s=0.05, progress_interval_s=0.0)


def spec(folder: Path) -> JobSpec:
    return JobSpec(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=folder / "out",
        subject=Subject(height_m=1.72),
        options=SolveOptions(clip_length=100),
    )


def connect_to(service: RunningService) -> Callable[[threading.Event], Client]:
    return lambda cancel: Client(base_url=service.base_url, api_key=service.api_key, cancel=cancel)


def resume(service: RunningService, folder: Path) -> events.Event:
    journal = Journal(folder / "journal")
    (record,) = journal.unfinished()
    pipeline = Pipeline.resume(
        record.token, journal=journal, connect=connect_to(service), settings=FAST
    )
    return pipeline.run(lambda _event: None)


def jobs_of(service: RunningService) -> list[dict[str, str]]:
    with service.api() as api:
        return api.get("/v1/jobs").json()["jobs"]


@pytest.mark.parametrize("revision", [1, 2])
def test_the_whole_way(start_service: StartService, tmp_path: Path, revision: int) -> None:
    service = start_service(revision=revision)
    journal = Journal(tmp_path / "journal")
    pipeline = Pipeline.begin(
        spec(tmp_path),
        base_url=service.base_url,
        journal=journal,
        connect=connect_to(service),
        settings=FAST,
    )
    told: list[events.Event] = []
    last = pipeline.run(told.append)
    assert isinstance(last, events.Finished), last
    names = {1: {"output.npz"}, 2: {"motion.glb", "qpos.parquet", "xpos.parquet", "model.mjb"}}
    assert {path.name for path in last.files.values()} == names[revision]
    assert {path.name for path in (tmp_path / "out").iterdir()} == names[revision]
    first = next(iter(last.files.values())).read_text()
    assert '"subject_height_m": 1.72' in first
    assert ('"clip_length": 100' in first) is (revision == 2)


# A process that is killed. It tells each event and waits, so that the kill hits its place.

DRIVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.service import test_client_pipeline as here
from myosapiens_addon.service.client import Client

def emit(event):
    print(type(event).__name__, getattr(event, "name", ""), flush=True)
    if [type(event).__name__, getattr(event, "name", "")] == {place!r}:
        time.sleep(60)

real = Client.start_retarget
def start(self, **options):
    if {place!r} == ["Posting", ""]:
        print("Posting ", flush=True)
        time.sleep(60)
    started = real(self, **options)
    if {place!r} == ["Posted", ""]:
        print("Posted ", flush=True)
        time.sleep(60)
    return started
Client.start_retarget = start

folder = Path({folder!r})
here.Pipeline.begin(
    here.spec(folder),
    base_url={url!r},
    journal=here.Journal(folder / "journal"),
    connect=lambda cancel: Client(base_url={url!r}, api_key={key!r}, cancel=cancel),
    settings=here.FAST,
).run(emit)
"""

PLACES = {
    "uploading the take": ["Uploading", "walk.c3d"],
    "uploading the markerset": ["Uploading", "markerset.xml"],
    "about to start": ["Posting", ""],
    "started, answer not seen": ["Posted", ""],
    "started": ["Started", ""],
    "downloading": ["Downloading", "motion.glb"],
}


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_loses_nothing_and_starts_nothing_twice(
    service: RunningService, tmp_path: Path, place: str
) -> None:
    before = len(jobs_of(service))
    code = DRIVER.format(
        root=str(ROOT),
        place=PLACES[place],
        folder=str(tmp_path),
        url=service.base_url,
        key=service.api_key,
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.rstrip("\n").split(" ") == PLACES[place]:
            break
    else:
        pytest.fail("the place was not reached")
    process.kill()
    process.wait()
    assert process.returncode != 0
    last = resume(service, tmp_path)
    assert isinstance(last, events.Finished), last
    assert len(jobs_of(service)) == before + 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "model.mjb",
        "motion.glb",
        "qpos.parquet",
        "xpos.parquet",
    ]


def test_the_service_may_be_killed_and_started_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    service = launch(data, solve_delay=1)
    port = httpx.URL(service.base_url).port
    told: list[events.Event] = []
    pipeline = Pipeline.begin(
        spec(tmp_path),
        base_url=service.base_url,
        journal=Journal(tmp_path / "journal"),
        connect=connect_to(service),
        settings=FAST,
    )
    last: list[events.Event] = []
    thread = threading.Thread(target=lambda: last.append(pipeline.run(told.append)))
    thread.start()
    while not any(isinstance(event, events.Running) for event in told):
        time.sleep(0.02)
    service.kill()
    time.sleep(1.0)
    again = launch(data, port=port, solve_delay=0)
    try:
        thread.join(120)
        assert isinstance(last[0], events.Finished), last
        assert len(jobs_of(again)) == 1
        assert any(isinstance(event, events.Warned) for event in told)
    finally:
        again.stop()


def test_a_cancel_reaches_the_service(start_service: StartService, tmp_path: Path) -> None:
    service = start_service(solve_delay=30)
    pipeline = Pipeline.begin(
        spec(tmp_path),
        base_url=service.base_url,
        journal=Journal(tmp_path / "journal"),
        connect=connect_to(service),
        settings=FAST,
    )
    seen: list[type[events.Event]] = []

    def emit(event: events.Event) -> None:
        seen.append(type(event))
        if isinstance(event, events.Running) and seen.count(events.Running) == 1:
            pipeline.cancel()

    last = pipeline.run(emit)
    assert seen[seen.index(events.Running) + 1] is events.Canceling
    assert isinstance(last, events.Canceled)
    assert [job["status"] for job in jobs_of(service)] == ["CANCELED"]
    assert [r.stage for r in Journal(tmp_path / "journal").load_all()] == [Stage.CANCELED]
