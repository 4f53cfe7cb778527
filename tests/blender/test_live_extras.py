# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes, angles and fitted armatures while people go on working: all once, or nothing at all."""

from __future__ import annotations

import threading
from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import (
    extras,
    job_actions,
    live,
)
from myosapiens_addon.blender.compat import UNFINISHED
from myosapiens_addon.blender.live_landing import Stage
from myosapiens_addon.blender.rows import State
from tests.blender.live_bench import at_rest, pump_until
from tests.blender.live_extras_bench import (
    again,
    anna,
    assert_all_is_there_once,
    begin,
    census,
    is_at,
    is_new_fixture,  # noqa: F401
    pump_to,
    scratch_fixture,  # noqa: F401
    state_of,
    target_for,
)
from tests.helpers import mesh_glbs, solved


def test_all_lands_once_in_the_smallest_slices(tmp_path: Path, is_new: bool) -> None:
    target = target_for(is_new, tmp_path)
    row = begin(tmp_path, target)
    pump_until(at_rest(row))
    assert_all_is_there_once(row, "Take 01" if is_new else "Anna")


def test_one_undo_takes_all_back_and_redo_brings_it_again(tmp_path: Path, is_new: bool) -> None:
    row = begin(tmp_path, target_for(is_new, tmp_path))
    pump_until(at_rest(row))
    assert row.state is State.DONE
    bpy.ops.ed.undo()
    assert not bpy.data.meshes
    assert "Take 01" not in bpy.data.actions
    if not is_new:
        assert bpy.data.objects["Anna"].animation_data.action.name == "Before"
    bpy.ops.ed.redo()
    assert_all_is_there_once(row, "Take 01" if is_new else "Anna")


# Left off


@pytest.mark.parametrize("moment", ["writing", "preparing", "before the meshes", "meshes", "check"])
def test_cancel_leaves_nothing_and_the_next_import_all(
    tmp_path: Path, is_new: bool, moment: str, scratch: Path
) -> None:
    target = target_for(is_new, tmp_path)
    before = census(), state_of(target) if target is not None else None
    row = begin(tmp_path, target, set_range=True, start_frame=51)
    pump_to(row, moment)
    job_actions.cancel(live.session(), row)
    assert (row.state, row.sentence) == (State.READY, "The import was left off.")
    assert census() == before[0]
    if target is not None:
        assert state_of(target) == before[1]
    else:
        assert bpy.context.scene.frame_end == 250
    pump_until(at_rest(row))
    pump_until(lambda: not list(scratch.iterdir()))
    assert census() == before[0]
    again(row, tmp_path, target)
    assert_all_is_there_once(row, "Take 01" if is_new else "Anna")


@pytest.mark.parametrize("moment", ["preparing", "meshes", "check"])
def test_a_call_for_another_file_leaves_nothing_half(
    tmp_path: Path, is_new: bool, moment: str, scratch: Path
) -> None:
    row = begin(tmp_path, target_for(is_new, tmp_path))
    pump_to(row, moment)
    bpy.ops.wm.read_homefile(use_empty=True)
    assert row.state is State.READY
    assert "Another file was opened" in row.sentence
    pump_until(at_rest(row))
    pump_until(lambda: not list(scratch.iterdir()))
    assert not [entry for entry in bpy.data.objects if entry.get(UNFINISHED)]
    assert not bpy.data.actions
    again(row, tmp_path, None)
    assert_all_is_there_once(row, "Take 01")


@pytest.mark.parametrize("moment", ["preparing", "meshes"])
def test_disabling_leaves_nothing_behind(
    tmp_path: Path, is_new: bool, moment: str, scratch: Path
) -> None:
    target = target_for(is_new, tmp_path)
    before = census()
    row = begin(tmp_path, target)
    pump_to(row, moment)
    live.close()
    assert census() == before
    assert not list(scratch.iterdir())


def test_meshes_that_are_ready_too_late_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    """The thread is still at work when the import is left off, and when it begins again."""
    go_on, done = threading.Event(), []
    prepare = extras.prepare

    def slow(*arguments: object) -> object:
        go_on.wait(20.0)
        made = prepare(*arguments)
        done.append(made)
        return made

    monkeypatch.setattr(extras, "prepare", slow)
    row = begin(tmp_path, None)
    pump_until(lambda: is_at(Stage.PREPARE))
    live.session().interrupt_landings()
    pump_until(lambda: is_at(Stage.PREPARE))
    go_on.set()
    pump_until(at_rest(row))
    assert len(done) == 2
    assert done[0].folder != done[1].folder
    assert not list(scratch.iterdir())
    assert_all_is_there_once(row, "Take 01")


# Undone


@pytest.mark.parametrize("moment", ["writing", "preparing", "before the meshes", "meshes", "check"])
def test_an_undo_in_the_midst_loses_nothing(
    tmp_path: Path, is_new: bool, moment: str, scratch: Path
) -> None:
    target = target_for(is_new, tmp_path)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="prop")
    row = begin(tmp_path, target)
    pump_to(row, moment)
    bpy.ops.ed.undo()
    assert "Prop" not in bpy.data.objects
    assert not [entry for entry in bpy.data.objects if entry.get(UNFINISHED)]
    pump_until(at_rest(row))
    pump_until(lambda: not list(scratch.iterdir()))
    assert_all_is_there_once(row, "Take 01" if is_new else "Anna")


@pytest.mark.parametrize("moment", ["preparing", "before the meshes", "meshes", "check"])
def test_an_interruption_without_an_undo_loses_nothing_and_doubles_nothing(
    tmp_path: Path, is_new: bool, moment: str
) -> None:
    row = begin(tmp_path, target_for(is_new, tmp_path))
    pump_to(row, moment)
    for _ in range(2):
        live.session().interrupt_landings()
        live.session().step(write_s=0.0)
    pump_until(at_rest(row))
    assert_all_is_there_once(row, "Take 01" if is_new else "Anna")
    assert len(row.warnings) == len(set(row.warnings))


def test_a_mesh_deleted_before_an_interruption_comes_again_with_the_others(tmp_path: Path) -> None:
    row = begin(tmp_path, None)
    pump_to(row, "check")
    gone = next(entry for entry in bpy.data.objects if entry.type == "MESH")
    bpy.data.meshes.remove(gone.data)
    live.session().interrupt_landings()
    pump_until(at_rest(row))
    assert_all_is_there_once(row, "Take 01")


def test_an_undo_to_a_step_between_pose_and_meshes_brings_the_meshes_again(
    tmp_path: Path, is_new: bool
) -> None:
    """People's own undo steps may lie between the last key and the meshes."""
    row = begin(tmp_path, target_for(is_new, tmp_path))
    pump_to(row, "before the meshes")
    bpy.ops.ed.undo_push(message="theirs, without meshes")
    pump_to(row, "check")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="theirs, with meshes")
    bpy.ops.ed.undo()
    assert "Take 01" in bpy.data.actions
    assert not [entry for entry in bpy.data.objects if entry.type == "MESH"]
    pump_until(at_rest(row))
    assert_all_is_there_once(row, "Take 01" if is_new else "Anna")


def test_an_undo_to_a_step_in_the_midst_of_the_meshes_leaves_no_orphans(tmp_path: Path) -> None:
    row = begin(tmp_path, anna(tmp_path))
    pump_to(row, "meshes")
    bpy.ops.ed.undo_push(message="theirs, with half the meshes")
    pump_to(row, "check")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="theirs, with all meshes")
    bpy.ops.ed.undo()
    pump_until(at_rest(row))
    visible = [entry for entry in bpy.context.scene.objects if entry.type == "MESH"]
    assert len(visible) == len(mesh_glbs.figure(solved.take().motion()).vertices)
    assert not [entry for entry in bpy.data.objects if entry.get(UNFINISHED)]
    assert row.state is State.DONE
