# SPDX-License-Identifier: GPL-3.0-or-later
"""A landed take through Blender's exporters and in again: BVH, FBX, glTF.

Tolerances. BVH writes six decimals of metres, half a micrometre a joint: along a chain of sixteen
joints that comes to 0.008 mm. FBX, glTF and Blender itself hold float32: what is 2 m away is known
within 0.0001 mm, an Euler angle within 0.00001 degrees, and a chain of twenty joints of three
angles each, turned in and out of Euler angles twice, was measured to add up to 0.0017 degrees.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import armature, reading
from myosapiens_addon.blender import landing as landings
from tests.blender.exports import (
    Shown,
    add_skin,
    axes,
    clean_scene,
    degrees_apart,
    has_second_fbx_importer,
    millimetres_apart,
    read_bvh,
    read_glb,
    require,
    select,
    show,
    the_armature,
)
from tests.helpers.motions import NAMES, PARENTS, as_decoded, moving

NEAR_MM, NEAR_DEG = 0.01, 0.005
# What keeps a motion in FBX: every frame as it is, and no bones that are not there.
FAITHFUL_FBX = {"bake_anim_simplify_factor": 0.0, "add_leaf_bones": False}
PARENT_NAMES = tuple("" if parent < 0 else NAMES[parent] for parent in PARENTS)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landings take a made motion of half a second at 100 Hz."""
    motion = moving(frames=51)
    monkeypatch.setattr(reading.Wanted, "decode", lambda _wanted: as_decoded(motion))


def land(fps: int, **options: object) -> tuple[bpy.types.Object, np.ndarray]:
    """The armature, alone selected, and the whole frames of the take."""
    bpy.context.scene.render.fps = fps
    wanted = landings.LandingOptions(set_range=True, **options)
    landing = landings.land([], name="Take 01", options=wanted)
    scene = bpy.context.scene
    built = bpy.data.objects[landing.armature]
    select(built)
    return built, np.arange(scene.frame_start, scene.frame_end + 1)


# A take whose keys stand on the scene's frames, and one whose keys stand between them.
RATES = pytest.mark.parametrize(
    ("fps", "rate", "start"), [(50, "scene", 1), (24, "capture", 1), (30, "scene", 101)]
)


def check_same(found: Shown, wanted: Shown, *, rest: bool = True, own_axes: bool = True) -> None:
    assert found.names == wanted.names
    assert found.parents == wanted.parents
    assert millimetres_apart(found.heads, wanted.heads) < NEAR_MM
    if own_axes:
        assert degrees_apart(axes(found.matrices), axes(wanted.matrices)) < NEAR_DEG
    if rest:
        assert millimetres_apart(found.rest[:, :3, 3], wanted.rest[:, :3, 3]) < NEAR_MM
        assert degrees_apart(found.turned, wanted.turned) < NEAR_DEG


def check_moves(shown: Shown) -> None:
    """A take that stands still would agree with anything."""
    assert millimetres_apart(shown.heads[-1], shown.heads[0]) > 300.0
    assert shown.parents == PARENT_NAMES


# BVH


def export_bvh(path: Path, frames: np.ndarray) -> Path:
    require("EXPORT_ANIM_OT_bvh", "IMPORT_ANIM_OT_bvh")
    first, last = int(frames[0]), int(frames[-1])
    bpy.ops.export_anim.bvh(filepath=str(path), frame_start=first, frame_end=last)
    return path


@RATES
@pytest.mark.usefixtures("decoded")
def test_bvh(tmp_path: Path, fps: int, rate: str, start: int) -> None:
    """Blender writes BVH in its own axes, Z up, and must be told so when it reads it."""
    built, frames = land(fps, rate=rate, start_frame=start)
    wanted = show(built.name, frames, NAMES)
    check_moves(wanted)
    path = export_bvh(tmp_path / "take.bvh", frames)
    heads, parents, frame_s = read_bvh(path)
    assert tuple(parents[name] for name in NAMES) == wanted.parents
    assert frame_s == pytest.approx(1 / fps, abs=1e-6)
    by_hand = np.stack([heads[name] for name in NAMES], axis=1)
    assert millimetres_apart(by_hand, wanted.heads) < NEAR_MM
    clean_scene(fps)
    bpy.ops.import_anim.bvh(
        filepath=str(path), axis_forward="Y", axis_up="Z", frame_start=int(frames[0])
    )
    found = show(the_armature().name, frames, NAMES)
    # BVH has no axes of bones, only how they turn.
    check_same(found, wanted, own_axes=False)


# FBX


def importers() -> list[str]:
    return ["add-on", *(["Blender's own"] if has_second_fbx_importer() else [])]


def import_fbx(path: Path, importer: str) -> None:
    if importer == "add-on":
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        bpy.ops.wm.fbx_import(filepath=str(path))


@RATES
@pytest.mark.parametrize("skinned", [True, False], ids=["skin", "bones"])
@pytest.mark.parametrize("importer", importers())
@pytest.mark.usefixtures("decoded")
def test_fbx(tmp_path: Path, fps: int, rate: str, start: int, skinned: bool, importer: str) -> None:
    """Without a skin FBX has no rest pose but the one of the frame that is shown."""
    require("EXPORT_SCENE_OT_fbx", "IMPORT_SCENE_OT_fbx")
    built, frames = land(fps, rate=rate, start_frame=start)
    wanted = show(built.name, frames, NAMES)
    check_moves(wanted)
    select(built, *([add_skin(built)] if skinned else []))
    path = tmp_path / "take.fbx"
    bpy.ops.export_scene.fbx(filepath=str(path), use_selection=True, **FAITHFUL_FBX)
    clean_scene(fps)
    import_fbx(path, importer)
    # An action in FBX begins at its own beginning, which an importer puts on frame 1.
    found = show(the_armature().name, frames - frames[0] + 1, NAMES)
    assert len(the_armature().data.bones) == len(NAMES)
    check_same(found, wanted, rest=skinned)


# glTF


@RATES
@pytest.mark.parametrize("skinned", [True, False], ids=["skin", "bones"])
@pytest.mark.usefixtures("decoded")
def test_gltf(tmp_path: Path, fps: int, rate: str, start: int, skinned: bool) -> None:
    require("EXPORT_SCENE_OT_gltf", "IMPORT_SCENE_OT_gltf")
    built, frames = land(fps, rate=rate, start_frame=start)
    wanted = show(built.name, frames, NAMES)
    check_moves(wanted)
    select(built, *([add_skin(built)] if skinned else []))
    path = tmp_path / "take.glb"
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    gltf = read_glb(path)
    (animation,) = gltf.animations
    assert animation == "Take 01"
    np.testing.assert_allclose(gltf.times(animation), frames / fps, atol=1e-6)
    heads = gltf.heads(animation, frames / fps)
    by_hand = np.stack([heads[name] for name in NAMES], axis=1)
    assert millimetres_apart(by_hand, wanted.heads) < NEAR_MM
    clean_scene(fps)
    bpy.ops.import_scene.gltf(filepath=str(path))
    check_same(show(the_armature().name, frames, NAMES), wanted)


# Several actions, and strips


def formats() -> list[str]:
    return ["fbx", "glb"]


def round_trip(path: Path, fps: int) -> None:
    if path.suffix == ".fbx":
        bpy.ops.export_scene.fbx(filepath=str(path), use_selection=True, **FAITHFUL_FBX)
    else:
        bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    clean_scene(fps)
    if path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        bpy.ops.import_scene.gltf(filepath=str(path))


def play(action: bpy.types.Action) -> None:
    """That action alone on the imported armature."""
    animation = the_armature().animation_data
    for track in list(animation.nla_tracks):
        animation.nla_tracks.remove(track)
    animation.action = action
    if hasattr(animation, "action_slot"):
        animation.action_slot = action.slots[0]


def against_parent(name: str, frames: np.ndarray, bone: str) -> np.ndarray:
    """(F, 3, 3): how a bone stands in its parent's axes."""
    parent = bpy.data.objects[name].data.bones[bone].parent.name
    turns = axes(show(name, frames, (parent, bone)).matrices)
    return np.swapaxes(turns[:, 0], -1, -2) @ turns[:, 1]


@pytest.mark.parametrize("ending", formats())
@pytest.mark.usefixtures("decoded")
def test_an_action_that_was_there_before_goes_its_own_way(tmp_path: Path, ending: str) -> None:
    """Both are exported, each with its slot, neither with the other's keys.

    What an action does not key is exported as it stands, so only the keyed bone is compared,
    against the bone that carries it.
    """
    require("EXPORT_SCENE_OT_fbx", "EXPORT_SCENE_OT_gltf")
    built = armature.build(moving(), name="Anna")
    skull = built.pose.bones["skull"]
    skull.rotation_mode = "QUATERNION"
    for frame, turn in ((1, (1.0, 0.0, 0.0, 0.0)), (11, (0.8, 0.6, 0.0, 0.0))):
        skull.rotation_quaternion = turn
        skull.keyframe_insert("rotation_quaternion", frame=frame)
    built.animation_data.action.name = "Nod"
    nod = against_parent("Anna", np.arange(1, 12), "skull")
    assert degrees_apart(nod[:1], nod[-1:]) > 60.0
    built, frames = land(50, armature="Anna")
    wanted = show("Anna", frames, NAMES)
    select(built, add_skin(built))
    round_trip(tmp_path / f"both.{ending}", 50)
    named = {
        name: next(action for action in bpy.data.actions if name in action.name)
        for name in ("Take 01", "Nod")
    }
    play(named["Take 01"])
    check_same(show(the_armature().name, frames, NAMES), wanted)
    play(named["Nod"])
    found = against_parent(the_armature().name, np.arange(1, 12), "skull")
    assert degrees_apart(found, nod) < NEAR_DEG


@pytest.mark.parametrize("ending", formats())
@pytest.mark.usefixtures("decoded")
def test_a_take_as_a_strip(tmp_path: Path, ending: str) -> None:
    require("EXPORT_SCENE_OT_fbx", "EXPORT_SCENE_OT_gltf")
    built, frames = land(50, new_armature=True, as_strip=True)
    assert built.animation_data.action is None
    wanted = show(built.name, frames, NAMES)
    check_moves(wanted)
    select(built, add_skin(built))
    round_trip(tmp_path / f"strip.{ending}", 50)
    play(next(action for action in bpy.data.actions if "Take 01" in action.name))
    check_same(show(the_armature().name, frames, NAMES), wanted)


@pytest.mark.parametrize("ending", formats())
@pytest.mark.usefixtures("decoded")
def test_properties_animated_beside_the_pose(tmp_path: Path, ending: str) -> None:
    """Joint angles are custom properties of the object, with curves in the pose's own action."""
    require("EXPORT_SCENE_OT_fbx", "EXPORT_SCENE_OT_gltf")
    built, frames = land(50)
    action = built.animation_data.action
    for frame, value in ((1, 0.0), (26, 70.0)):
        built["knee_angle_r"] = value
        built.keyframe_insert('["knee_angle_r"]', frame=frame)
    assert built.animation_data.action == action
    wanted = show(built.name, frames, NAMES)
    select(built, add_skin(built))
    round_trip(tmp_path / f"angles.{ending}", 50)
    check_same(show(the_armature().name, frames, NAMES), wanted)


# A real take


@pytest.mark.parametrize("ending", ["bvh", *formats()])
def test_a_real_take(walk: Path, tmp_path: Path, ending: str) -> None:
    """72 bodies, the scene at the capture's own rate: all 412 moments come through."""
    bpy.context.scene.render.fps = 120
    options = landings.LandingOptions(new_armature=True, rate="capture", set_range=True)
    landing = landings.land([walk / "motion_nomesh.glb"], name="Take 01", options=options)
    built = bpy.data.objects[landing.armature]
    frames = np.arange(1, 413)
    wanted = show(built.name, frames)
    assert len(wanted.names) > 60
    select(built, add_skin(built))
    if ending == "bvh":
        path = export_bvh(tmp_path / "walk.bvh", frames)
        clean_scene(120)
        bpy.ops.import_anim.bvh(filepath=str(path), axis_forward="Y", axis_up="Z", frame_start=1)
    else:
        require("EXPORT_SCENE_OT_fbx", "EXPORT_SCENE_OT_gltf")
        round_trip(tmp_path / f"walk.{ending}", 120)
    found = show(the_armature().name, frames, wanted.names)
    check_same(found, wanted, own_axes=ending != "bvh")
