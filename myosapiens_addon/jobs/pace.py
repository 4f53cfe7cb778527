# SPDX-License-Identifier: GPL-3.0-or-later
"""When to look at a job again: soon for short jobs, seldom for long ones.

What the jobs before took tells when a look is worth its request: the first comes shortly before
the quicker ones were done, the next ones follow in small parts of that time.
"""

from __future__ import annotations

import threading
from collections import deque

REMEMBERED = 32
# Of the times that jobs took, this share was shorter.
QUICK_SHARE = 0.2
FIRST_LOOK_AT = 0.95
LATER_LOOKS = 0.1
GROWING_LOOKS = 0.2
SHORTEST_WAIT_S = 0.25
# No job that fails at once is left unseen for longer.
LONGEST_WAIT_S = 10.0


class Pace:
    """What is known of how long jobs take; shared by the pipelines of a batch."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._took_s: deque[float] = deque(maxlen=REMEMBERED)

    def learn(self, took_s: float) -> None:
        """A job took so long from its start to its end."""
        with self._guard:
            self._took_s.append(took_s)

    def quick_s(self) -> float | None:
        """How long quick jobs take; None as long as no job has ended."""
        with self._guard:
            ordered = sorted(self._took_s)
        return ordered[int(len(ordered) * QUICK_SHARE)] if ordered else None

    def wait_s(
        self, elapsed_s: float, *, usual_s: float, estimated_s: float | None = None
    ) -> float:
        """How long to wait before the next look.

        Args:
            elapsed_s: since the job was started.
            usual_s: the longest wait between two looks while nothing better is known.
            estimated_s: how long the service thought that it would wait for its turn.
        """
        quick_s = self.quick_s()
        if quick_s is None:
            left_s = 0.5 * ((estimated_s or 0.0) - elapsed_s)
            wait_s, longest_s = max(left_s, GROWING_LOOKS * elapsed_s), usual_s
        elif FIRST_LOOK_AT * quick_s - elapsed_s > LATER_LOOKS * quick_s:
            wait_s = FIRST_LOOK_AT * quick_s - elapsed_s
            longest_s = max(usual_s, LONGEST_WAIT_S)
        else:
            wait_s, longest_s = LATER_LOOKS * quick_s, usual_s
        return min(max(wait_s, min(SHORTEST_WAIT_S, usual_s)), longest_s)
