# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's meshes: where the file has them in every frame, and nothing else changed."""

from __future__ import annotations

import json
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import addon_utils
import bmesh
import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from myosapiens_addon.blender import (
    armature,
    compat,
    landing,
    landing_options,
    meshes,
    meshes_import,
    meshes_prepared,
)
from myosapiens_addon.errors import MyoSapiensError, OutputError, RigError
from myosapiens_addon.motion import glb as motion_glb
from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion
from tests.blender.conftest import ROOT
from tests.helpers.mesh_glbs import PNG, Glb, figure
from tests.helpers.motions import NAMES, moving

NEAR_M = 1e-5


@pytest.fixture
def walking(tmp_path: Path) -> Glb:
    """A figure with meshes, written to `figure.glb`."""
    glb = figure(moving())
    glb.write(tmp_path / "figure.glb")
    return glb


def prepared(path: Path, tmp_path: Path) -> meshes.Prepared:
    folder = tmp_path / "parts"
    folder.mkdir(exist_ok=True)
    return meshes.prepare(path, motion_glb.read(path), folder=folder)


def land(path: Path) -> landing.Landing:
    options = landing_options.LandingOptions(new_armature=True, rate="capture")
    return landing.land([path], name="Take", options=options)


def bring(path: Path, tmp_path: Path, rig: str, **options: bool) -> meshes.Brought:
    return meshes.bring(
        prepared(path, tmp_path),
        bpy.data.objects[rig],
        scene=bpy.context.scene,
        name="Take",
        **options,
    )


def world_vertices(name: str) -> np.ndarray:
    graph = bpy.context.evaluated_depsgraph_get()
    shown = bpy.data.objects[name].evaluated_get(graph)
    count = len(shown.data.vertices)
    local = np.empty(count * 3, np.float32)
    shown.data.vertices.foreach_get("co", local)
    world = np.array(shown.matrix_world, dtype=np.float64)
    return local.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def worst_m(
    brought: meshes.Brought, glb: Glb, motion: Motion, frame: int, outer: np.ndarray | None = None
) -> float:
    """The largest distance of a vertex from where its body has it in a frame of the take."""
    fps = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
    moment = 1 + motion.times[frame] * fps
    bpy.context.scene.frame_set(int(moment), subframe=moment - int(moment))
    outer = np.eye(4) if outer is None else outer
    worst = 0.0
    assert len(glb.vertices) == brought.count
    for body, name in enumerate(motion.names):
        # A body's own node comes before `<body>_geom_1`, in both.
        nodes = sorted(node for node, carrier in glb.bodies.items() if carrier == name)
        hung = [entry for entry in brought.objects if bpy.data.objects[entry].parent_bone == name]
        turn, place = motion.rotations[frame, body], motion.positions[frame, body]
        for node, entry in zip(nodes, hung, strict=True):
            wanted = quaternion.rotate(turn, glb.vertices[node]) + place
            wanted = wanted @ outer[:3, :3].T + outer[:3, 3]
            worst = max(worst, np.linalg.norm(world_vertices(entry) - wanted, axis=1).max())
    return worst


def counts() -> dict[str, int]:
    return {kind: len(uids) for kind, uids in meshes_import.census().items()}


# Where they are


def test_every_vertex_walks_with_its_body(walking: Glb, tmp_path: Path) -> None:
    path = tmp_path / "figure.glb"
    rig = land(path).armature
    brought = bring(path, tmp_path, rig)
    motion = moving()
    for frame in (0, 7, 16, 24):
        assert worst_m(brought, walking, motion, frame) < NEAR_M
    # The oracle sees a mesh that is off.
    bpy.data.objects[brought.objects[3]].location.x += 0.001
    assert worst_m(brought, walking, motion, 7) > 0.9e-3


@pytest.mark.parametrize("scale_length", [0.01, 1.0, 1000.0])
def test_the_armatures_place_and_the_scenes_units(
    walking: Glb, tmp_path: Path, scale_length: float
) -> None:
    path = tmp_path / "figure.glb"
    rig = land(path).armature
    bpy.context.scene.unit_settings.scale_length = scale_length
    kept = bpy.context.scene.unit_settings.scale_length
    outer = Matrix.LocRotScale(Vector((1, -2, 0.5)), Quaternion((0, 0, 1), 0.7), Vector((2, 2, 2)))
    bpy.data.objects[rig].matrix_world = outer
    brought = bring(path, tmp_path, rig)
    assert bpy.context.scene.unit_settings.scale_length == kept
    assert worst_m(brought, walking, moving(), 11, np.array(outer)) < 3 * NEAR_M


def test_golden_poses_of_a_real_take(walk: Path, tmp_path: Path) -> None:
    source = walk / "motion_nomesh.glb"
    glb = _with_points(source, tmp_path / "walk.glb")
    golden_p, golden_r = np.load(walk / "golden_xpos.npy"), np.load(walk / "golden_xquat.npy")
    names = motion_glb.read(source).names
    every = json.loads((walk / "body_names.json").read_text())
    order = [every.index(name) for name in names]
    rig = land(tmp_path / "walk.glb").armature
    brought = bring(tmp_path / "walk.glb", tmp_path, rig)
    motion = motion_glb.read(source)
    truth = Motion(
        names=names,
        parents=motion.parents,
        rest_positions=motion.rest_positions,
        rest_rotations=motion.rest_rotations,
        times=motion.times,
        positions=golden_p[:, order],
        rotations=golden_r[:, order],
    )
    for frame in (0, 150, 411):
        assert worst_m(brought, glb, truth, frame) < NEAR_M


def _with_points(source: Path, path: Path) -> Glb:
    """A file with a mesh added to every body."""
    data = source.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    glb = Glb()
    glb.document |= json.loads(data[20 : 20 + size])
    glb.document.setdefault("meshes", [])
    glb.blob = bytearray(data[28 + size :])
    bodies = set(motion_glb.read(source).names)
    shape = np.random.default_rng(1).normal(scale=0.1, size=(8, 3)).astype(np.float32)
    for node in glb.document["nodes"]:
        if node["name"] in bodies:
            node["mesh"] = glb.mesh(shape)
            glb.vertices[node["name"]], glb.bodies[node["name"]] = shape, node["name"]
    glb.write(path)
    return glb


def test_on_another_subjects_armature_meshes_keep_place_and_size(
    walking: Glb, tmp_path: Path
) -> None:
    small = moving()
    taller = Motion(
        names=small.names,
        parents=small.parents,
        rest_positions=small.rest_positions * 1.3,
        rest_rotations=small.rest_rotations,
        times=small.times,
        positions=small.positions,
        rotations=small.rotations,
    )
    built = armature.build(taller, name="Tall")
    brought = bring(tmp_path / "figure.glb", tmp_path, built.name)
    bpy.context.view_layer.update()
    body = NAMES.index("tibia_r")
    wanted = quaternion.rotate(small.rest_rotations[body], walking.vertices["tibia_r"])
    found = world_vertices("tibia_r")
    np.testing.assert_allclose(found, wanted + small.rest_positions[body] * 1.3, atol=NEAR_M)
    assert brought.warnings == []


def test_bodies_that_the_armature_lacks_are_told(walking: Glb, tmp_path: Path) -> None:
    built = armature.build(moving(), name="Anna")
    bpy.context.view_layer.objects.active = built
    bpy.ops.object.mode_set(mode="EDIT")
    built.data.edit_bones.remove(built.data.edit_bones["toes_r"])
    bpy.ops.object.mode_set(mode="OBJECT")
    before = counts()["meshes"]
    brought = bring(tmp_path / "figure.glb", tmp_path, "Anna")
    assert brought.count == len(walking.vertices) - 1
    assert brought.warnings == [
        "The armature 'Anna' has no bones for toes_r; their meshes are left out."
    ]
    meshes.remove(brought)
    assert counts()["meshes"] == before


# What they are called, and what they look like


def test_names_collection_and_parents(walking: Glb, tmp_path: Path) -> None:
    rig = bpy.data.objects[land(tmp_path / "figure.glb").armature]
    home = bpy.data.collections.new("Cast")
    bpy.context.scene.collection.children.link(home)
    bpy.context.scene.collection.objects.unlink(rig)
    home.objects.link(rig)
    brought = bring(tmp_path / "figure.glb", tmp_path, rig.name)
    assert [collection.name for collection in home.children] == ["Take meshes"]
    inside = home.children[0].objects
    assert set(inside.keys()) == set(brought.objects)
    assert {"root", "root.001", "pelvis", "talus_r"} <= set(brought.objects)
    for entry in inside:
        assert (entry.parent, entry.parent_type) == (rig, "BONE")
        assert entry.parent_bone == entry.name.split(".")[0]
        assert entry.users_collection == (home.children[0],)
        assert entry.data.name.split(".")[0] == entry.parent_bone
        assert list(entry.keys()) == []


def test_floor_and_markers_are_left_out(walking: Glb, tmp_path: Path) -> None:
    rig = land(tmp_path / "figure.glb").armature
    before = set(bpy.data.objects.keys())
    brought = bring(tmp_path / "figure.glb", tmp_path, rig)
    assert brought.empties == ()
    assert set(bpy.data.objects.keys()) - before == set(brought.objects)
    assert max(len(entry.data.vertices) for entry in bpy.data.collections[0].objects) < 25


def test_markers_as_empties_stand_where_they_stood(walking: Glb, tmp_path: Path) -> None:
    rig = land(tmp_path / "figure.glb").armature
    brought = bring(tmp_path / "figure.glb", tmp_path, rig, empties=True)
    assert brought.empties == ("mocap_LFHD", "mocap_RFHD")
    bpy.context.view_layer.update()
    found = [tuple(bpy.data.objects[name].matrix_world.translation) for name in brought.empties]
    np.testing.assert_allclose(found, [(0.25, 0.5, 1.5), (-0.25, 0.5, 1.5)], atol=1e-6)
    assert {bpy.data.objects[name].type for name in brought.empties} == {"EMPTY"}


def test_materials_meshes_and_pictures_stay_shared_over_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes_prepared, "PART_POINTS", 4000)
    glb = figure(moving())
    picture = {"name": "skin", "bufferView": glb.view(PNG), "mimeType": "image/png"}
    glb.document |= {"images": [picture], "textures": [{"source": 0, "sampler": 0}]}
    glb.document["samplers"] = [{"wrapS": 33071}]
    glb.document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    nodes = {node["name"]: node for node in glb.document["nodes"]}
    nodes["toes_r"]["mesh"] = nodes["root"]["mesh"]
    nodes["skull"]["mesh"] = glb.mesh(
        np.eye(3, dtype=np.float32), material=0, COLOR_0=np.ones((3, 4), np.float32)
    )
    path = glb.write(tmp_path / "figure.glb")
    rig = land(path).armature
    assert len(prepared(path, tmp_path).parts) > 4
    brought = bring(path, tmp_path, rig)
    assert bpy.data.objects["toes_r"].data == bpy.data.objects["root"].data
    # One on coloured vertices is another material, as with the importer alone.
    assert sorted(bpy.data.materials.keys()) == ["bone", "bone.001"]
    assert bpy.data.materials["bone"].users == len(NAMES) - 2
    assert bpy.data.images.keys() == ["skin"]
    assert bpy.data.images["skin"].packed_file.data == PNG
    linked = bpy.data.materials["bone"].node_tree.nodes
    assert [node.image for node in linked if node.type == "TEX_IMAGE"] == [bpy.data.images["skin"]]
    assert brought.warnings == []
    meshes.remove(brought)
    assert not bpy.data.materials
    assert not bpy.data.images
    assert not bpy.data.meshes


@pytest.mark.parametrize("uri", ["../secret.png", "file:///etc/hostname", "//host/share/x.png"])
def test_pictures_outside_the_file_are_not_fetched(tmp_path: Path, uri: str) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    glb = figure(moving())
    glb.document |= {"images": [{"uri": uri}], "textures": [{"source": 0}]}
    glb.document["materials"][0]["emissiveTexture"] = {"index": 0}
    path = glb.write(tmp_path / "figure.glb")
    brought = bring(path, tmp_path, land(path).armature)
    assert brought.warnings == ["figure.glb lacks the image of a texture; it is left out."]
    assert not bpy.data.images
    assert bpy.data.materials.keys() == ["bone"]


def test_normals_are_the_files(tmp_path: Path) -> None:
    glb = figure(moving())
    normals = np.tile(np.array([0.6, 0.0, 0.8], np.float32), (6, 1))
    shape = np.random.default_rng(5).normal(size=(6, 3)).astype(np.float32)
    nodes = {node["name"]: node for node in glb.document["nodes"]}
    nodes["skull"]["mesh"] = glb.mesh(shape, NORMAL=normals)
    path = glb.write(tmp_path / "figure.glb")
    bring(path, tmp_path, land(path).armature)
    found = np.array([entry.vector for entry in bpy.data.objects["skull"].data.corner_normals])
    # Blender's local axes of a mesh are the file's, turned up; normals are kept in 15 bits.
    np.testing.assert_allclose(found, np.tile([0.6, -0.8, 0.0], (len(found), 1)), atol=2e-3)


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


# Files that are no good


def test_why_not(walking: Glb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.glb"
    assert meshes.why_not(path) == ""
    plain = figure(moving(), meshes=False).write(tmp_path / "motion_nomesh.glb")
    assert meshes.why_not(plain) == "motion_nomesh.glb holds no meshes."
    with pytest.raises(OutputError, match=r"motion_nomesh\.glb holds no meshes"):
        prepared(plain, tmp_path)
    assert "cannot be read" in meshes.why_not(tmp_path / "absent.glb")
    (tmp_path / "text.glb").write_text("no GLB at all, but long enough")
    assert meshes.why_not(tmp_path / "text.glb") == "text.glb holds no meshes."
    monkeypatch.setattr(meshes, "can_decode_draco", lambda: False)
    walking.document["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    assert "compressed by Draco" in meshes.why_not(walking.write(tmp_path / "draco.glb"))


def test_without_the_importer(walking: Glb, tmp_path: Path) -> None:
    path = tmp_path / "figure.glb"
    rig = land(path).armature
    before = counts()
    addon_utils.disable("io_scene_gltf2")
    try:
        assert "glTF importer is switched off" in meshes.why_not(path)
        with pytest.raises(OutputError, match="glTF importer is switched off"):
            bring(path, tmp_path, rig)
    finally:
        addon_utils.enable("io_scene_gltf2")
    assert counts() == before
    assert not any((tmp_path / "parts").iterdir())


def test_only_a_characters_own_armature_gets_meshes(walking: Glb, tmp_path: Path) -> None:
    bpy.ops.object.armature_add()
    with pytest.raises(RigError, match="'Armature' is no character's own"):
        bring(tmp_path / "figure.glb", tmp_path, "Armature")


def _accessor(glb: Glb, attribute: str = "POSITION") -> dict[str, Any]:
    primitive = glb.document["meshes"][3]["primitives"][0]
    index = primitive["indices"] if attribute == "indices" else primitive["attributes"][attribute]
    return glb.document["accessors"][index]


def _poke(glb: Glb, attribute: str, value: bytes) -> None:
    view = glb.document["bufferViews"][_accessor(glb, attribute)["bufferView"]]
    glb.blob[view["byteOffset"] : view["byteOffset"] + len(value)] = value


DAMAGES: dict[str, tuple[Callable[[Glb], object], str]] = {
    "count": (lambda glb: _accessor(glb).update(count=10**6), "outside the file"),
    "counts": (lambda glb: _accessor(glb).update(count=10**12), "more meshes than any character"),
    "offset": (lambda glb: _accessor(glb).update(byteOffset=10**9), "outside the file"),
    "no view": (lambda glb: _accessor(glb).pop("bufferView"), "bufferViews"),
    "component": (lambda glb: _accessor(glb).update(componentType=[1]), "has no type"),
    "type": (lambda glb: _accessor(glb).update(type="VEC2"), "POSITION of its mesh"),
    "sparse": (lambda glb: _accessor(glb).update(sparse={"count": 10**12}), "sparse"),
    "bounds": (lambda glb: _poke(glb, "indices", b"\xff\x7f"), "vertices that are not there"),
    "nan": (lambda glb: _poke(glb, "POSITION", b"\0\0\xc0\x7f"), "no numbers"),
    "mode": (lambda glb: glb.document["meshes"][3]["primitives"][0].update(mode=9), "mode 9"),
    "mesh": (lambda glb: glb.document["nodes"][5].update(mesh=999), "meshes"),
    "empty": (lambda glb: glb.document["meshes"][3].update(primitives=[]), "no vertices"),
    "material": (
        lambda glb: glb.document["meshes"][0]["primitives"][0].update(material=7), "materials",
    ),
    "texture": (
        lambda glb: glb.document["materials"][0].update(normalTexture={"index": 3}), "textures",
    ),
    "colour": (
        lambda glb: glb.document["materials"][0]["pbrMetallicRoughness"].update(
            baseColorFactor=["red"]
        ),
        "importer cannot read the meshes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_one_sentence_and_leaves_nothing(tmp_path: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    glb = figure(moving())
    change(glb)
    path = glb.write(tmp_path / "figure.glb")
    built = armature.build(moving(), name="Anna")
    selected = list(bpy.context.view_layer.objects.selected)
    before = counts()
    with pytest.raises(OutputError, match=message) as caught:
        bring(path, tmp_path, built.name)
    assert "figure.glb" in caught.value.sentence
    assert "\n" not in caught.value.sentence
    assert counts() == before
    assert list(bpy.context.view_layer.objects.selected) == selected
    assert not any((tmp_path / "parts").iterdir())


def test_a_cut_off_file(walking: Glb, tmp_path: Path) -> None:
    path = tmp_path / "figure.glb"
    motion = motion_glb.read(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(OutputError, match="cut off"):
        meshes.prepare(path, motion, folder=tmp_path)
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_dir()] in ([], ["user"])


def test_parts_that_cannot_be_written(walking: Glb, tmp_path: Path) -> None:
    path = tmp_path / "figure.glb"
    with pytest.raises(OutputError, match=r"figure\.glb cannot be written for the importer"):
        meshes.prepare(path, motion_glb.read(path), folder=tmp_path / "absent")


# Draco


@pytest.fixture
def draco(tmp_path: Path) -> Path:
    """The figure, its meshes compressed by Blender's own exporter."""
    if not compat.can_decode_draco():
        pytest.skip("this Blender comes without the Draco library")
    path = figure(moving()).write(tmp_path / "plain.glb")
    bpy.ops.import_scene.gltf(filepath=str(path))
    made = tmp_path / "draco.glb"
    bpy.ops.export_scene.gltf(
        filepath=str(made), export_format="GLB", export_draco_mesh_compression_enable=True
    )
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert b"KHR_draco_mesh_compression" in made.read_bytes()
    return made


def test_draco_meshes(draco: Path, tmp_path: Path) -> None:
    assert meshes.why_not(draco) == ""
    built = armature.build(motion_glb.read(draco), name="Anna")
    ready = prepared(draco, tmp_path)
    assert ready.needs_draco
    brought = meshes.bring(ready, built, scene=bpy.context.scene, name="Take")
    motion, glb = motion_glb.read(draco), figure(moving())
    assert brought.count == len(glb.vertices)
    bpy.context.view_layer.update()
    # Draco rounds coordinates to 14 bits and sorts vertices; the exporter splits them.
    for name in ("skull", "femur_l", "talus_r"):
        body = motion.names.index(name)
        turn, place = motion.rest_rotations[body], motion.rest_positions[body]
        wanted = quaternion.rotate(turn, glb.vertices[name]) + place
        apart = np.linalg.norm(world_vertices(name)[:, None] - wanted[None], axis=-1)
        assert apart.min(axis=0).max() < 1e-4
        assert apart.min(axis=1).max() < 1e-4


def test_draco_that_is_damaged(draco: Path, tmp_path: Path) -> None:
    data = bytearray(draco.read_bytes())
    for place in range(len(data)):
        if data[place : place + 5] == b"DRACO":
            data[place + 9 : place + 40] = bytes(31)
    draco.write_bytes(data)
    built = armature.build(motion_glb.read(draco), name="Anna")
    before = counts()
    with pytest.raises(MyoSapiensError, match=r"draco\.glb"):
        bring(draco, tmp_path, built.name)
    assert counts() == before


def test_draco_that_this_blender_cannot_decode(
    walking: Glb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mesh in walking.document["meshes"]:
        primitive = mesh["primitives"][0]
        for index in (*primitive["attributes"].values(), primitive["indices"]):
            view = walking.document["accessors"][index].pop("bufferView")
        ids = {name: number for number, name in enumerate(primitive["attributes"])}
        packed = {"bufferView": view, "attributes": ids}
        primitive["extensions"] = {"KHR_draco_mesh_compression": packed}
    path = walking.write(tmp_path / "figure.glb")
    built = armature.build(moving(), name="Anna")
    monkeypatch.setattr(meshes, "can_decode_draco", lambda: False)
    before = counts()
    with pytest.raises(OutputError, match=r"figure\.glb are compressed by Draco, which"):
        bring(path, tmp_path, built.name)
    assert counts() == before


# The whole way


def test_meshes_of_a_real_solve(tmp_path: Path) -> None:
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("no solver: .venv is missing (run scripts/test.py)")
    script = (
        "import sys; from pathlib import Path; from local_service.solve import SolveOptions, run;"
        "sample = Path('sample'); run(c3d=sample / 'walk.c3d',"
        "markerset=sample / 'markerset.xml', out_dir=Path(sys.argv[1]),"
        "options=SolveOptions(export_glb=True))"
    )
    scripts = ROOT / "scripts"
    subprocess.run([str(python), "-c", script, str(tmp_path)], cwd=scripts, check=True, timeout=200)
    path = next(tmp_path.rglob("*.glb"))
    rig = land(path).armature
    brought = bring(path, tmp_path, rig)
    assert brought.count > 30
    motion = motion_glb.read(path)
    bpy.context.scene.frame_set(20)
    cloud = np.concatenate([world_vertices(name) for name in brought.objects])
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    assert -0.05 < low[2] < 0.05
    assert 1.5 < high[2] < 2.1
    assert np.all(motion.positions.min(axis=(0, 1))[:2] - 0.5 < low[:2])
    assert np.all(high[:2] < motion.positions.max(axis=(0, 1))[:2] + 0.5)
