# SPDX-License-Identifier: GPL-3.0-or-later
"""One rate limit for all clients of a process: what one is told, all heed.

A refusal (429) holds every request back for as long as the service asks. Afterwards requests
go out one by one, as far apart as the refusals have taught: each widens the gap, each success
narrows it a little, until they are not held apart at all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from .retry import SHORTEST_RATE_WAIT_S, pause

logger = logging.getLogger(__name__)

FIRST_GAP_S = 0.1
LONGEST_GAP_S = 10.0
WIDER, NARROWER = 2.0, 0.95
# Below this the gap is of no use.
NO_GAP_S = 0.01


class RateGate:
    """What every request passes; safe to use from several threads.

    Args:
        clock_s: seconds that never go back.
    """

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._guard = threading.Lock()
        self._closed_until_s = 0.0
        self._refused_s = float("-inf")
        self._gap_s = 0.0

    @property
    def gap_s(self) -> float:
        """How far apart requests are at the moment."""
        with self._guard:
            return self._gap_s

    def enter(self, cancel: threading.Event) -> float:
        """Wait until a request may be sent.

        Returns:
            The moment, which goes back to `refuse` where the request is refused.

        Raises:
            CancelledError: cancelled while waiting.
        """
        while True:
            with self._guard:
                now_s = self._clock_s()
                wait_s = self._closed_until_s - now_s
                if wait_s <= 0.0:
                    self._closed_until_s = now_s + self._gap_s
                    return now_s
            pause(cancel, wait_s)

    def refuse(self, entered_s: float, retry_after_s: float | None) -> None:
        """A request was refused: nothing goes out before the service's time has passed.

        Args:
            entered_s: when that request passed the gate.
            retry_after_s: how long the service asks to wait; None where it does not say.
        """
        with self._guard:
            now_s = self._clock_s()
            # Requests that were under way together teach one lesson, not one each.
            if entered_s > self._refused_s:
                self._gap_s = min(LONGEST_GAP_S, max(FIRST_GAP_S, self._gap_s * WIDER))
                self._refused_s = now_s
            wait_s = self._gap_s if retry_after_s is None else retry_after_s
            until_s = now_s + max(SHORTEST_RATE_WAIT_S, wait_s)
            self._closed_until_s = max(self._closed_until_s, until_s)
        logger.info("The service asks to wait %.1f s; all takes do.", wait_s)

    def accept(self) -> None:
        """A request was let through."""
        with self._guard:
            self._gap_s *= NARROWER
            if self._gap_s < NO_GAP_S:
                self._gap_s = 0.0
