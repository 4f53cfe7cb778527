# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles as custom properties: what Blender evaluates is what the take says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import animation, armature, compat, joint_curves
from myosapiens_addon.blender.references import Reference
from myosapiens_addon.motion.joint_angles import JointAngles
from myosapiens_addon.retarget.keys import CurveKeys
from tests.helpers.motions import moving

FPS = 24.0
START = 5.0
NAMES = ("hip_flex_r", 'ankle "x"\\y', "still", "wrapped")


def angles(seed: int = 1, frames: int = 121, rate_hz: float = 120.0) -> JointAngles:
    times = np.arange(frames) / rate_hz
    rng = np.random.default_rng(seed)
    values = 0.8 * np.sin(times[:, None] * rng.uniform(2, 7, 4) + rng.uniform(0, 6, 4))
    values[:, 2] = 0.25
    turning = 3.0 + 2.0 * times
    values[:, 3] = np.where(turning > math.pi, turning - 2 * math.pi, turning)
    return JointAngles(times=times, names=NAMES, values=values)


def pose_keys(frames: np.ndarray) -> Iterator[list[CurveKeys]]:
    keys = np.stack([frames, np.sin(frames)], axis=1).astype(np.float32).reshape(-1)
    yield [CurveKeys(bone="femur_r", path="location", index=0, keys=keys)]


def animated(times: np.ndarray) -> tuple[bpy.types.Object, bpy.types.Action]:
    built = armature.build(moving(), name="Anna")
    steps = animation.write(Reference.to(built), pose_keys(START + times * FPS), action_name="Walk")
    for _ in steps:
        pass
    return built, built.animation_data.action


def times_of_keys(duration_s: float = 1.0) -> np.ndarray:
    return np.arange(int(duration_s * FPS) + 1) / FPS


def written(given: JointAngles, **more: object) -> tuple[bpy.types.Object, bpy.types.Action]:
    times = times_of_keys()
    built, action = animated(times)
    joint_curves.write(built, action, given, times=times, start_frame=START, scene_fps=FPS, **more)
    return built, action


def evaluated(built: bpy.types.Object, frame: int) -> bpy.types.Object:
    bpy.context.scene.frame_set(frame)
    return built.evaluated_get(bpy.context.evaluated_depsgraph_get())


def test_the_evaluated_object_has_the_take_s_angles() -> None:
    given = angles()
    built, action = written(given, limits={"hip_flex_r": (-0.1, 0.1)})
    # The take is at 120 Hz, a frame is five of its samples: no interpolation in this truth.
    truth = np.degrees(np.unwrap(given.values, axis=0))[::5]
    assert truth[:, 0].max() > math.degrees(0.1)  # beyond its limit
    assert truth[-1, 3] > 180.0
    for frame in (0, 1, 7, 16, 24):
        found = evaluated(built, int(START) + frame)
        for column, name in enumerate(NAMES):
            assert found[name] == pytest.approx(truth[frame, column], abs=1e-4), (frame, name)
    assert built.animation_data.action == action
    assert len(bpy.data.actions) == 1
    moved = evaluated(built, 8).pose.bones["femur_r"].location.x
    assert moved == pytest.approx(math.sin(8.0), abs=1e-5)


def test_curves_share_the_pose_s_slot_in_a_group_of_their_own() -> None:
    built, action = written(angles())
    curves = {curve.data_path: curve for curve in compat.curves_of(action)}
    assert len(curves) == 5
    hip = curves['["hip_flex_r"]']
    assert hip.group.name == "Joint angles"
    assert len(hip.keyframe_points) == 25
    assert {point.interpolation for point in hip.keyframe_points} == {"LINEAR"}
    assert len(curves['["still"]'].keyframe_points) == 2
    assert curves['pose.bones["femur_r"].location'].group.name == "femur_r"
    if compat.HAS_SLOTS:
        assert len(action.slots) == 1
        assert built.animation_data.action_slot == action.slots[0]


def test_properties_tell_unit_joint_and_limits() -> None:
    built, _ = written(angles(), limits={"hip_flex_r": (-2.0, 1.0), "still": (0.5, 1.0)})
    told = built.id_properties_ui("hip_flex_r").as_dict()
    assert told["description"] == "Angle of the joint hip_flex_r, in degrees"
    assert told["subtype"] == "NONE"
    assert told["precision"] == 2
    assert told["min"] == told["soft_min"] == pytest.approx(math.degrees(-2.0))
    assert told["max"] == told["soft_max"] == pytest.approx(math.degrees(1.0))
    # What the take has outside the limits is not cut off.
    still = built.id_properties_ui("still").as_dict()
    assert still["min"] == pytest.approx(math.degrees(0.25))
    assert still["soft_min"] == pytest.approx(math.degrees(0.5))


def test_angles_between_samples_are_on_the_line() -> None:
    given = angles(frames=31, rate_hz=30.0)
    built, _ = written(given)
    for frame in (1, 2, 3):
        wanted = np.interp(frame / FPS, given.times, np.degrees(given.values[:, 0]))
        assert evaluated(built, int(START) + frame)["hip_flex_r"] == pytest.approx(wanted, abs=1e-4)


def test_what_the_user_has_is_left_alone() -> None:
    times = times_of_keys()
    built, action = animated(times)
    built["still"] = "mine"
    given = replace(angles(), names=(*NAMES[:3], "ö" * 40))
    done = joint_curves.write(built, action, given, times=times, start_frame=START, scene_fps=FPS)
    assert done.names == NAMES[:2]
    assert built["still"] == "mine"
    own, long = done.warnings
    assert "'Anna'" in own
    assert "(still)" in own
    assert "names no property can have" in long
    joint_curves.remove(built)
    assert built["still"] == "mine"


def test_another_take_uses_the_same_properties() -> None:
    limits = {"hip_flex_r": (-0.1, 0.1)}
    built, first = written(angles(seed=1), limits=limits)
    first.use_fake_user = True
    later = replace(angles(seed=2), names=("hip_flex_r", "more", "still", "wrapped"))
    times = times_of_keys()
    steps = animation.write(Reference.to(built), pose_keys(START + times * FPS), action_name="Run")
    for _ in steps:
        pass
    second = built.animation_data.action
    done = joint_curves.write(
        built, second, later, times=times, start_frame=START, scene_fps=FPS, limits=limits
    )
    assert not done.warnings
    assert joint_curves.ours(built) == sorted({*NAMES, "more"})
    for action, given in ((first, angles(seed=1)), (second, later)):
        built.animation_data.action = action
        if compat.HAS_SLOTS:
            built.animation_data.action_slot = action.slots[0]
        wanted = np.degrees(given.values[5 * 11, 0])
        assert evaluated(built, int(START) + 11)["hip_flex_r"] == pytest.approx(wanted, abs=1e-4)


def test_writing_again_replaces_the_curves() -> None:
    built, action = written(angles(seed=1))
    other = angles(seed=4)
    times = times_of_keys()
    joint_curves.write(built, action, other, times=times, start_frame=START, scene_fps=FPS)
    assert len(compat.curves_of(action)) == 5
    wanted = np.degrees(other.values[50, 0])
    assert evaluated(built, int(START) + 10)["hip_flex_r"] == pytest.approx(wanted, abs=1e-4)


def test_removing_leaves_the_pose_and_what_is_the_user_s() -> None:
    built, action = written(angles())
    built["mine"] = 3.0
    track = built.animation_data.nla_tracks.new()
    track.strips.new("Walk", 1, action)
    built.animation_data.action = None
    joint_curves.remove(built)
    assert [curve.data_path for curve in compat.curves_of(action)] == [
        'pose.bones["femur_r"].location'
    ]
    assert [key for key in built.keys() if not key.startswith("cycles")] == ["mine"]  # noqa: SIM118
    joint_curves.remove(built)
    assert joint_curves.ours(built) == []


def test_angles_are_there_after_saving(tmp_path: Path) -> None:
    given = angles()
    written(given, limits={"hip_flex_r": (-2.0, 2.0)})
    file = str(tmp_path / "walk.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    built = bpy.data.objects["Anna"]
    assert joint_curves.ours(built) == sorted(NAMES)
    wanted = np.degrees(given.values[5 * 9, 0])
    assert evaluated(built, int(START) + 9)["hip_flex_r"] == pytest.approx(wanted, abs=1e-4)
    assert built.id_properties_ui("hip_flex_r").as_dict()["max"] == pytest.approx(math.degrees(2.0))
