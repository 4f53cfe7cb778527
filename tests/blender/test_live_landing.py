# SPDX-License-Identifier: GPL-3.0-or-later
"""A result lands while people go on working: they undo, rename, delete, open files, and model."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np
import pytest

import myosapiens_addon
from myosapiens_addon.blender import animation, armature, job_actions, live, reading
from myosapiens_addon.blender import session as sessions
from myosapiens_addon.blender.compat import UNFINISHED, curves_of
from myosapiens_addon.blender.live_landing import Stage
from myosapiens_addon.blender.rows import Row, State
from tests.blender.live_bench import at_rest, delete, plan, pump_until, ready_row
from tests.helpers.motions import NAMES, as_decoded, moving


@pytest.fixture(autouse=True)
def enabled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The extension, with results that need no file, and undo steps as with a window."""
    monkeypatch.setattr(reading.Wanted, "decode", lambda _wanted: as_decoded(moving()))
    monkeypatch.setattr(job_actions, "_are_here", lambda _files: True)
    monkeypatch.setattr(sessions, "push_undo", lambda text: bpy.ops.ed.undo_push(message=text))
    # The smallest slices: a step per bone.
    monkeypatch.setattr(animation, "KEYS_PER_STEP", 1)
    myosapiens_addon.register()
    bpy.ops.ed.undo_push(message="begin")
    yield
    myosapiens_addon.unregister()


def begin(target: bpy.types.Object | None, **options: object) -> Row:
    row = ready_row()
    job_actions.import_result(live.session(), row, plan(target, **options))
    return row


def is_writing() -> bool:
    return any(landing.stage is Stage.WRITE for landing in live.session()._landings)


def pump_into_writing(row: Row, *, steps: int = 3) -> None:
    """Until some keys are written, but not all."""
    pump_until(is_writing)
    for _ in range(steps):
        live.session().step(write_s=0.0)
    assert row.state is State.IMPORTING
    assert any(action.get(UNFINISHED) for action in bpy.data.actions)


def leftovers() -> list[str]:
    blocks = [*bpy.data.actions, *bpy.data.objects]
    return [block.name for block in blocks if block.get(UNFINISHED)]


def add_to_scene(name: str = "Anna") -> bpy.types.Object:
    built = armature.build(moving(), name=name)
    bpy.ops.ed.undo_push(message="armature")
    return built


def animates(built: bpy.types.Object, *, start: int = 1) -> bool:
    """Whether the armature moves by its new action, as Blender itself sees it."""
    places = []
    for frame in (start, start + 9):
        bpy.context.scene.frame_set(frame)
        evaluated = built.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append(tuple(evaluated.pose.bones["root"].head))
    return bool(np.linalg.norm(np.subtract(*places)) > 0.01)


def test_onto_an_armature_of_the_scene_and_onto_a_new_one() -> None:
    built = add_to_scene()
    row = begin(built)
    pump_until(at_rest(row))
    assert (row.state, row.plan) == (State.DONE, None)
    assert animates(built)
    again = begin(None)
    pump_until(at_rest(again))
    assert again.state is State.DONE
    made = bpy.context.scene.objects["Take 01"]
    assert animates(made)
    assert not leftovers()


def test_one_undo_takes_action_armature_and_range_back_and_redo_brings_them_again() -> None:
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 250
    bpy.ops.ed.undo_push(message="range")
    row = begin(None, set_range=True, start_frame=11)
    pump_until(at_rest(row))
    assert (scene.frame_start, len(bpy.data.actions)) == (11, 1)
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (1, 250)
    assert not bpy.data.actions
    assert "Take 01" not in bpy.data.objects
    assert not bpy.data.armatures
    bpy.ops.ed.redo()
    assert bpy.context.scene.frame_start == 11
    assert animates(bpy.context.scene.objects["Take 01"], start=11)


def test_the_target_may_be_renamed_meanwhile() -> None:
    built = add_to_scene()
    row = begin(built)
    built.name = "Berta"
    pump_into_writing(row)
    built.name = "Carla"
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert "'Carla'" in row.finished
    assert animates(bpy.data.objects["Carla"])


@pytest.mark.parametrize("moment", ["before", "while writing"])
def test_a_deleted_target_leaves_the_result_waiting_for_another(moment: str) -> None:
    built = add_to_scene()
    row = begin(built)
    if moment == "while writing":
        pump_into_writing(row)
    # As the Delete key does it: out of the scene, though something may still point to it.
    bpy.context.scene.myosapiens.armature = built
    delete(built)
    pump_until(at_rest(row))
    if moment == "before":
        assert row.state is State.READY
        assert "'Anna' is not in the scene any more" in row.sentence
        assert not bpy.data.actions
    assert not leftovers()
    job_actions.import_result(live.session(), row, plan(None))
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert animates(bpy.context.scene.objects["Take 01"])


@pytest.mark.parametrize("is_new", [False, True])
def test_an_undo_in_the_midst_loses_nothing(is_new: bool) -> None:
    built = None if is_new else add_to_scene()
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="prop")
    row = begin(built)
    pump_into_writing(row)
    bpy.ops.ed.undo()
    assert "Prop" not in bpy.data.objects
    assert not leftovers()
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert len(bpy.data.actions) == 1
    assert animates(bpy.context.scene.objects["Take 01" if is_new else "Anna"])


def test_an_undo_that_takes_the_target_away_leaves_the_result_waiting() -> None:
    built = add_to_scene()
    row = begin(built)
    pump_into_writing(row)
    bpy.ops.ed.undo()
    assert "Anna" not in bpy.data.objects
    pump_until(at_rest(row))
    assert row.state is State.READY
    assert "not in the scene any more" in row.sentence
    assert not bpy.data.actions


def test_what_users_do_between_two_slices_brings_no_half_import_back() -> None:
    built = add_to_scene()
    row = begin(built)
    pump_into_writing(row)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="prop")
    pump_until(at_rest(row))
    assert row.state is State.DONE
    bpy.ops.ed.undo()
    assert "Prop" in bpy.data.objects
    assert not bpy.data.actions
    assert not leftovers()
    bpy.ops.ed.redo()
    assert animates(bpy.data.objects["Anna"])


def test_cancel_leaves_nothing_and_keeps_the_result() -> None:
    row = begin(None)
    pump_into_writing(row)
    job_actions.cancel(live.session(), row)
    assert row.state is State.READY
    assert row.sentence == "The import was left off."
    assert not bpy.data.actions
    assert not bpy.data.armatures
    pump_until(at_rest(row))
    job_actions.import_result(live.session(), row, plan(None))
    pump_until(at_rest(row))
    assert row.state is State.DONE


@pytest.mark.parametrize("opening", ["new", "open"])
def test_another_file_meanwhile(opening: str, tmp_path) -> None:  # noqa: ANN001
    built = add_to_scene()
    other = tmp_path / "other.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(other), copy=True)
    row = begin(built)
    pump_into_writing(row)
    if opening == "new":
        bpy.ops.wm.read_homefile(use_empty=True)
    else:
        bpy.ops.wm.open_mainfile(filepath=str(other))
    pump_until(at_rest(row))
    assert row.state is State.READY
    assert "Another file was opened" in row.sentence
    assert not bpy.data.actions
    job_actions.import_result(live.session(), row, plan(None))
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert animates(bpy.context.scene.objects["Take 01"])


def test_a_file_saved_in_the_midst_holds_nothing_half_done(tmp_path) -> None:  # noqa: ANN001
    row = begin(None)
    pump_into_writing(row)
    path = str(tmp_path / "midst.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    pump_until(at_rest(row))
    assert row.state is State.DONE
    bpy.ops.wm.open_mainfile(filepath=path)
    assert not bpy.data.actions
    assert not bpy.data.armatures


def test_imports_wait_while_people_model() -> None:
    built = add_to_scene()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    row = begin(built)
    pump_until(lambda: "leave this mode" in row.note)
    assert bpy.context.mode == "EDIT_MESH"
    assert not bpy.data.actions
    bpy.ops.object.mode_set(mode="OBJECT")
    pump_until(at_rest(row))
    assert row.state is State.DONE


def test_an_action_purged_in_the_midst_is_told_in_a_sentence() -> None:
    row = begin(add_to_scene())
    pump_into_writing(row)
    bpy.data.actions.remove(next(entry for entry in bpy.data.actions if entry.get(UNFINISHED)))
    pump_until(at_rest(row))
    assert row.state is State.READY
    assert "was removed while it was being written" in row.sentence


def test_a_rig_that_fits_nothing_is_told_and_the_result_kept() -> None:
    bpy.ops.object.armature_add()
    row = begin(bpy.context.object)
    pump_until(at_rest(row))
    assert (row.state, row.is_alert) == (State.READY, True)
    assert "not clear which bone of the armature" in row.sentence
    assert not bpy.data.actions


def test_several_results_land_one_after_the_other() -> None:
    built = add_to_scene()
    rows = [begin(built), begin(built)]
    pump_until(at_rest(*rows))
    assert [row.state for row in rows] == [State.DONE, State.DONE]
    assert sorted(action.name for action in bpy.data.actions) == ["Take 01", "Take 01.001"]
    assert all(action.use_fake_user or action.users for action in bpy.data.actions)
    counts = {len(curves_of(action)) for action in bpy.data.actions}
    assert counts == {7 * len(NAMES)}


def test_disabling_in_the_midst_leaves_nothing_behind() -> None:
    row = begin(None)
    pump_into_writing(row)
    live.close()
    assert not bpy.data.actions
    assert not bpy.data.armatures


def pump_into_the_check(row: Row) -> None:
    """The keys are written, and Blender has yet to show them."""
    pump_until(lambda: any(one.stage is Stage.CHECK for one in live.session()._landings))
    assert row.state is State.IMPORTING


@pytest.mark.parametrize("is_new", [True, False])
def test_an_undo_before_the_check_is_done_lets_the_import_begin_again(is_new: bool) -> None:
    target = None if is_new else add_to_scene()
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Prop", None))
    bpy.ops.ed.undo_push(message="prop")
    row = begin(target)
    pump_into_the_check(row)
    bpy.ops.ed.undo()
    assert "Prop" not in bpy.data.objects
    assert not bpy.data.actions
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert len(bpy.data.actions) == len(bpy.data.armatures) == 1
    assert animates(bpy.context.scene.objects["Take 01" if is_new else "Anna"])
    assert not leftovers()


def test_an_undo_elsewhere_does_not_write_a_second_action() -> None:
    row = begin(add_to_scene())
    pump_into_the_check(row)
    live.session().interrupt_landings()
    pump_until(at_rest(row))
    assert row.state is State.DONE
    assert len(bpy.data.actions) == 1
