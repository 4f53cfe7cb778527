# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own panel in a real window: what it shows, and what is in memory behind it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gui import blenders
from tests.gui.conftest import LiveService
from tests.gui.real_window import RealWindow
from tests.service.harness import launch

TAB = "MyoSapiens"
PACKAGE = "bl_ext.user_default.myosapiens"
SAMPLE = blenders.ROOT / "scripts" / "sample"
TAKE, MARKERSET = SAMPLE / "walk.c3d", SAMPLE / "markerset.xml"
# The real one; what is asked for again and again is solved once (see the module).
SOLVER = "benchmarks.solved_once:run"
# The narrowest sidebar in which nothing may be cut.
NARROW = 300
INSIDE = f"""
import os
from {PACKAGE}.blender import live, properties
def rows():
    return [dict(key=row.key, name=row.name, state=row.state.name, note=row.note,
        sentence=row.sentence, job_id=row.job_id, share=row.share) for row in live.session().rows]
def settings():
    return properties.of_scene(bpy.context.window_manager.windows[0].scene)
def moves(name):
    scene = bpy.context.window_manager.windows[0].scene
    places = []
    for frame in (1, 20):
        scene.frame_set(frame)
        places.append(bpy.data.objects[name].pose.bones['pelvis'].matrix.translation.copy())
    return (places[1] - places[0]).length > 0.05
"""


@contextmanager
def slow_service(folder: Path, *, delay_s: float) -> Generator[LiveService]:
    """A service whose jobs take as long as a test needs to look, or to do something else."""
    running = launch(folder / "data", solver=SOLVER, solve_delay=delay_s)
    try:
        yield LiveService(base_url=running.base_url, api_key=running.api_key)
    finally:
        running.stop()


@dataclass
class PanelBench:
    """A window with the tab open, and shortcuts to what tests ask most."""

    window: RealWindow

    def prepare(self) -> None:
        """Our own modules at hand in the channel, and the tab open."""
        self.window.exec(INSIDE)
        self.window.show_tab(TAB)

    def use(self, service: LiveService) -> None:
        """Talk to that service from now on."""
        variables = {
            "MYOSAPIENS_BASE_URL": service.base_url,
            "MYOSAPIENS_API_KEY": service.api_key,
        }
        self.window.exec(f"os.environ.update({variables!r}); live.account().forget()")

    def choose(self, *takes: Path, markerset: Path = MARKERSET, target: str = "NEW") -> None:
        """Choose takes as a drop on the viewport does; the rest as the panel does."""
        files = [{"name": take.name} for take in takes or (TAKE,)]
        folder = str((takes or (TAKE,))[0].parent)
        self.window.exec(
            "settings().takes.clear()\n"
            "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
            "    bpy.ops.myosapiens.add_takes('INVOKE_DEFAULT', "
            f"directory={folder!r}, files={files!r})\n"
            f"settings().markerset = {str(markerset)!r}\n"
            f"settings().target = {target!r}"
        )

    def rows(self) -> list[dict[str, Any]]:
        """The jobs in the list."""
        return self.window.eval("rows()")

    def wait_for(self, *states: str, row: int = 0, timeout_s: float = 120.0) -> dict[str, Any]:
        """Wait until a job of the list has one of the states."""
        wanted = f"len(rows()) > {row} and rows()[{row}]['state'] in {states!r}"
        self.window.wait_until(wanted, timeout_s=timeout_s)
        return self.rows()[row]

    def send(self) -> None:
        """Press Retarget once the summary is there."""
        self.window.wait_until(
            "all(live.summaries().find(properties.absolute(take.filepath), "
            "properties.absolute(settings().markerset)) for take in settings().takes)"
        )
        before = len(self.rows())
        self.window.press("myosapiens.retarget")
        self.window.wait_until(f"len(rows()) > {before}")

    def moves(self, name: str) -> bool:
        """Whether the armature of that name moves by its action."""
        return self.window.eval(f"moves({name!r})")

    def sidebar_shot(self, name: str) -> Path:
        """A picture of the sidebar as it stands."""
        return self.window.shot(f"{self.window.suite}/{name}.png", self.window.region())
