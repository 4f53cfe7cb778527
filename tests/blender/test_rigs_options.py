# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a take on a rig: its way, its keys, its strip, its asset, its bone map."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import landing as landings
from myosapiens_addon.blender import landing_checks, map_properties, rig_reader, stored_map
from myosapiens_addon.blender.compat import curves_of
from myosapiens_addon.motion import glb
from myosapiens_addon.motion.motion import Motion
from myosapiens_addon.retarget.mapping import presets
from myosapiens_addon.retarget.mapping.roles import RoleMap
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import both, check_alike, land, scene_frames, shown_take, some
from tests.helpers import figures, likeness


@pytest.fixture
def kept_maps() -> Iterator[None]:
    with map_properties.available():
        yield


@pytest.fixture
def built() -> rigs.Built:
    return rigs.mixamo()


def keyed(action: str, bone: str, path: str) -> dict[int, list[tuple[float, float]]]:
    wanted = f'pose.bones["{bone}"].{path}' if bone else path
    return {
        curve.array_index: [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(bpy.data.actions[action])
        if curve.data_path == wanted
    }


def key_count(action: str) -> int:
    return sum(len(curve.keyframe_points) for curve in curves_of(bpy.data.actions[action]))


def world_hips(built: rigs.Built, motion: Motion, count: int = 9) -> np.ndarray:
    """(K, 3) the middle of the hip joints in the world."""
    scene, out = bpy.context.scene, []
    names = [built.chains[f"thigh{side}"][0] for side in likeness.SIDES]
    for frame in scene_frames(motion, some(motion, count)):
        scene.frame_set(int(frame), subframe=float(frame) % 1.0)
        shown = built.object.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads = [np.array(shown.matrix_world @ shown.pose.bones[name].head) for name in names]
        out.append(np.mean(heads, axis=0))
    return np.array(out)


def take_hips(motion: Motion, count: int = 9) -> np.ndarray:
    return likeness.hips(shown_take(motion, some(motion, count)))


def leg_ratio(built: rigs.Built, motion: Motion) -> float:
    """Of the legs in the world."""
    take, target = shown_take(motion, [0]), built.shown([1.0])
    return 0.01 * likeness.leg_length(target) / likeness.leg_length(take)


@pytest.mark.parametrize("scale", [None, 1.0, 0.5, 2.0])
def test_the_way_across_the_ground(built: rigs.Built, walk: Path, scale: float | None) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    land(built, motion, contacts=False, path_scale=scale)
    ways = [hips - hips[0] for hips in (take_hips(motion), world_hips(built, motion))]
    ratio = leg_ratio(built, motion)
    flat = ratio if scale is None else scale
    np.testing.assert_allclose(ways[1], ways[0] * (flat, flat, ratio), atol=2e-3)


def test_the_objects_size_counts_as_soon_as_it_is_set() -> None:
    motion = figures.figure()
    built = rigs.build(rigs.known("ue4"))
    built.object.scale = (0.01, 0.01, 0.01)
    land(built, motion, contacts=False, path_scale=1.0)
    ways = [hips - hips[0] for hips in (take_hips(motion), world_hips(built, motion))]
    np.testing.assert_allclose(ways[1][:, :2], ways[0][:, :2], atol=2e-3)


def test_in_place_keeps_the_sway_and_the_height(built: rigs.Built, walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    land(built, motion, contacts=False)
    there = world_hips(built, motion, 30)
    land(built, motion, contacts=False, in_place=True)
    here = world_hips(built, motion, 30)
    assert np.ptp(there[:, 0]) > 3.0
    assert np.ptp(here[:, 0]) < 0.15
    np.testing.assert_allclose(here[:, 2], there[:, 2], atol=1e-4)
    assert np.ptp(here[:, 1]) > 0.01


@pytest.mark.parametrize("carrier", ["root", "object"])
def test_what_carries_the_way_takes_the_travel_and_no_height(carrier: str, walk: Path) -> None:
    built, motion = rigs.vroid(), glb.read(walk / "motion_nomesh.glb")
    land(built, motion)
    whole = rigs.pose_matrices(built.name, (1.0, 30.0, 60.0), ("J_Bip_C_Head",))[:, 0, :3, 3]
    landing = land(built, motion, carrier=carrier)
    assert landing.warnings == []
    split = rigs.pose_matrices(built.name, (1.0, 30.0, 60.0), ("J_Bip_C_Head",))[:, 0, :3, 3]
    if carrier == "object":
        for row, frame in enumerate((1, 30, 60)):
            bpy.context.scene.frame_set(frame)
            split[row] += np.array(built.object.matrix_world)[:3, 3]
        way = keyed(landing.action, "", "location")
        assert set(way) == {0, 1, 2}
    else:
        way = keyed(landing.action, "Root", "location")
    np.testing.assert_allclose(split, whole, atol=1e-4)
    reach = {axis: np.ptp([value for _, value in keys]) for axis, keys in way.items()}
    axes = np.array(built.object.data.bones["Root"].matrix_local)[:3, :3]
    up = int(np.argmax(np.abs(axes.T @ rigs.Z_UP))) if carrier == "root" else 2
    assert reach[up] < 1e-5
    assert max(reach.values()) > 3.0


def test_contacts_hold_the_feet(walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    creeps = {}
    for contacts in (False, True):
        built = rigs.unreal()
        land(built, motion, contacts=contacts)
        take, target = both(built, motion, motion.frame_count)
        creeps[contacts] = [
            creep
            for side in likeness.SIDES
            for creep in stance_creeps(take, target, side, motion.rate_hz)
        ]
    assert len(creeps[True]) >= 2
    assert max(creeps[True]) < 0.3  # cm
    assert np.mean(creeps[True]) < 0.3 * np.mean(creeps[False])


def stance_creeps(
    take: likeness.Shown, target: likeness.Shown, side: str, rate_hz: float
) -> list[float]:
    """How far the toes move in each stance, from start to end, in the armature's units."""
    theirs, ours = (shown.heads[f"toe{side}"][0] for shown in (take, target))
    slow = np.linalg.norm(np.gradient(theirs, axis=0), axis=1) * rate_hz < 0.2
    edges = np.flatnonzero(np.diff(np.concatenate([[False], slow, [False]]).astype(int)))
    spare = round(0.05 * rate_hz)
    runs = [
        (start + spare, end - spare) for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return [float(np.ptp(ours[a:b], axis=0).max()) for a, b in runs if b - a > 2 * spare]


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "AXIS_ANGLE"])
def test_fewer_keys_stay_within_the_tolerance(mode: str, walk: Path) -> None:
    motion = glb.read(walk / "motion_nomesh.glb")
    built = rigs.build(rigs.known("vroid"), modes=(mode,))
    names = tuple(name for names in built.chains.values() for name in names)
    frames = scene_frames(motion, some(motion, 30))
    full = key_count(land(built, motion, tolerance_deg=0.0).action)
    exact = local_turns(built, rigs.pose_matrices(built.name, frames, names), names)
    place = rigs.pose_matrices(built.name, frames, ("J_Bip_C_Hips",))[:, 0, :3, 3]
    counts = []
    for degrees in (0.5, 2.0):
        landing = land(built, motion, tolerance_deg=degrees, tolerance_mm=10 * degrees)
        counts.append(key_count(landing.action))
        drawn = local_turns(built, rigs.pose_matrices(built.name, frames, names), names)
        cosines = (np.trace(exact.swapaxes(-1, -2) @ drawn, axis1=-2, axis2=-1) - 1) / 2
        assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < degrees + 0.06
        moved = rigs.pose_matrices(built.name, frames, ("J_Bip_C_Hips",))[:, 0, :3, 3]
        assert np.linalg.norm(moved - place, axis=1).max() < 10e-3 * degrees + 1e-4
    assert counts[0] < 0.5 * full
    assert counts[1] < 0.7 * counts[0]


def local_turns(built: rigs.Built, matrices: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(K, N, 3, 3) rotations of bones against their nearest parents among them."""
    bones = built.object.data.bones
    out = matrices[..., :3, :3].copy()
    for column, name in enumerate(names):
        above = bones[name].parent
        while above is not None and above.name not in names:
            above = above.parent
        if above is not None:
            parent = matrices[:, names.index(above.name), :3, :3]
            out[:, column] = parent.swapaxes(-1, -2) @ matrices[:, column, :3, :3]
    return out


def test_a_strip_plays_as_the_action_does(built: rigs.Built) -> None:
    motion = figures.figure()
    names = ("mixamorig:Head", "mixamorig:LeftHand")
    frames = (5.0, 9.5, 14.0)
    land(built, motion, start_frame=5)
    before = rigs.pose_matrices(built.name, frames, names)
    landing = land(built, motion, start_frame=5, as_strip=True)
    data = built.object.animation_data
    assert data.action is None
    strips = [strip for track in data.nla_tracks for strip in track.strips]
    assert [strip.action.name for strip in strips] == [landing.action]
    assert strips[0].frame_start == pytest.approx(5.0, abs=1e-3)
    np.testing.assert_allclose(rigs.pose_matrices(built.name, frames, names), before, atol=2e-3)
    assert landing.direction_error_deg < 0.05


def test_two_strips_stand_one_after_the_other(built: rigs.Built) -> None:
    motion = figures.figure()
    land(built, motion, start_frame=1, as_strip=True)
    landing = land(built, motion, start_frame=101, as_strip=True)
    tracks = built.object.animation_data.nla_tracks
    assert len(tracks) == 2
    assert tracks[1].strips[0].frame_start == pytest.approx(101.0, abs=1e-3)
    check = rigs.pose_matrices(built.name, (1.0, 101.0), ("mixamorig:Head",))
    np.testing.assert_allclose(check[0], check[1], atol=2e-3)
    assert landing.direction_error_deg < 0.05


def test_an_asset_in_a_catalogue(built: rigs.Built, tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    ids = []
    for _ in range(2):
        landing = land(built, figures.figure(), as_asset=True, catalog="Mocap/Walks")
        assert landing.warnings == []
        ids.append(bpy.data.actions[landing.action].asset_data.catalog_id)
    lines = (tmp_path / "blender_assets.cats.txt").read_text().splitlines()
    rows = [line.split(":") for line in lines if line and not line.startswith(("#", "VERSION"))]
    assert "VERSION 1" in lines
    assert [row[1:] for row in rows] == [["Mocap/Walks", "Mocap-Walks"]]
    assert ids[0] == ids[1] == str(uuid.UUID(rows[0][0]))
    assert {tag.name for tag in bpy.data.actions[landing.action].asset_data.tags} >= {"mocap"}


def test_a_catalogue_that_is_there_is_added_to(built: rigs.Built, tmp_path: Path) -> None:
    file = tmp_path / "blender_assets.cats.txt"
    mine = "# Mine\n\nVERSION 1\n\n0a3a4f6c-2c0e-4b1e-9d5c-2b60e6f3c6aa:Mocap:Mocap\n"
    file.write_text(mine)
    folder = tmp_path / "scenes"
    folder.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    land(built, figures.figure(), as_asset=True, catalog="Mocap")
    assert file.read_text() == mine
    land(built, figures.figure(), as_asset=True, catalog="Mocap/New: one")
    assert file.read_text().startswith(mine)
    assert ":Mocap/New- one:" in file.read_text()
    assert not (folder / "blender_assets.cats.txt").exists()


def test_a_catalogue_is_of_the_asset_library_that_the_file_is_in(
    built: rigs.Built, tmp_path: Path
) -> None:
    """Blender reads none of those in a library's other folders."""
    folder = tmp_path / "library" / "heroes"
    folder.mkdir(parents=True)
    libraries = bpy.context.preferences.filepaths.asset_libraries
    bpy.ops.preferences.asset_library_add(directory=str(tmp_path / "library"))
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "hero.blend"))
        landing = land(built, figures.figure(), as_asset=True, catalog="Mocap")
    finally:
        bpy.ops.preferences.asset_library_remove(index=len(libraries) - 1)
    assert landing.warnings == []
    assert ":Mocap:" in (tmp_path / "library" / "blender_assets.cats.txt").read_text()
    assert not list(folder.glob("*.txt"))


def test_a_catalogue_needs_a_saved_file(built: rigs.Built) -> None:
    landing = land(built, figures.figure(), as_asset=True, catalog="Mocap")
    assert len(landing.warnings) == 1
    assert "not saved yet" in landing.warnings[0]
    assert bpy.data.actions[landing.action].asset_data is not None


def test_a_bone_map_by_name_title_and_file(built: rigs.Built, tmp_path: Path) -> None:
    motion = figures.figure()
    path = rigs.map_file(tmp_path / "mine.json", built.chains)
    for text, title in (("mixamo", "Mixamo"), ("MIXAMO", "Mixamo"), (path, "By hand")):
        landing = land(built, motion, bone_map=text, contacts=False)
        assert landing.bone_map == title
        check_alike(*both(built, motion))


@pytest.mark.usefixtures("kept_maps")
def test_a_bone_map_that_the_armature_holds(built: rigs.Built) -> None:
    chains = {role: names for role, names in built.chains.items() if role != "head"}
    stored_map.write(built.object.data, RoleMap(chains=chains, title="Kept"))
    landing = land(built, figures.figure())
    assert landing.bone_map == "Kept"
    assert not keyed(landing.action, "mixamorig:Head", "rotation_quaternion")
    assert keyed(landing.action, "mixamorig:Neck", "rotation_quaternion")
    landing = land(built, figures.figure(), bone_map="mixamo")
    assert keyed(landing.action, "mixamorig:Head", "rotation_quaternion")
    stored_map.clear(built.object.data)
    assert land(built, figures.figure()).bone_map == "Mixamo"


@pytest.mark.usefixtures("kept_maps")
def test_the_armatures_bone_map_is_saved_with_it(built: rigs.Built, tmp_path: Path) -> None:
    stored_map.write(built.object.data, RoleMap(chains=built.chains, title="Kept"))
    path = str(tmp_path / "rig.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert stored_map.read(built.object.data).chains == built.chains
    assert land(built, figures.figure()).bone_map == "Kept"


@pytest.mark.usefixtures("kept_maps")
def test_a_kept_map_of_a_kind_calls_its_bones_as_the_armature_does() -> None:
    plan = rigs.known("rigify_fk")
    plan.rows = [
        (f"Hero:{name}", above and f"Hero:{above}", *rest) for name, above, *rest in plan.rows
    ]
    built = rigs.build(plan)
    made = rig_reader.read_rig(built.object)
    found = presets.apply(presets.find("rigify-fk"), made.names)
    stored_map.write(built.object.data, RoleMap(chains=found.chains, preset=found.preset))
    stored = stored_map.read(built.object.data)
    kept = landing_checks.bone_map(made, "", stored, None, [])
    assert kept is not None
    assert kept.rig["carrier"] == "Hero:torso"


def test_a_preset_of_the_users_own(own_folders: Path) -> None:
    built = rigs.build(rigs.plain())
    folder = own_folders / "maps"
    folder.mkdir(parents=True, exist_ok=True)
    rigs.map_file(folder / "studio.json", built.chains, id="studio", title="Our studio")
    (folder / "notes.json").write_text("no map")
    motion = figures.figure()
    for text in ("studio", "our studio", ""):
        landing = land(built, motion, bone_map=text, contacts=False)
        assert landing.bone_map == "Our studio"
    check_alike(*both(built, motion))
    assert json.loads((folder / "studio.json").read_text())["id"] == "studio"


def test_rates_and_start(built: rigs.Built) -> None:
    bpy.context.scene.render.fps = 25
    motion = figures.figure(frames=101)
    landing = land(built, motion, rate="scene", start_frame=11)
    keys = keyed(landing.action, "mixamorig:Head", "rotation_quaternion")[1]
    np.testing.assert_allclose([frame for frame, _ in keys], np.arange(11, 37))
    landing = land(built, motion, rate=50.0)
    keys = keyed(landing.action, "mixamorig:Head", "rotation_quaternion")[1]
    np.testing.assert_allclose([frame for frame, _ in keys], np.arange(1, 26.1, 0.5))


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_takes_of_a_few_frames(built: rigs.Built, frames: int) -> None:
    motion = figures.figure(frames=frames)
    landing = land(built, motion)
    assert landing.frames == frames
    take, target = both(built, motion, frames)
    check_alike(take, target, legs=False)
    assert isinstance(landing, landings.Landing)
