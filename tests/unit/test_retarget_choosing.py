# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way a take goes onto an armature: as its own, by roles, or not at all."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from myosapiens_addon.errors import RigError
from myosapiens_addon.retarget import choosing
from myosapiens_addon.retarget.retargeting import RetargetOptions
from myosapiens_addon.retarget.rig import Rig
from tests.helpers import figures, forward
from tests.helpers.made_rigs import figure_rig, rig, role_map

OPTIONS = RetargetOptions()
OWN = ""  # no map said what follows what


def own_rig(*, knows_bodies: bool = True, legs: float = 1.0) -> Rig:
    """An armature with a bone for each body of the figure."""
    heads = figures.RESTS.copy()
    hips = heads[figures.NAMES.index("femur_l")][2]
    low = [row for row, name in enumerate(figures.NAMES) if name.startswith(figures.LEGS)]
    heads[low, 2] = hips + legs * (heads[low, 2] - hips)
    turns = np.random.default_rng(1).normal(size=(len(heads), 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    bodies = (
        np.tile(figures.FACING, (len(heads), 1))
        if knows_bodies
        else np.full((len(heads), 4), np.nan)
    )
    return rig(
        figures.NAMES, figures.PARENTS, heads, heads + np.array([0, 0, 0.05]), turns,
        body_rest_rotations=bodies,
    )  # fmt: skip


@pytest.mark.parametrize("knows_bodies", [True, False])
def test_a_characters_own_armature_gets_the_take_as_it_is(knows_bodies: bool) -> None:
    motion, made = figures.figure(slide_m=0.01), own_rig(knows_bodies=knows_bodies)
    found = choosing.put_on(motion, made, None, OPTIONS)
    assert found.map_title == OWN
    assert not found.warnings
    posed = forward.of_curves(made, found.curves)
    np.testing.assert_allclose(posed[..., :3, 3], motion.positions, atol=1e-9)
    check_promised(found, made, posed)


def check_promised(found: choosing.Outcome, made: Rig, posed: np.ndarray) -> None:
    """What Blender is to be held against is what the curves come to."""
    for name, turn in found.rotations.items():
        got = posed[list(found.checks), made.names.index(name), :3, :3]
        np.testing.assert_allclose(got, forward.matrix(turn.T), atol=1e-7)


def test_one_of_a_person_with_other_legs_is_retargeted() -> None:
    motion, made = figures.figure(stands=True), own_rig(legs=0.8)
    found = choosing.put_on(motion, made, None, OPTIONS)
    assert found.map_title != OWN
    posed = forward.of_curves(made, found.curves)
    check_promised(found, made, posed)
    toes = posed[:, figures.NAMES.index("toes_l"), 2, 3]
    np.testing.assert_allclose(
        toes, made.rest_positions[figures.NAMES.index("toes_l"), 2], atol=0.02
    )


def test_a_map_that_is_given_is_used() -> None:
    made, chains = figure_rig()
    found = choosing.put_on(figures.figure(), made, role_map(chains), OPTIONS)
    assert found.map_title == "By hand"
    check_promised(found, made, forward.of_curves(made, found.curves))


@pytest.mark.parametrize(
    "options",
    [
        RetargetOptions(in_place=True),
        RetargetOptions(path_scale=0.5),
        RetargetOptions(carrier="object"),
        RetargetOptions(in_place=True, carrier="object", path_scale=2.0),
    ],
    ids=str,
)
def test_the_way_of_its_own_armature(options: RetargetOptions) -> None:
    motion, made = figures.figure(frames=241), own_rig()
    plain = forward.of_curves(made, choosing.put_on(motion, made, None, OPTIONS).curves)
    found = choosing.put_on(motion, made, None, options)
    posed = forward.of_curves(made, found.curves)
    np.testing.assert_allclose(posed[..., :3, :3], plain[..., :3, :3], atol=1e-9)
    root = posed[:, 0, :3, 3]
    carried = [
        row.location.T for row in found.curves.bones if not row.bone and row.location is not None
    ]
    if options.in_place:
        assert np.ptp(root[:, :2], axis=0).max() < 0.2
        assert all(np.ptp(way, axis=0).max() == 0.0 for way in carried)
        return
    total = root + carried[0] if carried else root
    scale = options.path_scale or 1.0
    np.testing.assert_allclose(total[:, :2], scale * motion.positions[:, 0, :2], atol=1e-9)
    np.testing.assert_allclose(total[:, 2], motion.positions[:, 0, 2], atol=1e-9)


def test_nobodys_armature_is_refused() -> None:
    none = np.empty((0, 3))
    hollow = rig([], np.empty(0), none, none, np.empty((0, 4)))
    made, chains = figure_rig()
    lacking = role_map({role: bones for role, bones in chains.items() if role != "pelvis"})
    useless = role_map({"root": chains["pelvis"]})
    for says, target, bones in (
        ("no bones", hollow, None),
        ("pelvis", made, lacking),
        ("role", made, useless),
    ):
        with pytest.raises(RigError, match=says):
            choosing.put_on(figures.figure(), target, bones, OPTIONS)


def test_locked_driven_and_constrained_bones_are_named() -> None:
    made, chains = figure_rig()
    hand, head, thigh = (chains[role][0] for role in ("hand.L", "head", "thigh.R"))
    hindered = dataclasses.replace(
        made, unmovable={hand: "locked", head: "driven"}, hindered={thigh: "constraint 'Aim'"}
    )
    found = choosing.put_on(figures.figure(), hindered, role_map(chains), OPTIONS)
    text = " ".join(found.warnings)
    for part in (f"{hand} (locked)", f"{head} (driven)", f"{thigh} (constraint 'Aim')"):
        assert part in text
    assert not {hand, head} & {row.bone for row in found.curves.bones}
    posed = forward.of_curves(hindered, found.curves)
    check_promised(found, hindered, posed)


def test_bones_of_its_own_armature_that_cannot_be_keyed_are_named() -> None:
    made = own_rig()
    hindered = dataclasses.replace(
        made,
        unmovable={"lunate_l": "locked", "pelvis": "driven"},
        hindered={"femur_r": "constraint 'Aim'"},
        place=dataclasses.replace(made.place, hindered="constraint 'Rails'"),
    )
    options = dataclasses.replace(OPTIONS, carrier="object")
    found = choosing.put_on(figures.figure(), hindered, None, options)
    assert found.map_title == OWN
    text = " ".join(found.warnings)
    for part in (
        "lunate_l (locked)",
        "pelvis (driven)",
        "femur_r (constraint 'Aim')",
        "(constraint 'Rails')",
    ):
        assert part in text
    turned = {row.bone for row in found.curves.bones if row.rotations is not None}
    assert not {"lunate_l", "pelvis"} & turned
    assert not {"lunate_l", "pelvis"} & set(found.rotations)
