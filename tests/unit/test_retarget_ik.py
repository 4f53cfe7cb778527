# SPDX-License-Identifier: GPL-3.0-or-later
"""Controls for inverse kinematics: where they stand, and where poles lie."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from myosapiens_addon.retarget.mapping.roles import RoleMap
from myosapiens_addon.retarget.retargeting import Retargeted, RetargetOptions, retarget
from myosapiens_addon.retarget.rig import Rig
from tests.helpers import figures, forward, likeness
from tests.helpers.made_rigs import Chains, figure_rig, rig, role_map

LIMBS = {"leg": ("thigh", "shin", "foot"), "arm": ("upper_arm", "forearm", "hand")}
ROWS = range(41)
SHIFTS = np.array([[0.02, 0.1, -0.03], [0.0, -0.8, 0.3], [0.0, 0.3, 0.0], [0.0, -0.8, 0.5]])


Kind = tuple[Rig, Chains, RoleMap]


def with_controls(
    limb: str, *, seed: int = 2, above: str = "root", drop: tuple[str, ...] = ()
) -> tuple[Rig, Chains, RoleMap]:
    """The figure's rig, with a control and a pole of a left limb that hang on the root."""
    plain, chains = figure_rig(seed=seed)
    roles = [f"{word}.L" for word in LIMBS[limb]]
    end = plain.rest_positions[plain.names.index(chains[roles[2]][0])]
    root = plain.names.index(chains[above][0])
    chains = {role: bones for role, bones in chains.items() if role not in drop}
    rng = np.random.default_rng(seed)
    turns = rng.normal(size=(2, 4))
    made = rig(
        (*plain.names, "control", "pole"),
        np.concatenate([plain.parents, [root, root]]),
        np.concatenate([plain.rest_positions, [end + SHIFTS[0], end + SHIFTS[1]]]),
        np.concatenate([plain.rest_tails, [end + SHIFTS[2], end + SHIFTS[3]]]),
        np.concatenate(
            [plain.rest_rotations, turns / np.linalg.norm(turns, axis=1, keepdims=True)]
        ),
        properties=frozenset({'control["IK_FK"]'}),
    )
    says = {
        "roles": roles,
        "control": "control",
        "pole": "pole",
        "switches": [{"bone": "control", "property": "IK_FK", "value": 0}],
    }
    switches = [{"bone": "control", "property": "IK_FK", "value": 1}]
    return made, chains, role_map(chains, ik=[says], switches=switches)


def both_ways(
    limb: str, motion: figures.Motion, kind: Kind | None = None, **options: object
) -> tuple[Retargeted, np.ndarray, np.ndarray, Rig, Chains]:
    """What is made with controls, and poses (F, N, 4, 4) with and without."""
    made_rig, chains, says = kind or with_controls(limb)
    found: dict[bool, Retargeted] = {}
    for use_ik in (False, True):
        wanted = RetargetOptions(contacts=False, use_ik=use_ik, **options)  # pyright: ignore[reportArgumentType]
        found[use_ik] = retarget(motion, role_map(figures.chains()), made_rig, says, wanted)
    posed = [forward.of_curves(made_rig, found[use_ik].curves) for use_ik in (True, False)]
    return found[True], posed[0], posed[1], made_rig, chains


@pytest.mark.parametrize("limb", LIMBS)
@pytest.mark.parametrize(
    "carrier",
    ["pelvis", "root", "object"],
)
def test_the_control_stands_where_the_limb_ends(limb: str, carrier: str) -> None:
    made = check_control(limb, with_controls(limb), carrier=carrier)
    assert not made.notes.warnings


def check_control(limb: str, kind: Kind, **options: object) -> Retargeted:
    """The control goes with the limb's end as if it were fixed to it."""
    made, held, free, made_rig, chains = both_ways(limb, figures.figure(), kind, **options)
    rest = forward.rests(made_rig)
    end = made_rig.names.index(chains[f"{LIMBS[limb][2]}.L"][0])
    control = made_rig.names.index("control")
    from_end = np.linalg.inv(rest[end]) @ rest[control]
    np.testing.assert_allclose(held[:, control], free[:, end] @ from_end, atol=1e-6)
    return made


def test_controls_when_the_pelvis_stands_in_for_a_root_that_is_not_there() -> None:
    made = check_control("leg", with_controls("leg", drop=("root",)), carrier="root")
    assert any("no root above the pelvis" in text for text in made.notes.warnings)


@pytest.mark.parametrize("carrier", ["pelvis", "root", "object"])
def test_controls_under_a_root_that_carries_a_connected_pelvis(carrier: str) -> None:
    made_rig, chains, says = with_controls("leg")
    connected = made_rig.connected.copy()
    connected[made_rig.names.index(chains["pelvis"][0])] = True
    kind = dataclasses.replace(made_rig, connected=connected), chains, says
    check_control("leg", kind, carrier=carrier)


@pytest.mark.parametrize("carrier", ["pelvis", "root", "object"])
def test_controls_that_hang_on_the_pelvis(carrier: str) -> None:
    check_control("arm", with_controls("arm", above="pelvis"), carrier=carrier)


@pytest.mark.parametrize("limb", LIMBS)
def test_the_pole_lies_where_the_limb_bends_to(limb: str) -> None:
    motion = figures.figure()
    _, held, free, made_rig, chains = both_ways(limb, motion)
    joints = [free[:, made_rig.names.index(chains[f"{w}.L"][0]), :3, 3] for w in LIMBS[limb]]
    pole = held[:, made_rig.names.index("pole"), :3, 3]
    bends = likeness.angles(joints[1] - joints[0], joints[2] - joints[1])
    assert bends.max() > 30.0
    normals = [np.cross(joints[2] - joints[0], spot - joints[0]) for spot in (joints[1], pole)]
    off = likeness.angles(*normals)
    assert off[bends > 30.0].max() < 10.0
    assert np.linalg.norm(pole - joints[1], axis=1).min() > 0.3


@pytest.mark.parametrize("limb", LIMBS)
def test_a_straight_limb_has_a_pole_on_its_own_side(limb: str) -> None:
    motion = figures.figure(frames=5)
    still = dataclasses.replace(
        motion,
        positions=np.repeat(motion.rest_positions[None], 5, axis=0),
        rotations=np.repeat(motion.rest_rotations[None], 5, axis=0),
    )
    _, held, free, made_rig, chains = both_ways(limb, still)
    middle = free[:, made_rig.names.index(chains[f"{LIMBS[limb][1]}.L"][0]), :3, 3]
    pole = held[:, made_rig.names.index("pole"), :3, 3] - middle
    ahead = np.array([0.0, -1.0, 0.0]) if limb == "leg" else np.array([0.0, 1.0, 0.0])
    assert (pole @ ahead > 0.2).all()


def test_bones_of_the_limb_are_not_keyed_and_switches_are() -> None:
    made, *_, chains = both_ways("leg", figures.figure())
    keyed = {row.bone for row in made.curves.bones}
    assert not keyed & {chains[f"{word}.L"][0] for word in LIMBS["leg"]}
    assert {"control", "pole", chains["thigh.R"][0]} <= keyed
    assert [(row.bone, row.path, row.value) for row in made.curves.settings] == [
        ("control", '["IK_FK"]', 0.0)
    ]


def test_a_map_that_knows_no_controls_says_so() -> None:
    plain, chains = figure_rig()
    made = retarget(
        figures.figure(), role_map(figures.chains()), plain, role_map(chains),
        RetargetOptions(use_ik=True),
    )  # fmt: skip
    assert any("inverse kinematics" in text for text in made.notes.warnings)
