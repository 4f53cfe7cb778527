# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the session going while people work: a modal timer operator, and a watch that starts it.

The operator holds no state. It ends with its window, with another file, and by itself every
little while: Blender saves no file automatically as long as a modal operator runs, so it steps
aside for a moment now and then. The watch, an application timer, starts it again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

import bpy

from . import compat, live, sidebar, window_starter
from .compat import current_scene

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from .session import Session

logger = logging.getLogger(__name__)

CALM_INTERVAL_S = 0.1
WRITING_INTERVAL_S = 0.02
WATCH_INTERVAL_S = 0.25
# Blender tries to save automatically every 10 ms once that is due.
RUN_LIMIT_S = 15.0


class MYOSAPIENS_OT_follow_jobs(bpy.types.Operator):
    """Follow the running jobs; the extension starts this by itself."""

    bl_idname = "myosapiens.follow_jobs"
    bl_label = "Follow Jobs"
    bl_options = {"INTERNAL"}

    running: ClassVar[list[MYOSAPIENS_OT_follow_jobs]] = []

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Timer events of others must not start it."""
        return window_starter.is_asked()

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Begin."""
        window_starter.forget()
        if self.running:
            return {"CANCELLED"}
        self._window_manager = context.window_manager
        self._window = context.window
        self._interval_s = 0.0
        self._timer: Any = None
        self._ends_s = time.monotonic() + RUN_LIMIT_S
        self._set_interval(CALM_INTERVAL_S)
        context.window_manager.modal_handler_add(self)
        self.running.append(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        """Pump at each tick; all other events are the user's."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        return self._tick(live.session())

    def _tick(self, session: Session) -> set[str]:
        session.step()
        sidebar.show_changes()
        news = session.take_news()
        if news:
            # Blender shows an operator's reports when it ends; the watch starts the next one.
            for kind, sentence in news:
                self.report({kind}, sentence)
            self._stop()
            return {"FINISHED"}
        rests = time.monotonic() >= self._ends_s and not session.is_writing
        if rests or not session.is_busy:
            self._stop()
            return {"FINISHED"}
        self._set_interval(WRITING_INTERVAL_S if session.is_writing else CALM_INTERVAL_S)
        return {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        """The window is closed, or another file opened: the jobs go on."""
        self._stop()

    def _set_interval(self, seconds: float) -> None:
        if seconds == self._interval_s:
            return
        self._drop_timer()
        self._timer = self._window_manager.event_timer_add(seconds, window=self._window)
        self._interval_s = seconds

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._window_manager.event_timer_remove(self._timer)
            self._timer = None

    def _stop(self) -> None:
        self._drop_timer()
        if self in self.running:
            self.running.remove(self)


def _watch() -> float:
    """Start what has to be started. Reads memory only, and never raises."""
    try:
        _look_after()
    except Exception:
        # An application timer that raises is never called again: no job would be followed.
        logger.exception("The watch over the jobs stumbled.")
    return WATCH_INTERVAL_S


def _look_after() -> None:
    session = live.session()
    first_window = next(iter(bpy.context.window_manager.windows), None)
    if first_window is None:
        return
    sidebar.look_after(current_scene())
    if session.is_busy and not MYOSAPIENS_OT_follow_jobs.running:
        window_starter.ask(first_window)
    sidebar.show_changes()


classes = (MYOSAPIENS_OT_follow_jobs,)
_register, _unregister = compat.registrars(classes)


def register() -> None:
    """Add the operator, and start the watch where there is a window to watch."""
    _register()
    window_starter.register(MYOSAPIENS_OT_follow_jobs.bl_idname)
    if not bpy.app.background:
        bpy.app.timers.register(_watch, first_interval=WATCH_INTERVAL_S, persistent=True)


def unregister() -> None:
    """Stop both."""
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)
    window_starter.unregister()
    for operator in list(MYOSAPIENS_OT_follow_jobs.running):
        operator._stop()
    _unregister()
