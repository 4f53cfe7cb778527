# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets as data: what is in them, how they are chosen, and applied to names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myosapiens_addon.errors import InputError, RigError
from myosapiens_addon.retarget import extras
from myosapiens_addon.retarget.mapping import detect, files, presets, roles
from myosapiens_addon.retarget.mapping.roles import RoleMap
from tests.helpers import rigs

BUILT_IN = {preset.id: preset for preset in presets.built_in()}


def names_of(preset: str) -> list[str]:
    bones = BUILT_IN[preset].document.bones
    return [names[0] for chain in bones.values() for names in chain]


def keep(folder: Path, name: str, bones: dict[str, object], **more: object) -> Path:
    path = folder / name
    path.write_text(json.dumps({"format": "bone-map", "version": 1, **more, "bones": bones}))
    return path


@pytest.mark.parametrize("preset", BUILT_IN)
def test_a_preset_fits_its_own_names(preset: str) -> None:
    document = BUILT_IN[preset].document
    assert BUILT_IN[preset].title
    assert {"pelvis", "head", "hand.L", "foot.R"} <= set(document.bones)
    extra = [pattern.replace("*", "") + "x" for pattern in document.needs]
    found = presets.apply(BUILT_IN[preset], [*names_of(preset), *extra])
    assert found.preset == preset
    assert dict(found.chains) == {
        role: tuple(names[0] for names in chain) for role, chain in document.bones.items()
    }


@pytest.mark.parametrize("preset", BUILT_IN)
def test_what_a_preset_says_of_rigs_can_be_read(preset: str) -> None:
    document = BUILT_IN[preset].document
    extras.of_map(RoleMap(chains={}, rig=document.rig))


@pytest.mark.parametrize("preset", BUILT_IN)
def test_sides_of_a_preset_match(preset: str) -> None:
    bones = BUILT_IN[preset].document.bones
    for role in bones:
        if roles.side_of(role):
            assert len(bones[roles.word_of(role) + ".L"]) == len(bones[roles.word_of(role) + ".R"])


@pytest.mark.parametrize(
    "prefix", ["mixamorig:", "mixamorig1:", "mixamorig12:", "mixamorig", "mixamorig_", "", "a:b:"]
)
def test_prefixes_of_mixamo(prefix: str) -> None:
    found = presets.apply(BUILT_IN["mixamo"], [prefix + name for name in names_of("mixamo")])
    assert found.chains["pelvis"] == (f"{prefix}Hips",)
    assert len(found.chains) == len(BUILT_IN["mixamo"].document.bones)


@pytest.mark.parametrize("prefix", ["Bip01 ", "Bip001 ", "Bip01_", "ValveBiped.Bip01_", "x:Bip01_"])
def test_prefixes_of_biped(prefix: str) -> None:
    names = [prefix + name for name in names_of("biped") if name != "Bip01"]
    found = presets.apply(BUILT_IN["biped"], [prefix.strip(" _"), *names])
    assert found.chains["hand.R"] == (f"{prefix}R Hand",)
    assert found.chains["thumb.L"][2] == f"{prefix}L Finger02"


def test_only_roles_whose_bones_exist() -> None:
    names = ["Hips", "Spine", "LeftUpLeg", "LeftLeg", "LeftFoot", "Sword"]
    found = presets.apply(BUILT_IN["mixamo"], names)
    assert dict(found.chains) == {
        "pelvis": ("Hips",),
        "spine": ("Spine",),
        "thigh.L": ("LeftUpLeg",),
        "shin.L": ("LeftLeg",),
        "foot.L": ("LeftFoot",),
    }


def test_bones_that_compare_equal_are_found_as_written_only() -> None:
    names = [*names_of("mixamo"), "HIPS", "hips"]
    assert presets.apply(BUILT_IN["mixamo"], names).chains["pelvis"] == ("Hips",)
    again = [name for name in names if name != "Hips"]
    assert "pelvis" not in presets.apply(BUILT_IN["mixamo"], again).chains


@pytest.mark.parametrize(("name", "preset"), [("mixamo", "mmd"), ("mmd", "ue5"), ("ue5", "biped")])
def test_hardly_anything_of_a_preset_is_there(name: str, preset: str) -> None:
    rig = rigs.read(name)
    with pytest.raises(RigError) as error:
        presets.apply(BUILT_IN[preset], rig.skeleton.names, "Bob")
    sentence = error.value.sentence
    assert sentence.startswith("The armature 'Bob' has ")
    assert sentence.endswith("choose another bone map.")
    assert BUILT_IN[preset].title in sentence


def test_a_rig_that_a_preset_rules_out() -> None:
    rig = rigs.read("rigify_fk")
    with pytest.raises(RigError, match="has none of the bones of 'Rigify meta-rig'"):
        presets.apply(BUILT_IN["rigify-metarig"], rig.skeleton.names)


def test_presets_are_found_by_id_title_and_path(tmp_path: Path) -> None:
    path = keep(tmp_path, "mine.json", {"pelvis": "Root_M"}, title="My rig")
    assert presets.find("mixamo").id == "mixamo"
    assert presets.find(" Mixamo ").id == "mixamo"
    assert presets.find("3ds max biped").id == "biped"
    assert presets.find("my rig", tmp_path).id == "mine"
    assert presets.find("mine", tmp_path).path == path
    assert presets.find(str(path)).title == "My rig"


@pytest.mark.parametrize("text", ["", "nonsense", "mine"])
def test_a_preset_that_there_is_not(text: str) -> None:
    with pytest.raises(InputError, match=r"There is no bone map .*; choose one of .*mixamo"):
        presets.find(text)


def test_a_path_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; check the path"):
        presets.find(str(tmp_path / "gone.json"))
    with pytest.raises(InputError, match="does not exist; check the path"):
        presets.find("~nobody-of-that-name/gone.json")


def test_the_catalogue_has_a_users_own(tmp_path: Path) -> None:
    keep(tmp_path, "mine.json", {"pelvis": "Root_M"}, id="own", title="Mine")
    keep(tmp_path, "fixed.json", {"pelvis": "Hips"}, id="mixamo", title="Mixamo, put right")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "note.txt").write_text("not a map")
    listed = presets.catalogue(tmp_path)
    ids = [preset.id for preset in listed]
    assert len(set(ids)) == len(ids) == len(BUILT_IN) + 2
    assert {"own", "fixed", "mixamo"} <= set(ids)
    assert all((preset.path is None) == (preset.id in BUILT_IN) for preset in listed)


def test_a_file_called_like_a_built_in_preset_takes_its_place(tmp_path: Path) -> None:
    path = keep(tmp_path, "mixamo.json", {"pelvis": "Root_M"})
    listed = presets.catalogue(tmp_path)
    assert len(listed) == len(BUILT_IN)
    assert presets.find("mixamo", tmp_path).path == path


def test_a_folder_that_there_is_not(tmp_path: Path) -> None:
    assert presets.catalogue(tmp_path / "gone") == presets.catalogue()


def test_a_users_own_map_of_a_rig_goes_before_the_built_in_preset(tmp_path: Path) -> None:
    rig = rigs.read("mixamo")
    found = detect.detect(rig.skeleton).role_map
    chains = {role: chain for role, chain in found.chains.items() if role != "head"}
    own = RoleMap(
        chains={**chains, "head": ("mixamorig:HeadTop_End",)}, preset="mixamo", title="Bob"
    )
    files.write(tmp_path / "bob.json", own)
    again = detect.detect(rig.skeleton, presets.catalogue(tmp_path))
    assert (again.preset, again.title) == ("bob", "Bob")
    assert again.role_map.bone("head") == "mixamorig:HeadTop_End"
