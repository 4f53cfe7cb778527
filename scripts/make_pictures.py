# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the panel's pictures for the README and the user guide, in a real Blender's window."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import _env

if TYPE_CHECKING:
    from tests.gui.panel_bench import PanelBench

ROOT = _env.ROOT
sys.path.insert(0, str(ROOT))
IMAGES = ROOT / "docs" / "images"
KEY = "ak_local_pictures_only"
# What the documentation shows.
SCREEN = (1600, 900)
# A person and their floor, seen from the front and a little from above.
STAGE = """
for name in ("Cube", "Camera", "Light"):
    bpy.data.objects.remove(bpy.data.objects[name])
view = widgets.area_of("VIEW_3D").spaces.active
view.region_3d.view_location = (0.5, 0.1, 0.85)
view.region_3d.view_distance = 4.2
view.region_3d.view_rotation = (0.77, 0.46, 0.22, 0.37)
view.overlay.show_cursor = False
"""


def main(arguments: list[str] | None = None) -> int:
    """Make all pictures anew; returns 2 where there is no real Blender to make them in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="sid", help="which real Blender (default: sid)")
    options = parser.parse_args(arguments)
    from tests.gui import blenders

    reason = blenders.why_not(options.suite)
    if reason:
        sys.stderr.write(f"No pictures were made: {reason}.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        for path in _take_all(options.suite, Path(folder)):
            print(path)
    return 0


def _take_all(suite: str, folder: Path) -> Iterator[Path]:
    """One picture after the other, of one job from its choice to its end."""
    with _bench(suite, folder) as bench:
        window = bench.window
        window.wait_until("live.account().link.name == 'CONNECTED'")
        window.exec(STAGE)
        _choose(bench, folder)
        window.scroll_to_top()
        yield _crop(bench, "panel-ready.png")
        window.find("myosapiens.fetch_jobs")
        bench.send()
        bench.wait_for("RUNNING")
        yield _crop(bench, "panel-running.png")
        bench.wait_for("DONE", timeout_s=120.0)
        window.exec("bpy.context.window_manager.windows[0].scene.frame_set(58)")
        window.find("myosapiens.fetch_jobs")
        yield _crop(bench, "panel-finished.png")
        left, top, right, bottom = window.region(("VIEW_3D", "WINDOW"))
        yield window.shot(IMAGES / "window.png", (left, top, right, bottom))
        _fail(bench, folder)
        window.find("myosapiens.fetch_jobs")
        yield _crop(bench, "panel-failed.png")


def _choose(bench: PanelBench, folder: Path) -> None:
    """The sample, beside a saved file: so no picture shows a path of this machine."""
    for name in ("walk.c3d", "markerset.xml"):
        shutil.copy(ROOT / "scripts" / "sample" / name, folder)
    blend = str(folder / "scene.blend")
    bench.window.exec(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):\n"
        f"    bpy.ops.wm.save_as_mainfile(filepath={blend!r}, copy=False)"
    )
    bench.choose(folder / "walk.c3d")
    bench.window.exec("settings().markerset = '//markerset.xml'")
    bench.window.wait_until(
        "live.summaries().find(properties.absolute(settings().takes[0].filepath), "
        "properties.absolute(settings().markerset))"
    )


def _fail(bench: PanelBench, folder: Path) -> None:
    """A take that is damaged after it was chosen."""
    (folder / "walk.c3d").write_bytes(b"no take")
    bench.window.press("myosapiens.retarget")
    bench.wait_for("FAILED")


def _crop(bench: PanelBench, name: str) -> Path:
    return bench.window.shot(IMAGES / name, bench.window.region())


@contextmanager
def _bench(suite: str, folder: Path) -> Generator[PanelBench]:
    """A window with the extension as it stands, and a service of its own."""
    import build
    import demo
    from tests.gui import blenders
    from tests.gui.panel_bench import NARROW, PanelBench
    from tests.gui.real_window import RealWindow

    profile = folder / "profile"
    profile.mkdir()
    blenders.install(suite, build.build(folder / "dist"), profile)
    with demo.local_service(folder / "service", KEY) as base_url:
        variables = {"MYOSAPIENS_BASE_URL": base_url, "MYOSAPIENS_API_KEY": KEY}
        with RealWindow(suite, profile=profile, variables=variables, size=SCREEN) as window:
            bench = PanelBench(window)
            bench.prepare()
            bench.window.set_sidebar_width(NARROW)
            yield bench


if __name__ == "__main__":
    _env.enter()
    raise SystemExit(main())
