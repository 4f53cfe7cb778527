# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs of well-known kinds are recognised, and found out without being known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.retarget.mapping import check, detect, roles
from myosapiens_addon.retarget.mapping.roles import Skeleton
from tests.helpers import rigs

PRESETS = {
    "mixamo": "mixamo",
    "mixamo_plain": "mixamo",
    "ue4": "ue4",
    "ue5": "ue5",
    "rigify_metarig": "rigify-metarig",
    "rigify_fk": "rigify-fk",
    "vroid": "vroid",
    "daz_g8": "daz-g8",
    "cc4": "cc4",
    "auto_rig_pro": "auto-rig-pro",
    "biped": "biped",
    "smpl_x": "smpl-x",
    "mmd": "mmd",
    "mmd_blender": "mmd-blender",
    "cmu_bvh": "cmu-bvh",
    "bvh": "bvh",
    "unity": "unity",
    "synty": "synty",
}
WITH_FINGERS = sorted(set(PRESETS) - {"cmu_bvh", "bvh", "synty"})


def test_every_rig_is_tested() -> None:
    assert set(PRESETS) == set(rigs.TITLES)


@pytest.mark.parametrize("name", PRESETS)
def test_a_known_kind_is_recognised(name: str) -> None:
    rig = rigs.read(name)
    found = detect.detect(rig.skeleton)
    score = rigs.score(rig.truth, found.role_map.chains)
    assert found.preset == found.role_map.preset == PRESETS[name]
    assert (score.right, score.wrong) == (22, 0), score.notes
    assert found.sure == 1.0
    assert set(found.state) == set(found.role_map.chains)
    assert check.problems(found.role_map, rig.skeleton) == []


@pytest.mark.parametrize("name", WITH_FINGERS)
def test_fingers_and_twists_are_found_too(name: str) -> None:
    rig = rigs.read(name)
    chains = detect.detect(rig.skeleton).role_map.chains
    for role in rig.truth:
        if roles.word_of(role) not in roles.LIMBS and not role.startswith("also:"):
            assert chains.get(role) == rig.truth[role], role


@pytest.mark.parametrize("name", [*PRESETS, *rigs.OWN])
def test_any_kind_is_found_out_without_presets(name: str) -> None:
    rig = rigs.read(name)
    found = detect.detect(rig.skeleton, known=())
    score = rigs.score(rig.truth, found.role_map.chains)
    assert score.wrong == 0, score.notes
    assert score.right >= 20, score.notes
    assert found.preset == ""
    assert found.sure > 0.8
    assert check.examine(found.role_map, rig.skeleton).errors == ()


@pytest.mark.parametrize("known", [None, ()])
def test_a_rigify_rig_is_mapped_to_its_controls_only(known: tuple[()] | None) -> None:
    rig = rigs.read("rigify_fk")
    chains = detect.detect(rig.skeleton, known=known).role_map.chains
    bones = [bone for chain in chains.values() for bone in chain]
    assert bones
    assert not [bone for bone in bones if bone.startswith(("DEF-", "ORG-", "MCH-"))]


def test_bones_that_deform_are_taken_where_nothing_else_is_left() -> None:
    rig = rigs.read("rigify_fk")
    kept = [i for i, bone in enumerate(rig.skeleton.names) if bone.startswith("DEF-")]
    place = {old: new for new, old in enumerate(kept)}
    skeleton = Skeleton(
        names=tuple(rig.skeleton.names[i] for i in kept),
        parents=np.array(
            [place.get(int(rig.skeleton.parents[i]), -1) for i in kept], dtype=np.int32
        ),
        heads=rig.skeleton.heads[kept],
    )
    found = detect.detect(skeleton)
    assert found.preset == "rigify-deform"
    assert found.role_map.chains["hand.L"] == ("DEF-hand.L",)


def test_bodies_of_the_myoskeleton(walk: Path) -> None:
    names = tuple(json.loads((walk / "body_names.json").read_text()))[1:]
    count = len(names)
    skeleton = Skeleton(
        names=names, parents=np.arange(-1, count - 1, dtype=np.int32), heads=np.zeros((count, 3))
    )
    found = detect.detect(skeleton)
    chains = found.role_map.chains
    assert found.preset == "myoskeleton"
    assert chains["root"] == ("myoskeleton_root",)
    assert len(chains["spine"]) == 6
    assert len(chains["neck"]) == 7
    assert len(chains["thumb.R"]) == 3
    assert chains["forearm_twist.L"] == ("radius_l",)
    bones = {bone for chain in chains.values() for bone in chain}
    left = {"scapula", "patella", "calcaneus"}
    assert set(names) - bones == {f"{word}_{s}" for word in left for s in "rl"} | {"abdomen"}


def test_bodies_of_the_local_service() -> None:
    middle = ("human_root", "pelvis", "lumbar_spine_5", "lumbar_spine_3", "thoracic_spine")
    limbs = ("clavicle", "scapula", "humerus", "ulna", "radius", "lunate", "femur", "tibia")
    sided = tuple(f"{w}_{s}" for s in "rl" for w in (*limbs, "talus", "calcaneus", "toes"))
    names = (*middle, "cervical_spine_7", "skull", *sided)
    skeleton = Skeleton(
        names=names,
        parents=np.full(len(names), -1, dtype=np.int32),
        heads=np.zeros((len(names), 3)),
    )
    found = detect.detect(skeleton)
    assert found.preset == "local-character"
    assert found.role_map.bone("root") == "human_root"
    assert found.role_map.chains["spine"] == middle[2:]
