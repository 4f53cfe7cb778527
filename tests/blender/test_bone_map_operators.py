# SPDX-License-Identifier: GPL-3.0-or-later
"""The bone map's buttons: found out, chosen, corrected, kept and shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest

import myosapiens_addon
from myosapiens_addon.blender import map_properties, properties, stored_map
from myosapiens_addon.blender.operators import bone_map
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import land
from tests.helpers import figures

ops: Any = None


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    global ops
    bone_map.forget_presets()
    myosapiens_addon.register()
    ops = bpy.ops.myosapiens
    yield
    myosapiens_addon.unregister()


@pytest.fixture
def mixamo() -> rigs.Built:
    built = rigs.mixamo()
    settings = properties.of_scene(bpy.context.scene)
    settings.target, settings.armature = "EXISTING", built.object
    return built


def rows(built: rigs.Built) -> list[tuple[str, str]]:
    return [(row.bone, row.role) for row in map_properties.of_armature(built.object.data).rows]


def test_detect_finds_the_preset_and_keeps_it_with_the_armature(
    mixamo: rigs.Built, tmp_path: Path
) -> None:
    assert ops.map_detect() == {"FINISHED"}
    group = map_properties.of_armature(mixamo.object.data)
    assert (group.title, group.preset) == ("Mixamo", "mixamo")
    assert ("mixamorig:LeftForeArm", "forearm.L") in rows(mixamo)
    assert {row.state for row in group.rows} == {"preset"}
    kept, name = rows(mixamo), mixamo.object.data.name
    path = str(tmp_path / "kept.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    found = map_properties.of_armature(bpy.data.armatures[name]).rows
    assert [(row.bone, row.role) for row in found] == kept


def test_a_preset_is_chosen_by_its_id_and_one_that_does_not_fit_refused(
    mixamo: rigs.Built,
) -> None:
    assert ops.map_preset(preset="mixamo") == {"FINISHED"}
    kept = rows(mixamo)
    with pytest.raises(RuntimeError, match="of the bones of 'MMD'"):
        ops.map_preset(preset="mmd")
    assert rows(mixamo) == kept


def test_rows_are_added_moved_edited_and_removed(mixamo: rigs.Built) -> None:
    ops.map_preset(preset="mixamo")
    group = map_properties.of_armature(mixamo.object.data)
    count = len(group.rows)
    group.row_index = 2
    ops.map_add()
    assert (len(group.rows), group.row_index) == (count + 1, 3)
    group.rows[3].bone, group.rows[3].role = "mixamorig:HeadTop_End", "root"
    assert group.rows[3].state == "edited"
    ops.map_move(direction="UP")
    assert group.rows[2].bone == "mixamorig:HeadTop_End"
    ops.map_remove()
    assert len(group.rows) == count
    ops.map_clear()
    assert stored_map.read(mixamo.object.data) is None
    with pytest.raises(RuntimeError, match="bone map is empty"):
        ops.map_remove()


def test_what_was_corrected_is_what_a_take_follows(mixamo: rigs.Built) -> None:
    ops.map_detect()
    group = map_properties.of_armature(mixamo.object.data)
    for place in reversed(range(len(group.rows))):
        if group.rows[place].role.startswith(("hand", "thumb", "index", "middle", "ring", "litt")):
            group.rows.remove(place)
    landing = land(mixamo, figures.figure())
    action = bpy.data.actions[landing.action]
    from myosapiens_addon.blender.compat import curves_of

    keyed = {curve.data_path.split('"')[1] for curve in curves_of(action)}
    assert "mixamorig:LeftForeArm" in keyed
    assert not any("Hand" in bone for bone in keyed)


def test_a_map_goes_out_and_in_as_json(mixamo: rigs.Built, tmp_path: Path) -> None:
    ops.map_detect()
    kept, path = rows(mixamo), tmp_path / "hero.json"
    ops.map_export(filepath=str(path))
    assert json.loads(path.read_text())["format"] == "bone-map"
    ops.map_clear()
    ops.map_import(filepath=str(path))
    assert rows(mixamo) == kept
    path.write_text("{}")
    with pytest.raises(RuntimeError, match=r"hero\.json is no bone map"):
        ops.map_import(filepath=str(path))
    assert rows(mixamo) == kept


def test_an_own_preset_is_offered_and_taken_by_name(mixamo: rigs.Built, own_folders: Path) -> None:
    ops.map_detect()
    with pytest.raises(RuntimeError, match="has no name"):
        ops.map_save(name=" ")
    ops.map_save(name="Our Hero")
    assert [path.name for path in (own_folders / "maps").iterdir()] == ["Our_Hero.json"]
    ops.map_clear()
    found = {title: ident for ident, title, _tip in bone_map._preset_items()}
    assert ops.map_preset(preset=found["Our Hero"]) == {"FINISHED"}
    assert land(mixamo, figures.figure(), bone_map="Our Hero").bone_map == "Our Hero"


def test_what_is_no_figure_is_not_guessed() -> None:
    bpy.ops.object.armature_add()
    properties.of_scene(bpy.context.scene).target = "EXISTING"
    with pytest.raises(RuntimeError, match="do not look like a human figure"):
        ops.map_detect()


def test_without_an_armature_the_buttons_are_grey() -> None:
    assert not ops.map_detect.poll()
    properties.of_scene(bpy.context.scene).target = "NEW"
    assert "needs no bone map" in bone_map.why_not_map()
