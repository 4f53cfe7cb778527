# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the service's client share."""

from __future__ import annotations

from myosapiens_addon.service.retry import RetryPolicy
from tests.unit.service_stub import Reply

QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.02)
EXPIRED = Reply(
    403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)


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
