# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's meshes: where the file has them in every frame, and as they look there."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from myosapiens_addon.blender import (
    armature,
    meshes,
    meshes_prepared,
)
from myosapiens_addon.motion import glb as motion_glb
from myosapiens_addon.motion import quaternion
from myosapiens_addon.motion.motion import Motion
from tests.blender.meshes_bench import (
    NEAR_M,
    bring,
    counts,
    land,
    prepared,
    walking_fixture,  # noqa: F401
    world_vertices,
    worst_m,
)
from tests.helpers.mesh_glbs import PNG, Glb, figure
from tests.helpers.motions import NAMES, moving

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
