# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job from the sidebar, by mouse and keyboard, with a picture of each state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.conftest import LiveService
from tests.gui.panel_bench import MARKERSET, NARROW, TAKE, PanelBench, slow_service
from tests.gui.real_window import RealWindow

PANELS = (
    "MYOSAPIENS_PT_connection", "MYOSAPIENS_PT_take", "MYOSAPIENS_PT_subject",
    "MYOSAPIENS_PT_advanced", "MYOSAPIENS_PT_target", "MYOSAPIENS_PT_bone_map",
    "MYOSAPIENS_PT_motion", "MYOSAPIENS_PT_character", "MYOSAPIENS_PT_retarget",
    "MYOSAPIENS_PT_jobs", "MYOSAPIENS_PT_files", "MYOSAPIENS_PT_on_service",
)  # fmt: skip
CLOSED = LiveService(base_url="http://127.0.0.1:9", api_key="ak_local_nobody")
# By its number: for its name xdotool would hold Alt too.
F3 = "69"
SOLVE_DELAY_S = 10
BROWSING = (
    "any(area.type == 'FILE_BROWSER' for area in "
    "bpy.context.window_manager.windows[0].screen.areas)"
)
# Below the headings of the columns.
FIRST_FILE_PIXELS = 34


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with slow_service(tmp_path_factory.mktemp("slow"), delay_s=SOLVE_DELAY_S) as service:
        yield service


@pytest.fixture(scope="module")
def bench(window: RealWindow, service: LiveService) -> PanelBench:
    bench = PanelBench(window)
    bench.prepare()
    bench.window.set_sidebar_width(NARROW)
    bench.use(service)
    return bench


def test_the_panels_stand_in_the_order_of_the_work(bench: PanelBench) -> None:
    window = bench.window
    window.wait_until("live.account().link.name == 'CONNECTED'")
    assert window.sidebar_width == NARROW
    order = window.eval("panels.headers('MyoSapiens', 'VIEW_3D')")
    assert tuple(order) == PANELS
    assert not window.is_enabled(window.find("myosapiens.retarget"))
    window.scroll_to_top()
    bench.sidebar_shot("empty")


def test_a_take_is_chosen_in_the_file_browser(bench: PanelBench) -> None:
    window = bench.window
    window.press("myosapiens.add_takes")
    window.wait_until(BROWSING)
    window.settle(20)
    window.enter("directory", f"{TAKE.parent}/", where=("FILE_BROWSER", "UI"))
    left, top, _, _ = window.region(("FILE_BROWSER", "WINDOW"))
    # In Blender 5 the first click only leaves the field that was typed in.
    for _ in range(2):
        window.click(left + 60, top + FIRST_FILE_PIXELS)
        window.settle(60)
    window.press("file.execute", where=("FILE_BROWSER", "EXECUTE"))
    window.wait_until(f"not {BROWSING}")
    assert window.eval("[take.filepath for take in settings().takes]") == [str(TAKE)]


def test_a_markerset_is_typed_and_a_take_is_summarised_at_once(bench: PanelBench) -> None:
    window = bench.window
    window.exec("settings().target = 'NEW'")
    window.enter("markerset", str(MARKERSET))
    window.wait_until(
        f"(found := live.summaries().find({str(TAKE)!r}, {str(MARKERSET)!r})) "
        "and found.score == '39/39'"
    )
    window.scroll_to_top()
    bench.sidebar_shot("ready")
    assert window.is_enabled(window.find("myosapiens.retarget"))


def test_character_height_and_target_are_chosen_with_the_mouse(bench: PanelBench) -> None:
    window = bench.window
    label = window.eval("live.account().catalogue.entries[0].label")
    window.search("character", label[:4])
    window.wait_until(f"settings().character == {label!r}")
    assert window.eval("settings().character_id")
    window.click_prop("use_height")
    window.enter("height_m", "1.8")
    assert window.eval("round(settings().height_m, 3)") == pytest.approx(1.8)
    window.choose("gender", 3)
    assert window.eval("settings().gender") == "MALE"
    window.unfold("MYOSAPIENS_PT_advanced")
    bench.sidebar_shot("subject")
    window.fold("MYOSAPIENS_PT_advanced")


def test_a_click_on_retarget_ends_in_an_action_and_one_undo_takes_it_back(
    bench: PanelBench,
) -> None:
    window = bench.window
    window.find("myosapiens.fetch_jobs")
    bench.send()
    bench.wait_for("RUNNING")
    bench.sidebar_shot("running")
    # A second click, as by accident: asks, and a click elsewhere sends nothing.
    window.press("myosapiens.retarget")
    window.settle(20)
    window.shot(f"{window.suite}/asked.png")
    window.key("Escape")
    bench.wait_for("DONE")
    assert len(bench.rows()) == 1
    assert bench.moves("walk")
    window.find("myosapiens.fetch_jobs")
    bench.sidebar_shot("finished")
    left, top, _, _ = window.region()
    in_view = (left - 300, top + 300)
    window.key("ctrl+z", at=in_view)
    window.wait_until("not bpy.data.actions and 'walk' not in bpy.data.objects")
    window.key("ctrl+shift+z", at=in_view)
    window.wait_until("'walk' in bpy.data.objects")
    assert bench.moves("walk")


def test_a_take_that_would_fail_has_a_red_line_and_a_grey_button(
    bench: PanelBench, tmp_path: Path
) -> None:
    window = bench.window
    broken = tmp_path / "a_take_with_a_rather_long_name_that_was_cut_off.c3d"
    broken.write_bytes(TAKE.read_bytes()[:20_000])
    bench.choose(TAKE, broken)
    shutil.copy(TAKE, tmp_path / "other.c3d")
    window.exec(f"settings().takes[1].filepath = {str(broken)!r}")
    window.exec("live.summaries().forget()")
    window.wait_until(
        f"(found := live.summaries().find({str(broken)!r}, {str(MARKERSET)!r})) and found.errors"
    )
    window.scroll_to_top()
    bench.sidebar_shot("would_fail")
    assert not window.is_enabled(window.find("myosapiens.retarget"))


def test_a_job_that_fails_says_so_in_its_row(bench: PanelBench, tmp_path: Path) -> None:
    window = bench.window
    take = tmp_path / "vanishing.c3d"
    shutil.copy(TAKE, take)
    bench.choose(take)
    window.wait_until(f"live.summaries().find({str(take)!r}, {str(MARKERSET)!r})")
    take.write_bytes(b"this is no take at all")
    window.press("myosapiens.retarget")
    row = bench.wait_for("FAILED")
    assert "vanishing.c3d" in row["sentence"]
    # One report, and the pump is done.
    window.wait_until("not live.session().is_busy")
    assert window.words().count("vanishing: vanishing.c3d is no C3D file") == 1
    window.find("myosapiens.fetch_jobs")
    bench.sidebar_shot("failed")
    window.press("myosapiens.copy_details") if window.is_visible(
        "myosapiens.copy_details"
    ) else None


def test_search_finds_the_operators(bench: PanelBench) -> None:
    window = bench.window
    left, top, _, _ = window.region()
    window.key(F3, at=(left - 300, top + 300))
    window.settle(20)
    window.type_text("read files again")
    window.settle(30)
    window.shot(f"{window.suite}/search.png")
    window.exec(
        "forgotten = []; kept = live.summaries().forget\n"
        "live.summaries().forget = lambda: (forgotten.append(1), kept())"
    )
    window.key("Return")
    window.wait_until("forgotten")


def test_unreachable_refused_and_offline_are_told(bench: PanelBench, service: LiveService) -> None:
    window = bench.window
    bench.choose()
    bench.use(CLOSED)
    window.wait_until("live.account().link.name == 'UNREACHABLE'", timeout_s=60)
    window.scroll_to_top()
    bench.sidebar_shot("unreachable")
    bench.use(LiveService(base_url=service.base_url, api_key="ak_local_wrong_key_0123"))
    window.wait_until("live.account().link.name == 'REFUSED'", timeout_s=60)
    bench.sidebar_shot("refused")
    bench.use(LiveService(base_url="https://service.invalid", api_key=service.api_key))
    window.wait_until("live.account().link.name == 'OFFLINE'")
    window.scroll_to_top()
    bench.sidebar_shot("offline")
    assert not window.is_enabled(window.find("myosapiens.retarget"))
    window.exec("os.environ.pop('MYOSAPIENS_API_KEY')")
    bench.window.exec(f"os.environ['MYOSAPIENS_BASE_URL'] = {service.base_url!r}")
    window.exec("live.account().forget()")
    window.wait_until("live.account().link.name == 'NO_KEY'")
    bench.sidebar_shot("no_key")
    bench.use(service)
    window.press("myosapiens.test_connection")
    window.wait_until("live.account().link.name == 'CONNECTED'")


def test_files_on_the_service_are_listed(bench: PanelBench) -> None:
    window = bench.window
    window.unfold("MYOSAPIENS_PT_on_service")
    window.press("myosapiens.fetch_assets")
    window.wait_until("live.account().assets")
    window.find("myosapiens.delete_asset")
    bench.sidebar_shot("files")
