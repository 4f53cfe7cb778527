# SPDX-License-Identifier: GPL-3.0-or-later
"""One rate limit for all clients of a process: what one is told, all heed.

A refusal (429) holds every request back for as long as the service asks. Afterwards requests
go out one by one, as far apart as the refusals have taught: what was let through between two of
them is what the service allows in that time. Each success narrows the gap a little, but hardly
below that.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from .retry import SHORTEST_RATE_WAIT_S, pause

logger = logging.getLogger(__name__)

FIRST_GAP_S = 0.1
LONGEST_GAP_S = 10.0
WIDER, NARROWER = 2.0, 0.95
# So many requests between two refusals tell a rate; it is kept to with a little room, and
# forgotten slowly: others may have used the account too.
FEWEST_TELLING, ROOM, FORGETTING = 3, 1.05, 0.9995
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
        self._gap_s = self._least_gap_s = 0.0
        self._accepted = 0

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
                self._learn(now_s)
            wait_s = self._gap_s if retry_after_s is None else retry_after_s
            until_s = now_s + max(SHORTEST_RATE_WAIT_S, wait_s)
            self._closed_until_s = max(self._closed_until_s, until_s)
        logger.info("The service asks to wait %.1f s; all takes do.", wait_s)

    def _learn(self, now_s: float) -> None:
        told = self._accepted >= FEWEST_TELLING and math.isfinite(self._refused_s)
        if told:
            self._least_gap_s = ROOM * (now_s - self._refused_s) / self._accepted
        wider_s = self._least_gap_s if told else self._gap_s * WIDER
        self._gap_s = min(LONGEST_GAP_S, max(FIRST_GAP_S, wider_s))
        self._refused_s, self._accepted = now_s, 0

    def accept(self) -> None:
        """A request was let through."""
        with self._guard:
            self._accepted += 1
            self._least_gap_s *= FORGETTING
            self._gap_s = max(self._least_gap_s, NARROWER * self._gap_s)
            if self._gap_s < NO_GAP_S:
                self._gap_s = 0.0
