# SPDX-License-Identifier: GPL-3.0-or-later
"""What a piece of work costs, told without a clock: machines that are shared are slow at times."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(kw_only=True)
class Effort:
    """What was counted.

    Attributes:
        calls: how many functions were called, Python's own among them.
    """

    calls: int = 0

    def count(self, _frame: FrameType, event: str, _argument: object) -> None:
        """Take note of what the interpreter tells."""
        self.calls += event in {"call", "c_call"}


@contextmanager
def counted() -> Generator[Effort]:
    """Count the calls that this thread makes within the block."""
    effort, before = Effort(), sys.getprofile()
    sys.setprofile(effort.count)
    try:
        yield effort
    finally:
        sys.setprofile(before)
