# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Blender with a window: times every call that Blender makes to the extension.

Besides, a timer of its own notes how late Blender's loop comes round, and what is imported on
the main thread is noted with the time that took.
"""

from __future__ import annotations

import functools
import importlib
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

PACKAGE = "bl_ext.user_default.myosapiens"
TICK_S = 0.01
# About as often as the tab is drawn anew while a take is sent.
REDRAW_S = 0.15
MAIN = threading.main_thread().ident
# Shorter imports are not worth a line.
IMPORT_NOTED_S = 0.0005
BASES = ("Operator", "Panel", "UIList", "Menu", "Header", "FileHandler", "AddonPreferences")
ENTRIES = (
    "poll", "poll_drop", "draw", "draw_header", "draw_header_preset", "draw_item", "filter_items",
    "draw_filter", "description", "invoke", "execute", "modal", "cancel", "check",
)  # fmt: skip
# Handed to Blender when classes are registered.
CALLBACKS = {
    "properties": ("_is_armature", "_search_characters", "_search_versions", "_character_changed"),
    "preferences": ("_service_changed",),
}
# Parts of calls, to tell what in them takes long; wrapped as soon as the module is there.
PARTS = {
    "session": ("Session.step", "Session._landed", "push_undo"),
    "sidebar": ("show_changes", "look_after"),
    "armature": ("make", "place"),
    "rig_reader": ("read_rig",),
    "compat": ("ActionCurves.__init__", "ActionCurves.add", "ActionCurves.assign"),
    "landing": ("conclude",),
}
REGIONS = (
    ("SpaceView3D", "UI"),
    ("SpaceView3D", "WINDOW"),
    ("SpaceDopeSheetEditor", "WINDOW"),
    ("SpaceOutliner", "WINDOW"),
    ("SpaceProperties", "WINDOW"),
)


class Recorder:
    """All that was measured; times are of `perf_counter`, in seconds.

    Attributes:
        phase: what people are doing at the moment.
        calls: phase, name, start, duration, processor time, number of the call that it is a
            part of (-1 for none), and how often the thread waited and was made to wait in it.
        gaps: time between two ticks, and the phase in which it began.
        draws: phase and kind of each region that Blender drew, where that can be told.
        imports: phase, module, duration, and in which call.
        landings: seconds from the arrival of each result to the end of its import.
    """

    def __init__(self) -> None:
        self.phase = ""
        self.calls: list[list[Any]] = []
        self.gaps: list[tuple[str, float]] = []
        self.draws: list[tuple[str, str]] = []
        self.imports: list[tuple[str, str, float, str]] = []
        self.landings: list[float] = []
        self.landing_began_s = 0.0
        self.last_tick_s, self.ticked_in = time.perf_counter(), ""
        self._running: list[tuple[int, float, Any]] = []

    def begin(self, name: str) -> int:
        """A call begins; returns its number."""
        number = len(self.calls)
        parent = self._running[-1][0] if self._running else -1
        usage = resource.getrusage(resource.RUSAGE_THREAD) if parent < 0 else None
        self.calls.append([self.phase, name, time.perf_counter(), 0.0, 0.0, parent, 0, 0])
        self._running.append((number, time.thread_time(), usage))
        return number

    def end(self, number: int, name: str | None = None) -> None:
        """It ends; its name may have become clear only now."""
        _, began, usage = self._running.pop()
        call = self.calls[number]
        call[4] = time.thread_time() - began
        call[3] = time.perf_counter() - call[2]
        call[1] = name or call[1]
        if usage is not None:
            now = resource.getrusage(resource.RUSAGE_THREAD)
            call[6], call[7] = now.ru_nvcsw - usage.ru_nvcsw, now.ru_nivcsw - usage.ru_nivcsw

    def tick(self) -> float:
        """The timer's."""
        now = time.perf_counter()
        self.gaps.append((self.ticked_in, now - self.last_tick_s))
        self.last_tick_s, self.ticked_in = now, self.phase
        return TICK_S

    def running(self) -> str:
        """What is being called at the moment."""
        return " > ".join(self.calls[number][1] for number, _, _ in self._running)


recorder = Recorder()


def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its calls on the main thread recorded."""

    @functools.wraps(function)
    def run(*arguments: object, **keywords: object) -> Any:  # noqa: ANN401
        if threading.get_ident() != MAIN:
            return function(*arguments, **keywords)
        number = recorder.begin(name)
        try:
            return function(*arguments, **keywords)
        finally:
            recorder.end(number)

    return run


def install() -> None:
    """Wrap everything. The extension is registered anew, because Blender keeps its callbacks."""
    # Drawn in software, each of the samples that smooth a 3D view takes some hundred ms.
    bpy.context.preferences.system.viewport_aa = "OFF"
    package = importlib.import_module(PACKAGE)
    package.unregister()
    for module, names in CALLBACKS.items():
        for name in names:
            _replace(_module(module), name)
    handlers, pump = _module("handlers"), _module("pump")
    _replace(pump, "_watch")
    handlers.HANDLERS = tuple(
        (name, timed(f"handlers.{function.__name__}", function))
        for name, function in handlers.HANDLERS
    )
    package.register()
    for base in BASES:
        for owner in getattr(bpy.types, base).__subclasses__():
            if owner.__module__.startswith(PACKAGE):
                _wrap_class(owner)
    for module in PARTS:
        _wrap_parts(f"{PACKAGE}.blender.{module}")
    _wrap_landings()
    _watch_imports()
    _watch_draws()
    for timer in (recorder.tick, _redraw):
        bpy.app.timers.register(timer, persistent=True)


def _module(name: str) -> Any:  # noqa: ANN401
    return importlib.import_module(f"{PACKAGE}.blender.{name}")


def _replace(owner: Any, name: str) -> None:  # noqa: ANN401
    module = owner.__name__.rpartition(".")[2]
    setattr(owner, name, _for_blender(f"{module}.{name}", getattr(owner, name)))


def _for_blender(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with as many arguments as before: Blender counts them, and passes so many."""
    names = ", ".join(f"a{number}" for number in range(function.__code__.co_argcount))
    return eval(f"lambda {names}: run({names})", {"run": timed(name, function)})  # noqa: S307


def _wrap_class(owner: type) -> None:
    for name in ENTRIES:
        home = next((base for base in owner.__mro__ if name in vars(base)), None)
        if home is None or not home.__module__.startswith(PACKAGE):
            continue
        found = vars(home)[name]
        shown = f"{owner.__name__.removeprefix('MYOSAPIENS_')}.{name}"
        if isinstance(found, classmethod):
            setattr(owner, name, classmethod(_for_blender(shown, found.__func__)))
        else:
            setattr(owner, name, _for_blender(shown, found))


def _wrap_parts(module_name: str) -> None:
    """Wrap the parts of a module, if it is there and they are not wrapped yet."""
    package, _, short = module_name.rpartition(".")
    module = sys.modules.get(module_name)
    if module is None or package != f"{PACKAGE}.blender":
        return
    for path in PARTS.get(short, ()):
        owner_name, _, name = path.rpartition(".")
        owner = getattr(module, owner_name) if owner_name else module
        function = getattr(owner, name)
        if not hasattr(function, "__wrapped__"):
            setattr(owner, name, timed(f"{short}.{path}", function))


def _wrap_landings() -> None:
    """Phases change by themselves when a result is here, and again when it has been imported."""
    session_type = _module("session").Session
    landing_type = _module("live_landing").LiveLanding
    land, landed, step = session_type.land, session_type._landed, landing_type.step

    def begin(self: Any, *arguments: Any) -> None:  # noqa: ANN401
        recorder.phase, recorder.landing_began_s = "import", time.perf_counter()
        land(self, *arguments)

    def end(self: Any, landing: Any, error: Any) -> None:  # noqa: ANN401
        landed(self, landing, error)
        recorder.landings.append(time.perf_counter() - recorder.landing_began_s)
        recorder.phase = "after"

    def named_step(self: Any, end_s: float) -> None:  # noqa: ANN401
        number = recorder.begin(f"step: {self.stage.name.lower()}")
        try:
            step(self, end_s)
        finally:
            recorder.end(number, "step: conclude" if self.stage.name == "END" else None)

    session_type.land, session_type._landed, landing_type.step = begin, end, named_step


def _watch_imports() -> None:
    """Note what the main thread imports, or waits for while another thread imports it."""
    machinery = sys.modules["_frozen_importlib"]
    for name in ("_find_and_load", "_lock_unlock_module"):
        setattr(machinery, name, _noted(getattr(machinery, name)))


def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    depth = threading.local()

    def run(module: str, *arguments: object) -> Any:  # noqa: ANN401
        level = depth.level = getattr(depth, "level", 0) + 1
        started = time.perf_counter()
        try:
            return function(module, *arguments)
        finally:
            spent = time.perf_counter() - started
            depth.level -= 1
            _wrap_parts(module)
            is_main = threading.get_ident() == MAIN
            if is_main and level == 1 and spent > IMPORT_NOTED_S:
                recorder.imports.append((recorder.phase, module, spent, recorder.running()))

    return run


def _redraw() -> float:
    """Have the sidebar drawn while that is the only thing to be measured."""
    if recorder.phase == "redraws":
        areas = bpy.context.window_manager.windows[0].screen.areas
        for area in (area for area in areas if area.type == "VIEW_3D"):
            next(region for region in area.regions if region.type == "UI").tag_redraw()
    return REDRAW_S


def _watch_draws() -> None:
    """Count what is drawn: the tab that changed, or more than that."""
    for space, region in REGIONS:
        drawn = functools.partial(_drawn, f"{space.removeprefix('Space')} {region}")
        getattr(bpy.types, space).draw_handler_add(drawn, (), region, "POST_PIXEL")


def _drawn(region: str) -> None:
    recorder.draws.append((recorder.phase, region))


# What the benchmark asks for


def choose(take: str, markerset: str) -> None:
    """Fill the panel; the take is read in a thread from now on."""
    group = bpy.context.scene.myosapiens
    entry = group.takes.add()
    entry.name, entry.filepath = Path(take).name, take
    group.markerset, group.target, group.rate = markerset, "NEW", "CAPTURE"
    kept = bpy.context.preferences.addons[PACKAGE].preferences
    kept.poll_interval_s = 0.5
    recorder.phase = "transfer"


def is_read(take: str, markerset: str) -> bool:
    """Whether the take's summary is there."""
    return _module("live").summaries().find(take, markerset) is not None


def is_connected() -> bool:
    """Whether the account is known."""
    return _module("live").account().link.name == "CONNECTED"


def press() -> list[str]:
    """Press Retarget."""
    return list(bpy.ops.myosapiens.retarget("INVOKE_DEFAULT"))


def state() -> list[str]:
    """State of the newest job, and what it says."""
    row = _module("live").session().rows[0]
    return [row.state.name, row.sentence, str(row.files[0].parent) if row.files else ""]


def is_at_rest() -> bool:
    """Whether nothing is to be done any more."""
    session = _module("live").session()
    return not session.is_busy and not session.rows[0].is_active


def new_file() -> None:
    """Open a new file, as people do between two takes."""
    recorder.phase = "other"
    bpy.ops.wm.read_homefile()


def measure_references() -> dict[str, float]:
    """The same work without the session: a second undo step, and an import at one go."""
    recorder.phase = "other"
    started = time.perf_counter()
    bpy.ops.ed.undo_push(message="Nothing")
    undo = time.perf_counter() - started
    files = _module("live").session().rows[0].files
    options = _module("landing_options").LandingOptions(new_armature=True, rate="capture")
    started = time.perf_counter()
    _module("landing").land(list(files), name="At one go", options=options)
    return {"undo": undo, "land": time.perf_counter() - started}


def save(path: str) -> None:
    """Write down all that was measured."""
    found = {
        "blender": bpy.app.version_string,
        "calls": recorder.calls,
        "gaps": recorder.gaps,
        "draws": recorder.draws,
        "imports": recorder.imports,
        "landings": recorder.landings,
    }
    Path(path).write_text(json.dumps(found))
