# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs and maps that cannot take a motion, or only in part: one sentence, nothing left behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender.compat import curves_of
from myosapiens_addon.errors import InputError, MyoSapiensError, RigError
from myosapiens_addon.motion.motion import Motion
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import both, check_alike, land
from tests.helpers import figures

GARBAGE = {
    "empty": b"",
    "no JSON": b"{bones",
    "bytes": b"\xff\xfe\x00\x01",
    "a list": b"[1, 2]",
    "another format": b'{"format": "x"}',
    "no bones": b'{"format": "bone-map", "version": 1}',
    "bones of numbers": b'{"format": "bone-map", "version": 1, "bones": {"pelvis": 3}}',
    "a role that is none": b'{"format": "bone-map", "version": 1, "bones": {"tail": "x"}}',
    "deep": b"[" * 100_000,
    "newer": b'{"format": "bone-map", "version": 99, "bones": {"pelvis": "pelvis"}}',
}


def blocks() -> dict[str, list[str]]:
    """All data-blocks of the file, by name."""
    kinds = ("actions", "objects", "armatures", "scenes", "collections", "meshes", "libraries")
    return {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds}


def refused(built: rigs.Built, *says: str, kind: type = MyoSapiensError, **options: object) -> str:
    """Land, expect one sentence, and check that nothing is left."""
    before = blocks()
    action = built.object.animation_data.action if built.object.animation_data else None
    with pytest.raises(kind) as caught:
        land(built, figures.figure(), **options)
    text = str(caught.value)
    assert all(part in text for part in says), text
    assert "\n" not in text.strip()
    assert text.strip()[-1] in ".)", text
    assert blocks() == before
    after = built.object.animation_data.action if built.object.animation_data else None
    assert after == action
    return text


def test_what_is_no_armature() -> None:
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(cube)
    refused(rigs.Built(name="Cube", chains={}), "no armature", kind=RigError)
    with pytest.raises(RigError, match="There is no armature 'Nobody'"):
        land(rigs.Built(name="Nobody", chains={}), figures.figure())


def test_an_armature_without_bones() -> None:
    built = rigs.build(rigs.Plan(), name="Hollow")
    refused(built, "'Hollow'", "no bones", kind=RigError)
    refused(built, "'Hollow'", kind=RigError, bone_map="mixamo")


def test_edit_mode() -> None:
    built = rigs.mixamo()
    bpy.context.view_layer.objects.active = built.object
    bpy.ops.object.mode_set(mode="EDIT")
    refused(built, "Edit Mode", kind=RigError)
    bpy.ops.object.mode_set(mode="OBJECT")
    land(built, figures.figure())


@pytest.mark.parametrize("name", GARBAGE)
def test_a_map_file_of_garbage(name: str, tmp_path: Path) -> None:
    built = rigs.mixamo()
    path = tmp_path / "broken.json"
    path.write_bytes(GARBAGE[name])
    refused(built, "broken.json", kind=InputError, bone_map=str(path))


def test_maps_that_are_not_there(tmp_path: Path) -> None:
    built = rigs.mixamo()
    refused(built, "nowhere", kind=InputError, bone_map="nowhere")
    refused(built, "none.json", kind=InputError, bone_map=str(tmp_path / "none.json"))
    refused(built, kind=InputError, bone_map=str(tmp_path))
    refused(built, "'Armature'", "Unreal", kind=RigError, bone_map="ue5")


def test_a_bone_with_two_roles(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    chains = dict(built.chains) | {"forearm.L": built.chains["upper_arm.L"]}
    path = rigs.map_file(tmp_path / "map.json", chains)
    refused(built, "map.json", "'upper_arm.L'", "'forearm.L'", kind=InputError, bone_map=path)


def test_a_map_upside_down(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    chains = dict(built.chains)
    chains["upper_arm.L"], chains["hand.L"] = chains["hand.L"], chains["upper_arm.L"]
    path = rigs.map_file(tmp_path / "map.json", chains)
    refused(built, "'Rig'", "above", kind=RigError, bone_map=path)


def test_a_map_without_a_pelvis(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    chains = {role: bones for role, bones in built.chains.items() if role != "pelvis"}
    path = rigs.map_file(tmp_path / "map.json", chains)
    refused(built, "'pelvis'", kind=RigError, bone_map=path)


def test_a_map_of_which_no_bone_is_there(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    chains = {role: tuple(f"no {bone}" for bone in bones) for role, bones in built.chains.items()}
    path = rigs.map_file(tmp_path / "map.json", chains)
    refused(built, "'Rig'", "none of the bones", "By hand", kind=RigError, bone_map=path)


def test_a_map_of_which_some_bones_are_not_there(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    chains = dict(built.chains) | {
        "hand.L": ("gone",),
        "index.R": ("lost", "index.R_2", "index.R_3"),
    }
    path = rigs.map_file(tmp_path / "map.json", chains)
    motion = figures.figure()
    landing = land(built, motion, bone_map=path, contacts=False)
    keyed = {curve.data_path.split('"')[1] for curve in curves_of(bpy.data.actions[landing.action])}
    assert "hand.L" not in keyed
    assert "hand.R" in keyed
    assert np.isfinite(landing.direction_error_deg)
    assert landing.direction_error_deg < 0.05


def test_bones_that_a_map_file_names_in_vain_are_told(tmp_path: Path) -> None:
    built = rigs.build(rigs.plain())
    path = rigs.map_file(tmp_path / "map.json", dict(built.chains) | {"hand.L": ("gone",)})
    landing = land(built, figures.figure(), bone_map=path)
    assert any("'gone'" in text for text in landing.warnings)


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 0.0},
        {"rate": -24.0},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"rate": 1e9},
        {"rate": "often"},
        {"path_scale": float("nan")},
        {"path_scale": float("inf")},
        {"tolerance_deg": float("nan")},
        {"carrier": "hand"},
    ],
    ids=str,
)
def test_options_that_make_no_sense(options: dict[str, object]) -> None:
    refused_or_finite(rigs.mixamo(), figures.figure(), **options)


def refused_or_finite(built: rigs.Built, motion: Motion, **options: object) -> None:
    """Either a sentence and nothing left behind, or keys that are numbers."""
    before = blocks()
    said, landing = "", None
    try:
        landing = land(built, motion, **options)
    except MyoSapiensError as error:
        said = str(error)
    if landing is None:
        assert said
        assert "\n" not in said
        assert blocks() == before
        return
    for curve in curves_of(bpy.data.actions[landing.action]):
        values = np.array([tuple(key.co) for key in curve.keyframe_points])
        assert np.isfinite(values).all(), curve.data_path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A file with a rig in a collection, to be linked."""
    built = rigs.mixamo(name="Hero")
    group = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(group)
    group.objects.link(built.object)
    bpy.context.scene.collection.objects.unlink(built.object)
    path = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def linked(library: Path) -> bpy.types.Object:
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Hero"]
    found = wanted.objects[0]
    bpy.context.scene.collection.objects.link(found)
    return found


def test_a_linked_armature_is_refused(library: Path) -> None:
    linked(library)
    refused(rigs.Built(name="Hero", chains={}), "linked", "hero.blend", "override", kind=RigError)


def test_an_override_of_a_linked_armature(library: Path) -> None:
    found = linked(library)
    made = found.override_create(remap_local_usages=True)
    assert made.library is None
    chains = rigs.known("mixamo").chains
    built = rigs.Built(name=made.name, chains=chains, up=rigs.Y_UP)
    stamp = library.read_bytes()
    motion = figures.figure()
    landing = land(built, motion, contacts=False)
    assert landing.direction_error_deg < 0.05
    assert bpy.data.actions[landing.action].library is None
    check_alike(*both(built, motion))
    assert library.read_bytes() == stamp


def test_an_override_whose_data_are_linked_has_rest_bones_of_the_library(library: Path) -> None:
    found = linked(library)
    made = found.override_create(remap_local_usages=True)
    assert made.data.library is not None
    land(rigs.Built(name=made.name, chains={}), figures.figure())
    assert made.data.library is not None


def test_locked_and_driven_bones_are_named_and_left() -> None:
    built = rigs.mixamo()
    pose = built.object.pose.bones
    locked, driven = pose["mixamorig:Head"], pose["mixamorig:LeftHand"]
    locked.lock_rotation = (True, True, True)
    locked.lock_rotations_4d = locked.lock_rotation_w = True
    driven.rotation_mode = "XYZ"
    driven.driver_add("rotation_euler", 0).driver.expression = "0.3"
    motion = figures.figure()
    landing = land(built, motion, contacts=False)
    text = next(text for text in landing.warnings if "Left as they are" in text)
    assert "mixamorig:Head (locked)" in text
    assert "mixamorig:LeftHand (driven)" in text
    keyed = {curve.data_path.split('"')[1] for curve in curves_of(bpy.data.actions[landing.action])}
    assert not keyed & {"mixamorig:Head", "mixamorig:LeftHand"}
    # Where a driver holds a hand nobody knows beforehand; what hangs on it is found off, and told.
    assert landing.direction_error_deg == pytest.approx(np.degrees(0.3), abs=0.1)
    assert any("LeftHand" in text and "degrees off" in text for text in landing.warnings)


@pytest.mark.parametrize("how", ["locked", "driven"])
def test_a_pelvis_whose_location_is_held_is_carried_by_the_root(how: str) -> None:
    built = rigs.vroid()
    hips = built.object.pose.bones["J_Bip_C_Hips"]
    if how == "locked":
        hips.lock_location = (True, True, True)
    else:
        hips.driver_add("location", 1).driver.expression = "0.0"
    motion = figures.figure()
    landing = land(built, motion, contacts=False)
    moved = {
        curve.data_path.split('"')[1]
        for curve in curves_of(bpy.data.actions[landing.action])
        if curve.data_path.endswith(".location")
    }
    assert moved == {"Root"}
    check_alike(*both(built, motion))


def test_fingers_on_a_locked_hand_still_point_as_they_should() -> None:
    built = rigs.build(rigs.known("vroid"))
    hand = built.object.pose.bones["J_Bip_L_Hand"]
    hand.rotation_mode, hand.lock_rotation = "XYZ", (True, True, True)
    motion = figures.figure()
    landing = land(built, motion, contacts=False)
    assert landing.direction_error_deg < 0.05


def test_fingers_on_a_hand_that_is_locked_in_a_pose() -> None:
    built = rigs.build(rigs.known("vroid"))
    hand = built.object.pose.bones["J_Bip_L_Hand"]
    hand.rotation_mode, hand.lock_rotation = "XYZ", (True, True, True)
    hand.rotation_euler = (0.5, 0.0, 0.0)
    landing = land(built, figures.figure(), contacts=False)
    assert landing.direction_error_deg < 0.05


Change = Callable[[np.ndarray], None]


def thigh_of_no_length(rests: np.ndarray) -> None:
    rests[figures.NAMES.index("tibia_l")] = rests[figures.NAMES.index("femur_l")]


def all_in_one_place(rests: np.ndarray) -> None:
    rests[:] = 0.0


def fingers_of_no_length(rests: np.ndarray) -> None:
    for name in figures.NAMES:
        if "phalanx" in name:
            rests[figures.NAMES.index(name)] = rests[figures.NAMES.index("lunate" + name[-2:])]


@pytest.mark.parametrize("change", [thigh_of_no_length, all_in_one_place, fingers_of_no_length])
def test_bodies_of_no_length(change: Change) -> None:
    motion = figures.figure()
    rests = motion.rest_positions.copy()
    change(rests)
    refused_or_finite(rigs.mixamo(), dataclasses.replace(motion, rest_positions=rests))


def test_a_take_of_other_bodies_is_refused() -> None:
    motion = figures.figure()
    names = tuple(f"thing {place}" for place in range(len(motion.names)))
    built = rigs.mixamo()
    before = blocks()
    strange = dataclasses.replace(
        motion, names=names[:3], parents=motion.parents[:3],
        rest_positions=motion.rest_positions[:3],
        rest_rotations=motion.rest_rotations[:3], positions=motion.positions[:, :3],
        rotations=motion.rotations[:, :3],
    )  # fmt: skip
    with pytest.raises(MyoSapiensError):
        land(built, strange)
    assert blocks() == before


def test_bones_that_are_edited_by_way_of_another_object() -> None:
    built = rigs.mixamo()
    twin = bpy.data.objects.new("Twin", built.object.data)
    bpy.context.scene.collection.objects.link(twin)
    bpy.context.view_layer.objects.active = twin
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        with pytest.raises(RigError, match="in Edit Mode"):
            land(built, figures.figure())
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def test_an_armature_whose_strip_is_being_tweaked() -> None:
    built = rigs.vroid()
    land(built, figures.figure(), as_strip=True)
    bpy.context.view_layer.objects.active = built.object
    track = built.object.animation_data.nla_tracks[0]
    track.select = track.strips[0].select = True
    built.object.animation_data.use_tweak_mode = True
    refused(built, "weak", kind=RigError)


def test_a_hidden_armature_gives_no_false_alarm() -> None:
    built = rigs.vroid()
    built.object.hide_viewport = True
    landing = land(built, figures.figure(), contacts=False)
    assert not landing.warnings
    built.object.hide_viewport = False
    check_alike(*both(built, figures.figure()))


def test_an_armature_that_shows_its_rest_position_is_told_so() -> None:
    built = rigs.vroid()
    built.object.data.pose_position = "REST"
    landing = land(built, figures.figure(), contacts=False)
    assert any("rest position" in text.casefold() for text in landing.warnings)
