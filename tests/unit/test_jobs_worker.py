# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: bounded threads, a queue that is drained in slices, an end that comes."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from myosapiens_addon.errors import CancelledError, OutputError
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.worker import CallDone, CallFailed, Handle, Message, Worker, shutdown_all
from tests.unit.service_stub import Reply, running
from tests.unit.test_jobs_pipeline import Bench
from tests.unit.transfer_watch import HANGS_S, ended

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running() as stub:
        yield Bench(stub, tmp_path)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(most_jobs=2)
    yield made
    assert made.shutdown(timeout_s=60.0)


def begin(bench: Bench, out: str) -> Pipeline:
    """A pipeline with a folder of its own."""
    bench.out = out
    return bench.begin()


def drain_until(
    worker: Worker, handles: list[Handle], *, limit_s: float = 60.0
) -> list[tuple[Handle, Message]]:
    told: list[tuple[Handle, Message]] = []
    end = time.monotonic() + limit_s
    while not all(handle.is_done for handle in handles):
        assert time.monotonic() < end, "the work came to no end"
        told += worker.drain(budget_s=0.01)
        time.sleep(0.005)
    return told + list(worker.drain(budget_s=1.0))


def until(condition: Callable[[], bool], *, limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_pipelines_run_beside_each_other_but_not_too_many(bench: Bench, worker: Worker) -> None:
    bench.stub.polls_until_done = 5
    handles = [worker.submit(begin(bench, f"out{n}")) for n in range(5)]
    running_now: list[int] = []
    ended = threading.Event()

    def count() -> None:
        while not ended.is_set():
            alive = [t for t in threading.enumerate() if t.name == "myosapiens-job"]
            running_now.append(len(alive))
            time.sleep(0.01)

    counter = threading.Thread(target=count)
    counter.start()
    told = drain_until(worker, handles)
    ended.set()
    counter.join()
    assert max(running_now) == 2
    for handle in handles:
        mine = [message for owner, message in told if owner is handle]
        assert isinstance(mine[-1], events.Finished)
        assert mine[-1] is handle.last
        assert {message.token for message in mine if isinstance(message, events.Event)} == {
            handle.pipeline.token if handle.pipeline else ""
        }
    assert len(bench.stub.jobs) == 5
    assert worker.open_handles == ()


def test_calls_come_back_in_order_with_what_they_made(worker: Worker) -> None:
    handles = [worker.submit_call(pow, base, 2) for base in range(5)]
    told = drain_until(worker, handles)
    assert [m.result for _h, m in told if isinstance(m, CallDone)] == [0, 1, 4, 9, 16]


def test_a_call_that_raises_comes_back_as_a_sentence(worker: Worker) -> None:
    def ours() -> None:
        raise OutputError("motion.glb is damaged.")

    def nobodys() -> None:
        raise ZeroDivisionError

    told = drain_until(worker, [worker.submit_call(ours), worker.submit_call(nobodys)])
    first, second = (message for _handle, message in told)
    assert isinstance(first, CallFailed)
    assert first.sentence == "motion.glb is damaged."
    assert isinstance(second, CallFailed)
    assert isinstance(second.error, ZeroDivisionError)
    assert "unforeseen" in second.sentence


def test_a_call_that_has_not_begun_can_be_cancelled(worker: Worker) -> None:
    gate = threading.Event()
    first = worker.submit_call(gate.wait, HANGS_S)
    second = worker.submit_call(pow, 2, 2)
    worker.cancel(second)
    gate.set()
    told = drain_until(worker, [first, second])
    last = told[-1][1]
    assert isinstance(last, CallFailed)
    assert isinstance(last.error, CancelledError)


def test_calls_do_not_wait_for_jobs(bench: Bench, worker: Worker) -> None:
    bench.stub.polls_until_done = 10_000
    for _ in range(3):
        worker.submit(bench.begin())
    call = worker.submit_call(pow, 3, 3)
    assert call.wait(HANGS_S)


def test_the_queue_is_drained_within_its_budget(worker: Worker) -> None:
    handles = [worker.submit_call(pow, base, 2) for base in range(50)]
    for handle in handles:
        assert handle.wait(HANGS_S)
    taken = 0
    for _handle, _message in worker.drain(budget_s=0.05):
        taken += 1
        time.sleep(0.01)
    assert 0 < taken < 50
    assert taken + len(list(worker.drain(budget_s=5.0))) == 50


def test_cancelling_one_leaves_the_others(bench: Bench, worker: Worker) -> None:
    bench.stub.polls_until_done = 10_000
    first, second = (worker.submit(begin(bench, out)) for out in ("a", "b"))
    until(lambda: len(bench.stub.jobs) == 2)
    first.cancel()
    until(lambda: first.is_done)
    assert not second.is_done
    bench.stub.polls_until_done = 1
    drain_until(worker, [first, second])
    assert isinstance(first.last, events.Canceled)
    assert isinstance(second.last, events.Finished)


def test_one_that_waits_for_its_turn_can_be_cancelled(bench: Bench, worker: Worker) -> None:
    bench.stub.polls_until_done = 10_000
    handles = [worker.submit(begin(bench, f"out{n}")) for n in range(3)]
    handles[2].cancel()
    assert handles[2].wait(HANGS_S)
    assert not handles[0].is_done
    bench.stub.polls_until_done = 1
    drain_until(worker, handles)
    assert isinstance(handles[2].last, events.Canceled)
    assert len(bench.stub.jobs) == 2


def test_more_at_a_time_start_at_once(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    worker = Worker(most_jobs=1)
    handles = [worker.submit(begin(bench, f"out{n}")) for n in range(4)]
    until(lambda: len(bench.stub.jobs) == 1)
    time.sleep(0.1)
    assert len(bench.stub.jobs) == 1
    worker.set_most_jobs(3)
    until(lambda: len(bench.stub.jobs) == 3)
    time.sleep(0.1)
    assert len(bench.stub.jobs) == 3
    assert worker.shutdown(timeout_s=60.0)
    assert all(isinstance(handle.last, events.Detached) for handle in handles)


def test_fewer_at_a_time_let_those_that_run_end(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    worker = Worker(most_jobs=3)
    first = [worker.submit(begin(bench, f"out{n}")) for n in range(3)]
    until(lambda: len(bench.stub.jobs) == 3)
    worker.set_most_jobs(1)
    later = [worker.submit(begin(bench, f"late{n}")) for n in range(3)]
    first[0].cancel()
    until(lambda: first[0].is_done)
    first[1].cancel()
    until(lambda: first[1].is_done)
    time.sleep(0.1)
    assert len(bench.stub.jobs) == 3, "there are still as many as may be"
    first[2].cancel()
    until(lambda: len(bench.stub.jobs) == 4)
    time.sleep(0.1)
    assert len(bench.stub.jobs) == 4
    bench.stub.polls_until_done = 1
    drain_until(worker, [*first, *later])
    assert all(isinstance(handle.last, events.Canceled) for handle in first)
    assert all(isinstance(handle.last, events.Finished) for handle in later)
    assert worker.shutdown(timeout_s=60.0)


@pytest.mark.parametrize("number", [0, -1])
def test_none_at_a_time_is_refused(worker: Worker, number: int) -> None:
    with pytest.raises(ValueError, match="threads"):
        worker.set_most_jobs(number)
    with pytest.raises(ValueError, match="threads"):
        Worker(most_jobs=number)
    with pytest.raises(ValueError, match="threads"):
        Worker(most_calls=number)


def test_several_calls_at_a_time() -> None:
    worker = Worker(most_calls=2)
    both = threading.Barrier(2, timeout=HANGS_S)
    handles = [worker.submit_call(both.wait) for _ in range(2)]
    told = drain_until(worker, handles)
    assert all(isinstance(message, CallDone) for _handle, message in told)
    assert worker.shutdown(timeout_s=60.0)


def test_a_worker_is_idle_when_all_is_done(worker: Worker) -> None:
    assert worker.is_idle
    gate = threading.Event()
    handle = worker.submit_call(gate.wait, HANGS_S)
    assert not worker.is_idle
    gate.set()
    assert handle.wait(HANGS_S)
    assert worker.is_idle
    assert len(list(worker.drain(budget_s=1.0))) == 1


def test_a_shutdown_is_quick_and_loses_no_job(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    bench.stub.faults.append(lambda r: Reply(hang=True) if r.path.startswith("/v1/jobs/") else None)
    worker = Worker(most_jobs=2)
    handles = [worker.submit(bench.begin()) for _ in range(4)]
    while len(bench.stub.jobs) < 2:
        time.sleep(0.01)
    assert worker.shutdown(timeout_s=HANGS_S)
    assert all(isinstance(handle.last, events.Detached) for handle in handles)
    assert [job["status"] for job in bench.stub.jobs.values()] == ["QUEUED", "QUEUED"]
    stages = [record.stage for record in bench.journal.unfinished()]
    assert len(stages) == 4
    # Between the service's knowing of a job and its answer lies POSTED.
    assert set(stages) <= {Stage.CREATED, Stage.POSTED, Stage.STARTED}
    with pytest.raises(RuntimeError):
        worker.submit_call(pow, 1, 1)
    assert not [t for t in threading.enumerate() if t.name == "myosapiens-job"]


def test_everything_is_shut_down_at_once(bench: Bench) -> None:
    bench.stub.polls_until_done = 10_000
    workers = [Worker(), Worker()]
    for worker in workers:
        worker.submit(bench.begin())
    assert shutdown_all(timeout_s=HANGS_S)
    assert all(worker.open_handles == () for worker in workers)


def test_a_call_that_does_not_end_does_not_hold_the_shutdown() -> None:
    worker = Worker()
    begun_call, gate = threading.Event(), threading.Event()

    def hang() -> None:
        begun_call.set()
        gate.wait(2.0 * HANGS_S)

    worker.submit_call(hang)
    assert begun_call.wait(HANGS_S)
    assert not ended(lambda: worker.shutdown(timeout_s=0.2))
    gate.set()


def test_something_unforeseen_is_told_and_the_thread_lives_on(
    bench: Bench, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = bench.begin()
    monkeypatch.setattr(broken, "run", lambda _emit: 1 / 0)
    first = worker.submit(broken)
    second = worker.submit(bench.begin())
    drain_until(worker, [first, second])
    assert isinstance(first.last, events.Failed)
    assert "unforeseen" in first.last.sentence
    assert first.last.fault.sentence == first.last.sentence
    assert first.last.fault.kind == "ZeroDivisionError"
    assert isinstance(second.last, events.Finished)


def test_what_the_system_refuses_is_told_without_a_traceback(
    bench: Bench, worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run(_emit: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", "/takes/walk.c3d")

    broken = bench.begin()
    monkeypatch.setattr(broken, "run", run)
    handle = worker.submit(broken)
    with caplog.at_level(logging.INFO):
        drain_until(worker, [handle])
    assert isinstance(handle.last, events.Failed)
    assert "/takes/walk.c3d: Too many open files." in handle.last.sentence
    assert handle.last.resumable
    assert not caplog.records


def test_a_process_with_a_worker_that_hangs_can_end() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import time\n"
        "from myosapiens_addon.jobs.worker import Worker\n"
        "Worker().submit_call(time.sleep, 3600)\n"
        "time.sleep(0.1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=HANGS_S)


def test_importing_the_package_costs_nothing() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import myosapiens_addon.errors\n"
        "loaded = {'requests', 'urllib3', 'numpy'} & set(sys.modules)\n"
        "sys.exit(str(loaded) if loaded else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=HANGS_S)
