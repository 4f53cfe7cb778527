# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on Rigify: the meta-rig, and the rig that Blender's add-on makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import addon_utils
import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import map_properties, stored_map
from myosapiens_addon.blender.compat import curves_of
from myosapiens_addon.motion import glb
from myosapiens_addon.retarget.mapping import files, presets
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import both, check_alike, check_ground, land
from tests.helpers import figures, likeness

RIG, METARIG = "rig", "metarig"
LIMB_SWITCHES = tuple(
    f'pose.bones["{limb}_parent.{side}"]["IK_FK"]'
    for limb in ("upper_arm", "thigh")
    for side in "LR"
)


def metarig_chains() -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {
        "pelvis": ("spine",),
        "spine": ("spine.001", "spine.002", "spine.003"),
        "neck": ("spine.004", "spine.005"),
        "head": ("spine.006",),
    }
    words = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
    fingers = {"thumb": "thumb", "index": "f_index", "middle": "f_middle", "ring": "f_ring",
               "little": "f_pinky"}  # fmt: skip
    for side in likeness.SIDES:
        out[f"clavicle{side}"] = (f"shoulder{side}",)
        out |= {f"{word}{side}": (f"{word}{side}",) for word in words}
        for role, name in fingers.items():
            out[f"{role}{side}"] = tuple(f"{name}.0{number}{side}" for number in (1, 2, 3))
    return out


def deform_chains() -> dict[str, tuple[str, ...]]:
    return {role: tuple(f"DEF-{n}" for n in names) for role, names in metarig_chains().items()}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the human meta-rig and the rig made of it."""
    path = tmp_path_factory.mktemp("rigify") / "rigify.blend"
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    addon_utils.disable("rigify", default_set=True)
    return path


@pytest.fixture
def rig(generated: Path) -> rigs.Built:
    bpy.ops.wm.open_mainfile(filepath=str(generated))
    return rigs.Built(name=RIG, chains=deform_chains())


@pytest.fixture
def metarig(generated: Path) -> rigs.Built:
    bpy.ops.wm.open_mainfile(filepath=str(generated))
    return rigs.Built(name=METARIG, chains=metarig_chains())


def test_the_metarig(metarig: rigs.Built) -> None:
    motion = figures.figure(slide_m=0.004)
    landing = land(metarig, motion, contacts=False)
    assert landing.bone_map == "Rigify meta-rig"
    assert landing.direction_error_deg < 0.05
    check_alike(*both(metarig, motion))


@pytest.mark.parametrize("use_ik", [False, True])
def test_deform_bones_point_as_the_bodies_do(rig: rigs.Built, use_ik: bool) -> None:
    motion = figures.figure()
    landing = land(rig, motion, contacts=False, use_ik=use_ik)
    assert landing.bone_map == "Rigify, FK controls"
    take, target = both(rig, motion)
    assert not landing.warnings
    check_alike(take, target)


def test_a_captured_walk_by_both_kinds_of_controls(rig: rigs.Built, walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    shown = {}
    for use_ik in (False, True):
        landing = land(rig, motion, use_ik=use_ik)
        assert landing.direction_error_deg < 0.5
        assert not landing.warnings
        take, target = both(rig, motion, 12)
        check_alike(take, target, legs=False)
        check_ground(target, likeness.leg_length(target) / likeness.leg_length(take))
        shown[use_ik] = target
    for role, heads in shown[False].heads.items():
        np.testing.assert_allclose(shown[True].heads[role], heads, atol=5e-3, err_msg=role)


def test_a_kept_map_says_what_the_preset_says(rig: rigs.Built, tmp_path: Path) -> None:
    path, motion = tmp_path / "kept.json", figures.figure()
    known = presets.find("rigify-fk")
    with map_properties.available():
        names = rig.object.data.bones.keys()
        stored_map.write(rig.object.data, presets.apply(known, names))
        stored = stored_map.read(rig.object.data)
        assert stored is not None
        files.write(path, stored)
        stored_map.clear(rig.object.data)
    landing = land(rig, motion, contacts=False, bone_map=str(path))
    keyed = {curve.data_path for curve in curves_of(bpy.data.actions[landing.action])}
    assert keyed.issuperset(LIMB_SWITCHES)
    assert 'pose.bones["torso"].location' in keyed
    assert not landing.warnings
    check_alike(*both(rig, motion))


@pytest.mark.parametrize("use_ik", [False, True])
def test_switches_are_keyed_with_the_take(rig: rigs.Built, use_ik: bool) -> None:
    before = {path: rig.object.path_resolve(path) for path in LIMB_SWITCHES}
    landing = land(rig, figures.figure(), use_ik=use_ik)
    keys = {
        curve.data_path: {key.co[1] for key in curve.keyframe_points}
        for curve in curves_of(bpy.data.actions[landing.action])
    }
    for path in LIMB_SWITCHES:
        assert keys[path] == {0.0 if use_ik else 1.0}
        assert rig.object.path_resolve(path) == before[path]
    assert ("foot_ik.L" in str(keys)) is use_ik
    assert ('bones["thigh_fk.L"]' in str(keys)) is not use_ik


def test_controls_posed_and_switched_before_do_not_matter(rig: rigs.Built) -> None:
    motion = figures.figure()
    pose = rig.object.pose.bones
    for path in LIMB_SWITCHES:
        bone, _, key = path.removeprefix('pose.bones["').partition('"]["')
        pose[bone][key.removesuffix('"]')] = 0.0
    pose["hand_ik.L"].location = (0.3, 0.2, 0.1)
    pose["foot_ik.R"].location = (0.0, 0.4, 0.3)
    land(rig, motion, contacts=False)
    check_alike(*both(rig, motion))


def test_the_rig_is_placed_by_its_root(rig: rigs.Built) -> None:
    motion, frames = figures.figure(), (1.0, 6.0)
    names = tuple(name for names in rig.chains.values() for name in names)
    land(rig, motion, contacts=False)
    before = rigs.pose_matrices(rig.name, frames, names)
    rig.object.pose.bones["root"].location = (1.0, 2.0, 0.0)
    land(rig, motion, contacts=False)
    after = rigs.pose_matrices(rig.name, frames, names)
    np.testing.assert_allclose(after[..., :3, :3], before[..., :3, :3], atol=1e-3)
    moved = after[..., :3, 3] - before[..., :3, 3]
    np.testing.assert_allclose(moved, np.broadcast_to((1.0, 2.0, 0.0), moved.shape), atol=1e-3)


@pytest.mark.parametrize("carrier", ["root", "object"])
@pytest.mark.parametrize("use_ik", [False, True])
def test_carriers(rig: rigs.Built, walk: Path, carrier: str, use_ik: bool) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    landing = land(rig, motion, carrier=carrier, use_ik=use_ik, rate=24.0)
    assert not landing.warnings
    frames = (1, 40, 80)
    hands = world_places(rig, frames, "DEF-hand.L"), world_places(rig, frames, "DEF-foot.R")
    rig.object.pose.bones["root"].location = rig.object.location = (0.0, 0.0, 0.0)
    land(rig, motion, use_ik=use_ik, rate=24.0)
    for bone, there in zip(("DEF-hand.L", "DEF-foot.R"), hands, strict=True):
        np.testing.assert_allclose(there, world_places(rig, frames, bone), atol=2e-3)


def world_places(built: rigs.Built, frames: Sequence[int], bone: str) -> np.ndarray:
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown = built.object.evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append(np.array(shown.matrix_world @ shown.pose.bones[bone].head))
    return np.array(out)


def test_nothing_of_the_rig_changes(rig: rigs.Built) -> None:
    made = rig.object
    before = rest_state(made)
    land(rig, figures.figure())
    land(rig, figures.figure(), use_ik=True)
    assert rest_state(made) == before


def rest_state(made: bpy.types.Object) -> list[object]:
    bones = [
        (bone.name, bone.bone.matrix_local.copy().freeze(), bone.rotation_mode,
         tuple(bone.lock_rotation), len(bone.constraints), bone.bone.use_deform)
        for bone in made.pose.bones
    ]  # fmt: skip
    drivers = [(curve.data_path, curve.driver.expression) for curve in made.animation_data.drivers]
    return [bones, drivers, [entry.name for entry in bpy.data.objects]]
