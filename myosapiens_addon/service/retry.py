# SPDX-License-Identifier: GPL-3.0-or-later
"""When to try again, and how long to wait before.

Exponential backoff with full jitter: a random wait between nothing and a doubling ceiling
(Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import email.utils
import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from ..errors import CancelledError
from .errors import RateLimitError, ServerError, ServiceError, UnknownOutcomeError, UnreachableError

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

# A server that says "0 seconds" again and again is still given a breath.
SHORTEST_RATE_WAIT_S = 0.25
# What asks for more than a day is mistaken; a wait of centuries cannot even be asked for.
LONGEST_RETRY_AFTER_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How stubborn to be.

    Attributes:
        tries: how often in all, for network errors and 5xx.
        first_wait_s: ceiling of the wait after the first failure; it doubles each time.
        longest_wait_s: where the ceiling stops growing.
        rate_limit_patience_s: how long in all to wait for a rate limit to pass.
    """

    tries: int = 3
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    rate_limit_patience_s: float = 180.0

    def backoff_s(self, failures: int) -> float:
        """A wait after so many failures (from 1)."""
        ceiling = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (failures - 1))
        return random.uniform(0.0, ceiling)  # noqa: S311 - spreads load, hides nothing


class Retry:
    """The tries of one request: decides after each failure, and waits."""

    def __init__(self, policy: RetryPolicy, cancel: threading.Event) -> None:
        self._policy = policy
        self._cancel = cancel
        self._failures = 0
        self._limits = 0
        self._patience_s = policy.rate_limit_patience_s

    def wait_after(self, error: ServiceError) -> None:
        """Wait before the next try.

        Raises:
            ServiceError: `error` itself, when trying again is no use or was done enough.
            CancelledError: cancelled while waiting.
        """
        wait_s = self._rate_wait(error) if isinstance(error, RateLimitError) else self._wait(error)
        logger.info("%s Trying again in %.1f s.", error.sentence, wait_s)
        pause(self._cancel, wait_s)

    def _wait(self, error: ServiceError) -> float:
        final = isinstance(error, UnknownOutcomeError)
        if final or not isinstance(error, (UnreachableError, ServerError)):
            raise error
        self._failures += 1
        if self._failures >= self._policy.tries:
            raise error
        return self._policy.backoff_s(self._failures)

    def _rate_wait(self, error: RateLimitError) -> float:
        self._limits += 1
        jitter_s = self._policy.backoff_s(1)
        asked_s = error.retry_after_s
        if asked_s is None:
            asked_s = self._policy.backoff_s(self._limits)
        wait_s = max(SHORTEST_RATE_WAIT_S, asked_s) + jitter_s
        self._patience_s -= wait_s
        if self._patience_s < 0:
            raise error
        return wait_s


def with_retry(
    attempt: Callable[[], Result], *, policy: RetryPolicy, cancel: threading.Event
) -> Result:
    """Call `attempt` until it succeeds or its failure is final.

    Raises:
        ServiceError: the last failure.
        CancelledError: cancelled while waiting.
    """
    retry = Retry(policy, cancel)
    while True:
        try:
            return attempt()
        except ServiceError as error:
            retry.wait_after(error)


def pause(cancel: threading.Event, seconds: float) -> None:
    """Sleep, but not through a cancel.

    Raises:
        CancelledError: cancelled.
    """
    if cancel.wait(seconds):
        raise CancelledError


def parse_retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """`Retry-After` in seconds: a number of them, or an HTTP date (RFC 9110, 10.2.3).

    A day at most.
    """
    if not value:
        return None
    try:
        asked_s = float(int(value))
    except OverflowError:
        asked_s = LONGEST_RETRY_AFTER_S
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        asked_s = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(0.0, asked_s), LONGEST_RETRY_AFTER_S)
