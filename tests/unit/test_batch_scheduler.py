# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler of a batch: how many at a time, who fails, what stops all, what is left."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from myosapiens_addon.errors import MyoSapiensError, TakeError
from myosapiens_addon.jobs import batch as batch_module
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.batch import Batch, End, Status
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Fault, JobRecord
from myosapiens_addon.service.errors import (
    AuthenticationError,
    CreditsError,
    JobFailedError,
    ServerError,
    UnknownOutcomeError,
    UnreachableError,
)
from tests.unit.transfer_watch import HANGS_S

SOLVE_S = 0.15


class FakePipeline:
    """A pipeline that takes a while on a service that counts what it sees."""

    def __init__(self, service: Service, take: str) -> None:
        self.token = take
        self._service = service
        self._stop = threading.Event()

    def cancel(self) -> None:
        raise AssertionError("a batch never cancels a job that is paid for")

    def detach(self) -> None:
        self._stop.set()

    def run(self, emit: Callable[[events.Event], None]) -> events.Event:
        last = self._service.solve(self.token, self._stop, emit)
        emit(last)
        return last


class Service:
    """Solves for `solve_s`; `errors` has what takes fail of, one after another."""

    def __init__(self, solve_s: float = SOLVE_S) -> None:
        self.solve_s = solve_s
        self.errors: dict[str, list[MyoSapiensError]] = {}
        self.started: list[str] = []
        self.at_once = self.most_at_once = 0
        self._guard = threading.Lock()

    def solve(
        self, take: str, stop: threading.Event, emit: Callable[[events.Event], None]
    ) -> events.Event:
        if stop.is_set():
            return events.Detached(token=take)
        with self._guard:
            self.started.append(take)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.errors.get(take):
                return _failed(take, self.errors[take].pop(0))
            emit(events.Started(token=take, job_id=f"job-{take}"))
            if stop.wait(self.solve_s):
                return events.Detached(token=take)
        finally:
            with self._guard:
                self.at_once -= 1
        record = cast("JobRecord", SimpleNamespace(token=take))
        return events.Finished(token=take, files={}, job=None, record=record)


def _failed(take: str, error: MyoSapiensError) -> events.Failed:
    fault = Fault(sentence=error.sentence, kind="x")
    return events.Failed(token=take, sentence=error.sentence, fault=fault, error=error)


class Driver:
    """Begins and lands by name: takes called `old…` were done before."""

    def __init__(self, service: Service, land_s: float = 0.0) -> None:
        self.service = service
        self.land_s = land_s
        self.ends: dict[str, End] = {}
        self.landed: list[str] = []
        self.faults: dict[tuple[str, str], BaseException] = {}
        self.threads: set[str] = set()
        self.solving_at_landing: list[int] = []

    def begin(self, take: str) -> Pipeline | None:
        self._meet("begin", take)
        if take.startswith("old"):
            return None
        return cast("Pipeline", FakePipeline(self.service, take))

    def land(self, take: str, finished: events.Finished) -> None:
        assert finished.token == take
        self._meet("land", take)
        self.solving_at_landing.append(self.service.at_once)
        time.sleep(self.land_s)
        self.landed.append(take)

    def hear(self, take: str, event: events.Event) -> None:
        assert event.token == take

    def ended(self, take: str, end: End) -> None:
        assert take not in self.ends
        self.ends[take] = end

    def statuses(self) -> Counter[Status]:
        return Counter(end.status for end in self.ends.values())

    def _meet(self, where: str, take: str) -> None:
        self.threads.add(threading.current_thread().name)
        fault = self.faults.pop((where, take), None)
        if fault is not None:
            raise fault


def names(count: int) -> list[str]:
    return [f"t{number}" for number in range(count)]


def run(driver: Driver, takes: list[str], concurrency: int = 4, **more: Any) -> Batch[str]:  # noqa: ANN401
    made = Batch(takes, driver=driver, concurrency=concurrency, **more)
    made.run()
    assert driver.ends.keys() == set(takes)
    return made


def test_all_takes_land_once_in_the_main_thread() -> None:
    driver = Driver(Service())
    takes = names(20)
    run(driver, takes)
    assert driver.statuses() == {Status.DONE: 20}
    assert sorted(driver.landed) == sorted(takes)
    assert sorted(driver.service.started) == sorted(takes)
    assert driver.threads == {threading.current_thread().name}


class _Meeting(Service):
    """No take is solved before so many are there."""

    def __init__(self, wanted: int) -> None:
        super().__init__(solve_s=0.05)
        self.all_there = threading.Barrier(wanted, timeout=HANGS_S)

    def solve(
        self, take: str, stop: threading.Event, emit: Callable[[events.Event], None]
    ) -> events.Event:
        self.all_there.wait()
        return super().solve(take, stop, emit)


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_as_many_at_a_time_as_are_asked_for(concurrency: int) -> None:
    driver = Driver(_Meeting(concurrency))
    run(driver, names(3 * concurrency), concurrency)
    assert driver.service.most_at_once == concurrency
    assert driver.statuses() == {Status.DONE: 3 * concurrency}


def test_landings_and_solves_overlap() -> None:
    """While the first takes land, the service is at work on the next."""
    driver = Driver(Service(), land_s=0.05)
    run(driver, names(12), 4)
    assert max(driver.solving_at_landing) > 0


def test_a_long_landing_leaves_no_thread_idle() -> None:
    driver = Driver(Service(solve_s=0.05), land_s=0.3)
    run(driver, names(6), 2)
    assert driver.service.started == names(6)


FAULTS = {
    "a refusal": TakeError("The take is bad."),
    "an unforeseen one": ZeroDivisionError("x"),
    "no memory": MemoryError(),
}


@pytest.mark.parametrize("where", ["begin", "land"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_take_that_fails_stops_no_other(where: str, fault: str) -> None:
    driver = Driver(Service())
    driver.faults[where, "t1"] = FAULTS[fault]
    run(driver, ["old", *names(5)])
    assert driver.statuses() == {Status.DONE: 4, Status.FAILED: 1, Status.DONE_BEFORE: 1}
    error = driver.ends["t1"].error
    assert error is not None
    assert error.sentence.endswith(".")


def test_a_job_that_fails_stops_no_other() -> None:
    driver = Driver(Service())
    driver.service.errors["t0"] = [JobFailedError("No.", job_id="j")]
    made = run(driver, names(5))
    assert driver.statuses() == {Status.DONE: 4, Status.FAILED: 1}
    assert made.stopped_by is None


def test_a_refused_key_stops_all() -> None:
    driver = Driver(Service(solve_s=HANGS_S))
    driver.service.errors["t2"] = [AuthenticationError("No.")]
    made = run(driver, names(30))
    # Nobody waited for what was on the service.
    assert Status.DONE not in driver.statuses()
    assert isinstance(made.stopped_by, AuthenticationError)
    assert len(driver.service.started) < 10
    error = driver.ends["t29"].error
    assert error is not None
    assert error.sentence == "Not sent: No."


def test_no_credits_left_what_is_paid_lands() -> None:
    driver = Driver(Service(solve_s=0.3))
    driver.service.errors["t3"] = [CreditsError("No credits.")]
    made = run(driver, names(30))
    assert made.stopped_by is None
    done = [take for take, end in driver.ends.items() if end.status is Status.DONE]
    assert {"t0", "t1", "t2"} <= set(done)
    assert driver.statuses()[Status.FAILED] >= 20
    assert driver.landed == done or sorted(driver.landed) == sorted(done)


@pytest.mark.parametrize("error", [UnreachableError("Away."), ServerError("Busy.")])
def test_a_service_that_is_away_for_a_while_is_waited_for(
    error: MyoSapiensError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "FIRST_WAIT_S", 0.1)
    driver = Driver(Service())
    driver.service.errors = {take: [error, error] for take in ("t1", "t2", "t5")}
    made = run(driver, names(8))
    assert driver.statuses() == {Status.DONE: 8}
    assert made.stopped_by is None
    assert Counter(driver.service.started)["t1"] == 3


def test_a_service_that_stays_away_stops_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "FIRST_WAIT_S", 0.05)
    driver = Driver(Service())
    driver.service.errors = {take: [UnreachableError("Away.")] * 1000 for take in names(9)}
    made = run(driver, names(9), patience_s=0.5)
    assert isinstance(made.stopped_by, UnreachableError)
    assert Status.DONE not in driver.statuses()
    assert driver.landed == []


class _Queueing(Service):
    """Takes wait in its queue, and it says so."""

    def solve(
        self, take: str, stop: threading.Event, emit: Callable[[events.Event], None]
    ) -> events.Event:
        if not self.errors.get(take):
            for _look in range(100):
                emit(events.Queued(token=take, position=1, seconds=1.0))
                if stop.wait(0.02):
                    return events.Detached(token=take)
        return super().solve(take, stop, emit)


def test_a_take_that_the_service_always_breaks_on_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_module, "FIRST_WAIT_S", 0.02)
    driver = Driver(_Queueing())
    driver.service.errors["t1"] = [UnknownOutcomeError("It failed (500).")] * 1000
    made = run(driver, names(4), patience_s=HANGS_S)
    assert driver.statuses() == {Status.DONE: 3, Status.FAILED: 1}
    assert driver.ends["t1"].status is Status.FAILED
    assert made.stopped_by is None
    assert batch_module.MOST_FALLS < Counter(driver.service.started)["t1"] < 500


class _Interrupting(Driver):
    """Ctrl-C while the second take lands."""

    def land(self, take: str, finished: events.Finished) -> None:
        if len(self.landed) == 1:
            raise KeyboardInterrupt
        super().land(take, finished)


def test_interrupted_while_landing() -> None:
    driver = _Interrupting(Service())
    made = Batch(names(9), driver=driver, concurrency=2)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert driver.ends.keys() == set(names(9))
    assert driver.statuses() == {Status.DONE: 1, Status.CANCELLED: 8}


def test_stopped_from_another_thread() -> None:
    driver, stopped = Driver(Service(solve_s=30.0)), threading.Event()
    threading.Timer(0.2, stopped.set).start()
    made = Batch(names(9), driver=driver, concurrency=2, stopped=stopped)
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert driver.statuses() == {Status.CANCELLED: 9}
    assert len(driver.service.started) == 2


def test_nothing_to_do() -> None:
    driver = Driver(Service())
    run(driver, [])
    run(driver, ["old1", "old2"])
    assert driver.statuses() == {Status.DONE_BEFORE: 2}
