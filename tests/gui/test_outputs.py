# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's definition, meshes, joint angles and result files, by mouse in the panel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gui import blenders
from tests.gui.panel_bench import NARROW, PanelBench
from tests.gui.real_window import RealWindow

MODEL = blenders.ROOT / "scripts" / "local_service" / "solve" / "skeleton.xml"
FIRST = "window=bpy.context.window_manager.windows[0]"
ARMATURES = "sorted(entry.name for entry in bpy.data.objects if entry.type == 'ARMATURE')"
HANGING = "sum(entry.parent_type == 'BONE' for entry in bpy.data.objects if entry.parent)"


@pytest.fixture(scope="module")
def bench(window: RealWindow) -> PanelBench:
    bench = PanelBench(window)
    bench.prepare()
    bench.window.set_sidebar_width(NARROW)
    bench.choose()
    window.wait_until("live.account().link.name == 'CONNECTED'")
    window.unfold("MYOSAPIENS_PT_character")
    return bench


def test_an_armature_is_built_from_a_definition(bench: PanelBench) -> None:
    window = bench.window
    widget = window.find("myosapiens.new_character_armature")
    assert not window.is_enabled(widget)
    bench.sidebar_shot("character-none")
    window.enter("model", str(MODEL))
    window.wait_until(f"settings().model == {str(MODEL)!r}")
    window.click_prop("use_limits")
    window.press("myosapiens.new_character_armature")
    window.wait_until(f"len({ARMATURES}) == 1")
    (name,) = window.eval(ARMATURES)
    bones = f"bpy.data.objects[{name!r}].data.bones"
    assert window.eval(f"len({bones})") > 20
    assert window.eval(f"'myosapiens_joints' in {bones}['tibia_r']")
    bench.sidebar_shot("character")
    window.shot(f"{window.suite}/character-window.png")
    left, top, _, _ = window.region()
    window.key("ctrl+z", at=(left - 300, top + 300))
    window.wait_until(f"not {ARMATURES}")


def test_a_take_lands_with_meshes_and_joint_angles(bench: PanelBench) -> None:
    window = bench.window
    window.click_prop("use_meshes")
    window.click_prop("use_joint_angles")
    assert window.eval("(settings().use_meshes, settings().use_joint_angles)") == [True, True]
    window.fold("MYOSAPIENS_PT_character")
    bench.send()
    found = bench.wait_for("DONE", timeout_s=120.0)
    assert "meshes hang on the bones" in found["sentence"]
    assert "joint angles are keyed" in found["sentence"]
    assert window.eval(HANGING) > 20
    angles = window.eval("dict(bpy.data.objects['walk'].items())['knee_flexion_r']")
    assert isinstance(angles, float)
    window.exec("bpy.context.window_manager.windows[0].scene.frame_set(58)")
    window.find("myosapiens.fetch_jobs")
    bench.sidebar_shot("with-meshes")
    window.shot(f"{window.suite}/with-meshes-window.png")
    left, top, _, _ = window.region()
    window.key("ctrl+z", at=(left - 300, top + 300))
    window.wait_until(f"not {ARMATURES} and not {HANGING}")


def test_result_files_and_tables(bench: PanelBench, tmp_path: Path) -> None:
    window = bench.window
    files = window.eval("[str(path) for path in live.session().rows[0].files]")
    results = [Path(path) for path in files if path.endswith((".glb", ".parquet"))]
    window.unfold("MYOSAPIENS_PT_files")
    bench.sidebar_shot("result-files")
    named = [{"name": path.name} for path in results]
    # As the file browser does it, which a test of takes drives by mouse.
    window.exec(
        f"with bpy.context.temp_override({FIRST}):\n"
        "    bpy.ops.myosapiens.import_results('EXEC_DEFAULT', "
        f"directory={str(results[0].parent)!r}, files={named!r})"
    )
    window.wait_until("len(rows()) == 2 and rows()[0]['state'] == 'DONE'", timeout_s=60.0)
    table = tmp_path / "angles.csv"
    window.exec(
        f"with bpy.context.temp_override({FIRST}):\n"
        f"    bpy.ops.myosapiens.export_angles('EXEC_DEFAULT', filepath={str(table)!r})"
    )
    window.wait_until(f"os.path.exists({str(table)!r})")
    assert table.read_text().startswith("time [s],")
    window.find("myosapiens.fetch_jobs")
    bench.sidebar_shot("result-imported")
