# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Blender with a window: does what the test process asks for over a socket.

It calls the test process, so nobody else can give it orders; when the test process hangs up,
Blender ends. A thread reads the orders. Python is run on Blender's main thread, by a timer;
programs (mouse, keyboard, pictures of the screen) are run in the thread, while Blender goes on.
An order whose value is a generator goes on for one step in each turn of Blender's loop, and its
answer is what it returns.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

bpy: Any = importlib.import_module("bpy")

IDLE_S = 0.01
Json = Any


class Channel:
    """The line to the test process, and the orders that wait for the main thread."""

    def __init__(self, port: int, namespace: dict[str, Any]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.namespace = namespace
        self.orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.current: dict[str, Any] = {}
        self.running: Generator[None, None, Any] | None = None
        self.lock = threading.Lock()

    def read(self) -> None:
        """Take orders until the test process hangs up; this is the thread's work."""
        for line in self.socket.makefile(encoding="utf-8"):
            order = json.loads(line)
            if order["kind"] == "run":
                self._answer(order, _run(order["source"]))
            else:
                self.orders.put(order)
        os._exit(3)

    def pump(self) -> float:
        """One turn on the main thread; returns when the next is due."""
        try:
            if self.running is not None:
                next(self.running)
            elif not self.orders.empty():
                self._start(self.orders.get())
        except StopIteration as end:
            self._finish({"value": end.value})
        except Exception:  # noqa: BLE001
            # Whatever it was, the test process raises it.
            self._finish({"error": traceback.format_exc()})
        return IDLE_S if self.running is None else 0.0

    def _start(self, order: dict[str, Any]) -> None:
        self.current = order
        code = compile(order["source"], order["name"], order["kind"], dont_inherit=True)
        # A timer has no window in its context; most of what is asked for needs one.
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            value = eval(code, self.namespace)  # noqa: S307
        if isinstance(value, Generator):
            self.running = value
        else:
            self._finish({"value": value})

    def _finish(self, answer: dict[str, Any]) -> None:
        self.running = None
        self._answer(self.current, answer)

    def _answer(self, order: dict[str, Any], answer: dict[str, Any]) -> None:
        line = json.dumps({**answer, "number": order["number"]}, default=_plain)
        with self.lock:
            self.socket.sendall(line.encode() + b"\n")


def _plain(value: object) -> Json:
    """A vector, colour or collection as a list; what is no such thing as its text."""
    try:
        return list(value)  # type: ignore[call-overload]
    except TypeError:
        return repr(value)


def _run(command: list[str]) -> dict[str, Any]:
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": str(error)}
    if run.returncode != 0:
        return {"error": f"{command}: exit code {run.returncode}\n{run.stdout}{run.stderr}"}
    return {"value": run.stdout}


def _beside(name: str) -> ModuleType:
    """The module of that name in this folder, which is on no path of Blender's."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    widgets, panels = _beside("inside_widgets"), _beside("inside_panels")
    marks = _beside("inside_marks")
    widgets.count_draws()
    ours = {"widgets": widgets, "panels": panels, "marks": marks}
    namespace = {"bpy": bpy, **ours, "__name__": "__main__"}
    channel = Channel(int(os.environ["MYOSAPIENS_GUI_PORT"]), namespace)
    threading.Thread(target=channel.read, daemon=True, name="channel").start()
    bpy.app.timers.register(channel.pump, persistent=True)


main()
