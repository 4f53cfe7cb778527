# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads for pipelines and for pure calculations; what they tell comes back through a queue.

Blender's main thread never waits for them: it drains the queue for a few milliseconds at a
time. The threads are daemons, so that one that hangs in the operating system cannot keep
Blender from closing, and `shutdown` joins those that do not.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import CancelledError, MyoSapiensError
from .events import Event, Failed
from .pipeline import Pipeline

logger = logging.getLogger(__name__)

MOST_JOBS = 4
MOST_CALLS = 1
UNFORESEEN = "Something unforeseen went wrong inside the extension ({}). The log has the details."


@dataclass(frozen=True, kw_only=True)
class CallDone:
    """A call returned."""

    result: Any


@dataclass(frozen=True, kw_only=True)
class CallFailed:
    """A call raised, or was cancelled before it began (`CancelledError`)."""

    error: Exception

    @property
    def sentence(self) -> str:
        """The same in words for the user."""
        if isinstance(self.error, MyoSapiensError):
            return self.error.sentence
        return UNFORESEEN.format(type(self.error).__name__)


Message = Event | CallDone | CallFailed


class Handle:
    """One thing that a worker does or will do.

    Attributes:
        number: counts up within this process.
        pipeline: the pipeline; None for a call.
    """

    _numbers = itertools.count(1)

    def __init__(self, pipeline: Pipeline | None) -> None:
        self.number = next(self._numbers)
        self.pipeline = pipeline
        self._cancelled = threading.Event()
        self._done = threading.Event()
        self.last: Message | None = None

    @property
    def is_done(self) -> bool:
        """Whether it came to its end; its last message may still be in the queue."""
        return self._done.is_set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancelled.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; whether it came. Not for Blender's main thread."""
        return self._done.wait(timeout_s)

    def cancel(self) -> None:
        """Ask it to stop: a pipeline does within 0.5 s, a call only if it has not begun."""
        self._cancelled.set()
        if self.pipeline is not None:
            self.pipeline.cancel()

    def detach(self) -> None:
        """Ask it to stop here, and leave the job on the service alone."""
        self._cancelled.set()
        if self.pipeline is not None:
            self.pipeline.detach()

    def finish(self, message: Message) -> None:
        """For the worker: it came to its end."""
        self.last = message
        self._done.set()


Task = Callable[[], None]


class _Lane:
    """A bounded number of threads that take tasks in turn, and end when there is none."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._guard = threading.Lock()
        self._waiting: deque[Task] = deque()
        self._threads: set[threading.Thread] = set()

    def add(self, task: Task) -> None:
        with self._guard:
            self._waiting.append(task)
            if len(self._threads) < self._size:
                thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._threads.add(thread)
                thread.start()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._threads.discard(threading.current_thread())
                    return
                task = self._waiting.popleft()
            task()

    def join(self, end: float) -> bool:
        """Wait for all threads until a moment (monotonic); whether they ended."""
        with self._guard:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


class Worker:
    """Runs pipelines, so many at a time, and calls, one after the other.

    Args:
        most_jobs: pipelines that run at the same time; more wait for their turn.
    """

    def __init__(self, *, most_jobs: int = MOST_JOBS) -> None:
        self._jobs = _Lane("myosapiens-job", most_jobs)
        self._calls = _Lane("myosapiens-call", MOST_CALLS)
        self._queue: queue.SimpleQueue[tuple[Handle, Message]] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._open: set[Handle] = set()
        self._closed = False
        _workers.add(self)

    def submit(self, pipeline: Pipeline) -> Handle:
        """Run a pipeline in a thread.

        Raises:
            RuntimeError: the worker was shut down.
        """
        handle = Handle(pipeline)
        self._accept(handle)
        self._jobs.add(lambda: self._run_pipeline(handle, pipeline))
        return handle

    def submit_call(self, function: Callable[..., Any], *arguments: Any) -> Handle:  # noqa: ANN401
        """Call a function in a thread; `CallDone` or `CallFailed` comes back.

        Raises:
            RuntimeError: the worker was shut down.
        """
        handle = Handle(None)
        self._accept(handle)
        self._calls.add(lambda: self._run_call(handle, function, arguments))
        return handle

    def drain(self, *, budget_s: float) -> Iterator[tuple[Handle, Message]]:
        """What was told since, oldest first, until there is no more or the time is used up.

        The time counts what the caller does between two of them; the rest comes next time.
        """
        end = time.monotonic() + budget_s
        while True:
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                return
            if time.monotonic() >= end:
                return

    def cancel(self, handle: Handle) -> None:
        """The same as `handle.cancel()`."""
        handle.cancel()

    @property
    def open_handles(self) -> tuple[Handle, ...]:
        """What is not at its end, oldest first."""
        with self._guard:
            return tuple(sorted(self._open, key=lambda handle: handle.number))

    def stop(self) -> None:
        """Take nothing more, stop all, and leave the jobs on the service alone."""
        with self._guard:
            self._closed = True
        for handle in self.open_handles:
            handle.detach()

    def join(self, *, end: float) -> bool:
        """Wait until a moment (`time.monotonic`); whether all threads ended."""
        ended = [self._jobs.join(end), self._calls.join(end)]
        return all(ended)

    def shutdown(self, *, timeout_s: float) -> bool:
        """`stop`, then `join`; whether all threads ended in time."""
        self.stop()
        return self.join(end=time.monotonic() + timeout_s)

    def _accept(self, handle: Handle) -> None:
        with self._guard:
            if self._closed:
                raise RuntimeError("the worker was shut down")
            self._open.add(handle)

    def _run_pipeline(self, handle: Handle, pipeline: Pipeline) -> None:
        try:
            last = pipeline.run(lambda event: self._queue.put((handle, event)))
        except Exception as error:
            logger.exception("A pipeline broke.")
            sentence = UNFORESEEN.format(type(error).__name__)
            last = Failed(token=pipeline.token, sentence=sentence, resumable=True)
            self._queue.put((handle, last))
        self._close(handle, last)

    def _run_call(
        self, handle: Handle, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> None:
        message: CallDone | CallFailed
        try:
            if handle.is_cancelled:
                raise CancelledError
            message = CallDone(result=function(*arguments))
        except MyoSapiensError as error:
            message = CallFailed(error=error)
        except Exception as error:
            logger.exception("A call broke.")
            message = CallFailed(error=error)
        self._queue.put((handle, message))
        self._close(handle, message)

    def _close(self, handle: Handle, last: Message) -> None:
        with self._guard:
            self._open.discard(handle)
        handle.finish(last)


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def shutdown_all(*, timeout_s: float) -> bool:
    """Shut down every worker of this process; whether all threads ended in time."""
    workers = list(_workers)
    for worker in workers:
        worker.stop()
    end = time.monotonic() + timeout_s
    ended = [worker.join(end=end) for worker in workers]
    return all(ended)
