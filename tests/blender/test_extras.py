# SPDX-License-Identifier: GPL-3.0-or-later
"""What lands besides the pose: joint angles as curves, meshes; and what is left where it fails."""

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
    landing,
    meshes_import,
    self_check,
)
from myosapiens_addon.blender.compat import HAS_SLOTS, curves_of
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.errors import MyoSapiensError, OutputError, RigError
from myosapiens_addon.motion import mjcf
from myosapiens_addon.motion.quaternion import rotate
from tests.blender import posing, rig_builders
from tests.helpers import mesh_glbs, solved
from tests.helpers.motions import NAMES
from tests.helpers.solved import Solved

NEAR_DEG = 1e-4
NEAR_M = 1e-5
# What `output.npz` has; the definition knows a hinge of the kneecap besides.
OF_NPZ = {*solved.HINGES, *solved.SHOULDER_ANGLES}
EVERY_ANGLE = {*OF_NPZ, solved.PATELLA[1]}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where meshes wait for the importer."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(extras, "scratch", lambda: folder)
    return folder


def land(*files: Path, name: str = "Take", **options: object) -> landing.Landing:
    return landing.land(files, name=name, options=LandingOptions(**options))


def census() -> dict[str, set[int]]:
    return {kind: uids for kind, uids in meshes_import.census().items() if kind != "scenes"}


def shown_angles(name: str, frame: float, joints: list[str]) -> np.ndarray:
    whole = int(np.floor(frame))
    bpy.context.scene.frame_set(whole, subframe=frame - whole)
    shown = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([shown[joint] for joint in joints])


def degrees(take: Solved, moments: np.ndarray) -> dict[str, np.ndarray]:
    """The table at other moments, in degrees."""
    table = take.angles() | {solved.PATELLA[1]: take.values[solved.PATELLA[1]]}
    return {
        name: np.interp(moments, take.times, np.degrees(values)) for name, values in table.items()
    }


# Joint angles


@pytest.mark.parametrize("rig", ["new", "own", "mixamo"])
@pytest.mark.parametrize("rate", ["scene", "capture", 37.0])
def test_angles_are_curves_in_the_pose_s_action(tmp_path: Path, rig: str, rate: str) -> None:
    bpy.context.scene.render.fps = 25
    take = solved.take()
    model = solved.write_model(tmp_path / "model.xml")
    options: dict[str, object] = {"model": str(model)}
    if rig == "own":
        character_armature.build(mjcf.read(model), name="Anna")
        options = {"armature": "Anna"}
    elif rig == "mixamo":
        options["armature"] = rig_builders.mixamo().name
    found = land(
        take.write_glb(tmp_path / "motion.glb"),
        rate=rate, start_frame=101, with_angles=True, key_angles=True, **options,
    )  # fmt: skip
    assert found.angles == len(EVERY_ANGLE)
    action = bpy.data.actions[found.action]
    keyed = {curve.data_path: curve for curve in curves_of(action)}
    joints = sorted(EVERY_ANGLE)
    hip = keyed['["hip_flex_r"]']
    frames = np.array([point.co[0] for point in hip.keyframe_points])
    step = {"scene": 1.0, "capture": 25 / 120, 37.0: 25 / 37}[rate]
    np.testing.assert_allclose(frames, 101 + step * np.arange(len(frames)), atol=1e-4)
    assert frames[-1] <= 101 + 0.25 * 25 + 1e-3
    moments = step * np.arange(len(frames)) / 25
    wanted = degrees(take, moments)
    for row in (0, 1, len(frames) // 2, len(frames) - 1):
        shown = shown_angles(found.armature, float(frames[row]), joints)
        truth = np.array([wanted[joint][row] for joint in joints])
        np.testing.assert_allclose(shown, truth, atol=NEAR_DEG)
    # At the scene's own frames between two keys, on the straight line.
    for frame in (102, 104, 106):
        shown = shown_angles(found.armature, frame, joints)
        truth = [np.interp(frame, frames, wanted[joint]) for joint in joints]
        np.testing.assert_allclose(shown, truth, atol=5e-4)
    data = bpy.data.objects[found.armature].animation_data
    assert data.action == action
    if HAS_SLOTS:
        assert len(action.slots) == 1
        assert data.action_slot == action.slots[0]
    assert not [warning for warning in found.warnings if "angle" in warning]


def test_angles_of_npz_are_keyed_as_they_are(tmp_path: Path) -> None:
    """The file's own values, not those that the poses would tell."""
    take, other = solved.take(), solved.take(seed=4)
    found = land(
        take.write_glb(tmp_path / "motion.glb"), other.write_npz(tmp_path / "output.npz"),
        armature=rig_builders.mixamo().name, rate="capture", with_angles=True, key_angles=True,
    )  # fmt: skip
    assert found.angles == len(OF_NPZ)
    shown = shown_angles(found.armature, 1 + 24 * 20 / 120, sorted(OF_NPZ))
    truth = degrees(other, other.times[20:21])
    np.testing.assert_allclose(shown, [truth[name][0] for name in sorted(OF_NPZ)], atol=NEAR_DEG)


def test_a_wrong_speed_is_righted_for_angles_too(tmp_path: Path) -> None:
    take = solved.take()
    found = land(
        take.write_glb(tmp_path / "motion.glb", told_hz=30.0),
        take.write_npz(tmp_path / "output.npz"),
        new_armature=True, capture_rate_hz=120.0, with_angles=True, key_angles=True,
    )  # fmt: skip
    assert found.frames == 7
    shown = shown_angles(found.armature, 7, ["hip_flex_r", "shoulder_flex_r"])
    truth = degrees(take, take.times[-1:])
    np.testing.assert_allclose(
        shown, [truth["hip_flex_r"][0], truth["shoulder_flex_r"][0]], atol=NEAR_DEG
    )


@pytest.mark.parametrize("rig", ["own", "mixamo"])
def test_angles_alone_are_told_and_not_keyed(tmp_path: Path, rig: str) -> None:
    if rig == "own":
        model = solved.write_model(tmp_path / "model.xml")
        name = character_armature.build(mjcf.read(model), name="Anna").name
    else:
        name = rig_builders.mixamo().name
    take = solved.take()
    files = [take.write_glb(tmp_path / "motion.glb"), take.write_npz(tmp_path / "output.npz")]
    found = land(*files, armature=name, with_angles=True)
    assert found.angles == 0
    assert found.table is not None
    for column, joint in enumerate(found.table.names):
        np.testing.assert_allclose(found.table.values[:, column], take.angles()[joint], atol=1e-6)
    assert set(found.table.names) == OF_NPZ
    assert not joint_curves.ours(bpy.data.objects[name])
    paths = [curve.data_path for curve in curves_of(bpy.data.actions[found.action])]
    assert not [path for path in paths if path.startswith("[")]


def test_angles_that_nothing_tells_are_a_warning(tmp_path: Path) -> None:
    take = solved.take()
    for name in (None, rig_builders.mixamo().name):
        found = land(
            take.write_glb(tmp_path / "motion.glb"),
            armature=name, new_armature=name is None, with_angles=True, key_angles=True,
        )  # fmt: skip
        assert found.action in bpy.data.actions
        assert (found.angles, found.table) == (0, None)
        said = [text for text in found.warnings if text.startswith("There are no joint angles")]
        assert len(said) == 1
        assert "choose its model" in said[0]


def test_a_second_take_on_an_armature_is_not_cut_off_at_the_first_one_s_limits(
    tmp_path: Path,
) -> None:
    name = rig_builders.mixamo().name
    keyed = {"armature": name, "rate": "capture", "with_angles": True, "key_angles": True}
    model = str(solved.write_model(tmp_path / "model.xml"))
    land(solved.take(size=0.3).write_glb(tmp_path / "motion.glb"), model=model, **keyed)
    wide = solved.take(seed=8, size=2.9)
    # Nothing tells limits this time.
    land(tmp_path / "motion.glb", wide.write_npz(tmp_path / "output.npz"), name="Wide", **keyed)
    joints = sorted(OF_NPZ)
    worst = np.zeros(len(joints))
    for row in range(len(wide.times)):
        shown = shown_angles(name, 1 + 24 * row / 120, joints)
        truth = [np.degrees(wide.angles()[joint][row]) for joint in joints]
        worst = np.maximum(worst, np.abs(shown - truth))
    assert worst.max() < 5e-4


def test_landing_twice_keys_each_angle_once(tmp_path: Path) -> None:
    take = solved.take()
    keyed = {"with_angles": True, "key_angles": True}
    model = str(solved.write_model(tmp_path / "model.xml"))
    path = take.write_glb(tmp_path / "motion.glb")
    first = land(path, model=model, **keyed)
    before = [tuple(point.co) for point in _hip(first.action).keyframe_points]
    second = land(path, armature=first.armature, name="Again", **keyed)
    assert second.angles == first.angles
    assert [tuple(point.co) for point in _hip(first.action).keyframe_points] == before
    for found in (first, second):
        paths = [curve.data_path for curve in curves_of(bpy.data.actions[found.action])]
        assert len([path for path in paths if path.startswith("[")]) == len(EVERY_ANGLE)


def _hip(action: str) -> bpy.types.FCurve:
    found = curves_of(bpy.data.actions[action])
    return next(curve for curve in found if curve.data_path == '["hip_flex_r"]')


def test_a_property_of_the_user_s_is_left_alone(tmp_path: Path) -> None:
    model = solved.write_model(tmp_path / "model.xml")
    built = character_armature.build(mjcf.read(model), name="Anna")
    built["hip_flex_r"] = "mine"
    found = land(
        solved.take().write_glb(tmp_path / "motion.glb"),
        armature="Anna", with_angles=True, key_angles=True,
    )  # fmt: skip
    assert built["hip_flex_r"] == "mine"
    assert found.angles == len(EVERY_ANGLE) - 1
    assert [warning for warning in found.warnings if "hip_flex_r" in warning]


@pytest.mark.parametrize("has_angles", [False, True])
def test_angles_on_a_library_override_are_kept_or_left_out(
    tmp_path: Path, has_angles: bool
) -> None:
    take = solved.take()
    built = armature.build(take.motion(), name="Anna")
    path = take.write_glb(tmp_path / "motion.glb")
    words = {
        "model": str(solved.write_model(tmp_path / "model.xml")),
        "with_angles": True,
        "key_angles": True,
        "rate": "capture",
    }
    if has_angles:
        land(path, armature="Anna", **words)
    made = overridden(built, tmp_path)
    found = land(path, name="Shot", armature=made.name, **words)
    assert found.angles == (len(EVERY_ANGLE) if has_angles else 0)
    assert len([said for said in found.warnings if "library override" in said]) == (not has_angles)
    file = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    curves = curves_of(bpy.data.actions["Shot"])
    angles = [curve for curve in curves if curve.data_path.startswith("[")]
    assert len(angles) == found.angles
    made = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o.library is None)
    for curve in angles:
        assert made.path_resolve(curve.data_path) is not None


def overridden(built: bpy.types.Object, folder: Path) -> bpy.types.Object:
    """The armature as a library override of the one in a file of its own, in a new file."""
    cast = bpy.data.collections.new("Cast")
    cast.objects.link(built)
    library = str(folder / "cast.blend")
    bpy.data.libraries.write(library, {cast})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.collections = ["Cast"]
    scene, layer = bpy.context.scene, bpy.context.view_layer
    scene.collection.children.link(wanted.collections[0])
    made = wanted.collections[0].override_hierarchy_create(scene, layer, do_fully_editable=True)
    return made.objects[0]


# Meshes


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


# Where it fails


def failing(*_arguments: object, **_options: object) -> None:
    raise RigError("It failed at the very end.")


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
