# SPDX-License-Identifier: GPL-3.0-or-later
"""The live session: jobs, their threads and their landings, as long as the extension is enabled.

It holds plain values only. The panels draw from it, the operators tell it what people want, and
whoever pumps it (the modal operator, or a script that waits) calls `step` on the main thread.
Durable is what the journal on disk holds; this is lost and found again.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import CancelledError, MyoSapiensError
from ..jobs import events
from ..jobs.journal import Journal
from ..jobs.worker import CallDone, CallFailed, Handle, Worker, sentence_of
from . import paths, preferences, row_events
from .live_landing import LiveLanding
from .rows import LandingPlan, Row, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..jobs.pipeline import Pipeline

logger = logging.getLogger(__name__)

DRAIN_BUDGET_S = 0.002
# Keys are written for a quarter of the time: more where Blender itself takes long to redraw.
WRITE_SHARE = 0.25
WRITE_BUDGETS_S = (0.010, 0.030)
WAIT_INTERVAL_S = 0.02
# Threads stop within half a second of being asked; a disk may need longer.
CLOSE_LIMIT_S = 3.0
ERRAND_THREADS = 2


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to do when a call comes back."""

    then: Callable[[Any], None]
    failed: Callable[[MyoSapiensError], None]


class Session:
    """See the module's docstring.

    Attributes:
        rows: the jobs, newest first.
        revision: grows whenever something changed that a panel shows.
        file_number: counts the files opened; a job's result lands by itself only in its own.
        is_blocking: whether a script waits: then nothing has to be left to the window.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.revision = 0
        self.file_number = 0
        self.is_blocking = False
        self.is_closed = False
        self._worker = Worker(most_jobs=preferences.read_parallel_jobs())
        self._errands = Worker(most_jobs=1, most_calls=ERRAND_THREADS)
        self._wishes: dict[int, Wish] = {}
        self._row_of: dict[int, Row] = {}
        self._landings: deque[LiveLanding] = deque()
        self._news: list[tuple[Any, str]] = []
        self._stepped = 0.0
        self._journal: Journal | None = None

    # What others ask

    @property
    def journal(self) -> Journal:
        """Where jobs are kept on disk."""
        if self._journal is None:
            self._journal = Journal(paths.user_directory("jobs"))
        return self._journal

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to pump for."""
        return bool(self._wishes or self._row_of or self._landings or self._news)

    @property
    def is_writing(self) -> bool:
        """Whether keys are being written, so that the pump should come often."""
        return any(landing.needs_main_thread for landing in self._landings)

    def row(self, key: int) -> Row | None:
        """The row of that key."""
        return next((row for row in self.rows if row.key == key), None)

    def take_news(self) -> list[tuple[Any, str]]:
        """What people should be told once, by whoever can: kind of report and sentence."""
        news, self._news = self._news, []
        return news

    def tell(self, kind: str, sentence: str) -> None:
        """Leave word of something that is no job; a script that waits reports by itself."""
        if not (self.is_blocking or bpy.app.background):
            self._news.append((kind, sentence))

    def _tell(self, kind: str, row: Row) -> None:
        """Leave word of a row's end; a script that waits reports by itself."""
        if not (self.is_blocking or bpy.app.background):
            self._news.append((kind, f"{row.name}: {row.sentence}"))

    def touch(self) -> None:
        """Something that a panel shows has changed."""
        self.revision += 1

    # Threads

    def call(
        self,
        function: Callable[..., Any],
        *arguments: object,
        then: Callable[[Any], None],
        failed: Callable[[MyoSapiensError], None],
        errand: bool = False,
    ) -> None:
        """Run a function in a thread; one of two others is called with what came of it.

        Args:
            function: must not touch Blender's data.
            arguments: what it is given.
            then: is given its result, on the main thread.
            failed: is given what it raised, on the main thread.
            errand: whether it waits for the network, so that nothing should wait for it.
        """
        worker = self._errands if errand else self._worker
        handle = worker.submit_call(function, *arguments)
        self._wishes[handle.number] = Wish(then=then, failed=failed)

    def run_pipeline(self, row: Row, pipeline: Pipeline) -> None:
        """Let a job run; what it tells goes to its row."""
        row.token = pipeline.token
        row.record = pipeline.record
        self._worker.set_most_jobs(preferences.read_parallel_jobs())
        handle = self._worker.submit(pipeline)
        row.handle = handle
        row.set(State.WAITING)
        self._row_of[handle.number] = row
        if row.cancel_wanted:
            handle.cancel()

    # The pump

    def step(self, *, drain_s: float = DRAIN_BUDGET_S, write_s: float | None = None) -> None:
        """Take what the threads told, and write a slice of keys. For the main thread, often.

        Args:
            drain_s: how long to listen to each set of threads.
            write_s: how long to write; None for a share of the time since the last step.
        """
        self._heed_offline()
        for worker in (self._errands, self._worker):
            for handle, message in worker.drain(budget_s=drain_s):
                self.touch()
                self._take(handle, message)
        begun = time.perf_counter()
        if write_s is None:
            least, most = WRITE_BUDGETS_S
            write_s = min(max(WRITE_SHARE * (begun - self._stepped), least), most)
        self._stepped = begun
        self._step_landing(begun + write_s)

    def wait(self, rows: Iterable[Row]) -> None:
        """Pump until these rows are at rest: for scripts, which may block."""
        waiting = list(rows)
        self.is_blocking = True
        try:
            while any(row.is_active for row in waiting):
                self.step(drain_s=1.0, write_s=1.0)
                time.sleep(0.0 if self.is_writing else WAIT_INTERVAL_S)
        finally:
            self.is_blocking = False

    def wait_for_errands(self) -> None:
        """Pump until every call has come back: for scripts, which may block."""
        while self._wishes:
            self.step()
            time.sleep(WAIT_INTERVAL_S)

    def _take(self, handle: Handle, message: object) -> None:
        if isinstance(message, CallDone | CallFailed):
            wish = self._wishes.pop(handle.number, None)
            if wish is None:
                return
            if isinstance(message, CallDone):
                wish.then(message.result)
            else:
                wish.failed(_as_ours(message.error))
            return
        row = self._row_of.get(handle.number)
        if row is None or not isinstance(message, events.Event):
            return
        if handle.pipeline is not None:
            row.record = handle.pipeline.record
        row_events.apply(row, message)
        if isinstance(message, events.TERMINAL):
            del self._row_of[handle.number]
            row.handle = None
            self._ended(row, message)

    def _ended(self, row: Row, message: events.Event) -> None:
        if isinstance(message, events.Failed):
            self._tell("WARNING", row)
        if not isinstance(message, events.Finished):
            return
        self._go_on_to_land(row)
        if row.state is State.READY:
            self._tell("INFO", row)

    def _go_on_to_land(self, row: Row) -> None:
        plan = row.plan
        if plan is None:
            row.say("The result is here: choose a target and press Import.")
        elif plan.file_number != self.file_number:
            row.plan = None
            row.say("Another file was opened meanwhile: choose a target here and press Import.")
        elif plan.target is not None and plan.target.find_armature() is None:
            row.plan = None
            row.say(
                f"The armature {plan.target.name!r} is not in the scene any more: choose another "
                "target and press Import."
            )
        else:
            self.land(row, plan)

    # Landings

    def land(self, row: Row, plan: LandingPlan) -> None:
        """Put a row's result on an armature, after those that are under way."""
        landing = LiveLanding(row, plan, call=self.call, concluded=self._landed)
        self._landings.append(landing)
        row.say("")
        landing.start()
        self.touch()

    def stop_landing(self, row: Row) -> None:
        """Leave off an import; the result stays."""
        for landing in [entry for entry in self._landings if entry.row is row]:
            landing.stop(CancelledError())

    def interrupt_landings(self) -> None:
        """An undo comes, or another file: nothing half done may be in the way."""
        for landing in self._landings:
            landing.interrupt()

    def open_other_file(self) -> None:
        """Another file is being opened: what would land in the old one waits for a click."""
        self.file_number += 1
        for landing in list(self._landings):
            landing.stop(MyoSapiensError("Another file was opened: choose a target, press Import."))

    def _step_landing(self, end: float) -> None:
        ready = (
            entry
            for entry in self._landings
            if entry.needs_main_thread and not any(map(entry.waits_for, self._landings))
        )
        landing = next(ready, None)
        if landing is None:
            return
        reason = "" if self.is_blocking else why_not_write()
        if reason:
            if landing.row.note != reason:
                landing.row.set(State.IMPORTING, note=reason)
                self.touch()
            return
        landing.step(end)
        self.touch()

    def _landed(self, landing: LiveLanding, error: MyoSapiensError | None) -> None:
        self._landings.remove(landing)
        row = landing.row
        row.plan = None
        if error is not None:
            row.set(State.READY)
            stopped = isinstance(error, CancelledError)
            row.say("The import was left off." if stopped else error.sentence, alert=not stopped)
            if not stopped:
                self._tell("WARNING", row)
        else:
            row_events.landed(row, landing)
            self._tell("INFO", row)
            self._note_landed(row)
            if not self.is_blocking:
                push_undo(f"Import {landing.plan.name}")
        self.touch()

    def _note_landed(self, row: Row) -> None:
        if row.token is None:
            return
        self.call(
            _mark_landed,
            self.journal,
            row.token,
            then=lambda _nothing: None,
            failed=lambda error: logger.warning("%s", error.sentence),
        )

    # Ends

    def _heed_offline(self) -> None:
        """Online access was switched off: nothing more is sent; the jobs go on on the service."""
        if not self._row_of or preferences.may_leave():
            return
        for row in self._row_of.values():
            if row.handle is not None and preferences.leaves_machine(row.base_url):
                row.handle.detach()

    def close(self) -> bool:
        """Stop all threads, leave the jobs on the service alone; whether the threads ended."""
        self.is_closed = True
        for landing in list(self._landings):
            landing.stop(CancelledError())
        end = time.monotonic() + CLOSE_LIMIT_S
        for worker in (self._worker, self._errands):
            worker.stop()
        ended = [worker.join(end=end) for worker in (self._worker, self._errands)]
        return all(ended)


def _as_ours(error: Exception) -> MyoSapiensError:
    if isinstance(error, MyoSapiensError):
        return error
    return MyoSapiensError(sentence_of(error))


def _mark_landed(journal: Journal, token: str) -> None:
    record = journal.claim(token)
    try:
        journal.update(record, landed=True)
    finally:
        journal.release(token)


def why_not_write() -> str:
    """A few words why the scene must be left alone at this moment; empty when it need not.

    In the edit, sculpt and paint modes Blender's undo steps hold that mode's data only, so an
    import could not be taken back; a running tool or a render must not find the scene changed.
    """
    if bpy.app.is_job_running("RENDER") or bpy.app.is_job_running("OBJECT_BAKE"):
        return "Imports after the render"
    if bpy.context.mode not in ("OBJECT", "POSE"):
        return "Imports when you leave this mode"
    for window in bpy.context.window_manager.windows:
        tools = [entry.bl_idname for entry in window.modal_operators]
        if any(not name.startswith("MYOSAPIENS_OT") for name in tools):
            return "Imports after the running tool"
    return ""


def push_undo(message: str) -> None:
    """One undo step; in the background there is nobody to take it."""
    if not bpy.app.background:
        bpy.ops.ed.undo_push(message=f"MyoSapiens: {message}")
