# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes, angles and fitted armatures while people go on working: all once, or nothing at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

import myosapiens_addon
from myosapiens_addon.blender import (
    animation,
    armature,
    character_armature,
    extras,
    finishing,
    job_actions,
    joint_curves,
    joint_definitions,
    live,
    meshes_import,
    meshes_prepared,
    self_check,
)
from myosapiens_addon.blender import session as sessions
from myosapiens_addon.blender.compat import HAS_SLOTS, UNFINISHED, curves_of
from myosapiens_addon.blender.live_landing import Stage
from myosapiens_addon.blender.rows import Row, State
from myosapiens_addon.errors import OutputError, RigError
from myosapiens_addon.motion import mjcf
from tests.blender import posing, rig_builders
from tests.blender.live_bench import at_rest, delete, plan, pump_until, ready_row
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES

OTHER = solved.larger(1.1, "tibia_r", "femur_l", "tibia_l", "ulna_r", "skull")
EVERYTHING = {
    "meshes": True, "empties": True, "with_angles": True, "key_angles": True, "limits": True,
    "rate": "capture", "fit": True,
}  # fmt: skip
ANGLES = len(solved.HINGES) + len(solved.SHOULDER_ANGLES) + 1


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The extension, undo steps as with a window, and a folder where meshes wait."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(extras, "scratch", lambda: folder)
    monkeypatch.setattr(sessions, "push_undo", lambda text: bpy.ops.ed.undo_push(message=text))
    monkeypatch.setattr(animation, "KEYS_PER_STEP", 300)
    monkeypatch.setattr(meshes_prepared, "PART_POINTS", 6_000)  # a few meshes to a part
    myosapiens_addon.register()
    bpy.ops.ed.undo_push(message="begin")
    yield folder
    myosapiens_addon.unregister()
    assert not list(folder.iterdir())


@pytest.fixture(params=["new", "own"])
def is_new(request: pytest.FixtureRequest) -> bool:
    return request.param == "new"


def begin(tmp_path: Path, target: bpy.types.Object | None, **options: object) -> Row:
    """A job of another subject than the scene's armature lands."""
    row = ready_row()
    path = solved.take(offsets=OTHER).write_glb(tmp_path / "motion.glb", meshes=True)
    row.files = (path,)
    model = str(solved.write_model(tmp_path / "model.xml", OTHER))
    given = {**EVERYTHING, "model": model, **options}
    job_actions.import_result(live.session(), row, plan(target, **given))
    return row


def anna(tmp_path: Path) -> bpy.types.Object:
    """An armature of the scene, with an action of its own."""
    model = mjcf.read(solved.write_model(tmp_path / "anna.xml"))
    built = character_armature.build(model, name="Anna")
    built.keyframe_insert("location", frame=1)
    action = built.animation_data.action
    action.name = "Before"
    if HAS_SLOTS:
        # Not the slot that Blender itself would choose for this object.
        built.animation_data.action_slot = action.slots.new(id_type="OBJECT", name="Other")
    bpy.ops.ed.undo_push(message="armature")
    return built


def target_for(is_new: bool, tmp_path: Path) -> bpy.types.Object | None:
    return None if is_new else anna(tmp_path)


def is_at(stage: Stage) -> bool:
    return any(one.stage is stage for one in live.session()._landings)


def pump_into(row: Row, stage: Stage, *, steps: int = 0) -> None:
    pump_until(lambda: is_at(stage))
    for _ in range(steps):
        live.session().step(write_s=0.0)
    assert is_at(stage)
    assert row.state is State.IMPORTING


def pump_into_meshes(row: Row) -> None:
    """Until some of the meshes are in, but not all."""
    pump_into(row, Stage.EXTRAS)
    pump_until(lambda: any(entry.get(UNFINISHED) for entry in bpy.data.objects))
    assert is_at(Stage.EXTRAS)


def census() -> dict[str, list[str]]:
    """Names of all that is in the file."""
    kinds = ("objects", "meshes", "materials", "actions", "armatures", "collections", "images")
    return {kind: sorted(entry.name for entry in getattr(bpy.data, kind)) for kind in kinds}


def state_of(built: bpy.types.Object) -> tuple[object, ...]:
    """What an import changes on an armature of the scene."""
    animated = built.animation_data
    slot = getattr(animated, "action_slot", None)
    return (
        animated.action.name,
        slot.name_display if slot is not None else None,
        animated.action.use_fake_user,
        sorted(joint_curves.ours(built)),
        {bone.name: np.round(np.array(bone.matrix_local), 4).tolist() for bone in built.data.bones},
        len(built.children),
        len(animated.nla_tracks),
        (bpy.context.scene.frame_start, bpy.context.scene.frame_end),
    )


def assert_all_is_there_once(row: Row, name: str) -> None:
    take = solved.take(offsets=OTHER)
    assert (row.state, row.is_alert) == (State.DONE, False), row.sentence
    built = bpy.context.scene.objects[name]
    expected = mesh_glbs.figure(take.motion()).vertices
    hung = [entry for entry in built.children if entry.type == "MESH"]
    assert len(hung) == len(expected)
    assert len(bpy.data.meshes) == len(expected)
    assert sorted(entry.name for entry in bpy.data.objects if entry.type == "EMPTY") == [
        "mocap_LFHD", "mocap_RFHD",
    ]  # fmt: skip
    assert not [entry for entry in bpy.data.objects if entry.get(UNFINISHED)]
    assert [entry.name for entry in bpy.data.collections if "meshes" in entry.name] == [
        "Take 01 meshes"
    ]
    actions = [entry for entry in bpy.data.actions if entry.name != "Before"]
    assert [entry.name for entry in actions] == ["Take 01"]
    paths = [curve.data_path for curve in curves_of(actions[0])]
    assert len([path for path in paths if path.startswith("[")]) == ANGLES
    assert built.animation_data.action == actions[0]
    assert joint_definitions.read(built) is not None
    assert f"{ANGLES} joint angles are keyed" in row.finished
    assert f"{len(expected)} meshes hang on the bones" in row.finished
    frames = 1 + 24 * take.times[::10]
    heads = posing.evaluated(name, frames, NAMES)[..., :3, 3]
    assert np.linalg.norm(heads - take.poses()[0][::10], axis=-1).max() < 1e-4
    assert len([entry for entry in bpy.data.objects if entry.type == "ARMATURE"]) == 1


def again(row: Row, tmp_path: Path, target: bpy.types.Object | None) -> None:
    model = str(tmp_path / "model.xml")
    job_actions.import_result(live.session(), row, plan(target, **{**EVERYTHING, "model": model}))
    pump_until(at_rest(row))


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


def pump_to(row: Row, moment: str) -> None:
    if moment == "writing":
        pump_into(row, Stage.WRITE, steps=3)
    elif moment == "preparing":
        pump_until(lambda: is_at(Stage.PREPARE))
    elif moment == "before the meshes":
        pump_into(row, Stage.EXTRAS, steps=ANGLES // 2)
    elif moment == "meshes":
        pump_into_meshes(row)
    else:
        pump_into(row, Stage.CHECK, steps=1)


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
