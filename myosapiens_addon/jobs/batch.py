# SPDX-License-Identifier: GPL-3.0-or-later
"""Many takes through one worker: so many at a time on the service, landed one after another.

The scheduler knows nothing of tables, files or Blender: a driver begins a take and lands it,
both in the thread that runs the batch, while the worker's threads go on. A take that fails
never stops the others, but for what would make every take fail.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..errors import CancelledError, MyoSapiensError
from ..service.errors import (
    AuthenticationError,
    CreditsError,
    ServerError,
    UnreachableError,
)
from . import events
from .worker import CallDone, CallFailed, Handle, Worker, as_ours

if TYPE_CHECKING:
    from .events import Event, Finished
    from .pipeline import Pipeline

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S = 0.02
DRAIN_BUDGET_S = 0.2
LEAVE_LIMIT_S = 3.0
# A network that goes away is waited for: first so long, then longer and longer.
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 60.0
PATIENCE_S = 600.0
# A take that fails so often while the service answers others fails by itself.
MOST_FALLS = 5
# What is told only when the service has just answered.
ANSWERED = (
    events.Started,
    events.Queued,
    events.Running,
    events.Downloading,
    events.Finished,
)

AnyTake = TypeVar("AnyTake")
Taken = TypeVar("Taken", contravariant=True)


class Status(Enum):
    """How a take ended."""

    DONE = "done"
    DONE_BEFORE = "done before"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of a take, with what it failed of."""

    status: Status
    error: MyoSapiensError | None = None


class Driver(Protocol[Taken]):
    """What a batch is done with. All is called in the thread that runs the batch."""

    def begin(self, take: Taken) -> Pipeline | None:
        """The take's pipeline, to be run; None for a take that was done before."""
        ...

    def land(self, take: Taken, finished: Finished) -> None:
        """Use the take's output."""
        ...

    def hear(self, take: Taken, event: Event) -> None:
        """What the take's pipeline tells."""
        ...

    def ended(self, take: Taken, end: End) -> None:
        """A take came to its end."""
        ...


@dataclass(kw_only=True)
class _Run(Generic[AnyTake]):
    """A take that was begun."""

    take: AnyTake
    pipeline: Pipeline
    since_s: float


class Batch(Generic[AnyTake]):
    """Takes on their way; run once.

    Args:
        takes: in the order in which they are begun.
        driver: begins and lands them.
        concurrency: how many are on the service, or on their way to and from it, at a time.
        stopped: set from a signal or a thread to stop here.
        patience_s: how long a service that is out of reach is waited for.

    Attributes:
        stopped_by: what ended the batch before its time: every take would have failed of it.
    """

    def __init__(
        self,
        takes: Iterable[AnyTake],
        *,
        driver: Driver[AnyTake],
        concurrency: int,
        stopped: threading.Event | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.stopped_by: MyoSapiensError | None = None
        self._waiting = deque(takes)
        self._driver = driver
        self._stopped = stopped or threading.Event()
        # As many again wait in the worker, so that no thread idles while a take is landed.
        self._most_begun = 2 * concurrency
        self._patience_s = patience_s
        self._worker = Worker(most_jobs=concurrency)
        self._running: dict[Handle, _Run[AnyTake]] = {}
        self._solved: deque[tuple[AnyTake, Finished]] = deque()
        self._held_until_s = 0.0
        self._unreached_since_s: float | None = None
        self._wait_s = FIRST_WAIT_S
        self._answers = 0
        # Take to how many answers there were when it fell last, and how often it did alone.
        self._falls: dict[AnyTake, tuple[int, int]] = {}

    def run(self) -> None:
        """Bring every take to its end.

        Raises:
            KeyboardInterrupt: the user stopped here; jobs go on on the service, and takes that
                are not at their end have ended as cancelled.
        """
        try:
            while self._waiting or self._running or self._solved:
                if self._stopped.is_set():
                    raise KeyboardInterrupt
                self._begin_some()
                busy = self._drain()
                if self._solved:
                    self._land(*self._solved.popleft())
                elif not busy:
                    time.sleep(LOOK_INTERVAL_S)
        finally:
            self._leave()

    def _begin_some(self) -> None:
        while self._waiting and len(self._running) < self._most_begun:
            if time.monotonic() < self._held_until_s:
                return
            take = self._waiting.popleft()
            try:
                pipeline = self._driver.begin(take)
            except Exception as error:  # noqa: BLE001 - one take's fault, whatever it is
                self._failed(take, error)
                continue
            except BaseException:
                self._waiting.appendleft(take)
                raise
            if pipeline is None:
                self._driver.ended(take, End(status=Status.DONE_BEFORE))
                continue
            handle = self._worker.submit(pipeline)
            self._running[handle] = _Run(take=take, pipeline=pipeline, since_s=time.monotonic())

    def _drain(self) -> bool:
        """Hear what the threads tell; whether they told anything."""
        heard = False
        for handle, message in self._worker.drain(budget_s=DRAIN_BUDGET_S):
            heard = True
            running = self._running.get(handle)
            if running is None or isinstance(message, (CallDone, CallFailed)):
                continue
            self._hear(running.take, message)
            if isinstance(message, events.TERMINAL):
                del self._running[handle]
                self._over(running, message)
        return heard

    def _hear(self, take: AnyTake, event: Event) -> None:
        if isinstance(event, ANSWERED):
            self._unreached_since_s, self._wait_s = None, FIRST_WAIT_S
            self._answers += 1
        self._driver.hear(take, event)

    def _over(self, running: _Run[AnyTake], last: Event) -> None:
        match last:
            case events.Finished():
                self._solved.append((running.take, last))
            case events.Failed():
                self._fell(running.take, last)
            case _:
                end = End(status=Status.CANCELLED, error=CancelledError())
                self._driver.ended(running.take, end)

    def _fell(self, take: AnyTake, last: events.Failed) -> None:
        error = last.error or MyoSapiensError(last.sentence)
        if isinstance(error, (UnreachableError, ServerError)):
            if self._falls_alone(take):
                self._failed(take, error)
                return
            if self._may_wait(error):
                self._waiting.appendleft(take)
                return
        self._failed(take, error)
        if isinstance(error, (AuthenticationError, UnreachableError)):
            self._stop(error)
        elif isinstance(error, CreditsError):
            # What is on the service already is paid for.
            self._give_up_waiting(error)

    def _falls_alone(self, take: AnyTake) -> bool:
        """Whether it is the take that the service cannot do with: it answers all others."""
        answers, alone = self._falls.get(take, (self._answers, 0))
        alone += self._answers > answers
        self._falls[take] = self._answers, alone
        return alone >= MOST_FALLS

    def _may_wait(self, error: MyoSapiensError) -> bool:
        """Whether to wait for the service and try again; nothing is begun meanwhile."""
        now_s = time.monotonic()
        if self._unreached_since_s is None:
            self._unreached_since_s = now_s
        if now_s - self._unreached_since_s > self._patience_s:
            return False
        if now_s >= self._held_until_s:
            self._held_until_s = now_s + self._wait_s
            logger.warning("%s Waiting %.0f s for it.", error.sentence, self._wait_s)
            self._wait_s = min(LONGEST_WAIT_S, 2.0 * self._wait_s)
        return True

    def _land(self, take: AnyTake, finished: Finished) -> None:
        try:
            self._driver.land(take, finished)
        except Exception as error:  # noqa: BLE001 - one take's fault, whatever it is
            self._failed(take, error)
        except BaseException:
            self._solved.appendleft((take, finished))
            raise
        else:
            self._driver.ended(take, End(status=Status.DONE))

    def _failed(self, take: AnyTake, error: Exception) -> None:
        ended = End(status=Status.FAILED, error=as_ours(error, "A take"))
        self._driver.ended(take, ended)

    def _stop(self, error: MyoSapiensError) -> None:
        """Every take would fail: leave all that runs, send no more."""
        if self.stopped_by is not None:
            return
        self.stopped_by = error
        self._give_up_waiting(error)
        for handle in self._running:
            handle.detach()

    def _give_up_waiting(self, error: MyoSapiensError) -> None:
        reason = MyoSapiensError(f"Not sent: {error.sentence}")
        while self._waiting:
            end = End(status=Status.FAILED, error=reason)
            self._driver.ended(self._waiting.popleft(), end)

    def _leave(self) -> None:
        """End the threads; whatever is not at its end was cancelled."""
        self._worker.shutdown(timeout_s=LEAVE_LIMIT_S)
        open_takes = [
            *(take for take, _ in self._solved),
            *(running.take for running in self._running.values()),
            *self._waiting,
        ]
        for take in open_takes:
            end = End(status=Status.CANCELLED, error=CancelledError("Interrupted."))
            self._driver.ended(take, end)
