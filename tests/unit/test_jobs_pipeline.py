# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""The pipeline: stopped anywhere, by anything, it goes on, and the service sees one job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import JobBusyError, Journal
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import JobRecord, Stage
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.spec import JobSpec, SolveOptions, Subject
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.retry import RetryPolicy
from tests.unit.service_stub import (
    CHARACTER,
    KEY,
    Received,
    Reply,
    StubService,
    lost_after_handling,
    on,
    running,
)

SAMPLE = Path(__file__).resolve().parents[2] / "scripts" / "sample"
QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.02)
FAST = PipelineSettings(
    poll_interval_s=0.02,
    look_waits_s=(0.0, 0.05),
    cleanup_limit_s=1.0,
    unreachable_limit_s=0.3,
    progress_interval_s=0.0,
)


class CrashError(BaseException):
    """The process ends here, as far as a test within it can tell."""


@dataclass
class Bench:
    """One journal and one service, to run pipelines with."""

    stub: StubService
    folder: Path
    settings: PipelineSettings = FAST
    out: str = "out"

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "journal")

    def connect(self, cancel: threading.Event) -> Client:
        return Client(base_url=self.stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK)

    def spec(self, **more: Any) -> JobSpec:
        return JobSpec(
            c3d=SAMPLE / "walk.c3d",
            markerset=SAMPLE / "markerset.xml",
            out_dir=self.folder / self.out,
            **more,
        )

    def begin(self, **more: Any) -> Pipeline:
        return Pipeline.begin(
            self.spec(**more),
            base_url=self.stub.base_url,
            journal=self.journal,
            connect=self.connect,
            settings=self.settings,
            landing={"armature": "Rig"},
        )

    def resume(self, token: str) -> Pipeline:
        return Pipeline.resume(
            token, journal=self.journal, connect=self.connect, settings=self.settings
        )

    def record(self) -> JobRecord:
        (record,) = self.journal.load_all()
        return record


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running() as stub:
        yield Bench(stub, tmp_path)


def run(pipeline: Pipeline) -> list[events.Event]:
    told: list[events.Event] = []
    last = pipeline.run(told.append)
    assert told[-1] is last
    assert isinstance(last, events.TERMINAL)
    return told


def crash_at(pipeline: Pipeline, hit: Callable[[events.Event], bool]) -> None:
    def emit(event: events.Event) -> None:
        if hit(event):
            raise CrashError

    with pytest.raises(CrashError):
        pipeline.run(emit)


def check_finished(bench: Bench, last: events.Event) -> None:
    assert isinstance(last, events.Finished), last
    assert len(bench.stub.jobs) == 1
    for name, content in bench.stub.outputs.items():
        assert last.files[name].read_bytes() == content
    assert bench.record().stage is Stage.FINISHED
    assert bench.record().files == last.files


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

CRASHES: dict[str, Callable[[events.Event], bool]] = {
    "at the first byte up": lambda e: isinstance(e, events.Uploading),
    "at the markerset": lambda e: isinstance(e, events.Uploading) and e.name.endswith("xml"),
    "once started": lambda e: isinstance(e, events.Started),
    "while it runs": lambda e: isinstance(e, events.Running),
    "at the first byte down": lambda e: isinstance(e, events.Downloading),
    "at the second output": lambda e: isinstance(e, events.Downloading) and "qpos" in e.name,
    "at the very end": lambda e: isinstance(e, events.Finished),
}


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
) -> tuple[list[events.Event], float]:
    """Run, and stop from another thread at an event; the seconds that the stop took."""
    told: list[events.Event] = []
    moments: list[float] = []

    def emit(event: events.Event) -> None:
        told.append(event)
        if hit(event) and not moments:
            moments.append(time.monotonic())
            threading.Thread(target=stop).start()

    pipeline.run(emit)
    return told, time.monotonic() - moments[0]


@pytest.mark.parametrize("where", ["at the first byte up", "once started", "while it runs"])
def test_cancelling_cancels_the_job_on_the_service_too(bench: Bench, where: str) -> None:
    bench.stub.polls_until_done = 10_000
    if "up" in where:
        bench.stub.faults.append(on("POST", "/v1/assets/", None, Reply(hang=True)))
    pipeline = bench.begin()
    told, took = stop_at(pipeline, CRASHES[where], pipeline.cancel)
    assert took < 1.0
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
    begun = time.monotonic()
    last = run(pipeline)[-1]
    assert isinstance(last, events.Canceled)
    assert time.monotonic() - begun < 2.0
    assert [job["status"] for job in bench.stub.jobs.values()] == ["CANCELED"]


def test_a_cancel_that_the_service_cannot_hear_is_told_later(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    bench.stub.faults.append(lambda r: Reply(hang=True) if r.method == "DELETE" else None)
    pipeline = bench.begin()
    told, took = stop_at(pipeline, CRASHES["while it runs"], pipeline.cancel)
    assert took < FAST.cleanup_limit_s + 1.0
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
    told, took = stop_at(pipeline, CRASHES["while it runs"], pipeline.detach)
    assert took < 0.5
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
