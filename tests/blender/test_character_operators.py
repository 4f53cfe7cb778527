# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons for characters, result files at hand, and tables of joint angles."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

import myosapiens_addon
from myosapiens_addon.blender import (
    armature,
    character_armature,
    joint_definitions,
    joint_limits,
    live,
    properties,
)
from myosapiens_addon.blender import session as sessions
from myosapiens_addon.blender.operators import character as operators
from myosapiens_addon.blender.rows import Row, State
from myosapiens_addon.motion import mjcf
from tests.blender import posing, rig_builders
from tests.blender.live_bench import pump_until, ready_row
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES

ops: Any = None


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    global ops
    monkeypatch.setattr(sessions, "push_undo", lambda text: bpy.ops.ed.undo_push(message=text))
    myosapiens_addon.register()
    ops = bpy.ops.myosapiens
    yield
    myosapiens_addon.unregister()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the session has people told."""
    found: list[tuple[str, str]] = []
    session = live.session()
    monkeypatch.setattr(session, "tell", lambda kind, sentence: found.append((kind, sentence)))
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return solved.write_model(tmp_path / "model.xml")


def group() -> Any:  # noqa: ANN401
    return properties.of_scene(bpy.context.scene)


def refused(call: Any, **words: object) -> str:  # noqa: ANN401
    """The one error of an operator that did nothing."""
    with pytest.raises(RuntimeError) as caught:
        call(**words)
    lines = [line for line in str(caught.value).splitlines() if line.strip()]
    assert len(lines) == 1
    return lines[0]


def nothing_was_made() -> bool:
    return not (bpy.data.armatures or bpy.data.objects or bpy.data.actions)


# A new armature


def test_the_armature_of_a_definition(model: Path) -> None:
    assert ops.new_character_armature(filepath=str(model)) == {"FINISHED"}
    built = bpy.context.scene.objects["small"]
    held = joint_definitions.read(built)
    assert held is not None
    assert len(held.joints) == len(solved.JOINTS)
    assert set(built.data.bones.keys()) == set(NAMES)
    assert not any(bone.constraints for bone in built.pose.bones)
    assert armature.UNFINISHED not in built
    # Pressed again there is another one.
    assert ops.new_character_armature(filepath=str(model)) == {"FINISHED"}
    assert len(bpy.data.armatures) == 2


def test_the_scene_s_own_definition_and_limits(model: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(model.with_name("scene.blend")))
    group().model, group().use_limits = "//model.xml", True
    assert ops.new_character_armature() == {"FINISHED"}
    built = bpy.context.scene.objects["small"]
    assert built.pose.bones["femur_r"].constraints[joint_limits.NAME]


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "POSE"])
def test_what_people_do_goes_on(model: Path, mode: str) -> None:
    if mode == "POSE":
        bpy.ops.object.armature_add()
    else:
        bpy.ops.mesh.primitive_cube_add()
    thing = bpy.context.object
    bpy.ops.object.mode_set(mode=mode)
    assert ops.new_character_armature(filepath=str(model)) == {"FINISHED"}
    assert bpy.context.object == thing
    assert thing.mode == mode
    assert list(bpy.context.selected_objects) == [thing]
    assert len(bpy.context.scene.objects["small"].data.bones) == len(NAMES)


@pytest.mark.parametrize("case", ["none", "gone", "broken", "a folder", "long names"])
def test_a_bad_definition_is_one_report_and_nothing_is_made(tmp_path: Path, case: str) -> None:
    path = tmp_path / "model.xml"
    sentence = "model.xml"
    if case == "none":
        path, sentence = Path(), "No definition is chosen"
    elif case == "broken":
        path.write_text("<mujoco><worldbody>")
    elif case == "a folder":
        path.mkdir()
    elif case == "long names":
        path.write_text(solved.definition().replace('"skull"', f'"{"skull" * 20}"'))
        sentence = "too long for a bone"
    filepath = "" if case == "none" else str(path)
    assert sentence in refused(ops.new_character_armature, filepath=filepath)
    assert nothing_was_made()


class Pressed:
    """A button that is pressed in a window: what `invoke` needs of an operator."""

    def __init__(self, filepath: Path) -> None:
        self.filepath = str(filepath)
        self.files: list[object] = []
        self.directory = ""
        self.reports: list[tuple[set[str], str]] = []

    def report(self, kind: set[str], sentence: str) -> None:
        self.reports.append((kind, sentence))

    def _path(self) -> str:
        return properties.absolute(self.filepath)


def press(path: Path) -> None:
    operator: Any = Pressed(path)
    kind = operators.MYOSAPIENS_OT_new_character_armature
    assert kind.invoke(operator, bpy.context, None) == {"FINISHED"}  # type: ignore[arg-type]
    assert not bpy.data.armatures  # nothing is read, and nothing made, while the window waits
    pump_until(lambda: not live.session().is_busy)


def test_in_a_window_it_is_built_when_it_is_read(model: Path, told: list[tuple[str, str]]) -> None:
    bpy.ops.ed.undo_push(message="before")
    group().use_limits = True
    press(model)
    built = bpy.context.scene.objects["small"]
    assert built.pose.bones["femur_r"].constraints[joint_limits.NAME]
    assert [kind for kind, _ in told] == ["INFO"]
    assert told[0][1].startswith("small: 17 bones, 19 joints.")
    bpy.ops.ed.undo()
    assert not bpy.data.armatures


def test_in_a_window_a_bad_definition_is_told_once(
    tmp_path: Path, told: list[tuple[str, str]]
) -> None:
    (tmp_path / "broken.xml").write_text("<mujoco><worldbody>")
    press(tmp_path / "broken.xml")
    assert [kind for kind, _ in told] == ["WARNING"]
    assert "broken.xml" in told[0][1]
    assert nothing_was_made()


def test_in_edit_mode_it_is_told_and_nothing_built(
    model: Path, told: list[tuple[str, str]]
) -> None:
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    press(model)
    assert bpy.context.mode == "EDIT_MESH"
    assert not bpy.data.armatures
    assert [kind for kind, _ in told] == ["WARNING"]
    assert "was not built" in told[0][1]
    assert "leave this mode" in told[0][1]


# Result files


def rows() -> list[Row]:
    return live.session().rows


def test_files_land_on_a_new_armature(tmp_path: Path, model: Path) -> None:
    take = solved.take()
    files = [
        take.write_glb(tmp_path / "motion.glb", meshes=True),
        take.write_npz(tmp_path / "output.npz"),
    ]
    group().target, group().model = "NEW", str(model)
    group().use_meshes = group().use_markers = group().use_joint_angles = True
    group().rate = "CAPTURE"
    chosen = [{"name": path.name} for path in files]
    assert ops.import_results(directory=str(tmp_path), files=chosen) == {"FINISHED"}
    row = rows()[0]
    assert row.state is State.DONE
    name = tmp_path.name[:60]
    built = bpy.context.scene.objects[name]
    heads = posing.evaluated(name, 1 + 24 * take.times[::6], NAMES)[..., :3, 3]
    assert np.linalg.norm(heads - take.poses()[0][::6], axis=-1).max() < 0.02e-3
    count = len(mesh_glbs.figure(take.motion()).vertices)
    assert len([entry for entry in built.children if entry.type == "MESH"]) == count
    assert f"{count} meshes hang on the bones" in row.finished
    assert "joint angles are keyed" in row.finished
    assert "xpos" not in row.finished


def test_the_row_tells_source_and_distance(tmp_path: Path, model: Path) -> None:
    take = solved.take()
    take.write_qpos(tmp_path / "qpos.parquet")
    take.write_xpos(tmp_path / "xpos.parquet")
    group().target, group().model = "NEW", str(model)
    chosen = [{"name": "qpos.parquet"}, {"name": "xpos.parquet"}]
    assert ops.import_results(directory=str(tmp_path), files=chosen) == {"FINISHED"}
    row = rows()[0]
    assert "Read from qpos.parquet." in row.finished
    assert "Bodies are within 0.001 mm of xpos" in row.finished
    assert "bone heads within 0.00" in row.finished
    assert not row.warnings


@pytest.mark.parametrize("how", ["absolute", "beside the file"])
def test_one_file_by_its_path(tmp_path: Path, how: str) -> None:
    solved.take().write_glb(tmp_path / "walk 07.glb")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group().target = "NEW"
    path = str(tmp_path / "walk 07.glb") if how == "absolute" else "//walk 07.glb"
    assert ops.import_results(filepath=path) == {"FINISHED"}
    assert bpy.context.scene.objects["walk 07"].animation_data.action.name == "walk 07"


def test_a_folder_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    solved.take().write_glb(tmp_path / "job" / "motion.glb")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    group().target = "NEW"
    chosen = [{"name": "motion.glb"}]
    assert ops.import_results(directory="//job/", files=chosen) == {"FINISHED"}
    assert rows()[0].state is State.DONE


def test_the_told_capture_rate_is_for_files_at_hand(tmp_path: Path) -> None:
    solved.take().write_glb(tmp_path / "motion.glb", told_hz=30.0)
    group().target = "NEW"
    group().use_capture_rate, group().capture_rate = True, 120.0
    assert ops.import_results(filepath=str(tmp_path / "motion.glb")) == {"FINISHED"}
    assert "of a 120 Hz take" in rows()[0].finished
    assert [text for text in rows()[0].warnings if "4 times too slowly" in text]


def test_files_land_on_the_chosen_armature_and_fit_it(tmp_path: Path, model: Path) -> None:
    built = character_armature.build(mjcf.read(model), name="Anna")
    take = solved.take(offsets=solved.larger(1.1, "ulna_r"))
    take.write_glb(tmp_path / "motion.glb")
    group().target, group().armature, group().use_fit = "EXISTING", built, True
    assert ops.import_results(filepath=str(tmp_path / "motion.glb")) == {"FINISHED"}
    bones = built.data.bones
    span = (bones["ulna_r"].head_local - bones["humerus_r"].head_local).length
    assert span == pytest.approx(1.1 * 0.29, abs=1e-5)
    assert not rows()[0].warnings


@pytest.mark.parametrize("name", ["walk.c3d", "model.mjb", "motion.glb.txt", "motion"])
def test_other_files_are_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something")
    group().target = "NEW"
    assert f"{name} is no result of the service" in refused(
        ops.import_results, filepath=str(tmp_path / name)
    )
    chosen = [{"name": "motion.glb"}, {"name": name}]
    refused(ops.import_results, directory=str(tmp_path), files=chosen)
    assert not rows()
    assert nothing_was_made()


def test_no_file_at_all_is_told(tmp_path: Path) -> None:
    group().target = "NEW"
    assert "No file was chosen" in refused(ops.import_results)
    assert "No file was chosen" in refused(ops.import_results, filepath=f"{tmp_path}/")


@pytest.mark.parametrize("case", ["damaged", "gone", "no model", "no speed"])
def test_files_that_hold_no_motion_leave_a_row_that_says_why(
    tmp_path: Path, model: Path, case: str
) -> None:
    group().target = "NEW"
    path, sentence = tmp_path / "motion.glb", "motion.glb"
    if case == "damaged":
        path.write_bytes(b"<html>502</html>")
        sentence = "motion.glb is no GLB file"
    elif case != "gone":
        path = solved.take().write_npz(tmp_path / "output.npz")
        sentence = "choose its model"
    if case == "no speed":
        group().model, sentence = str(model), "output.npz holds no times"
    assert sentence in refused(ops.import_results, filepath=str(path))
    row = rows()[0]
    assert (row.state, row.is_alert) == (State.READY, True)
    assert sentence in row.sentence
    assert nothing_was_made()


def test_a_row_of_files_at_hand_can_be_imported_again(tmp_path: Path, model: Path) -> None:
    """After the missing model was chosen, by the row's own button."""
    from myosapiens_addon.blender import choices, job_actions

    take = solved.take()
    path = take.write_npz(tmp_path / "output.npz")
    group().target = "NEW"
    group().use_capture_rate, group().capture_rate = True, 120.0
    refused(ops.import_results, filepath=str(path))
    group().model = str(model)
    row = rows()[0]
    wanted = choices.read(bpy.context.scene)
    plan = choices.plan_for(live.session(), wanted, name=row.name, knows_take=False)
    job_actions.import_result(live.session(), row, plan)
    live.session().wait([row])
    assert row.state is State.DONE
    # And by the operator that the button calls.
    assert ops.import_job(key=row.key) == {"FINISHED"}
    assert row.state is State.DONE
    assert len(bpy.data.actions) == 2


# Tables


def angles_of(path: Path) -> dict[str, np.ndarray]:
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    return dict(zip(table[0], np.array(table[1:], float).T, strict=True))


def row_with(*files: Path) -> Row:
    row = ready_row()
    row.files = tuple(files)
    return row


def assert_table(path: Path, take: solved.Solved) -> None:
    found = angles_of(path)
    np.testing.assert_allclose(found["time [s]"], take.times, atol=1e-9)
    for name, values in take.angles().items():
        np.testing.assert_allclose(np.radians(found[f"{name} [deg]"]), values, atol=1e-6)


def test_the_angles_of_a_row_become_a_table(tmp_path: Path) -> None:
    take = solved.take()
    row_with(take.write_npz(tmp_path / "output.npz"))
    group().use_capture_rate, group().capture_rate = True, 120.0
    out = tmp_path / "angles.csv"
    assert ops.export_angles(filepath=str(out)) == {"FINISHED"}
    assert_table(out, take)
    assert [entry.name for entry in tmp_path.iterdir() if "part" in entry.name] == []
    # It is replaced as a whole, and a path may be told beside the file.
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    row_with(solved.take(seed=3).write_npz(tmp_path / "output.npz"))
    assert ops.export_angles(filepath="//angles.csv") == {"FINISHED"}
    assert_table(out, solved.take(seed=3))


@pytest.mark.parametrize("by", ["model", "armature"])
def test_poses_become_angles_by_a_model_or_an_armature(
    tmp_path: Path, model: Path, by: str
) -> None:
    take = solved.take()
    row_with(take.write_glb(tmp_path / "motion.glb"))
    if by == "model":
        group().model = str(model)
    else:
        group().armature = character_armature.build(mjcf.read(model), name="Anna")
    out = tmp_path / "angles.csv"
    assert ops.export_angles(filepath=str(out)) == {"FINISHED"}
    assert_table(out, take)


@pytest.mark.parametrize("name", ["angles.txt", "angles", "angles.csv.gz"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    row_with(solved.take().write_npz(tmp_path / "output.npz"))
    assert "is no table of angles" in refused(ops.export_angles, filepath=str(tmp_path / name))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("case", ["no job", "no angles", "damaged", "gone", "a folder", "joints"])
def test_angles_that_cannot_be_had_are_one_report(tmp_path: Path, model: Path, case: str) -> None:
    out = tmp_path / "angles.csv"
    sentence = {
        "no job": "No job with a result is chosen",
        "no angles": "choose its model",
        "damaged": "output.npz",
        "gone": "is not there",
        "a folder": "is a folder",
        "joints": "'tibia_r'",
    }[case]
    if case in ("no angles", "joints"):
        row_with(solved.take().write_glb(tmp_path / "motion.glb"))
    elif case == "damaged":
        (tmp_path / "output.npz").write_bytes(b"PK\3\4")
        row_with(tmp_path / "output.npz")
    elif case == "gone":
        row_with(tmp_path / "motion.glb")
    elif case == "a folder":
        out.mkdir()
        row_with(solved.take().write_npz(tmp_path / "output.npz"))
    if case == "joints":
        built = character_armature.build(mjcf.read(model), name="Anna")
        built.data.bones["tibia_r"][joint_definitions.JOINTS] = "{"
        group().armature = built
    assert sentence in refused(ops.export_angles, filepath=str(out))
    assert not out.is_file()


def test_a_rig_s_armature_is_no_trouble(tmp_path: Path) -> None:
    take = solved.take()
    group().target, group().armature = "EXISTING", rig_builders.mixamo().object
    row_with(take.write_npz(tmp_path / "output.npz"))
    group().use_capture_rate, group().capture_rate = True, 120.0
    assert ops.export_angles(filepath=str(tmp_path / "angles.csv")) == {"FINISHED"}
    assert_table(tmp_path / "angles.csv", take)
