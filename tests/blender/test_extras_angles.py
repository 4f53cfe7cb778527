# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles become curves beside the pose."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    armature,
    character_armature,
    joint_curves,
)
from myosapiens_addon.blender.compat import HAS_SLOTS, curves_of
from myosapiens_addon.motion import mjcf
from tests.blender import rig_builders
from tests.blender.extras_bench import (
    EVERY_ANGLE,
    OF_NPZ,
    land,
    overridden,
    scratch_fixture,  # noqa: F401
)
from tests.helpers import solved
from tests.helpers.solved import Solved

NEAR_DEG = 1e-4


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
