# SPDX-License-Identifier: GPL-3.0-or-later
"""People go on working in the window while a job runs; nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.conftest import LiveService
from tests.gui.panel_bench import PanelBench, slow_service
from tests.gui.real_window import RealWindow

SOLVE_DELAY_S = 6
# Longer than the pump runs at a stretch.
LONG_DELAY_S = 20
WINDOWS = "bpy.context.window_manager.windows"
FIRST = f"window={WINDOWS}[0]"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with slow_service(tmp_path_factory.mktemp("slow"), delay_s=SOLVE_DELAY_S) as service:
        yield service


@pytest.fixture(scope="module")
def prepared(window: RealWindow, service: LiveService) -> PanelBench:
    bench = PanelBench(window)
    bench.prepare()
    bench.use(service)
    return bench


@pytest.fixture
def bench(prepared: PanelBench, service: LiveService) -> PanelBench:
    """An empty file, no job, and the usual service."""
    prepared.use(service)
    prepared.window.exec(
        f"with bpy.context.temp_override({FIRST}):\n"
        "    bpy.ops.wm.read_homefile(use_empty=False, use_factory_startup=True)\n"
        "live.session().rows.clear(); live.session().touch()"
    )
    prepared.window.show_tab("MyoSapiens")
    return prepared


def begin(bench: PanelBench) -> None:
    """Send the sample, and wait until the service is at work on it."""
    bench.choose()
    call(bench, "myosapiens.retarget('INVOKE_DEFAULT')")
    bench.wait_for("RUNNING")


def call(bench: PanelBench, operator: str) -> None:
    bench.window.exec(f"with bpy.context.temp_override({FIRST}):\n    bpy.ops.{operator}")


def in_view(bench: PanelBench) -> tuple[int, int]:
    left, top, _, _ = bench.window.region()
    return left - 300, top + 300


def pumps(bench: PanelBench) -> str:
    """An expression: whether the modal operator runs, in any window."""
    return (
        f"any(entry.bl_idname == 'MYOSAPIENS_OT_follow_jobs' for window in {WINDOWS} "
        "for entry in window.modal_operators)"
    )


def test_tools_undo_and_another_workspace(
    bench: PanelBench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with slow_service(tmp_path_factory.mktemp("slower"), delay_s=LONG_DELAY_S) as slower:
        bench.use(slower)
        begin(bench)
        work_on(bench)
        assert bench.rows()[0]["state"] == "RUNNING"
        assert bench.wait_for("DONE", "READY", "FAILED")["state"] == "DONE"
    window = bench.window
    assert window.eval(f"{WINDOWS}[0].scene.frame_current") == 42
    assert bench.moves("walk")
    window.exec(f"{WINDOWS}[0].workspace = bpy.data.workspaces['Layout']")


def work_on(bench: PanelBench) -> None:
    """Move something, undo it, go to another workspace, scrub."""
    window = bench.window
    assert window.eval(pumps(bench))
    view = in_view(bench)
    window.key("g", at=view)
    window.move(view[0] + 60, view[1])
    window.key("Return")
    window.wait_until("bpy.data.objects['Cube'].location.length > 0.1")
    window.key("ctrl+z", at=view)
    window.wait_until("bpy.data.objects['Cube'].location.length < 0.01")
    window.exec(f"{WINDOWS}[0].workspace = bpy.data.workspaces['Animation']")
    window.exec(f"{WINDOWS}[0].scene.frame_set(42)")


def test_a_tool_in_hand_is_not_disturbed(bench: PanelBench) -> None:
    window = bench.window
    begin(bench)
    view = in_view(bench)
    window.key("g", at=view)
    window.move(view[0] + 40, view[1])
    window.wait_until("rows()[0]['note'] == 'Imports after the running tool'")
    assert window.eval("len(bpy.data.actions)") == 0
    window.key("Escape")
    bench.wait_for("DONE")
    assert window.eval("bpy.data.objects['Cube'].location.length") < 0.01


def test_edit_mode_is_not_disturbed(bench: PanelBench) -> None:
    window = bench.window
    begin(bench)
    window.key("Tab", at=in_view(bench))
    window.wait_until("bpy.context.mode == 'EDIT_MESH'")
    window.wait_until("rows()[0]['note'] == 'Imports when you leave this mode'")
    assert window.eval("bpy.context.mode") == "EDIT_MESH"
    window.key("Tab", at=in_view(bench))
    bench.wait_for("DONE")
    window.key("ctrl+z", at=in_view(bench))
    window.wait_until("not bpy.data.actions and 'walk' not in bpy.data.objects")


def test_the_window_that_began_may_be_closed(bench: PanelBench) -> None:
    window = bench.window
    call(bench, "wm.window_new_main()")
    window.wait_until(f"len({WINDOWS}) == 2")
    bench.choose()
    window.exec(
        f"with bpy.context.temp_override(window={WINDOWS}[1]):\n"
        "    bpy.ops.myosapiens.retarget('INVOKE_DEFAULT')"
    )
    bench.wait_for("RUNNING")
    assert window.eval(pumps(bench))
    window.exec(
        "from bl_ext.user_default.myosapiens.blender import pump\n"
        "its = pump.MYOSAPIENS_OT_follow_jobs.running[0]._window\n"
        "with bpy.context.temp_override(window=its):\n    bpy.ops.wm.window_close()"
    )
    window.wait_until(f"len({WINDOWS}) == 1")
    window.wait_until(pumps(bench), timeout_s=60)
    bench.wait_for("DONE")
    assert bench.moves("walk")


@pytest.mark.parametrize("way", ["new", "open"])
def test_another_file_is_opened(bench: PanelBench, way: str, tmp_path: Path) -> None:
    window = bench.window
    path = tmp_path / "other.blend"
    call(bench, f"wm.save_as_mainfile(filepath={str(path)!r}, copy=True)")
    begin(bench)
    opened = "wm.read_homefile(use_factory_startup=True)"
    call(bench, opened if way == "new" else f"wm.open_mainfile(filepath={str(path)!r})")
    row = bench.wait_for("READY", "DONE", "FAILED")
    assert row["state"] == "READY"
    assert "Another file was opened meanwhile" in row["sentence"]
    assert window.eval("len(bpy.data.actions)") == 0
    window.show_tab("MyoSapiens")
    window.exec("settings().target = 'NEW'")
    window.press("myosapiens.import_job")
    bench.wait_for("DONE")
    assert bench.moves("walk")


def test_a_render_is_waited_for(bench: PanelBench) -> None:
    window = bench.window
    window.exec(
        f"scene = {WINDOWS}[0].scene\n"
        "scene.render.engine = 'CYCLES'; scene.cycles.samples = 4096\n"
        "scene.cycles.use_adaptive_sampling = False; scene.cycles.use_denoising = False"
    )
    begin(bench)
    call(bench, "render.render('INVOKE_DEFAULT')")
    window.wait_until("bpy.app.is_job_running('RENDER')")
    window.wait_until("rows()[0]['note'] == 'Imports after the render'")
    assert window.eval("bpy.app.is_job_running('RENDER') and not bpy.data.actions")
    window.key("Escape", at=in_view(bench))
    window.wait_until("not bpy.app.is_job_running('RENDER')")
    bench.wait_for("DONE")


def test_the_pump_steps_aside_now_and_then(
    bench: PanelBench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Blender saves no file automatically while a modal operator runs."""
    window = bench.window
    with slow_service(tmp_path_factory.mktemp("slower"), delay_s=LONG_DELAY_S) as slower:
        bench.use(slower)
        begin(bench)
        window.exec(
            "gaps = []\n"
            "def look():\n"
            f"    if not {pumps(bench)}: gaps.append(1)\n"
            "    return 0.01 if rows()[0]['state'] == 'RUNNING' else None\n"
            "bpy.app.timers.register(look)"
        )
        bench.wait_for("DONE")
        # Blender tries again every 10 ms.
        assert window.eval("len(gaps)") > 3


def test_disabling_and_enabling_keeps_the_job(bench: PanelBench, service: LiveService) -> None:
    window = bench.window
    begin(bench)
    job_id = bench.rows()[0]["job_id"]
    window.exec(
        "import addon_utils\n"
        "addon_utils.disable('bl_ext.user_default.myosapiens')\n"
        "addon_utils.enable('bl_ext.user_default.myosapiens')"
    )
    bench.prepare()
    bench.use(service)
    window.wait_until("rows()")
    row = next(row for row in bench.rows() if row["job_id"] == job_id)
    assert row["state"] == "OFFERED"
    window.exec("settings().target = 'NEW'")
    window.exec(f"bpy.ops.myosapiens.retry_job('INVOKE_DEFAULT', key={row['key']})")
    place = [row["job_id"] for row in bench.rows()].index(job_id)
    bench.wait_for("DONE", row=place)
    assert bench.moves("walk")


def test_a_job_is_in_the_list_after_quitting(bench: PanelBench, service: LiveService) -> None:
    window = bench.window
    begin(bench)
    job_id = bench.rows()[0]["job_id"]
    window.close()
    again = RealWindow(window.suite, profile=window.profile, variables=window.variables)
    with again as window:
        bench = PanelBench(window)
        bench.prepare()
        bench.use(service)
        window.wait_until(f"any(row['job_id'] == {job_id!r} for row in rows())")
        rows = bench.rows()
        assert rows[0]["job_id"] == job_id
        assert rows[0]["state"] == "OFFERED"
        window.exec("settings().target = 'NEW'")
        window.press("myosapiens.retry_job")
        bench.wait_for("DONE")
        assert bench.moves("walk")
