# SPDX-License-Identifier: GPL-3.0-or-later
"""Summaries of the chosen takes, read in a thread and kept for the panels to draw from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..errors import MyoSapiensError
    from ..takes.summary import TakeSummary
    from .session import Session

Pair = tuple[str, str]


class Summaries:
    """By the paths of a take and its markerset (empty for none)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[Pair, TakeSummary | None] = {}

    def find(self, take: str, markerset: str) -> TakeSummary | None:
        """What is known of a take; None while it is being read."""
        return self._known.get((take, markerset))

    def want(self, take: str, markerset: str) -> None:
        """Have a take read, unless it was."""
        pair = (take, markerset)
        if pair in self._known:
            return
        self._known[pair] = None

        def arrived(summary: TakeSummary) -> None:
            # What was forgotten meanwhile is being read again.
            if pair in self._known:
                self._known[pair] = summary

        self._session.call(
            _look, *pair, then=arrived, failed=lambda error: arrived(_failed(error)), errand=True
        )

    def forget(self) -> None:
        """Read all of them again when they are wanted: the files may have changed."""
        self._known = {pair: found for pair, found in self._known.items() if found is None}
        self._session.touch()


def _look(take: str, markerset: str) -> TakeSummary:
    from ..takes.summary import look

    return look(Path(take), Path(markerset) if markerset else None)


def _failed(error: MyoSapiensError) -> TakeSummary:
    from ..takes.summary import TakeSummary

    return TakeSummary(errors=(error.sentence,))
