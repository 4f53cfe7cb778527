# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch tells while it runs: a live table, or a line per take, and JSON for machines."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from ..jobs import events
from ..jobs.batch import End, Status
from .answer import say

if TYPE_CHECKING:
    from typing import TextIO

    from ..jobs.events import Event
    from .batch_takes import BatchTake

LONGEST_NAME = 28
LONGEST_LINE = 110
REDRAW_S = 0.1
BYTES = 1e6


class View(Protocol):
    """Where people see it."""

    def begin(self, take: BatchTake) -> None:
        """A take was begun."""

    def show(self, take: BatchTake, words: str) -> None:
        """A take is at something."""

    def end(self, take: BatchTake, words: str) -> None:
        """A take came to its end."""

    def close(self) -> None:
        """The batch has ended."""


class Progress:
    """Tells people and machines.

    Args:
        takes: how many there are.
        stderr: for people.
        stdout: for machines, one JSON object per line; None for none.
        concurrency: how many takes are on their way at a time.
    """

    def __init__(
        self, *, takes: int, stderr: TextIO, stdout: TextIO | None, concurrency: int
    ) -> None:
        self._takes = takes
        self._stdout = stdout
        self._view = _view(takes, stderr, concurrency)
        self._said: dict[BatchTake, str] = {}

    def begin(self, take: BatchTake) -> None:
        """A take was begun."""
        self._view.begin(take)
        self._write("begun", take)

    def hear(self, take: BatchTake, event: Event) -> None:
        """What the take's pipeline tells."""
        if isinstance(event, events.Started):
            self._write("started", take, job_id=event.job_id, found=event.found)
        elif isinstance(event, events.Finished):
            self._write("fetched", take, files=[str(path) for path in event.files.values()])
        stage, words = _words(event)
        if not stage:
            return
        if self._said.get(take) != stage:
            self._said[take] = stage
            self._write(stage, take)
        self._view.show(take, words)

    def tell(self, take: BatchTake, stage: str) -> None:
        """A take is at something here."""
        self._write(stage, take)
        self._view.show(take, stage)

    def end(self, take: BatchTake, end: End) -> None:
        """A take came to its end."""
        self._said.pop(take, None)
        row = take.report
        landed = end.status in (Status.DONE, Status.DONE_BEFORE)
        kind = {Status.DONE: "landed", Status.DONE_BEFORE: "landed before"}
        more: dict[str, Any] = {"out": row.out} if landed else {"error": row.error}
        more["warnings"] = row.warnings
        self._write(kind.get(end.status, end.status.value), take, **more)
        self._view.end(take, _ending(take, end))

    def close(self) -> None:
        """The batch has ended."""
        self._view.close()

    def _write(self, event: str, take: BatchTake, **more: object) -> None:
        if self._stdout is None:
            return
        told = {"event": event, "take": take.name, "number": take.number, "of": self._takes}
        line = json.dumps({**told, "time": round(time.time(), 3), **more})
        say(self._stdout, line)


def _words(event: Event) -> tuple[str, str]:
    """What a take is at, for machines and for people; empty for what changes nothing."""
    match event:
        case events.Uploading():
            return "uploading", f"sending {event.name} {_share(event)}"
        case events.Started():
            return "", ""
        case events.Queued():
            return "queued", f"waiting, place {event.position}" if event.position else "waiting"
        case events.Running():
            return "solving", f"solving, {event.seconds:.0f} s"
        case events.Downloading():
            return "downloading", f"fetching {event.name} {_share(event)}"
        case events.Finished():
            return "solved", "solved, waits to land"
        case _:
            return "", ""


def _share(event: events.Uploading | events.Downloading) -> str:
    if not event.bytes_total:
        return f"{event.bytes_done / BYTES:.1f} MB"
    return f"{event.bytes_done / event.bytes_total:.0%} of {event.bytes_total / BYTES:.1f} MB"


def _ending(take: BatchTake, end: End) -> str:
    row = take.report
    if end.status is Status.DONE_BEFORE:
        return "done before"
    if end.status is Status.DONE:
        spent = sum(row.seconds.values())
        warned = f", {len(row.warnings)} warning(s)" if row.warnings else ""
        return f"done, {row.frames} keyed moments on {row.armature!r}, {spent:.1f} s{warned}"
    return f"{end.status.value}: {row.error}"


def _view(takes: int, stderr: TextIO, concurrency: int) -> View:
    if stderr.isatty():
        try:
            return _Table(takes, stderr, concurrency)
        except ImportError:
            pass
    return _Lines(takes, stderr)


class _Lines:
    """A line for each take that came to its end."""

    def __init__(self, takes: int, stderr: TextIO) -> None:
        self._takes = takes
        self._stderr = stderr
        self._ended = 0

    def begin(self, take: BatchTake) -> None:
        """Nothing: it has no end yet."""

    def show(self, take: BatchTake, words: str) -> None:
        """Nothing: it has no end yet."""

    def end(self, take: BatchTake, words: str) -> None:
        """Its line."""
        self._ended += 1
        width = len(str(self._takes))
        say(self._stderr, f"[{self._ended:{width}}/{self._takes}] {take.name}: {words}")

    def close(self) -> None:
        """Nothing is left open."""


class _Table:
    """A bar for the whole, and a line for each take on its way; what has failed stays above."""

    def __init__(self, takes: int, stderr: TextIO, concurrency: int) -> None:
        from tqdm import tqdm  # type: ignore[import-untyped]
        from tqdm.contrib.logging import (  # type: ignore[import-untyped]
            logging_redirect_tqdm,
        )

        # Its own thread would only look whether the bar is redrawn often enough.
        tqdm.monitor_interval = 0
        self._tqdm: Any = tqdm
        self._stderr = stderr
        self._open = ExitStack()
        self._open.enter_context(logging_redirect_tqdm(loggers=_loggers(), tqdm_class=tqdm))
        self._whole = self._bar(total=takes, unit="take", desc="Takes", position=0)
        self._lines = [self._bar(total=0, bar_format="{desc}", position=n + 1, leave=False)
                       for n in range(concurrency)]  # fmt: skip
        self._free = list(range(concurrency))
        self._places: dict[BatchTake, int] = {}
        # Place to when it was last drawn, and what the take was at.
        self._drawn: dict[int, tuple[float, str]] = {}

    def begin(self, take: BatchTake) -> None:
        """It has no line before there is something to show."""

    def show(self, take: BatchTake, words: str) -> None:
        """What it is at, on its line; not too often."""
        if take not in self._places and self._free:
            self._places[take] = self._free.pop(0)
        place = self._places.get(take)
        if place is None:
            return
        now_s, verb = time.monotonic(), words.split()[0]
        drawn_s, drawn = self._drawn.get(place, (0.0, ""))
        if verb != drawn or now_s - drawn_s >= REDRAW_S:
            self._drawn[place] = now_s, verb
            self._write(place, f"  {_short(take.name, LONGEST_NAME):{LONGEST_NAME}} {words}")

    def end(self, take: BatchTake, words: str) -> None:
        """Its line is free for another."""
        place = self._places.pop(take, None)
        if place is not None:
            self._write(place, "")
            self._free.append(place)
            self._free.sort()
        if take.report.error:
            self._tqdm.write(f"{take.name}: {words}", file=self._stderr)
        self._whole.update(1)

    def close(self) -> None:
        """Leave the bar, take the lines away."""
        for line in reversed(self._lines):
            line.close()
        self._whole.close()
        self._open.close()

    def _bar(self, **options: Any) -> Any:  # noqa: ANN401 - tqdm brings no types
        return self._tqdm(file=self._stderr, dynamic_ncols=True, **options)

    def _write(self, place: int, words: str) -> None:
        self._lines[place].set_description_str(_short(words, LONGEST_LINE))


def _loggers() -> list[Any]:
    import logging

    return [logging.getLogger(__name__.rpartition(".blender")[0])]


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
