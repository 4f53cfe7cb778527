# SPDX-License-Identifier: GPL-3.0-or-later
"""Files whose meshes are no good, Draco, and a real solve."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    armature,
    compat,
    meshes,
)
from myosapiens_addon.errors import MyoSapiensError, OutputError, RigError
from myosapiens_addon.motion import glb as motion_glb
from myosapiens_addon.motion import quaternion
from tests.blender.conftest import ROOT
from tests.blender.meshes_bench import (
    bring,
    counts,
    land,
    prepared,
    walking_fixture,  # noqa: F401
    world_vertices,
)
from tests.helpers.mesh_glbs import Glb, figure
from tests.helpers.motions import moving

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


# Draco


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
    subprocess.run([str(python), "-c", script, str(tmp_path)], cwd=scripts, check=True, timeout=400)
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
