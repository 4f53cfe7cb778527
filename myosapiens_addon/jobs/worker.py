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
from typing import TYPE_CHECKING, Any

from ..errors import CancelledError, MyoSapiensError
from .events import Event, Failed
from .record import Fault

if TYPE_CHECKING:
    # Not at run time: a worker is made when the extension is enabled, which is to be quick.
    from .pipeline import Pipeline

logger = logging.getLogger(__name__)

MOST_JOBS = 4
MOST_CALLS = 1
UNFORESEEN = "Something unforeseen went wrong inside the extension ({}). The log has the details."
REFUSED = "The operating system refused what this needs: {}{}. See to that, then try again."


def sentence_of(error: Exception) -> str:
    """What broke, in words for the user."""
    if isinstance(error, MyoSapiensError):
        return error.sentence
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return REFUSED.format(where, error.strerror or type(error).__name__)
    return UNFORESEEN.format(type(error).__name__)


def as_ours(error: Exception, what: str) -> MyoSapiensError:
    """An error with a sentence; what nobody foresaw goes to the log with all details.

    Args:
        error: what was raised.
        what: what broke by it, for the log.
    """
    if isinstance(error, MyoSapiensError):
        return error
    # What the operating system refuses needs no traceback, but for who looks for it.
    level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
    logger.log(level, "%s broke.", what, exc_info=error)
    return MyoSapiensError(sentence_of(error))


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
        return sentence_of(self.error)


Message = Event | CallDone | CallFailed


class Handle:
    """One thing that a worker does or will do.

    Attributes:
        number: counts up within this process.
        pipeline: the pipeline; None for a call.
        on_cancel: for the worker: what else a cancel does.
    """

    _numbers = itertools.count(1)

    def __init__(self, pipeline: Pipeline | None) -> None:
        self.number = next(self._numbers)
        self.pipeline = pipeline
        self.on_cancel: Callable[[], None] | None = None
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
        if self.on_cancel is not None:
            self.on_cancel()

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
        self._hurried: set[threading.Thread] = set()

    def add(self, task: Task) -> None:
        with self._guard:
            self._waiting.append(task)
            if len(self._threads) < self._size:
                self._start()

    def resize(self, size: int) -> None:
        """Another number of threads; those too many end after the task they are at."""
        with self._guard:
            self._size = size
            for _more in range(min(size - len(self._threads), len(self._waiting))):
                self._start()

    def hurry(self, task: Task) -> None:
        """Do a task that waits now, in a thread of its own; one that was begun goes on."""
        with self._guard:
            if task not in self._waiting:
                return
            self._waiting.remove(task)
            thread = threading.Thread(
                target=self._work_once, args=(task,), name=self._name, daemon=True
            )
            self._hurried.add(thread)
            thread.start()

    def _work_once(self, task: Task) -> None:
        try:
            task()
        finally:
            with self._guard:
                self._hurried.discard(threading.current_thread())

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting or len(self._threads) > self._size:
                    self._threads.discard(threading.current_thread())
                    return
                task = self._waiting.popleft()
            task()

    def join(self, end: float) -> bool:
        """Wait for all threads until a moment (monotonic); whether they ended."""
        with self._guard:
            threads = [*self._threads, *self._hurried]
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


class Worker:
    """Runs pipelines and calls, so many at a time.

    Args:
        most_jobs: pipelines that run at the same time; more wait for their turn.
        most_calls: calls that run at the same time; with one, they come back in order.

    Raises:
        ValueError: a number below 1.
    """

    def __init__(self, *, most_jobs: int = MOST_JOBS, most_calls: int = MOST_CALLS) -> None:
        self._jobs = _Lane("myosapiens-job", _positive(most_jobs))
        self._calls = _Lane("myosapiens-call", _positive(most_calls))
        self._queue: queue.SimpleQueue[tuple[Handle, Message]] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._open: set[Handle] = set()
        self._closed = False
        _workers.add(self)

    def set_most_jobs(self, most_jobs: int) -> None:
        """Another number of pipelines at the same time, from now on.

        With more, those that wait start at once; with fewer, those that run go on to their
        end, and others wait until there is room.

        Raises:
            ValueError: a number below 1.
        """
        self._jobs.resize(_positive(most_jobs))

    def submit(self, pipeline: Pipeline) -> Handle:
        """Run a pipeline in a thread.

        Raises:
            RuntimeError: the worker was shut down.
        """
        handle = Handle(pipeline)

        def task() -> None:
            self._run_pipeline(handle, pipeline)

        # One that is cancelled does not wait for its turn to say so.
        handle.on_cancel = lambda: self._jobs.hurry(task)
        self._accept(handle)
        self._jobs.add(task)
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

    @property
    def is_idle(self) -> bool:
        """Whether all came to its end; last messages may still be in the queue."""
        with self._guard:
            return not self._open

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
        except Exception as error:  # noqa: BLE001 - one job's fault, whatever it is
            sentence = as_ours(error, "A pipeline").sentence
            fault = Fault(sentence=sentence, kind=type(error).__name__)
            last = Failed(
                token=pipeline.token, sentence=fault.sentence, fault=fault, resumable=True
            )
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
        except Exception as error:  # noqa: BLE001 - one call's fault, whatever it is
            as_ours(error, "A call")
            message = CallFailed(error=error)
        self._queue.put((handle, message))
        self._close(handle, message)

    def _close(self, handle: Handle, last: Message) -> None:
        with self._guard:
            self._open.discard(handle)
        handle.finish(last)


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError(f"{number} threads can do nothing")
    return number


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def shutdown_all(*, timeout_s: float) -> bool:
    """Shut down every worker of this process; whether all threads ended in time."""
    workers = list(_workers)
    for worker in workers:
        worker.stop()
    end = time.monotonic() + timeout_s
    ended = [worker.join(end=end) for worker in workers]
    return all(ended)
