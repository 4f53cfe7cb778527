# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig of another kind as the target: its bone map by mouse, and a take on it."""

from __future__ import annotations

import pytest

from tests.gui.panel_bench import NARROW, PanelBench
from tests.gui.real_window import RealWindow

METARIG = """
import addon_utils
addon_utils.enable('rigify', default_set=True)
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
    bpy.ops.object.armature_human_metarig_add()
settings().target = 'EXISTING'
def group():
    return bpy.data.objects['metarig'].data.myosapiens_map
"""
CHAINS = "{row.role: row.bone for row in group().rows}"


@pytest.fixture(scope="module")
def bench(window: RealWindow) -> PanelBench:
    bench = PanelBench(window)
    bench.prepare()
    bench.window.set_sidebar_width(NARROW)
    bench.choose(target="EXISTING")
    bench.window.exec(METARIG)
    window.wait_until("live.account().link.name == 'CONNECTED'")
    window.unfold("MYOSAPIENS_PT_bone_map")
    return bench


def test_the_map_is_found_by_one_click_and_shown(bench: PanelBench) -> None:
    window = bench.window
    bench.sidebar_shot("map-none")
    window.press("myosapiens.map_detect")
    window.wait_until("len(group().rows) > 40")
    assert window.eval("group().title") == "Rigify meta-rig"
    assert window.eval(f"{CHAINS}['forearm.L']") == "forearm.L"
    window.find("myosapiens.map_save")
    bench.sidebar_shot("map")


def test_a_row_is_corrected_removed_and_brought_back_by_undo(bench: PanelBench) -> None:
    window = bench.window
    count = window.eval("len(group().rows)")
    window.press("myosapiens.map_remove")
    window.wait_until(f"len(group().rows) == {count - 1}")
    left, top, _, _ = window.region()
    window.key("ctrl+z", at=(left - 300, top + 300))
    window.wait_until(f"len(group().rows) == {count}")
    window.press("myosapiens.map_add")
    window.wait_until(f"len(group().rows) == {count + 1}")
    assert window.eval("group().rows[group().row_index].state") == "edited"
    window.find("myosapiens.map_save")
    bench.sidebar_shot("map-edited")
    window.press("myosapiens.map_remove")
    window.wait_until(f"len(group().rows) == {count}")


def test_a_take_lands_on_the_rig_and_is_looked_at(bench: PanelBench) -> None:
    window = bench.window
    window.fold("MYOSAPIENS_PT_bone_map")
    window.unfold("MYOSAPIENS_PT_motion")
    bench.sidebar_shot("motion")
    window.fold("MYOSAPIENS_PT_motion")
    bench.send()
    found = bench.wait_for("DONE")
    assert "metarig" in found["sentence"]
    assert window.eval("bpy.data.objects['metarig'].animation_data.action.name") == "walk"
    window.find("myosapiens.fetch_jobs")
    bench.sidebar_shot("on-metarig")
    window.shot(f"{window.suite}/on-metarig-window.png")
