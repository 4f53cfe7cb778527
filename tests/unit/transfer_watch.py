# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the service's client share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from myosapiens_addon.service.retry import RetryPolicy
from myosapiens_addon.service.wire import Timeouts
from tests.unit.service_stub import Reply

Result = TypeVar("Result")

# No timeout ends what hangs.
PATIENT = Timeouts(connect_s=3600.0, read_s=3600.0, answer_s=3600.0, stall_s=3600.0)
HANGS_S = 60.0
QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.02)
EXPIRED = Reply(
    403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)


def ended(work: Callable[[], Result]) -> Result:
    """What a work returns or raises; it must not hang, however slow the machine is."""
    results: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANGS_S)
    assert not thread.is_alive(), "it hangs"
    if raised:
        raise raised[0]
    return results[0]


class Watch:
    """Remembers progress."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.told.append((done, total))

    def check(self, size: int) -> None:
        done = [step for step, _total in self.told]
        assert done == sorted(set(done))
        assert self.told[-1] == (size, size)
