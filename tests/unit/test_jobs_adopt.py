# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that was started elsewhere is taken up here, waited for, fetched or cancelled."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping

import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.spec import JobSpec
from tests.unit.jobs_bench import CRASHES, SAMPLE, Bench, check_finished, crash_at, run
from tests.unit.service_stub import Reply, on


def start_elsewhere(bench: Bench, *, solved: bool = False) -> str:
    """A job that this journal knows nothing of; its id."""
    job_id = str(uuid.uuid4())
    body = {"metadata": {"take": "jump"}, "tracker_asset_id": "x"}
    bench.stub.jobs[job_id] = {"status": "QUEUED", "polls": 0, "body": body, "input": "x"}
    if solved:
        outputs = {n: bench.stub.add_asset(n, c) for n, c in bench.stub.outputs.items()}
        bench.stub.jobs[job_id] |= {"status": "SUCCEEDED", "outputs": outputs}
    return job_id


def adopt(
    bench: Bench,
    job_id: str,
    *,
    base_url: str | None = None,
    landing: Mapping[str, str] | None = None,
) -> Pipeline:
    return Pipeline.adopt(
        job_id,
        name="jump",
        out_dir=bench.folder / bench.out,
        base_url=base_url or bench.stub.base_url,
        journal=bench.journal,
        connect=bench.connect,
        settings=bench.settings,
        landing=landing,
    )


def test_it_is_waited_for_and_fetched(bench: Bench) -> None:
    job_id = start_elsewhere(bench)
    bench.stub.polls_until_done = 3
    told = run(adopt(bench, job_id, landing={"armature": "Rig"}))
    check_finished(bench, told[-1])
    kinds = [type(event) for event in told]
    assert kinds.index(events.Running) < kinds.index(events.Downloading)
    assert not {events.Uploading, events.Started} & set(kinds)
    assert not bench.stub.requests("POST", "/v1/")
    record = bench.record()
    assert (record.adopted, record.job_id, record.take_name) == (True, job_id, "jump")
    assert (record.spec.c3d, record.spec.markerset) == (None, None)
    assert record.landing == {"armature": "Rig"}
    assert bench.journal.unlanded() == [record]


def test_one_that_is_solved_is_fetched_at_once(bench: Bench) -> None:
    told = run(adopt(bench, start_elsewhere(bench, solved=True)))
    check_finished(bench, told[-1])
    assert {type(event) for event in told} == {events.Downloading, events.Finished}


def test_it_is_in_the_journal_before_it_runs(bench: Bench) -> None:
    job_id = start_elsewhere(bench)
    pipeline = adopt(bench, job_id)
    assert bench.stub.received == []
    assert bench.record().stage is Stage.STARTED
    pipeline.abandon()
    assert [record.job_id for record in bench.journal.unfinished()] == [job_id]
    check_finished(bench, run(bench.resume(pipeline.token))[-1])


@pytest.mark.parametrize("where", ["while it runs", "at the first byte down", "at the very end"])
def test_a_crash_is_gone_on_from(bench: Bench, where: str) -> None:
    crash_at(adopt(bench, start_elsewhere(bench)), CRASHES[where])
    record = bench.record()
    assert record.adopted
    check_finished(bench, run(bench.resume(record.token))[-1])


def test_cancelling_it_cancels_it_on_the_service(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    job_id = start_elsewhere(bench)
    pipeline = adopt(bench, job_id)
    told: list[events.Event] = []

    def emit(event: events.Event) -> None:
        told.append(event)
        if isinstance(event, events.Running):
            threading.Thread(target=pipeline.cancel).start()

    last = pipeline.run(emit)
    assert isinstance(last, events.Canceled)
    assert last.remote_told
    assert bench.stub.jobs[job_id]["status"] == "CANCELED"
    assert bench.record().stage is Stage.CANCELED


def test_letting_go_of_it_leaves_it_alone(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    job_id = start_elsewhere(bench)
    pipeline = adopt(bench, job_id)
    threading.Timer(0.1, pipeline.detach).start()
    assert isinstance(run(pipeline)[-1], events.Detached)
    assert bench.stub.jobs[job_id]["status"] == "RUNNING"
    assert [record.job_id for record in bench.journal.unfinished()] == [job_id]


def test_one_that_failed(bench: Bench) -> None:
    job_id = start_elsewhere(bench)
    bench.stub.jobs[job_id]["status"] = "FAILED"
    bench.stub.job_extra = {"error": {"error_message": "Too few markers."}}
    last = run(adopt(bench, job_id))[-1]
    assert isinstance(last, events.Failed)
    assert "Too few markers" in last.sentence
    assert bench.record().stage is Stage.FAILED


def test_one_that_the_service_does_not_have(bench: Bench) -> None:
    last = run(adopt(bench, str(uuid.uuid4())))[-1]
    assert isinstance(last, events.Failed)
    assert (last.resumable, last.fault.status) == (False, 404)


def test_a_service_out_of_reach_leaves_it_to_resume(bench: Bench) -> None:
    job_id = start_elsewhere(bench)
    bench.stub.faults.append(lambda r: Reply(503) if r.path.startswith("/v1/jobs/") else None)
    last = run(adopt(bench, job_id))[-1]
    assert isinstance(last, events.Failed)
    assert (last.retryable, last.resumable) == (True, True)
    bench.stub.faults.clear()
    check_finished(bench, run(bench.resume(last.token))[-1])


@pytest.mark.parametrize("job_id", ["", "../assets", "a b", "x" * 200])
def test_an_id_that_cannot_be(bench: Bench, job_id: str) -> None:
    with pytest.raises(InputError, match="identifier"):
        adopt(bench, job_id)
    assert bench.journal.load_all() == []


def test_an_address_that_cannot_be(bench: Bench) -> None:
    with pytest.raises(InputError, match="plain http"):
        adopt(bench, start_elsewhere(bench), base_url="http://elsewhere.example")
    assert bench.journal.load_all() == []


# Not twice


def test_a_job_is_found_by_its_id_at_every_stage(bench: Bench) -> None:
    journal = bench.journal
    assert journal.find_job("j-1") is None
    for stage in Stage:
        record = journal.create(bench.spec(), base_url=bench.stub.base_url)
        journal.update(record, stage=stage, job_id=f"j-{stage.value}")
        found = bench.journal.find_job(f"j-{stage.value}")
        assert found is not None
        assert (found.token, found.stage) == (record.token, stage)


def test_of_several_the_one_that_goes_on_is_found(bench: Bench) -> None:
    journal = bench.journal
    stages = (Stage.FAILED, Stage.STARTED, Stage.FINISHED)
    made = [journal.create(bench.spec(), base_url=bench.stub.base_url) for _ in stages]
    for record, stage in zip(made, stages, strict=True):
        journal.update(record, stage=stage, job_id="j-1")
    found = journal.find_job("j-1")
    assert found is not None
    assert found.token == made[1].token
    journal.update(made[1], stage=Stage.CANCELED, job_id="j-1")
    found = journal.find_job("j-1")
    assert found is not None
    assert found.token == made[2].token


@pytest.mark.parametrize("stage", [Stage.STARTED, Stage.FINISHED])
def test_what_is_here_already_is_not_adopted(bench: Bench, stage: Stage) -> None:
    journal = bench.journal
    record = journal.create(bench.spec(), base_url=bench.stub.base_url)
    journal.update(record, stage=stage, job_id="j-1")
    with pytest.raises(InputError, match="here already"):
        adopt(bench, "j-1")
    assert len(bench.journal.load_all()) == 1
    journal.forget(record.token)
    assert adopt(bench, "j-1").record.adopted


# What needs the take


def test_a_specification_without_a_take_starts_nothing(bench: Bench) -> None:
    spec = JobSpec(c3d=None, markerset=None, out_dir=bench.folder)
    with pytest.raises(InputError, match="started elsewhere"):
        Pipeline.begin(
            spec, base_url=bench.stub.base_url, journal=bench.journal, connect=bench.connect
        )
    assert bench.journal.load_all() == []
    assert JobSpec.from_dict(spec.as_dict()) == spec


def test_a_take_and_a_markerset_come_together(bench: Bench) -> None:
    with pytest.raises(InputError, match="both files"):
        JobSpec(c3d=SAMPLE / "walk.c3d", markerset=None, out_dir=bench.folder)
    with pytest.raises(InputError, match="both files"):
        JobSpec(c3d=None, markerset=SAMPLE / "markerset.xml", out_dir=bench.folder)


@pytest.mark.parametrize("stage", [Stage.CREATED, Stage.UPLOADED])
def test_a_record_that_lost_its_place_is_refused_in_words(bench: Bench, stage: Stage) -> None:
    pipeline = adopt(bench, start_elsewhere(bench))
    bench.journal.update(pipeline.record, stage=stage)
    pipeline.abandon()
    last = run(bench.resume(pipeline.token))[-1]
    assert isinstance(last, events.Failed)
    assert "take and markerset are not known here" in last.sentence
    assert not bench.stub.requests("POST", "/v1/")


def test_what_the_service_answers_to_a_cancel_that_comes_too_late(bench: Bench) -> None:
    """It is solved between the last look and the cancel: that is no failure."""
    bench.stub.polls_until_done = 10_000
    job_id = start_elsewhere(bench)
    pipeline = adopt(bench, job_id)
    bench.stub.faults.append(on("DELETE", "/v1/jobs", Reply(409, {"detail": "The job is over"})))

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Running):
            bench.stub.jobs[job_id] |= {"status": "SUCCEEDED", "outputs": {}}
            pipeline.cancel()

    last = pipeline.run(emit)
    assert isinstance(last, events.Canceled)
    assert last.remote_told
