# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes on an armature beside the pose, and what is left where a landing fails."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    armature,
    character_armature,
    extras,
    finishing,
    joint_curves,
    joint_definitions,
    meshes_import,
    self_check,
)
from myosapiens_addon.blender.compat import curves_of
from myosapiens_addon.errors import MyoSapiensError, OutputError, RigError
from myosapiens_addon.motion import mjcf
from myosapiens_addon.motion.quaternion import rotate
from tests.blender import posing, rig_builders
from tests.blender.extras_bench import (
    EVERY_ANGLE,
    land,
    overridden,
    scratch_fixture,  # noqa: F401
)
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES
from tests.helpers.solved import Solved

NEAR_M = 1e-5


def census() -> dict[str, set[int]]:
    return {kind: uids for kind, uids in meshes_import.census().items() if kind != "scenes"}


def hung(name: str) -> dict[str, list[bpy.types.Object]]:
    """Mesh objects of an armature by the bone that they hang on."""
    found: dict[str, list[bpy.types.Object]] = {}
    for entry in bpy.data.objects[name].children:
        if entry.type == "MESH":
            found.setdefault(entry.parent_bone, []).append(entry)
    return found


def meshes_of(take: Solved) -> int:
    return len(mesh_glbs.figure(take.motion()).vertices)


def walk_with(name: str, take: Solved) -> None:
    """Every vertex of a body's own mesh is where the body has it, in some frames."""
    glb = mesh_glbs.figure(take.motion())
    motion = take.motion()
    by_bone = hung(name)
    for row in (0, 17, 30):
        moment = 1 + 24 * row / 120
        bpy.context.scene.frame_set(int(moment), subframe=moment - int(moment))
        graph = bpy.context.evaluated_depsgraph_get()
        for body, bone in enumerate(NAMES):
            wanted = rotate(motion.rotations[row, body], glb.vertices[bone])
            wanted = wanted + motion.positions[row, body]
            nearest = min(
                np.abs(_vertices(entry, graph) - wanted).max()
                for entry in by_bone[bone]
                if len(entry.data.vertices) == len(wanted)
            )
            assert nearest < NEAR_M


def _vertices(entry: bpy.types.Object, graph: bpy.types.Depsgraph) -> np.ndarray:
    shown = entry.evaluated_get(graph)
    local = np.array([vertex.co for vertex in shown.data.vertices], np.float64)
    world = np.array(shown.matrix_world, np.float64)
    return local @ world[:3, :3].T + world[:3, 3]


# Meshes


@pytest.mark.parametrize("rig", ["new", "of the definition", "of a take"])
def test_meshes_hang_on_the_character_s_own_armature(
    tmp_path: Path, scratch: Path, rig: str
) -> None:
    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb", meshes=True)
    options: dict[str, object] = {"new_armature": True}
    if rig == "of the definition":
        model = solved.write_model(tmp_path / "model.xml")
        options = {"armature": character_armature.build(mjcf.read(model), name="Anna").name}
    elif rig == "of a take":
        options = {"armature": armature.build(take.motion(), name="Anna").name}
    found = land(path, rate="capture", meshes=True, **options)
    assert not found.warnings
    assert found.meshes == meshes_of(take)
    assert sum(len(entries) for entries in hung(found.armature).values()) == found.meshes
    walk_with(found.armature, take)
    assert not list(scratch.iterdir())
    assert not [entry for entry in bpy.data.objects if entry.type == "EMPTY"]
    assert len(bpy.data.actions) == 1


def test_meshes_come_with_another_file_s_angles_and_xpos(tmp_path: Path) -> None:
    """All of a job's files at once: nothing is twice, nothing is missing."""
    take = solved.take()
    files = [
        take.write_glb(tmp_path / "motion.glb", meshes=True),
        take.write_qpos(tmp_path / "qpos.parquet"),
        take.write_xpos(tmp_path / "xpos.parquet"),
    ]
    found = land(
        *files, model=str(solved.write_model(tmp_path / "model.xml")), limits=True, meshes=True,
        empties=True, with_angles=True, key_angles=True, rate="capture",
    )  # fmt: skip
    assert (found.source, found.angles) == ("motion.glb", len(EVERY_ANGLE))
    assert found.meshes == meshes_of(take)
    assert found.distance is not None
    assert found.shown_distance is not None
    assert found.shown_distance.largest_mm < 0.02
    assert joint_definitions.read(bpy.data.objects[found.armature]) is not None
    walk_with(found.armature, take)
    assert {"extras", "check"} <= found.seconds.keys()


def test_meshes_come_onto_an_override_of_a_linked_collection(tmp_path: Path) -> None:
    take = solved.take()
    built = armature.build(take.motion(), name="Anna")
    rig = overridden(built, tmp_path).name
    before = len(bpy.data.objects)
    path = take.write_glb(tmp_path / "motion.glb", meshes=True)
    found = land(path, rate="capture", meshes=True, armature=rig)
    assert found.meshes == meshes_of(take)
    walk_with(found.armature, take)
    # Nothing can be put into the override: the scene's own collection has them.
    assert "Take meshes" in bpy.context.scene.collection.children
    assert len(bpy.data.objects) == before + found.meshes


def test_markers_become_empties_where_they_stand(tmp_path: Path) -> None:
    path = solved.take().write_glb(tmp_path / "motion.glb", meshes=True)
    land(path, new_armature=True, meshes=True, empties=True)
    found = {entry.name: entry for entry in bpy.data.objects if entry.type == "EMPTY"}
    assert set(found) == {"mocap_LFHD", "mocap_RFHD"}
    bpy.context.view_layer.update()
    place = found["mocap_LFHD"].matrix_world.translation
    np.testing.assert_allclose(place, (0.25, 0.5, 1.5), atol=1e-6)


def test_markers_without_meshes_are_nothing(tmp_path: Path) -> None:
    path = solved.take().write_glb(tmp_path / "motion.glb", meshes=True)
    found = land(path, new_armature=True, empties=True)
    assert (found.meshes, found.warnings) == (0, [])
    assert len(bpy.data.objects) == 1


@pytest.mark.parametrize("case", ["no meshes", "another rig", "no glb", "damaged mesh"])
def test_meshes_that_cannot_be_had_are_a_warning(tmp_path: Path, scratch: Path, case: str) -> None:
    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb", meshes=case != "no meshes")
    options: dict[str, object] = {"new_armature": True}
    sentence = {
        "no meshes": "motion.glb holds no meshes",
        "another rig": "'Armature' is no character's own",
        "no glb": "qpos.parquet holds no meshes; they are in motion.glb only",
        "damaged mesh": "motion.glb is damaged",
    }[case]
    if case == "another rig":
        options = {"armature": rig_builders.mixamo().name}
    if case == "no glb":
        path = take.write_qpos(tmp_path / "qpos.parquet")
        options["model"] = str(solved.write_model(tmp_path / "model.xml"))
    if case == "damaged mesh":
        glb = mesh_glbs.figure(take.motion())
        glb.document["meshes"][0]["primitives"][0]["indices"] = 9999
        glb.write(path)
    found = land(path, meshes=True, **options)
    assert found.meshes == 0
    assert len([warning for warning in found.warnings if sentence in warning]) == 1
    assert bpy.data.objects[found.armature].animation_data.action.name == found.action
    assert not bpy.data.meshes
    assert not list(scratch.iterdir())


def test_meshes_of_bodies_without_bones_are_left_out(tmp_path: Path) -> None:
    take = solved.take()
    built = armature.build(take.motion(), name="Anna")
    with armature.editing(built):
        built.data.edit_bones.remove(built.data.edit_bones["toes_r"])
    path = take.write_glb(tmp_path / "motion.glb", meshes=True)
    found = land(path, armature="Anna", meshes=True)
    glb = mesh_glbs.figure(take.motion())
    gone = [node for node, body in glb.bodies.items() if body == "toes_r"]
    assert found.meshes == len(glb.bodies) - len(gone)
    assert [text for text in found.warnings if "toes_r; their meshes are left out" in text]


def failing(*_arguments: object, **_options: object) -> None:
    raise RigError("It failed at the very end.")


# Where it fails


@pytest.mark.parametrize("moment", ["check", "finish", "stopped by hand"])
def test_a_failure_after_the_meshes_leaves_nothing_of_a_new_armature(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb", meshes=True)
    model = str(solved.write_model(tmp_path / "model.xml"))
    everything = {
        "new_armature": True, "model": model, "limits": True, "meshes": True, "empties": True,
        "with_angles": True, "key_angles": True,
    }  # fmt: skip
    bpy.ops.mesh.primitive_cube_add()
    before = census()

    def stopped(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    if moment == "check":
        monkeypatch.setattr(self_check, "measure", failing)
    else:
        monkeypatch.setattr(finishing, "finish", failing if moment == "finish" else stopped)
    expected = KeyboardInterrupt if moment == "stopped by hand" else RigError
    with pytest.raises(expected):
        land(path, **everything)
    assert census() == before
    assert not list(scratch.iterdir())
    monkeypatch.undo()
    monkeypatch.setattr(extras, "scratch", lambda: scratch)
    found = land(path, **everything)
    assert (found.armature, found.action) == ("Take", "Take")
    assert found.meshes == meshes_of(take)


@pytest.mark.parametrize("error", [OutputError("The importer failed."), KeyboardInterrupt()])
def test_an_importer_that_fails_half_way_leaves_no_mesh(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    from myosapiens_addon.blender import meshes_prepared

    monkeypatch.setattr(meshes_prepared, "PART_POINTS", 1)  # every mesh is a part
    take = solved.take()
    path = take.write_glb(tmp_path / "motion.glb", meshes=True)
    run, calls = meshes_import.run, []

    def failing_run(part: Path, *, source: str) -> list[tuple[str, bpy.types.ID]]:
        calls.append(part)
        if len(calls) == 5:
            raise error
        return run(part, source=source)

    monkeypatch.setattr(meshes_import, "run", failing_run)
    if isinstance(error, MyoSapiensError):
        found = land(path, new_armature=True, meshes=True)
        assert [text for text in found.warnings if text == "The importer failed."]
        assert len(bpy.data.actions) == 1
    else:
        with pytest.raises(KeyboardInterrupt):
            land(path, new_armature=True, meshes=True)
        assert not bpy.data.actions
        assert not bpy.data.armatures
    assert len(calls) == 5
    assert not bpy.data.meshes
    assert not bpy.data.materials
    assert not list(scratch.iterdir())


def test_a_failure_on_an_armature_of_the_scene_leaves_it_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the strip of the new action is there already."""
    take = solved.take()
    built = armature.build(take.motion(), name="Anna")
    model = str(solved.write_model(tmp_path / "model.xml"))
    path = take.write_glb(tmp_path / "motion.glb", meshes=True)
    words = {"armature": "Anna", "meshes": True, "with_angles": True, "key_angles": True}
    land(path, name="First", as_strip=True, model=model, **words)
    second = land(path, name="Second", model=model, with_angles=True, armature="Anna")
    before, held = census(), sorted(joint_curves.ours(built))
    finish = finishing.finish

    def failing_after_all(*arguments: object, **options: object) -> list[str]:
        finish(*arguments, **options)  # type: ignore[arg-type]
        raise RigError("It failed at the very end.")

    monkeypatch.setattr(finishing, "finish", failing_after_all)
    with pytest.raises(RigError, match="very end"):
        land(path, name="Third", as_strip=True, as_asset=True, model=model, **words)
    assert census() == before
    assert built.animation_data.action == bpy.data.actions[second.action]
    assert not built.animation_data.action.use_fake_user
    tracks = built.animation_data.nla_tracks
    assert [strip.action.name for track in tracks for strip in track.strips] == ["First"]
    assert sorted(joint_curves.ours(built)) == held
    heads = posing.evaluated("Anna", 1 + 24 * take.times[20:21], NAMES)[0, :, :3, 3]
    np.testing.assert_allclose(heads, take.poses()[0][20], atol=1e-4)


def test_a_failure_on_an_armature_that_nothing_animated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = solved.take()
    built = armature.build(take.motion(), name="Anna")
    model = str(solved.write_model(tmp_path / "model.xml"))
    path = take.write_glb(tmp_path / "motion.glb")
    monkeypatch.setattr(finishing, "finish", failing)
    with pytest.raises(RigError, match="very end"):
        land(path, armature="Anna", model=model, with_angles=True, key_angles=True, set_range=True)
    assert built.animation_data is None
    assert not built.keys()
    assert not bpy.data.actions
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (1, 250)


def test_a_failure_leaves_other_actions_their_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A strip of another character's action may key angles that this object does not have."""
    take = solved.take()
    built = armature.build(take.motion(), name="Anna")
    model = str(solved.write_model(tmp_path / "model.xml"))
    path = take.write_glb(tmp_path / "motion.glb")
    words = {"model": model, "with_angles": True, "key_angles": True}
    first = land(path, name="First", armature="Anna", as_strip=True, **words)
    joint_curves.remove(built, with_curves=False)
    count = len(curves_of(bpy.data.actions[first.action]))
    monkeypatch.setattr(finishing, "finish", failing)
    with pytest.raises(RigError, match="very end"):
        land(path, name="Second", armature="Anna", **words)
    assert not joint_curves.ours(built)
    assert len(curves_of(bpy.data.actions[first.action])) == count
