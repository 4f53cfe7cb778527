# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on rigs of odd shapes and settings: the pose that is seen is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler

from myosapiens_addon.blender.landing import Landing
from myosapiens_addon.motion.motion import Motion
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import both, check_alike, land, scene_frames, some
from tests.helpers import figures, likeness

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")
SHAPES: dict[str, dict[str, object]] = {
    "whole": {},
    "twelve spine bones": {"spine": 12},
    "one spine bone": {"spine": 1},
    "three neck bones": {"neck": 3},
    "no arms": {"arms": False},
    "no fingers": {"fingers": False},
    "no toes": {"toes": False},
    "no root": {"root": False},
    "no legs": {"legs": False},
    "neither fingers nor toes": {"fingers": False, "toes": False},
}


def placed(built: rigs.Built, motion: Motion, folder: Path, **options: object) -> Landing:
    """Land with the builder's own map."""
    path = rigs.map_file(folder / "map.json", built.chains)
    return land(built, motion, bone_map=path, **options)


def edit(built: rigs.Built, change: Callable[[bpy.types.ArmatureEditBones], None]) -> None:
    """Change bones in edit mode."""
    bpy.context.view_layer.objects.active = built.object
    bpy.ops.object.mode_set(mode="EDIT")
    change(built.object.data.edit_bones)
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape(shape: str, tmp_path: Path) -> None:
    built = rigs.build(rigs.plain(**SHAPES[shape]), rolls=4, modes=MODES)
    motion = figures.figure(slide_m=0.003)
    landing = placed(built, motion, tmp_path, contacts=False)
    assert landing.bone_map == "By hand"
    assert not landing.warnings
    assert landing.direction_error_deg < 0.05
    take, target = both(built, motion)
    check_alike(take, target)
    assert set(target.heads) == set(built.chains)


@pytest.mark.parametrize("seed", range(3))
def test_rolls_and_modes_change_nothing_that_is_seen(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    modes = rng.choice(MODES, 60).tolist()
    built = rigs.build(rigs.plain(), rolls=seed, modes=modes)
    motion = figures.figure(seed=seed, axes_seed=seed)
    placed(built, motion, tmp_path, contacts=False)
    check_alike(*both(built, motion, 9))
    assert [bone.rotation_mode for bone in built.object.pose.bones] == modes[
        : len(built.object.pose.bones)
    ]


@pytest.mark.parametrize(
    "turn",
    [
        np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),  # facing up, head along −Y
        np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),  # X up
        np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),  # facing +X
        np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]]),  # upside down
    ],
    ids=["-Y up", "X up", "facing +X", "upside down"],
)
def test_any_axis_may_be_up(turn: np.ndarray, tmp_path: Path) -> None:
    plan = rigs.plain().turned(100.0 * turn)
    built = rigs.build(plan, up=turn @ rigs.Z_UP, left=turn @ rigs.LEFT)
    motion = figures.figure()
    placed(built, motion, tmp_path, contacts=False)
    check_alike(*both(built, motion))


def test_under_a_turned_and_unevenly_scaled_parent(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain(), rolls=1)
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.rotation_euler, parent.scale = (0.3, -0.7, 2.0), (0.5, 2.0, 1.2)
    built.object.parent = parent
    built.object.rotation_euler, built.object.location = (0.1, 0.4, 0.2), (3, 4, 5)
    motion = figures.figure()
    placed(built, motion, tmp_path, contacts=False)
    check_alike(*both(built, motion))


def test_bones_that_do_not_turn_with_their_parents(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain(), rolls=2)
    for name in ("head", "upper_arm.L", "thigh.R", "hand.R", "spine_2", "index.L_2"):
        built.object.data.bones[name].use_inherit_rotation = False
    motion = figures.figure()
    placed(built, motion, tmp_path, contacts=False)
    check_alike(*both(built, motion))


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("carrier", ["pelvis", "root", "object"])
def test_the_way_is_the_same_whatever_the_pelvis_axes_are(
    root: bool, local: bool, carrier: str, tmp_path: Path
) -> None:
    built = rigs.build(rigs.plain(root=root), rolls=3)
    for name in ("pelvis", "root") if root else ("pelvis",):
        built.object.data.bones[name].use_local_location = local
    motion = figures.figure(frames=81)
    landing = placed(built, motion, tmp_path, contacts=False, carrier=carrier)
    lost = carrier == "root" and not root
    assert [bool("no root above the pelvis" in text) for text in landing.warnings] == [True] * lost
    take, target = both(built, motion)
    ratio = likeness.leg_length(target) / likeness.leg_length(take)
    ways = [likeness.hips(shown) - likeness.hips(shown)[0] for shown in (take, target)]
    if carrier == "object":
        world = object_places(built, motion)
        ways[1] = ways[1] + world - world[0]
    np.testing.assert_allclose(ways[1], ratio * ways[0], atol=1e-3)
    check_alike(take, target)


def object_places(built: rigs.Built, motion: Motion, count: int = 5) -> np.ndarray:
    out = []
    for frame in scene_frames(motion, some(motion, count)):
        bpy.context.scene.frame_set(int(frame), subframe=float(frame) % 1.0)
        out.append(np.array(built.object.matrix_world)[:3, 3])
    return np.array(out)


@pytest.mark.parametrize(
    "carrier",
    ["pelvis", "root", "object"],
)
def test_a_connected_pelvis_is_carried_by_what_it_hangs_on(carrier: str, tmp_path: Path) -> None:
    plan = rigs.plain()
    plan.rows[0] = ("root", "", np.zeros(3), np.array([0, 0, 1.0]), "root")
    plan.connected.add("pelvis")
    built = rigs.build(plan)
    assert built.object.data.bones["pelvis"].use_connect
    motion = figures.figure()
    landing = placed(built, motion, tmp_path, contacts=False, carrier=carrier)
    assert not landing.warnings
    take, target = both(built, motion)
    check_alike(take, target)
    ratio = likeness.leg_length(target) / likeness.leg_length(take)
    ways = [likeness.hips(shown) - likeness.hips(shown)[0] for shown in (take, target)]
    if carrier == "object":
        world = object_places(built, motion)
        assert np.ptp(world, axis=0).max() > 0.3
        ways[1] = ways[1] + world - world[0]
    np.testing.assert_allclose(ways[1], ratio * ways[0], atol=1e-3)


def test_a_pelvis_that_nothing_can_move_is_carried_by_the_object(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain(root=False))
    pelvis = built.object.pose.bones["pelvis"]
    pelvis.rotation_mode, pelvis.lock_rotation = "XYZ", (True, True, True)
    motion = figures.figure()
    landing = placed(built, motion, tmp_path, contacts=False)
    assert any("the armature object carries it" in text for text in landing.warnings)
    assert np.ptp(object_places(built, motion), axis=0).max() > 0.3


def test_names_with_quotes_and_the_like(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    names = {}
    for place, bone in enumerate(list(built.object.data.bones)):
        before, bone.name = bone.name, f'骨"]\\[{place}].location'
        names[before] = bone.name
    chains = {role: tuple(names[bone] for bone in bones) for role, bones in built.chains.items()}
    odd = rigs.Built(name=built.name, chains=chains)
    motion = figures.figure()
    landing = placed(odd, motion, tmp_path, contacts=False)
    assert not landing.warnings
    check_alike(*both(odd, motion))


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_very_small_and_large_ones_away_from_their_origin(size: float, tmp_path: Path) -> None:
    plan, away = rigs.plain().turned(size * np.eye(3)), size * np.array([5.0, -3.0, 0.0])
    plan.rows = [
        (name, parent, head + away, tail + away, role)
        for name, parent, head, tail, role in plan.rows
    ]
    built = rigs.build(plan)
    motion = figures.figure()
    landing = placed(built, motion, tmp_path, contacts=False)
    assert not landing.warnings
    check_alike(*both(built, motion))


def test_a_root_that_the_user_has_moved_places_the_figure(tmp_path: Path) -> None:
    motion = figures.figure()
    built = rigs.build(rigs.plain(), rolls=6)
    placed(built, motion, tmp_path, contacts=False)
    names = tuple(bone.name for bone in built.object.pose.bones if bone.name != "root")
    frames = (1.0, 5.0, 9.0)
    before = rigs.pose_matrices(built.name, frames, names)
    bpy.data.objects.remove(built.object)
    built = rigs.build(rigs.plain(), rolls=6)
    root = built.object.pose.bones["root"]
    root.rotation_quaternion = Euler((0.2, 0.5, 1.0)).to_quaternion()
    root.location = (1.0, -2.0, 0.5)
    bpy.context.view_layer.update()
    stood = np.array(root.matrix) @ np.linalg.inv(np.array(root.bone.matrix_local))
    placed(built, motion, tmp_path, contacts=False)
    after = rigs.pose_matrices(built.name, frames, names)
    np.testing.assert_allclose(after, stood @ before, atol=2e-4)


def test_bones_in_between_that_are_posed(tmp_path: Path) -> None:
    plan = rigs.plain()
    built = rigs.build(plan, rolls=8)

    def between(bones: bpy.types.ArmatureEditBones) -> None:
        for upper, lower in (
            ("pelvis", "spine_1"),
            ("upper_arm.L", "forearm.L"),
            ("spine_3", "clavicle.R"),
        ):
            extra = bones.new(f"between {lower}")
            extra.head, extra.tail = (
                bones[lower].head,
                bones[lower].head + bones[lower].vector * 0.3,
            )
            extra.parent = bones[upper]
            bones[lower].parent = extra

    edit(built, between)
    for bone in built.object.pose.bones:
        if bone.name.startswith("between"):
            bone.rotation_mode = "XYZ"
            bone.rotation_euler = (0.4, -0.3, 0.6)
    motion = figures.figure()
    placed(built, motion, tmp_path, contacts=False)
    check_alike(*both(built, motion))


def test_left_stays_left(tmp_path: Path) -> None:
    motion = figures.figure(stands=True)
    bend = {}
    for back in (False, True):
        built = rigs.vroid(back=back)
        land(built, motion, contacts=False)
        _, target = both(built, motion)
        for side in likeness.SIDES:
            upper = target.heads[f"forearm{side}"][0] - target.heads[f"upper_arm{side}"][0]
            bend[back, side] = upper / np.linalg.norm(upper, axis=-1, keepdims=True)
    for side in likeness.SIDES:
        np.testing.assert_allclose(bend[False, side], bend[True, side], atol=0.01)
    assert np.abs(bend[False, ".L"] - bend[False, ".R"]).max() > 0.2


def test_palms_without_fingers_face_as_the_takes_do(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain(fingers=False), rolls=5)
    motion = figures.figure()
    placed(built, motion, tmp_path, contacts=False)
    take, target = both(built, motion)
    for side in likeness.SIDES:
        hand = f"hand{side}"
        theirs = [take.heads[f"{finger}{side}"][0] for finger in ("index", "middle", "little")]
        wanted = np.cross(theirs[1] - take.heads[hand][0], theirs[0] - theirs[2])
        # In T-pose the thumb's side of a hand is ahead.
        palm = np.cross(target.along[hand][0], (0.0, -1.0, 0.0))
        assert likeness.angles(wanted, target.turns[hand][0] @ palm).max() < 1.0
