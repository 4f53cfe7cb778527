# SPDX-License-Identifier: GPL-3.0-or-later
"""One Retry-After stops all; afterwards requests go out no faster than the service lets them."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from myosapiens_addon.errors import CancelledError
from myosapiens_addon.service import rate_gate
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.rate_gate import RateGate
from myosapiens_addon.service.retry import RetryPolicy
from tests.unit.service_stub import KEY, Received, Reply, StubService
from tests.unit.transfer_watch import ended

NEVER = threading.Event()


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.waits_s: list[float] = []
        monkeypatch.setattr(rate_gate, "pause", self._pause)

    def _pause(self, _cancel: threading.Event, seconds: float) -> None:
        self.waits_s.append(seconds)
        self.now_s += seconds

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_an_open_gate_holds_nobody(clock: Clock) -> None:
    gate = RateGate(clock_s=clock)
    for _request in range(100):
        gate.enter(NEVER)
        gate.accept()
    assert clock.waits_s == []


def test_a_refusal_holds_for_as_long_as_it_says(clock: Clock) -> None:
    gate = RateGate(clock_s=clock)
    entered_s = gate.enter(NEVER)
    gate.refuse(entered_s, 7.0)
    assert gate.enter(NEVER) == pytest.approx(107.0)


def test_a_shorter_refusal_does_not_shorten_a_longer_one(clock: Clock) -> None:
    gate = RateGate(clock_s=clock)
    both = [gate.enter(NEVER), gate.enter(NEVER)]
    gate.refuse(both[0], 7.0)
    gate.refuse(both[1], 1.0)
    assert gate.enter(NEVER) == pytest.approx(107.0)


def test_requests_that_were_refused_together_teach_once(clock: Clock) -> None:
    gate = RateGate(clock_s=clock)
    entered = [gate.enter(NEVER) for _request in range(8)]
    for moment in entered:
        gate.refuse(moment, 1.0)
    assert gate.gap_s == rate_gate.FIRST_GAP_S
    gate.refuse(gate.enter(NEVER), 1.0)
    assert gate.gap_s == 2.0 * rate_gate.FIRST_GAP_S


def test_a_service_that_says_no_time_is_given_some(clock: Clock) -> None:
    gate = RateGate(clock_s=clock)
    for _refusal in range(20):
        gate.refuse(gate.enter(NEVER), None)
    assert gate.gap_s == rate_gate.LONGEST_GAP_S
    before_s = clock.now_s
    assert gate.enter(NEVER) - before_s == pytest.approx(rate_gate.LONGEST_GAP_S)


@pytest.mark.parametrize("per_s", [0.5, 2.0, 10.0])
def test_it_finds_the_rate_of_a_service(clock: Clock, per_s: float) -> None:
    """A bucket of tokens: nearly all that it lets through is used, and little is refused."""
    gate = RateGate(clock_s=clock)
    tokens, filled_s = 5.0, clock.now_s
    passed = refused = 0
    begun_s = clock.now_s
    while passed < 300:
        entered_s = gate.enter(NEVER)
        tokens = min(5.0, tokens + (clock.now_s - filled_s) * per_s)
        filled_s = clock.now_s
        if tokens >= 1.0:
            tokens -= 1.0
            passed += 1
            gate.accept()
        else:
            refused += 1
            gate.refuse(entered_s, float(max(1, math.ceil((1.0 - tokens) / per_s))))
    ideal_s = (passed - 5.0) / per_s
    assert clock.now_s - begun_s < 1.15 * ideal_s + 20.0
    assert refused <= 8


def test_who_waits_at_the_gate_can_be_cancelled() -> None:
    gate = RateGate()
    gate.refuse(gate.enter(NEVER), 3600.0)
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with pytest.raises(CancelledError):
        ended(lambda: gate.enter(cancel))


class Noting(RateGate):
    """Notes who passed when, and from when to when it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.entered_s: list[float] = []
        self.closed_s = (0.0, 0.0)

    def enter(self, cancel: threading.Event) -> float:
        self.entered_s.append(super().enter(cancel))
        return self.entered_s[-1]

    def refuse(self, entered_s: float, retry_after_s: float | None) -> None:
        super().refuse(entered_s, retry_after_s)
        until_s = self._closed_until_s
        self.closed_s = time.monotonic(), until_s


def test_clients_of_many_threads_are_held_by_one_refusal(stub: StubService) -> None:
    """The service says to wait 1 s, once; nobody's request goes out before that."""
    arrived: list[str] = []

    def limit(received: Received) -> Reply | None:
        arrived.append(received.path)
        if len(arrived) == 5:
            return Reply(429, {"detail": "Slow down"}, {"Retry-After": "1"})
        return None

    stub.faults.append(limit)
    gate = Noting()
    policy = RetryPolicy(first_wait_s=0.01)

    def ask(_number: int) -> None:
        with Client(base_url=stub.base_url, api_key=KEY, gate=gate, retry=policy) as client:
            for _request in range(4):
                client.list_characters()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(ask, range(6)))
    assert len(arrived) == 25
    refused_s, until_s = gate.closed_s
    late = [moment_s for moment_s in gate.entered_s if moment_s > refused_s]
    assert late
    assert min(late) >= until_s
