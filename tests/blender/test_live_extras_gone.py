# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that people remove, and what goes wrong, while a take is dressed."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import (
    armature,
    finishing,
    job_actions,
    joint_curves,
    live,
    meshes_import,
    self_check,
)
from myosapiens_addon.blender.compat import UNFINISHED
from myosapiens_addon.blender.live_landing import Stage
from myosapiens_addon.blender.rows import State
from myosapiens_addon.errors import OutputError, RigError
from tests.blender import rig_builders
from tests.blender.live_bench import at_rest, delete, pump_until
from tests.blender.live_extras_bench import (
    ANGLES,
    again,
    anna,
    assert_all_is_there_once,
    begin,
    census,
    is_new_fixture,  # noqa: F401
    pump_to,
    scratch_fixture,  # noqa: F401
    state_of,
    target_for,
)
from tests.helpers import mesh_glbs, solved

# Removed


@pytest.mark.parametrize(
    ("moment", "is_pointed_to"),
    [("preparing", True), ("before the meshes", False), ("meshes", True), ("check", True)],
)
def test_a_deleted_armature_leaves_no_meshes_and_the_result_waiting(
    tmp_path: Path, is_new: bool, moment: str, is_pointed_to: bool, scratch: Path
) -> None:
    row = begin(tmp_path, target_for(is_new, tmp_path))
    pump_to(row, moment)
    name = "Take 01" if is_new else "Anna"
    if is_pointed_to:
        bpy.context.scene.myosapiens.armature = bpy.data.objects[name]
    delete(bpy.data.objects[name])
    pump_until(at_rest(row))
    pump_until(lambda: not list(scratch.iterdir()))
    assert row.state is State.READY
    assert "was removed during the import" in row.sentence
    assert not list(bpy.context.scene.objects)
    assert not bpy.data.meshes
    assert not [entry for entry in bpy.data.collections if "meshes" in entry.name]
    assert "Take 01" not in bpy.data.actions
    bpy.context.scene.myosapiens.armature = None
    bpy.data.orphans_purge(do_recursive=True)
    again(row, tmp_path, None)
    assert_all_is_there_once(row, "Take 01")


def test_an_action_purged_before_the_meshes_is_told(tmp_path: Path) -> None:
    built = anna(tmp_path)
    before = state_of(built)
    row = begin(tmp_path, built)
    pump_to(row, "before the meshes")
    bpy.data.actions.remove(bpy.data.actions["Take 01"])
    pump_until(at_rest(row))
    assert row.state is State.READY
    assert "was removed during the import" in row.sentence
    # What was there before animates it again, and its bones are its own.
    assert state_of(built) == before


def test_a_mesh_deleted_while_others_come_is_a_warning(tmp_path: Path) -> None:
    row = begin(tmp_path, None)
    pump_to(row, "meshes")
    first = next(entry for entry in bpy.data.objects if entry.get(UNFINISHED))
    bpy.data.objects.remove(first)
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert [text for text in row.warnings if "Meshes were removed while" in text]
    assert not bpy.data.meshes
    assert "meshes hang" not in row.finished


def test_a_renamed_armature_gets_its_meshes(tmp_path: Path) -> None:
    built = anna(tmp_path)
    row = begin(tmp_path, built)
    for moment, name in (("preparing", "Berta"), ("meshes", "Carla")):
        pump_to(row, moment)
        built.name = name
    pump_until(at_rest(row))
    assert_all_is_there_once(row, "Carla")
    assert "'Carla'" in row.finished or "'Berta'" in row.finished or "'Anna'" in row.finished


# Wrong


@pytest.mark.parametrize("where", ["check", "finish"])
def test_a_failure_at_the_end_takes_all_back(
    tmp_path: Path, is_new: bool, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = target_for(is_new, tmp_path)
    before = census(), state_of(target) if target is not None else None

    def failing(*_arguments: object, **_options: object) -> None:
        raise RigError("It failed at the very end.")

    module, name = (self_check, "measure") if where == "check" else (finishing, "finish")
    monkeypatch.setattr(module, name, failing)
    row = begin(tmp_path, target, set_range=True)
    pump_until(at_rest(row))
    assert (row.state, row.sentence) == (State.READY, "It failed at the very end.")
    assert census() == before[0]
    if target is not None:
        assert state_of(target) == before[1]


def test_meshes_that_cannot_be_had_leave_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_arguments: object, **_options: object) -> None:
        raise OutputError("The importer failed.")

    monkeypatch.setattr(meshes_import, "run", failing)
    row = begin(tmp_path, None)
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert "The importer failed." in row.warnings
    assert f"{ANGLES} joint angles are keyed" in row.finished
    assert not bpy.data.meshes


def test_another_rig_gets_angles_and_a_word_on_meshes(tmp_path: Path) -> None:
    built = rig_builders.mixamo()
    bpy.ops.ed.undo_push(message="rig")
    row = begin(tmp_path, built.object)
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert [text for text in row.warnings if "is no character's own" in text]
    assert len(joint_curves.ours(built.object)) == ANGLES
    assert not bpy.data.meshes


def test_a_hidden_armature_cannot_be_fitted_and_is_told(tmp_path: Path) -> None:
    built = anna(tmp_path)
    built.hide_set(True)
    before = state_of(built)
    row = begin(tmp_path, built)
    pump_until(at_rest(row))
    assert (row.state, row.is_alert) == (State.READY, True)
    assert "is hidden; show it" in row.sentence
    assert state_of(built) == before
    assert "Take 01" not in bpy.data.actions


def test_meshes_wait_while_people_model(tmp_path: Path) -> None:
    built = anna(tmp_path)
    row = begin(tmp_path, built)
    pump_to(row, "before the meshes")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    pump_until(lambda: "leave this mode" in row.note)
    assert bpy.context.mode == "EDIT_MESH"
    assert not built.children
    bpy.ops.object.mode_set(mode="OBJECT")
    cube = bpy.context.object
    pump_until(at_rest(row))
    assert bpy.context.object == cube
    assert list(bpy.context.selected_objects) == [cube]
    bpy.data.meshes.remove(cube.data)
    assert_all_is_there_once(row, "Anna")


def test_two_results_are_dressed_one_after_the_other(tmp_path: Path) -> None:
    rows = [begin(tmp_path, None), begin(tmp_path, None)]
    pump_until(at_rest(*rows))
    assert [row.state for row in rows] == [State.DONE, State.DONE]
    count = len(mesh_glbs.figure(solved.take().motion()).vertices)
    assert len(bpy.data.armatures) == 2
    for built in [entry for entry in bpy.data.objects if entry.type == "ARMATURE"]:
        assert len(built.children) == count
    assert len(bpy.data.meshes) == 2 * count


def test_two_results_for_one_armature_land_one_after_the_other(tmp_path: Path) -> None:
    """Each is checked with its own action, and the last one's stays."""
    built = anna(tmp_path)
    rows = [begin(tmp_path, built), begin(tmp_path, built)]
    most = 0

    def are_done() -> bool:
        nonlocal most
        landings = live.session()._landings
        most = max(most, sum(one.stage not in (Stage.DECODE, Stage.PLACE) for one in landings))
        return at_rest(*rows)()

    pump_until(are_done)
    assert most == 1
    assert [row.state for row in rows] == [State.DONE, State.DONE]
    assert all("point right within 0.0" in row.finished for row in rows)
    assert built.animation_data.action.name.startswith("Take 01")


def test_the_second_for_an_armature_is_cancelled_while_the_first_is_dressed(tmp_path: Path) -> None:
    built = anna(tmp_path)
    rows = [begin(tmp_path, built), begin(tmp_path, built)]
    pump_to(rows[0], "meshes")
    job_actions.cancel(live.session(), rows[1])
    pump_until(at_rest(*rows))
    assert sorted(row.state.name for row in rows) == ["DONE", "READY"]
    assert armature.BODY_REST in built.data.bones["skull"]
    done = next(row for row in rows if row.state is State.DONE)
    assert_all_is_there_once(done, "Anna")
