# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that make no sense, or only some, are said to."""

from __future__ import annotations

import pytest

from myosapiens_addon.retarget.mapping import check
from myosapiens_addon.retarget.mapping.roles import RoleMap
from tests.helpers import rigs

RIG = rigs.read("mixamo_plain")
GOOD = {role: chain for role, chain in RIG.truth.items() if not role.startswith("also:")}


def examine(**changed: tuple[str, ...] | None) -> check.Problems:
    words = {key.replace("__", "."): chain for key, chain in changed.items()}
    chains = {role: chain for role, chain in {**GOOD, **words}.items() if chain is not None}
    role_map = RoleMap(chains=chains)
    found = check.examine(role_map, RIG.skeleton)
    assert check.problems(role_map, RIG.skeleton) == [*found.errors, *found.warnings]
    return found


def test_a_good_map() -> None:
    assert examine() == check.Problems()


def test_a_bone_that_is_not_there() -> None:
    found = examine(hand__L=("Hook",))
    assert found.errors == ()
    assert found.warnings == ("The bone 'Hook' (hand.L) is not there; it is left out.",)


def test_no_pelvis() -> None:
    assert "No bone has the role 'pelvis'" in examine(pelvis=None).errors[0]
    assert "'Hip' (pelvis) is not there; assign another" in examine(pelvis=("Hip",)).errors[0]


@pytest.mark.parametrize("chains", [{}, {"head": ()}])
def test_nothing_at_all(chains: dict[str, tuple[str, ...]]) -> None:
    found = check.examine(RoleMap(chains=chains), RIG.skeleton)
    assert found.errors == ("No bone has a role; choose a bone map, or assign bones.",)


def test_nothing_of_it_is_there() -> None:
    found = check.examine(RoleMap(chains={"pelvis": ("x",), "head": ("y",)}), RIG.skeleton)
    assert found.errors == ("None of the bones of the bone map is there; choose another.",)


def test_a_bone_with_two_roles() -> None:
    found = examine(hand__L=("LeftForeArm",))
    assert "'LeftForeArm' has two roles, " in found.errors[0]
    assert "is in the role 'spine' twice" in examine(spine=("Spine", "Spine")).errors[0]


def test_more_bones_than_a_role_has() -> None:
    found = examine(head=("Head", "HeadTop_End"))
    assert found.errors == ()
    assert "The role 'head' has 2 bones, 1 at most;" in found.warnings[0]


def test_a_role_that_there_is_not() -> None:
    assert examine(nose=("Head",)).errors[0] == "'nose' is not a role; remove it."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"forearm__L": ("LeftArm",), "upper_arm__L": ("LeftForeArm",)},
            "The bone 'LeftArm' (forearm.L) is above 'LeftForeArm' (upper_arm.L)",
        ),
        ({"spine": ("Spine1", "Spine", "Spine2")}, "'Spine' (spine) is above 'Spine1' (spine)"),
        ({"neck": ("Head",), "head": ("Neck",)}, "'Neck' (head) is above 'Head' (neck)"),
        ({"foot__R": ("RightToeBase",), "toe__R": ("RightFoot",)}, "'RightFoot' (toe.R) is above"),
    ],
)
def test_roles_in_an_impossible_order(changed: dict[str, tuple[str, ...]], words: str) -> None:
    found = examine(**changed)
    assert any(words in error for error in found.errors), found.errors


def test_what_lies_beside_is_no_contradiction() -> None:
    """A pelvis need not carry the spine, nor a foot the toe."""
    rig = rigs.read("mmd")
    chains = {role: chain for role, chain in rig.truth.items() if not role.startswith("also:")}
    assert check.problems(RoleMap(chains=chains), rig.skeleton) == []
