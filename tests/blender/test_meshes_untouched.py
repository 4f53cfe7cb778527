# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes come without a change to anything else, step by step."""

from __future__ import annotations

import threading
from pathlib import Path

import bmesh
import bpy
import pytest

from myosapiens_addon.blender import (
    armature,
    compat,
    meshes,
    meshes_prepared,
)
from myosapiens_addon.errors import RigError
from tests.blender.meshes_bench import (
    NEAR_M,
    bring,
    counts,
    land,
    prepared,
    walking_fixture,  # noqa: F401
    worst_m,
)
from tests.helpers.mesh_glbs import Glb
from tests.helpers.motions import moving

# What must stay as it was


def test_nothing_else_of_the_scene_changes(walking: Glb, tmp_path: Path) -> None:
    scene, layer = bpy.context.scene, bpy.context.view_layer
    rig = land(tmp_path / "figure.glb").armature
    scene.render.engine, scene.render.fps, scene.frame_end = "BLENDER_WORKBENCH", 25, 77
    scene.frame_set(13, subframe=0.25)
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    layer.active_layer_collection = layer.layer_collection.children["Shelf"]
    for name in ("a", "b", "c"):
        shelf.objects.link(bpy.data.objects.new(name, None))
        layer.update()
        layer.objects[name].select_set(name != "b")
    layer.objects.active = layer.objects["b"]
    actions, before = set(bpy.data.actions), counts()
    tracks = len(bpy.data.objects[rig].animation_data.nla_tracks)
    brought = bring(tmp_path / "figure.glb", tmp_path, rig)
    assert (scene.render.engine, scene.render.fps) == ("BLENDER_WORKBENCH", 25)
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (1, 77, 13)
    assert scene.frame_subframe == pytest.approx(0.25)
    assert {entry.name for entry in layer.objects.selected} == {"a", "c"}
    assert layer.objects.active.name == "b"
    assert layer.active_layer_collection.name == "Shelf"
    assert set(bpy.data.actions) == actions
    assert len(bpy.data.objects[rig].animation_data.nla_tracks) == tracks
    assert list(scene.keys()) == []
    came = {kind: number - before[kind] for kind, number in counts().items()}
    assert {kind: number for kind, number in came.items() if number} == {
        "objects": len(walking.vertices), "meshes": len(walking.vertices), "materials": 1,
        "collections": 1,
    }  # fmt: skip
    assert not any((tmp_path / "parts").iterdir())
    meshes.remove(brought)
    assert counts() == before


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "WEIGHT_PAINT"])
def test_people_go_on_modelling(walking: Glb, tmp_path: Path, mode: str) -> None:
    rig = land(tmp_path / "figure.glb").armature
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.mode_set(mode=mode)
    if mode == "EDIT":
        bmesh.from_edit_mesh(cube.data).verts.new((5, 5, 5))
    bring(tmp_path / "figure.glb", tmp_path, rig)
    assert bpy.context.view_layer.objects.active == cube
    assert cube.mode == mode
    assert cube.select_get()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(cube.data.vertices) == (9 if mode == "EDIT" else 8)


def test_standard_output_stays_clean(
    walking: Glb, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figure.glb"
    rig = land(path).armature
    capfd.readouterr()
    bring(path, tmp_path, rig)
    assert capfd.readouterr().out == ""


def test_threads_may_run_meanwhile(walking: Glb, tmp_path: Path) -> None:
    """Up to Blender 5.0 operators under a context override crash while threads run."""
    path = tmp_path / "figure.glb"
    rig = land(path).armature
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(number * number for number in range(1000))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            assert bring(path, tmp_path, rig).count == len(walking.vertices)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_one_undo_step_takes_them_back(walking: Glb, tmp_path: Path) -> None:
    rig = land(tmp_path / "figure.glb").armature
    bpy.ops.ed.undo_push(message="landed")
    before = counts()
    brought = bring(tmp_path / "figure.glb", tmp_path, rig)
    bpy.ops.ed.undo_push(message="meshes")
    after = counts()
    bpy.ops.ed.undo()
    assert counts() == before
    bpy.ops.ed.redo()
    assert counts() == after
    assert worst_m(brought, walking, moving(), 9) < NEAR_M
    meshes.remove(brought)
    assert counts() == before


# Steps


def test_a_generator_that_is_closed_leaves_nothing(
    walking: Glb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes_prepared, "PART_POINTS", 4000)
    rig = bpy.data.objects[land(tmp_path / "figure.glb").armature]
    before = counts()
    ready = prepared(tmp_path / "figure.glb", tmp_path)
    steps = meshes.bring_in_steps(ready, rig, scene=bpy.context.scene, name="Take")
    assert [next(steps), next(steps)] == [1, 2]
    # Nothing is to be seen yet, and what an undo would bring back is known by its mark.
    came = [entry for entry in bpy.data.objects if entry.type == "MESH"]
    assert came
    assert not any(entry.users_collection for entry in came)
    assert all(entry.get(compat.UNFINISHED) for entry in came)
    steps.close()
    assert counts() == before
    assert not ready.folder.exists()


def test_what_vanishes_between_steps_is_told(
    walking: Glb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes_prepared, "PART_POINTS", 4000)
    rig = bpy.data.objects[land(tmp_path / "figure.glb").armature]
    ready = prepared(tmp_path / "figure.glb", tmp_path)
    steps = meshes.bring_in_steps(ready, rig, scene=bpy.context.scene, name="Take")
    next(steps)
    bpy.data.objects.remove(next(entry for entry in bpy.data.objects if entry.type == "MESH"))
    with pytest.raises(RigError, match="Meshes were removed while"):
        list(steps)
    ready = prepared(tmp_path / "figure.glb", tmp_path)
    steps = meshes.bring_in_steps(ready, rig, scene=bpy.context.scene, name="Take")
    next(steps)
    armature.remove(rig)
    with pytest.raises(RigError, match="'Take' was removed while meshes"):
        list(steps)
    assert not bpy.data.meshes
    assert not bpy.data.collections


def test_what_people_use_elsewhere_is_not_removed(walking: Glb, tmp_path: Path) -> None:
    brought = bring(tmp_path / "figure.glb", tmp_path, land(tmp_path / "figure.glb").armature)
    own = bpy.data.objects.new("Own", bpy.data.objects["skull"].data)
    meshes.remove(brought)
    assert [entry.name for entry in bpy.data.meshes] == [own.data.name]
    assert bpy.data.materials.keys() == ["bone"]
