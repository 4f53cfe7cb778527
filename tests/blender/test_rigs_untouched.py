# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take leaves as it was: everything but the action of its armature."""

from __future__ import annotations

import hashlib
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import compat
from myosapiens_addon.blender import landing as landings
from myosapiens_addon.blender.compat import curves_of
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import land
from tests.helpers import figures

OPTIONS: dict[str, dict[str, object]] = {
    "plain": {},
    "planted": {"contacts": True},
    "in place": {"in_place": True},
    "by root": {"carrier": "root"},
    "by object": {"carrier": "object"},
    "few keys": {"tolerance_deg": 1.0, "tolerance_mm": 5.0},
    "strip": {"as_strip": True},
    "asset": {"as_asset": True},
    "unchecked": {"check": False},
}


def values(block: bpy.types.bpy_struct, *, skip: tuple[str, ...] = ()) -> dict[str, object]:
    """The plain properties of a data-block or of a part of one."""
    out: dict[str, object] = {}
    for entry in block.bl_rna.properties:
        if entry.type in ("POINTER", "COLLECTION") or entry.identifier in skip:
            continue
        value = getattr(block, entry.identifier)
        out[entry.identifier] = _frozen(value)
    return out


def _frozen(value: object) -> object:
    if hasattr(value, "__len__") and not isinstance(value, str | bytes | set | frozenset):
        return tuple(_frozen(part) for part in value)
    return value


def custom(block: bpy.types.ID | bpy.types.Bone | bpy.types.PoseBone) -> dict[str, object]:
    return {key: _frozen(block[key]) for key in block.keys()}  # noqa: SIM118


def state(built: rigs.Built) -> dict[str, object]:
    """All that a take on this armature must not change."""
    scene, layer, made = bpy.context.scene, bpy.context.view_layer, built.object
    pose = made.pose.bones
    keyed = {bone for bones in built.chains.values() for bone in bones}
    return {
        "scene": values(scene),
        "scenes": [entry.name for entry in bpy.data.scenes],
        "object": values(made, skip=("is_evaluated",)),
        "object custom": custom(made),
        "data": values(made.data),
        "bones": {bone.name: values(bone) for bone in made.data.bones},
        "bones custom": {bone.name: custom(bone) for bone in made.data.bones},
        "modes": {bone.name: bone.rotation_mode for bone in pose},
        "locks": {bone.name: tuple(bone.lock_rotation) for bone in pose},
        "custom": {bone.name: custom(bone) for bone in pose},
        "constraints": {
            bone.name: [values(entry) for entry in bone.constraints] for bone in pose
        },
        "others": {bone.name: values(bone) for bone in pose if bone.name not in keyed},
        "active": layer.objects.active.name if layer.objects.active else "",
        "selected": sorted(entry.name for entry in bpy.context.scene.objects if entry.select_get()),
        "mode": bpy.context.mode,
        "collections": {
            entry.name: sorted(member.name for member in entry.objects)
            for entry in (scene.collection, *bpy.data.collections)
        },
        "objects": {entry.name: values(entry) for entry in bpy.data.objects if entry != made},
        "blocks": {
            name: sorted(block.name for block in getattr(bpy.data, name))
            for name in ("objects", "armatures", "meshes", "collections", "libraries")
        },
    }  # fmt: skip


def furnished() -> rigs.Built:
    """A rig with a bit of everything around it."""
    plan = rigs.known("mixamo")
    plan.add("prop", "mixamorig:RightHand", (-72, 142, 0), (-72, 142, 10))
    plan.add("free", "", (100, 0, 0), (100, 10, 0))
    built = rigs.build(plan, up=rigs.Y_UP, rolls=5, modes=("XYZ", "QUATERNION", "AXIS_ANGLE"))
    made, scene = built.object, bpy.context.scene
    made.rotation_euler, made.location, made.scale = (1.5708, 0, 0.3), (1, 2, 3), (0.01,) * 3
    made["mine"], made.data.bones["free"]["note"] = [1.0, 2.0], "kept"
    made.pose.bones["prop"].rotation_euler = (0.1, 0.2, 0.3)
    made.pose.bones["prop"]["switch"] = 0.5
    made.pose.bones["free"].location = (1.0, 0.0, 0.0)
    limit = made.pose.bones["free"].constraints.new("LIMIT_ROTATION")
    limit.influence = 0.5
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    group = bpy.data.collections.new("Group")
    scene.collection.children.link(group)
    group.objects.link(other)
    group.objects.link(made)
    other.parent, other.parent_type, other.parent_bone = made, "BONE", "mixamorig:Head"
    bpy.data.scenes.new("Another")
    other.select_set(True)
    bpy.context.view_layer.objects.active = other
    scene.frame_start, scene.frame_end = 3, 77
    scene.frame_set(17, subframe=0.25)
    return built


@pytest.mark.parametrize("name", OPTIONS)
def test_nothing_else_changes(name: str) -> None:
    built = furnished()
    before = state(built)
    land(built, figures.figure(), **OPTIONS[name])
    after = state(built)
    assert set(after) == set(before)
    for key, value in before.items():
        assert after[key] == value, key


@pytest.mark.parametrize("mode", ["POSE", "OBJECT"])
def test_mode_and_selection_of_bones_stay(mode: str) -> None:
    built = furnished()
    bpy.context.view_layer.objects.active = built.object
    bpy.ops.object.mode_set(mode=mode)
    chosen = built.object.data.bones["mixamorig:Head"]
    built.object.data.bones.active = chosen
    before = state(built)
    land(built, figures.figure())
    assert state(built) == before
    assert built.object.data.bones.active.name == "mixamorig:Head"
    assert bpy.context.object.mode == mode


@pytest.mark.parametrize("as_strip", [False, True])
def test_the_action_before_is_kept_as_it_is(as_strip: bool) -> None:
    built = furnished()
    made = built.object
    made.pose.bones["prop"].keyframe_insert("rotation_euler", frame=4)
    made.keyframe_insert('["mine"]', frame=2)
    old = made.animation_data.action
    keys = {
        (curve.data_path, curve.array_index): [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(old)
    }
    name = old.name
    landing = land(built, figures.figure(), as_strip=as_strip)
    old = bpy.data.actions[name]
    assert old.use_fake_user
    assert landing.action != name
    assert keys == {
        (curve.data_path, curve.array_index): [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(old)
    }


@pytest.mark.skipif(not compat.HAS_SLOTS, reason="actions have no slots in this Blender")
def test_an_action_shared_with_another_object_stays_the_others() -> None:
    """What the other's slot keys is no animation of this armature either."""
    built = rigs.vroid()
    made, other = built.object, rigs.vroid().object
    root = made.pose.bones["Root"]
    other.pose.bones["Root"].keyframe_insert("location", frame=1)
    other.pose.bones["Root"].keyframe_insert("location", frame=9)
    shared = other.animation_data.action
    made.animation_data_create().action = shared
    made.animation_data.action_slot = shared.slots.new(id_type="OBJECT", name="Second")
    keys = {
        (curve.data_path, curve.array_index): [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(shared)
    }
    slots = [slot.identifier for slot in shared.slots]
    root.location = (1.0, 0.0, 2.0)  # the figure is placed by it
    land(built, figures.figure())
    assert tuple(root.location) == (1.0, 0.0, 2.0)
    bpy.context.scene.frame_set(5)
    assert tuple(root.location) == (1.0, 0.0, 2.0)
    assert other.animation_data.action == shared
    assert [slot.identifier for slot in shared.slots] == slots
    assert keys == {
        (curve.data_path, curve.array_index): [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(shared)
    }


def test_only_bones_of_the_figure_are_keyed() -> None:
    built = furnished()
    landing = land(built, figures.figure(), carrier="object")
    keyed = {curve.data_path.split('"')[1] for curve in curves_of(bpy.data.actions[landing.action])
             if curve.data_path.startswith("pose")}  # fmt: skip
    assert keyed == {bone for bones in built.chains.values() for bone in bones}
    paths = {curve.data_path for curve in curves_of(bpy.data.actions[landing.action])}
    assert not any("scale" in path for path in paths)
    assert {path for path in paths if not path.startswith("pose")} == {"location"}


@pytest.mark.parametrize(
    "carriers",
    [
        ("pelvis", "pelvis"),
        ("root", "root"),
        ("root", "pelvis"),
        ("object", "object"),
        ("object", "pelvis"),
    ],
    ids="-".join,
)
def test_a_second_take_shows_the_same_as_on_a_fresh_rig(carriers: tuple[str, str]) -> None:
    shown = []
    for again in (True, False):
        built = rigs.vroid()
        if again:
            land(built, figures.figure(seed=9), carrier=carriers[0])
            bpy.context.scene.frame_set(9)
        land(built, figures.figure(), carrier=carriers[1])
        shown.append(world_heads(built, (1, 7)))
        bpy.data.objects.remove(built.object)
    assert abs(shown[0] - shown[1]).max() < 1e-3


def world_heads(built: rigs.Built, frames: tuple[int, ...]) -> np.ndarray:
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown = built.object.evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append([tuple(shown.matrix_world @ bone.head) for bone in shown.pose.bones])
    return np.array(out)


def test_the_takes_file_is_only_read(walk: Path) -> None:
    path = walk / "motion_nomesh.glb"
    digest, when = hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns
    built = furnished()
    landings.land([path], name="walk", options=landings.LandingOptions(armature=built.name))
    assert hashlib.sha256(path.read_bytes()).digest() == digest
    assert path.stat().st_mtime_ns == when
