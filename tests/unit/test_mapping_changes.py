# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs are recognised however they are renamed, ordered, turned, sized or cut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myosapiens_addon.retarget.mapping import detect
from tests.helpers import rigs
from tests.helpers.rigs import TruthRig, changes

ALL = (*rigs.TITLES, *rigs.OWN)
# Told by what is in their names, not by how they are written.
NAMES = {
    "upper case": str.upper,
    "lower case": str.lower,
    "a namespace": lambda bone: f"hero:{bone}",
    "a prefix": lambda bone: f"Hero_{bone}",
    "underscores": lambda bone: bone.replace(" ", "_").replace(".", "_").replace(":", "_"),
}  # fmt: skip


def score(rig: TruthRig, presets: bool = True) -> tuple[int, int]:
    found = detect.detect(rig.skeleton, known=None if presets else ())
    result = rigs.score(rig.truth, found.role_map.chains)
    return result.right, result.wrong


@pytest.mark.parametrize("name", rigs.TITLES)
@pytest.mark.parametrize("change", NAMES)
def test_renamed(name: str, change: str) -> None:
    new: Callable[[str], str] = NAMES[change]
    if name.startswith("rigify") and change == "lower case":
        pytest.skip("DEF-, ORG- and MCH- are told by their case")
    assert score(changes.renamed(rigs.read(name), new)) == (22, 0)


def test_what_a_preset_says_of_a_rig_is_renamed_with_it() -> None:
    rig = changes.renamed(rigs.read("rigify_fk"), lambda bone: f"Hero_{bone}")
    extras = detect.detect(rig.skeleton).role_map.rig
    assert extras["carrier"] == "Hero_torso"
    assert extras["moves"]["Hero_spine_fk"] == "Hero_ORG-spine"
    assert {switch["bone"] for switch in extras["switches"]} <= set(rig.skeleton.names)
    assert extras["ik"][0]["roles"][0] == "thigh.L"


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(ALL),
    seed=st.integers(0, 10_000),
    axes=st.permutations([0, 1, 2]),
    unit=st.sampled_from([0.001, 0.01, 1.0, 39.37, 100.0]),
    shift=st.floats(-100.0, 100.0),
    presets=st.booleans(),
)
def test_in_any_order_axes_and_unit(
    name: str, seed: int, axes: list[int], unit: float, shift: float, presets: bool
) -> None:
    turn = np.eye(3)[axes]
    turn *= unit * np.sign(np.linalg.det(turn))
    changed = changes.turned(changes.shuffled(rigs.read(name), seed), turn, shift * unit)
    right, wrong = score(changed, presets)
    assert wrong == 0
    assert right >= 20


@pytest.mark.parametrize("name", ALL)
def test_mirrored_with_its_names(name: str) -> None:
    """Where left and right are swapped in the names too, nothing has changed."""
    mirror = np.diag([-1.0, 1.0, 1.0])
    rig = changes.turned(rigs.read(name), mirror)
    swapped = {
        bone: other
        for role, chain in rig.truth.items()
        if role.endswith(".L")
        for one, two in zip(chain, rig.truth[role[:-2] + ".R"], strict=True)
        for bone, other in ((one, two), (two, one))
    }
    names = changes.renamed(rig, lambda bone: swapped.get(bone, bone))
    again = TruthRig(name=rig.name, skeleton=names.skeleton, truth=rig.truth)
    assert score(again) == ((22, 0) if name in rigs.TITLES else score(rigs.read(name)))


@pytest.mark.parametrize("name", ALL)
def test_sides_against_the_rest_pose_are_doubted(name: str) -> None:
    rig = changes.turned(rigs.read(name), np.diag([-1.0, 1.0, 1.0]))
    known = detect.detect(rig.skeleton)
    assert known.sure <= 0.5
    proposed = detect.detect(rig.skeleton, known=())
    assert proposed.sure <= 0.1
    assert not [role for role in proposed.role_map.chains if role.endswith((".L", ".R"))]


@pytest.mark.parametrize("name", sorted({*rigs.TITLES} - {"rigify_fk", "mmd", "mmd_blender"}))
def test_without_names(name: str) -> None:
    right, wrong = score(changes.nameless(rigs.read(name)))
    # In Biped rigs legs hang on the spine and arms on the neck: their shape says otherwise.
    assert (right, wrong) == (22, 0) if name != "biped" else (right >= 18 and wrong <= 2)


def test_a_control_rig_without_names_is_left_alone() -> None:
    rig = changes.nameless(rigs.read("rigify_fk"))
    assert detect.detect(rig.skeleton).role_map.chains == {}


@pytest.mark.parametrize("name", rigs.TITLES)
@pytest.mark.parametrize("gone", [("thigh.L", "thigh.R"), ("clavicle.L", "upper_arm.L")])
def test_a_known_kind_without_limbs(name: str, gone: tuple[str, ...]) -> None:
    rig = changes.without(rigs.read(name), gone)
    found = detect.detect(rig.skeleton)
    assert 0.0 < found.sure <= 0.9
    assert rigs.score(rig.truth, found.role_map.chains).right >= 14


@pytest.mark.parametrize("name", rigs.TITLES)
def test_a_known_kind_where_no_bone_hangs_on_another(name: str) -> None:
    assert score(changes.flat(rigs.read(name))) == (22, 0)


@pytest.mark.parametrize("name", ALL)
def test_a_rest_pose_that_says_nothing(name: str) -> None:
    for turn in (np.zeros((3, 3)), np.full((3, 3), np.nan)):
        rig = changes.turned(rigs.read(name), turn)
        assert score(rig)[1] == 0
        assert score(rig, presets=False)[1] == 0
