# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion on an armature: exact in every rotation mode, and without side effects."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import animation, armature, reading, rig_reader
from myosapiens_addon.blender import landing as landings
from myosapiens_addon.blender.compat import curves_of
from myosapiens_addon.blender.references import Reference
from myosapiens_addon.errors import InputError, OutputError, RigError
from myosapiens_addon.motion.quaternion import angle_between
from tests.blender.posing import body_poses
from tests.helpers.motions import NAMES, as_decoded, moving

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landings take a made motion; decoding has tests of its own."""
    monkeypatch.setattr(reading.Wanted, "decode", lambda _wanted: as_decoded(moving()))


def land(**options: object) -> landings.Landing:
    return landings.land([], name="Take 01", options=landings.LandingOptions(**options))


@pytest.mark.usefixtures("decoded")
@pytest.mark.parametrize("mode", MODES)
def test_exact_at_capture_rate_in_every_rotation_mode(mode: str) -> None:
    motion = moving()
    built = armature.build(motion, name="Anna")
    for bone in built.pose.bones:
        bone.rotation_mode = mode
    landing = land(armature="Anna", rate="capture", start_frame=5)
    frames = 5 + motion.times * landing.scene_rate_hz
    heads, rotations = body_poses("Anna", frames, motion)
    assert np.linalg.norm(heads - motion.positions, axis=-1).max() < 0.02e-3
    assert np.degrees(angle_between(rotations, motion.rotations)).max() < 0.002
    assert {bone.rotation_mode for bone in built.pose.bones} == {mode}


@pytest.mark.usefixtures("decoded")
def test_a_given_rate_puts_keys_at_that_rate() -> None:
    bpy.context.scene.render.fps = 25
    landing = land(rate=50.0)
    curve = next(
        curve
        for curve in curves_of(bpy.data.actions[landing.action])
        if curve.data_path == 'pose.bones["root"].location' and curve.array_index == 1
    )
    keys = np.array([point.co[0] for point in curve.keyframe_points])
    np.testing.assert_allclose(keys, 1 + 0.5 * np.arange(len(keys)), atol=1e-5)
    assert {point.interpolation for point in curve.keyframe_points} == {"LINEAR"}


@pytest.mark.usefixtures("decoded")
def test_still_channels_get_two_keys() -> None:
    landing = land(rate="capture")
    counts = {
        (curve.data_path, curve.array_index): len(curve.keyframe_points)
        for curve in curves_of(bpy.data.actions[landing.action])
    }
    assert counts['pose.bones["pelvis"].rotation_quaternion', 2] == 2
    assert counts['pose.bones["tibia_r"].location', 0] == 2
    assert counts['pose.bones["root"].location', 1] == 25
    assert counts['pose.bones["tibia_r"].rotation_quaternion', 1] == 25
    assert len(counts) == 7 * len(NAMES)


@pytest.mark.usefixtures("decoded")
def test_curves_are_grouped_by_bone() -> None:
    landing = land()
    for curve in curves_of(bpy.data.actions[landing.action]):
        assert f'"{curve.group.name}"' in curve.data_path


@pytest.mark.usefixtures("decoded")
def test_an_action_that_is_there_is_left_alone_and_kept() -> None:
    built = armature.build(moving(), name="Anna")
    built.keyframe_insert("location", frame=1)
    old = built.animation_data.action
    before = [tuple(point.co) for curve in curves_of(old) for point in curve.keyframe_points]
    old_name, users = old.name, old.users
    landing = land(armature="Anna")
    old = bpy.data.actions[old_name]
    after = [tuple(point.co) for curve in curves_of(old) for point in curve.keyframe_points]
    assert after == before
    assert old.use_fake_user
    assert old.users >= users
    assert built.animation_data.action.name == landing.action == "Take 01"


@pytest.mark.usefixtures("decoded")
def test_nothing_else_changes() -> None:
    scene = bpy.context.scene
    built = armature.build(moving(), name="Anna")
    built.location, built.scale = (1.0, 2.0, 3.0), (0.5, 0.5, 0.5)
    scene.frame_set(17)
    state = (scene.frame_current, scene.frame_start, scene.frame_end, tuple(built.location))
    rests = [tuple(map(tuple, bone.matrix_local)) for bone in built.data.bones]
    land(armature="Anna")
    assert state == (
        scene.frame_current, scene.frame_start, scene.frame_end, tuple(built.location),
    )  # fmt: skip
    assert rests == [tuple(map(tuple, bone.matrix_local)) for bone in built.data.bones]


@pytest.mark.usefixtures("decoded")
def test_the_scenes_range_is_set_when_asked() -> None:
    bpy.context.scene.render.fps = 50
    land(set_range=True, start_frame=101)
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (101, 113)


@pytest.mark.usefixtures("decoded")
def test_a_smaller_armature_keeps_its_lengths() -> None:
    motion = moving()
    built = armature.build(motion, name="Small")
    bpy.context.view_layer.objects.active = built
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in built.data.edit_bones:
        bone.head, bone.tail = bone.head * 0.8, bone.tail * 0.8
    bpy.ops.object.mode_set(mode="OBJECT")
    landing = land(armature="Small", rate="capture", contacts=False)
    frames = 1 + motion.times * landing.scene_rate_hz
    heads, rotations = body_poses("Small", frames, motion)
    thigh = [NAMES.index("femur_r"), NAMES.index("tibia_r")]
    lengths = np.linalg.norm(heads[:, thigh[1]] - heads[:, thigh[0]], axis=-1)
    np.testing.assert_allclose(lengths, 0.8 * 0.42, atol=1e-4)
    assert np.degrees(angle_between(rotations, motion.rotations)).max() < 0.005
    way = 0.8 * (motion.positions[:, 0] - motion.positions[0, 0])
    np.testing.assert_allclose(heads[:, 0] - heads[0, 0], way, atol=1e-4)


@pytest.mark.usefixtures("decoded")
def test_bones_in_between_and_left_out_do_not_disturb() -> None:
    motion = moving()
    built = armature.build(motion, name="Anna")
    bpy.context.view_layer.objects.active = built
    bpy.ops.object.mode_set(mode="EDIT")
    bones = built.data.edit_bones
    extra = bones.new("twist")
    extra.head, extra.tail = bones["femur_r"].head, bones["femur_r"].tail
    extra.roll, extra.parent = 1.0, bones["femur_r"]
    bones["tibia_r"].parent = extra
    bones.remove(bones["toes_r"])
    bpy.ops.object.mode_set(mode="OBJECT")
    landing = land(armature="Anna", rate="capture")
    assert landing.warnings == [
        "The armature 'Anna' has no bone for toes_r; their motion is left out."
    ]
    kept = [name for name in NAMES if name != "toes_r"]
    rows = [NAMES.index(name) for name in kept]
    matrices_at = 1 + motion.times * landing.scene_rate_hz
    from tests.blender.posing import evaluated

    heads = evaluated("Anna", matrices_at, tuple(kept))[..., :3, 3]
    assert np.linalg.norm(heads - motion.positions[:, rows], axis=-1).max() < 0.02e-3


@pytest.mark.usefixtures("decoded")
def test_the_armature_is_the_active_one_else_the_only_one_else_new() -> None:
    assert land().armature == "Take 01"
    assert land().armature == "Take 01"
    other = armature.build(moving(), name="Other")
    with pytest.raises(InputError, match="several armatures"):
        land()
    bpy.context.view_layer.objects.active = other
    assert land().armature == "Other"


@pytest.mark.usefixtures("decoded")
def test_an_armature_that_fits_nowhere_is_refused_and_nothing_is_left() -> None:
    bpy.ops.object.armature_add()
    count = len(bpy.data.actions)
    with pytest.raises(RigError, match="not clear which bone of the armature 'Armature'"):
        land(armature="Armature")
    assert len(bpy.data.actions) == count


@pytest.mark.usefixtures("decoded")
def test_a_failed_landing_takes_its_new_armature_away() -> None:
    with pytest.raises(InputError, match="frames per second"):
        land(new_armature=True, rate=-5.0)
    assert not bpy.data.armatures
    assert not bpy.data.objects
    assert not bpy.data.actions


def test_writing_stops_cleanly_when_the_armature_goes() -> None:
    motion = moving()
    built = armature.build(motion, name="Anna")
    rig = rig_reader.read_rig(built)
    made = landings.retarget(motion, rig, options=landings.LandingOptions(), scene_fps=24.0)
    steps = animation.write(Reference.to(built), made.bones, action_name="gone")
    next(steps)
    bpy.data.objects.remove(built)
    with pytest.raises(RigError, match="not there any more"):
        list(steps)
    assert "gone" not in bpy.data.actions
    steps.close()


def test_files_without_a_motion_are_refused(tmp_path: Path) -> None:
    options = landings.LandingOptions()
    with pytest.raises(OutputError, match="is not there"):
        landings.land([tmp_path / "motion.glb"], name="x", options=options)
    (tmp_path / "output.npz").write_bytes(b"PK")
    with pytest.raises(OutputError, match=r"output\.npz"):
        landings.land([tmp_path / "output.npz"], name="x", options=options)
    (tmp_path / "model.mjb").write_bytes(b"model")
    with pytest.raises(OutputError, match=r"no motion in the output \(model\.mjb\)"):
        landings.land([tmp_path / "model.mjb"], name="x", options=options)
    (tmp_path / "motion.glb").write_bytes(b"<html>502</html>")
    with pytest.raises(OutputError, match=r"motion\.glb is no GLB file"):
        landings.land([tmp_path / "motion.glb"], name="x", options=options)
