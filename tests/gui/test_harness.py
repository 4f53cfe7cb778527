# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness itself, tried on a toy panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.gui.channel import BlenderError
from tests.gui.conftest import LiveService
from tests.gui.real_window import RealWindow

TOY = Path(__file__).with_name("toy_panel.py")
NAME = "bl_ext.user_default.myosapiens"


@pytest.fixture(autouse=True)
def toy(window: RealWindow) -> None:
    """The toy's tab, with its panels and values as they were at first."""
    if not window.eval("hasattr(bpy.types.Scene, 'toy')"):
        window.exec_file(TOY)
        window.show_tab("Toy")
    window.exec("bpy.context.scene.property_unset('toy'); bpy.context.scene.toy.count = 0")


def count(window: RealWindow) -> int:
    return window.eval("bpy.context.scene.toy.count")


def test_python_runs_inside_and_its_errors_come_out(window: RealWindow) -> None:
    assert window.eval("[bpy.context.window is not None, (1, 2)]") == [True, [1, 2]]
    window.exec("kept = 41")
    assert window.eval("kept + 1") == 42
    with pytest.raises(BlenderError, match="ZeroDivisionError"):
        window.exec("1 / 0")
    with pytest.raises(TimeoutError, match="vain"):
        window.wait_until("False", timeout_s=0.2)


def test_the_extension_is_enabled_and_its_service_known(
    window: RealWindow, live_service: LiveService
) -> None:
    assert window.eval(f"{NAME!r} in bpy.context.preferences.addons")
    window.exec("import os")
    assert window.eval("os.environ['MYOSAPIENS_BASE_URL']") == live_service.base_url


def test_a_press_runs_the_operator_and_undo_takes_it_back(window: RealWindow) -> None:
    widget = window.press("toy.count")
    assert count(window) == 1
    window.press("toy.count")
    assert count(window) == 2
    left, top, _, _ = window.region()
    assert widget.x > left
    window.key("ctrl+z", at=(left - 300, top + 300))
    window.wait_until("bpy.context.scene.toy.count == 1")


def test_buttons_of_one_operator_are_told_apart_by_their_arguments(window: RealWindow) -> None:
    window.press("toy.count", detail="step=10")
    window.press("toy.count", detail="step=10")
    window.press("toy.count", detail="step=-10")
    assert count(window) == 10


def test_disabled_buttons_are_found_and_told(window: RealWindow) -> None:
    assert not window.is_enabled(window.press("toy.fail"))
    assert not window.is_enabled(window.press("toy.count", detail="step=7"))
    assert count(window) == 0
    assert window.is_enabled(window.find("toy.count"))
    assert window.is_enabled(window.find_prop("height"))


def test_values_are_entered_chosen_and_searched(window: RealWindow) -> None:
    window.enter("height", "1.75")
    window.enter("title", "A walk")
    window.choose("kind", 3)
    window.search("target", "lig")
    toy = "bpy.context.scene.toy"
    assert window.eval(f"[{toy}.height, {toy}.title, {toy}.kind, {toy}.target]") == [
        1.75, "A walk", "C", "Light"
    ]  # fmt: skip


def test_what_is_not_there_is_not_found(window: RealWindow) -> None:
    with pytest.raises(LookupError, match="gone"):
        window.find("toy.gone")
    with pytest.raises(LookupError, match="gone"):
        window.find_header("TOY_PT_gone")
    with pytest.raises(LookupError, match="Gone"):
        window.show_tab("Gone")


def test_a_panel_is_unfolded_scrolled_and_folded(window: RealWindow) -> None:
    assert not window.is_open("TOY_PT_more")
    assert not window.is_visible("toy.deep")
    window.unfold("TOY_PT_more")
    assert window.is_open("TOY_PT_more")
    window.press("toy.deep")
    assert count(window) == 1000
    window.fold("TOY_PT_last")
    assert not window.is_open("TOY_PT_last")
    window.unfold("TOY_PT_last")
    window.fold("TOY_PT_more")
    assert not window.is_open("TOY_PT_more")


def test_a_scan_sees_every_button_and_changes_nothing(window: RealWindow) -> None:
    found = {(widget.kind, widget.name) for widget in window.scan()}
    assert {("operator", "toy.count"), ("operator", "toy.fail")} <= found
    assert {("property", name) for name in ("height", "title", "kind", "target")} <= found
    assert count(window) == 0


def test_the_sidebar_gets_the_width_that_is_asked_for(window: RealWindow) -> None:
    window.set_sidebar_width(360)
    window.set_sidebar_width(300)
    assert window.sidebar_width == 300
    path = window.shot(f"harness-{window.suite}.png", crop=window.region())
    with Image.open(path) as picture:
        assert picture.width == 300
        assert len(picture.convert("RGB").getcolors(1_000_000) or []) > 50


def test_the_line_survives_another_file(window: RealWindow, tmp_path: Path) -> None:
    path = str(tmp_path / "toy.blend")
    window.exec(f"bpy.context.scene.toy.count = 5; bpy.ops.wm.save_as_mainfile(filepath={path!r})")
    window.exec("bpy.ops.wm.read_homefile()")
    window.wait_until("not bpy.data.filepath")
    assert count(window) == 0
    window.exec(f"bpy.ops.wm.open_mainfile(filepath={path!r})")
    window.wait_until("bpy.data.filepath")
    assert count(window) == 5
    window.show_tab("Toy")
    window.press("toy.count")
    assert count(window) == 6
