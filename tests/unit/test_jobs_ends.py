# SPDX-License-Identifier: GPL-3.0-or-later

"""How a pipeline ends otherwise than well: it fails, is stopped, or is not its owner's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import JobBusyError
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.spec import JobSpec, SolveOptions, Subject
from myosapiens_addon.service.client import Client
from tests.unit.jobs_bench import (
    CRASHES,
    FAST,
    SAMPLE,
    Bench,
    check_finished,
    crash_at,
    run,
)
from tests.unit.service_stub import (
    KEY,
    Received,
    Reply,
    on,
)
from tests.unit.transfer_watch import ended

# Failures


def test_a_job_that_fails(bench: Bench) -> None:
    bench.stub.job_status = "FAILED"
    bench.stub.job_extra = {
        "error": {"error_type": "bad_take", "error_message": "Too few markers."}
    }
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert last.sentence == "The service could not solve the take: Too few markers."
    assert (last.retryable, last.resumable) == (False, False)
    record = bench.record()
    assert record.stage is Stage.FAILED
    assert record.fault is not None
    assert record.fault.kind == "JobFailedError"
    assert bench.journal.unfinished() == []


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"message": "It broke.\n  in line 3"}, "It broke. in line 3."),
        ({"error": {"error_type": "x"}, "message": None}, "it does not say why."),
        ({"error": {"error_message": "y" * 5000}}, "y" * 399 + "…."),
    ],
)
def test_why_a_job_failed_is_one_short_line(
    bench: Bench, told: dict[str, Any], sentence: str
) -> None:
    bench.stub.job_status = "FAILED"
    bench.stub.job_extra = told
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert last.sentence == f"The service could not solve the take: {sentence}"


def test_an_address_may_be_written_in_more_ways_than_one(bench: Bench) -> None:
    pipeline = Pipeline.begin(
        bench.spec(),
        base_url=f" {bench.stub.base_url}/ ",
        journal=bench.journal,
        connect=bench.connect,
        settings=FAST,
    )
    check_finished(bench, run(pipeline)[-1])


def test_a_job_that_somebody_else_cancelled(bench: Bench) -> None:
    bench.stub.job_status = "CANCELED"
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert "cancelled on the service" in last.sentence


def test_a_take_that_cannot_work_is_not_sent(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_text('<markers><marker name="NOPE" body="pelvis" pos="0 0 0"/></markers>')
    spec = JobSpec(c3d=SAMPLE / "walk.c3d", markerset=other, out_dir=tmp_path / "out")
    pipeline = Pipeline.begin(
        spec, base_url=bench.stub.base_url, journal=bench.journal, connect=bench.connect
    )
    last = run(pipeline)[-1]
    assert isinstance(last, events.Failed)
    assert "No label of walk.c3d" in last.sentence
    assert bench.stub.received == []
    assert bench.record().stage is Stage.FAILED


def test_a_wrong_key_is_told_and_leaves_nothing_to_resume(bench: Bench) -> None:
    pipeline = Pipeline.begin(
        bench.spec(),
        base_url=bench.stub.base_url,
        journal=bench.journal,
        connect=lambda c: Client(base_url=bench.stub.base_url, api_key="ak_live_bad", cancel=c),
        settings=FAST,
    )
    last = run(pipeline)[-1]
    assert isinstance(last, events.Failed)
    assert "refuses the API key" in last.sentence
    assert bench.journal.unfinished() == []


def test_a_wrong_key_at_a_resume_keeps_the_job(bench: Bench) -> None:
    crash_at(bench.begin(), CRASHES["at the markerset"])
    token = bench.record().token
    for connect in (
        lambda c: Client(base_url=bench.stub.base_url, api_key="ak_live_bad", cancel=c),
        lambda c: Client(base_url="https://elsewhere.example", api_key=KEY, cancel=c),
    ):
        pipeline = Pipeline.resume(token, journal=bench.journal, connect=connect, settings=FAST)
        last = run(pipeline)[-1]
        assert isinstance(last, events.Failed)
        assert last.resumable
    check_finished(bench, run(bench.resume(token))[-1])


def test_out_of_credits(bench: Bench) -> None:
    bench.stub.faults.append(on("POST", "/v1/runs", Reply(402, {"detail": "0 left"})))
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert "no credits left" in last.sentence
    assert bench.record().posted_at is None


def test_the_network_may_go_away_while_it_solves(bench: Bench) -> None:
    bench.stub.polls_until_done = 3
    bench.stub.faults.append(on("GET", "/v1/jobs/", None, *[Reply(lost=True)] * 8))
    told = run(bench.begin())
    check_finished(bench, told[-1])
    assert any("waiting for it" in e.sentence for e in told if isinstance(e, events.Warned))


def test_a_network_that_stays_away_leaves_the_job_to_resume(bench: Bench) -> None:
    bench.stub.faults.append(lambda r: Reply(503) if r.path.startswith("/v1/jobs/") else None)
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert last.resumable
    bench.stub.faults.clear()
    check_finished(bench, run(bench.resume(last.token))[-1])


def test_the_time_limit_leaves_the_job_running(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    bench.settings = PipelineSettings(poll_interval_s=0.02, time_limit_s=0.2)
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert (last.retryable, last.resumable) == (True, True)
    assert not bench.stub.requests("DELETE", "/v1/jobs")
    bench.stub.polls_until_done = 1
    check_finished(bench, run(bench.resume(last.token))[-1])


def test_a_job_that_the_service_lost(bench: Bench) -> None:
    crash_at(bench.begin(), CRASHES["while it runs"])
    bench.stub.jobs.clear()
    last = run(bench.resume(bench.record().token))[-1]
    assert isinstance(last, events.Failed)
    assert not last.resumable


def test_an_output_that_cannot_be_written_can_be_fetched_later(bench: Bench) -> None:
    (bench.folder / "out").write_bytes(b"a file in the way")
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert last.resumable
    (bench.folder / "out").unlink()
    check_finished(bench, run(bench.resume(last.token))[-1])


# Stopping


def stop_at(
    pipeline: Pipeline, hit: Callable[[events.Event], bool], stop: Callable[[], None]
) -> list[events.Event]:
    """Run, and stop from another thread at an event; what hangs is left."""
    told: list[events.Event] = []
    stops: list[threading.Thread] = []

    def emit(event: events.Event) -> None:
        told.append(event)
        if hit(event) and not stops:
            stops.append(threading.Thread(target=stop))
            stops[0].start()

    ended(lambda: pipeline.run(emit))
    assert stops
    return told


@pytest.mark.parametrize("where", ["at the first byte up", "once started", "while it runs"])
def test_cancelling_cancels_the_job_on_the_service_too(bench: Bench, where: str) -> None:
    bench.stub.polls_until_done = 10_000
    if "up" in where:
        bench.stub.faults.append(on("POST", "/v1/assets/", None, Reply(hang=True)))
    pipeline = bench.begin()
    told = stop_at(pipeline, CRASHES[where], pipeline.cancel)
    assert [type(e) for e in told[-2:]] == [events.Canceling, events.Canceled]
    assert isinstance(told[-1], events.Canceled)
    assert told[-1].remote_told
    assert [job["status"] for job in bench.stub.jobs.values()] == (
        [] if "up" in where else ["CANCELED"]
    )
    assert bench.record().stage is Stage.CANCELED


def test_cancelling_in_the_middle_of_the_start_finds_the_job(bench: Bench) -> None:
    def hang(received: Received) -> Reply | None:
        if received.path != "/v1/runs/retarget":
            return None
        bench.stub.handle(received)
        threading.Timer(0.1, pipeline.cancel).start()
        return Reply(hang=True)

    pipeline = bench.begin()
    bench.stub.faults.append(hang)
    last = ended(lambda: run(pipeline))[-1]
    assert isinstance(last, events.Canceled)
    assert [job["status"] for job in bench.stub.jobs.values()] == ["CANCELED"]


def test_a_cancel_that_the_service_cannot_hear_is_told_later(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    bench.stub.faults.append(lambda r: Reply(hang=True) if r.method == "DELETE" else None)
    pipeline = bench.begin()
    told = stop_at(pipeline, CRASHES["while it runs"], pipeline.cancel)
    assert isinstance(told[-1], events.Canceled)
    assert not told[-1].remote_told
    bench.stub.faults.clear()
    assert [r.stage for r in bench.journal.unfinished()] == [Stage.CANCELING]
    last = run(bench.resume(bench.record().token))[-1]
    assert isinstance(last, events.Canceled)
    assert last.remote_told
    assert [job["status"] for job in bench.stub.jobs.values()] == ["CANCELED"]


def test_detaching_leaves_the_job_alone(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    pipeline = bench.begin()
    told = stop_at(pipeline, CRASHES["while it runs"], pipeline.detach)
    assert isinstance(told[-1], events.Detached)
    assert not bench.stub.requests("DELETE", "/v1/jobs")
    bench.stub.polls_until_done = 1
    check_finished(bench, run(bench.resume(bench.record().token))[-1])


# Ownership


def test_a_job_is_worked_on_once_at_a_time(bench: Bench) -> None:
    pipeline = bench.begin()
    with pytest.raises(JobBusyError):
        bench.resume(pipeline.token)
    assert bench.journal.unfinished() == []
    pipeline.abandon()
    assert [r.token for r in bench.journal.unfinished()] == [pipeline.token]


def test_resuming_what_is_over(bench: Bench) -> None:
    run(bench.begin())
    told = run(bench.resume(bench.record().token))
    assert [type(e) for e in told] == [events.Finished]
    bench.journal.update(bench.record(), stage=Stage.FAILED)
    last = run(bench.resume(bench.record().token))[-1]
    assert isinstance(last, events.Failed)
    assert "at its end" in last.sentence


def test_the_key_is_not_in_the_journal(bench: Bench) -> None:
    bench.stub.faults.append(on("GET", "/v1/characters", Reply(400, {"detail": f"key {KEY}?"})))
    run(bench.begin())
    run(bench.begin())
    texts = [path.read_text() for path in (bench.folder / "journal").iterdir()]
    assert len(texts) == 2
    assert any("***" in text for text in texts)
    assert all(KEY not in text for text in texts)


# The specification


@pytest.mark.parametrize(
    "make",
    [
        lambda: Subject(height_m=172.0),
        lambda: Subject(height_m=float("nan")),
        lambda: Subject(weight_kg=-1),
        lambda: Subject(gender="f"),
        lambda: SolveOptions(rotation="zup"),
        lambda: SolveOptions(mocap_scale=0),
        lambda: SolveOptions(n_frames_scaling=0),
    ],
)
def test_a_value_that_cannot_be_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        make()


def test_a_spec_survives_the_disk(bench: Bench) -> None:
    spec = bench.spec(
        subject=Subject(height_m=1.7, weight_kg=60.0, gender="male"),
        options=SolveOptions(rotation="yup_to_zup", mocap_scale=1),
        metadata={"a": "b"},
        outputs=("motion",),
        enable_scaling=False,
    )
    assert JobSpec.from_dict(spec.as_dict()) == spec
