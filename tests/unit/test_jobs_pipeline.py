# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""The pipeline: stopped anywhere, by anything, it goes on, and the service sees one job."""

from __future__ import annotations

from typing import Any

import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.spec import SolveOptions, Subject
from myosapiens_addon.service.client import Client
from tests.unit.jobs_bench import (
    CRASHES,
    FAST,
    Bench,
    CrashError,
    check_finished,
    crash_at,
    run,
)
from tests.unit.service_stub import (
    CHARACTER,
    Received,
    Reply,
    lost_after_handling,
    on,
)

# The whole way


@pytest.mark.parametrize("revision", [1, 2])
def test_the_whole_way(bench: Bench, revision: int) -> None:
    bench.stub.revision = revision
    if revision == 1:
        bench.stub.outputs = {"retarget_output": b"npz"}
    bench.stub.polls_until_done = 2
    told = run(bench.begin(subject=Subject(height_m=1.72, gender="female"), metadata={"shot": "a"}))
    check_finished(bench, told[-1])
    kinds = [type(event) for event in told]
    order = [events.Uploading, events.Started, events.Running, events.Downloading, events.Finished]
    assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)
    record = bench.record()
    assert (record.revision, record.fault, record.landed) == (revision, None, False)
    assert record.landing == {"armature": "Rig"}
    assert set(record.seconds) == {"upload", "solve", "download"}
    (job,) = bench.stub.jobs.values()
    assert job["body"]["subject_height"] == 1.72
    assert "subject_weight" not in job["body"]
    assert job["body"]["metadata"] == {"shot": "a", "myosapiens_client_token": record.token}
    assert (job["body"]["character_id"], job["body"]["character_version"]) == (CHARACTER, "v1")
    assert ("export_glb" in job["body"]) is (revision == 2)


def test_progress_in_bytes_goes_up_for_each_file(bench: Bench) -> None:
    told = run(bench.begin())
    moves = [e for e in told if isinstance(e, events.Uploading | events.Downloading)]
    names = ("walk.c3d", "markerset.xml", "motion.glb", "qpos.parquet")
    assert {move.name for move in moves} == set(names)
    for name in names:
        done = [move.bytes_done for move in moves if move.name == name]
        assert done == sorted(done)
        assert done[-1] == next(m.bytes_total for m in moves if m.name == name)


def test_a_character_can_be_asked_for(bench: Bench) -> None:
    run(bench.begin(character_id="mine", character_version="v9"))
    (job,) = bench.stub.jobs.values()
    assert (job["body"]["character_id"], job["body"]["character_version"]) == ("mine", "v9")
    assert not bench.stub.requests("GET", "/v1/characters")


def test_only_some_outputs(bench: Bench) -> None:
    told = run(bench.begin(outputs=("qpos",)))
    assert isinstance(told[-1], events.Finished)
    assert set(told[-1].files) == {"qpos"}


def test_an_output_of_an_odd_name_stays_in_its_folder(bench: Bench) -> None:
    bench.stub.outputs = {"../../evil": b"x", "motion": b"glb"}
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Finished)
    assert {path.parent for path in last.files.values()} == {bench.folder / "out"}


def test_options_that_revision_1_does_not_know_are_told(bench: Bench) -> None:
    bench.stub.revision = 1
    told = run(bench.begin(options=SolveOptions(clip_length=10)))
    assert [e.sentence for e in told if isinstance(e, events.Warned)] == [
        "The service does not know these options: clip_length."
    ]


def test_warnings_of_the_solve_are_told(bench: Bench) -> None:
    def solved(received: Received) -> Reply | None:
        if received.method != "GET" or not received.path.startswith("/v1/jobs/"):
            return None
        reply = bench.stub.handle(received)
        if "output" in reply.body:
            reply.body["output"]["diagnostics"] = {"warnings": ["LFHD is 40 mm off"]}
        return reply

    bench.stub.faults.append(solved)
    told = run(bench.begin())
    assert "LFHD is 40 mm off" in [e.sentence for e in told if isinstance(e, events.Warned)]
    assert "LFHD is 40 mm off" in bench.record().warnings


# Crashes, at each stage


@pytest.mark.parametrize("where", CRASHES)
def test_a_crash_is_gone_on_from(bench: Bench, where: str) -> None:
    crash_at(bench.begin(), CRASHES[where])
    uploaded = len(bench.stub.requests("POST", "/v1/assets/initiate"))
    record = bench.record()
    check_finished(bench, run(bench.resume(record.token))[-1])
    again = len(bench.stub.requests("POST", "/v1/assets/initiate")) - uploaded
    assert again == {"at the first byte up": 2, "at the markerset": 1}.get(where, 0)


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("metadata", [True, False], ids=["metadata", "no metadata"])
def test_a_crash_around_the_start_makes_no_second_job(
    bench: Bench, point: str, metadata: bool
) -> None:
    bench.stub.tells_metadata = metadata

    def crash(received: Received) -> Reply | None:
        if received.path != "/v1/runs/retarget":
            return None
        if point == "after":
            bench.stub.handle(received)
        return Reply(lost=True)

    pipeline = bench.begin()
    bench.stub.faults.append(crash)
    real = Client.start_retarget

    def start(self: Client, **options: Any) -> Any:
        try:
            real(self, **options)
        finally:
            raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "start_retarget", start)
        with pytest.raises(CrashError):
            pipeline.run(lambda _event: None)
    bench.stub.faults.clear()
    assert bench.record().stage is Stage.POSTED
    assert len(bench.stub.jobs) == (1 if point == "after" else 0)
    told = run(bench.resume(bench.record().token))
    check_finished(bench, told[-1])
    (started,) = [e for e in told if isinstance(e, events.Started)]
    assert started.found is (point == "after")


def test_an_asset_that_is_gone_is_uploaded_again(bench: Bench) -> None:
    crash_at(bench.begin(), CRASHES["at the markerset"])
    bench.stub.assets.clear()
    check_finished(bench, run(bench.resume(bench.record().token))[-1])
    assert len(bench.stub.requests("POST", "/v1/assets/initiate")) == 4


def test_an_output_that_was_fetched_is_not_fetched_again(bench: Bench) -> None:
    crash_at(bench.begin(), CRASHES["at the second output"])
    before = len(bench.stub.received)
    check_finished(bench, run(bench.resume(bench.record().token))[-1])
    later = bench.stub.received[before:]
    assert len([r for r in later if r.origin == "storage"]) == 1


# Lost answers


@pytest.mark.parametrize("metadata", [True, False], ids=["metadata", "no metadata"])
@pytest.mark.parametrize("others", [0, 3])
def test_a_lost_answer_to_the_start_makes_no_second_job(
    bench: Bench, metadata: bool, others: int
) -> None:
    bench.stub.tells_metadata = metadata
    for number in range(others):
        body = {"metadata": {"myosapiens_client_token": "other"}, "tracker_asset_id": "x"}
        job = {"status": "SUCCEEDED", "polls": 0, "body": body, "input": f"{number}", "outputs": {}}
        bench.stub.jobs[f"other-{number}"] = job
    bench.stub.faults.append(lost_after_handling(bench.stub, "POST", "/v1/runs"))
    told = run(bench.begin())
    assert isinstance(told[-1], events.Finished)
    assert len(bench.stub.jobs) == 1 + others
    (started,) = [e for e in told if isinstance(e, events.Started)]
    assert started.found
    assert not started.job_id.startswith("other")


def test_a_request_that_was_lost_on_its_way_is_sent_again(bench: Bench) -> None:
    bench.stub.faults.append(on("POST", "/v1/runs", Reply(lost=True), Reply(502), None))
    check_finished(bench, run(bench.begin())[-1])


def test_a_job_that_appears_late_is_found(bench: Bench) -> None:
    """The service comes to the request only after the first look."""
    late: list[Received] = []

    def lose(received: Received) -> Reply | None:
        if received.path == "/v1/runs/retarget" and not late:
            late.append(received)
            return Reply(lost=True)
        if received.path == "/v1/jobs" and late and not bench.stub.jobs:
            reply = bench.stub.handle(received)
            bench.stub.handle(late[0])
            return reply
        return None

    bench.stub.faults.append(lose)
    check_finished(bench, run(bench.begin())[-1])


def test_strangers_jobs_are_not_taken_where_the_filter_is_not_heeded(bench: Bench) -> None:
    bench.stub.tells_metadata = False
    bench.stub.heeds_filter = False
    stranger = {"status": "SUCCEEDED", "polls": 0, "body": {}, "input": "x", "outputs": {}}
    bench.stub.jobs["stranger"] = stranger
    bench.stub.faults.append(on("POST", "/v1/runs", Reply(lost=True)))
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Finished)
    assert bench.record().job_id != "stranger"


def test_a_start_that_is_always_lost_stays_in_the_journal(bench: Bench) -> None:
    bench.stub.faults.append(on("POST", "/v1/runs", *[Reply(502)] * 20))
    last = run(bench.begin())[-1]
    assert isinstance(last, events.Failed)
    assert (last.retryable, last.resumable) == (True, True)
    assert len(bench.stub.requests("POST", "/v1/runs")) == FAST.start_tries
    assert [r.token for r in bench.journal.unfinished()] == [last.token]
    bench.stub.faults.clear()
    check_finished(bench, run(bench.resume(last.token))[-1])
    assert bench.record().fault is None
