# SPDX-License-Identifier: GPL-3.0-or-later
"""One running Blender with a window: start it, have Python run in it, end it."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.gui import blenders
from tests.gui.channel import Channel, ChannelClosedError, Json

INSIDE = Path(__file__).with_name("inside.py")
# The first start on a machine compiles shaders, for a minute and more where others are at work.
START_TIMEOUT_S = 240.0
# Longer than any test: the tool ends its Blender after that time.
LIFE_S = 3600
QUIT = "bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.1)"


class BlenderProcess:
    """A Blender on a screen of its own, and the line to it.

    Args:
        suite: which Blender.
        profile: the folder of its preferences and extensions; it is kept.
        variables: environment variables of the extension.
        size: width and height of the screen, which the window fills.
        arguments: what else goes on Blender's command line, such as a file to open.
    """

    def __init__(
        self,
        suite: str,
        *,
        profile: Path,
        variables: dict[str, str] | None = None,
        size: tuple[int, int] = (1200, 900),
        arguments: tuple[str, ...] = (),
    ) -> None:
        self.suite = suite
        self.profile = profile
        self.variables = variables or {}
        self.size = size
        self.arguments = arguments
        self.channel = Channel()
        self.log = Path(tempfile.mkstemp(prefix=f"blender-{suite}-", suffix=".log")[1])
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start Blender and wait until its window is drawn."""
        variables = {**self.variables, "MYOSAPIENS_GUI_PORT": str(self.channel.port)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command(),
                cwd=blenders.ROOT,
                env=blenders.environment(self.profile, variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_for_call()
        self.exec("panels.settle_preferences()", timeout_s=START_TIMEOUT_S)
        self.eval("widgets.redraw(20)", timeout_s=START_TIMEOUT_S)

    def _command(self) -> list[str]:
        size = f"{self.size[0]}x{self.size[1]}"
        tool = [str(blenders.TOOL), "gui", self.suite, "--size", size, "--seconds", str(LIFE_S)]
        return [*tool, "--", *self.arguments, "--python", str(INSIDE)]

    def _wait_for_call(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.channel.accept(timeout_s=0.5):
            if self._ended() or time.monotonic() > deadline:
                raise RuntimeError(f"Blender did not start:\n{self.words()}")

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def words(self) -> str:
        """What Blender has said so far."""
        return self.log.read_text(errors="replace")

    def eval(self, expression: str, *, timeout_s: float = 60.0) -> Json:
        """The value of a Python expression in Blender, as JSON can say it."""
        return self.channel.ask("eval", expression, timeout_s=timeout_s)

    def exec(self, source: str, *, timeout_s: float = 60.0) -> None:
        """Run Python in Blender; its names stay for what comes after."""
        self.channel.ask("exec", source, timeout_s=timeout_s)

    def exec_file(self, path: Path) -> None:
        """Run a file's Python in Blender."""
        self.channel.ask("exec", path.read_text(), name=str(path))

    def run(self, *command: str) -> str:
        """Run a program beside Blender, on its screen; returns what it prints."""
        return self.channel.ask("run", list(command))

    def wait_until(
        self, expression: str, *, timeout_s: float = 90.0, interval_s: float = 0.05
    ) -> Json:
        """Ask until the expression is true; returns its value then."""
        deadline = time.monotonic() + timeout_s
        while not (value := self.eval(expression)):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"waited {timeout_s} s in vain for: {expression}\n{self.words()}"
                )
            time.sleep(interval_s)
        return value

    def close(self) -> None:
        """Quit Blender as a user does, without questions; end it by force when it does not."""
        try:
            self.exec(QUIT, timeout_s=30.0)
            if self.process is not None:
                self.process.wait(timeout=30.0)
        except (ChannelClosedError, TimeoutError, subprocess.TimeoutExpired):
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End Blender and all that belongs to it at once, as a crash would."""
        if self.process is not None and not self._ended():
            self.process.kill()
            self.process.wait()
        self.channel.close()
        self.log.unlink(missing_ok=True)
