# SPDX-License-Identifier: GPL-3.0-or-later
"""A live session that dresses an armature with meshes and joint angles, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

import myosapiens_addon
from myosapiens_addon.blender import (
    animation,
    character_armature,
    extras,
    job_actions,
    joint_curves,
    joint_definitions,
    live,
    meshes_prepared,
)
from myosapiens_addon.blender import session as sessions
from myosapiens_addon.blender.compat import HAS_SLOTS, UNFINISHED, curves_of
from myosapiens_addon.blender.live_landing import Stage
from myosapiens_addon.blender.rows import Row, State
from myosapiens_addon.motion import mjcf
from tests.blender import posing
from tests.blender.live_bench import at_rest, plan, pump_until, ready_row
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES

OTHER = solved.larger(1.1, "tibia_r", "femur_l", "tibia_l", "ulna_r", "skull")


EVERYTHING = {
    "meshes": True, "empties": True, "with_angles": True, "key_angles": True, "limits": True,
    "rate": "capture", "fit": True,
}  # fmt: skip


ANGLES = len(solved.HINGES) + len(solved.SHOULDER_ANGLES) + 1


@pytest.fixture(name="scratch", autouse=True)
def scratch_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
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


@pytest.fixture(name="is_new", params=["new", "own"])
def is_new_fixture(request: pytest.FixtureRequest) -> bool:
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
