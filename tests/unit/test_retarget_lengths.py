# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an armature has the lengths of a take's subject, and by how much it has not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.motion import glb
from myosapiens_addon.motion.motion import Motion
from myosapiens_addon.retarget import lengths
from myosapiens_addon.retarget.rig import ObjectPlace, Rig
from tests.helpers import figures, forward
from tests.helpers.made_rigs import figure_rig, random_turns, rig

SUBJECT = figures.figure(frames=2)
# Exact but for a rounding error.
NONE_M = 1e-12


def below(body: str) -> list[int]:
    """A body and all that hang on it."""
    rows = {figures.NAMES.index(body)}
    for row, parent in enumerate(figures.PARENTS):
        if int(parent) in rows:
            rows.add(row)
    return sorted(rows)


def stretched(**metres: float) -> np.ndarray:
    """Rest positions of somebody whose bodies are that much further from their parents."""
    heads = figures.RESTS.copy()
    for body, more in metres.items():
        row = figures.NAMES.index(body)
        way = figures.RESTS[row] - figures.RESTS[figures.PARENTS[row]]
        heads[below(body)] += more * way / np.linalg.norm(way)
    return heads


def own(
    heads: np.ndarray = figures.RESTS, *, knows_bodies: bool = True, world_scale: float = 1.0
) -> Rig:
    """An armature with a bone for each body, of any roll."""
    count = len(heads)
    known = np.tile(figures.FACING, (count, 1)) if knows_bodies else np.full((count, 4), np.nan)
    turns = random_turns(np.random.default_rng(4), count)
    made = rig(
        figures.NAMES, figures.PARENTS, heads, heads + np.array([0, 0, 0.05]), turns,
        body_rest_rotations=known,
    )  # fmt: skip
    place = dataclasses.replace(made.place, world_scale=world_scale)
    return dataclasses.replace(made, place=place)


def without(made: Rig, *names: str) -> Rig:
    """Less some bones; what hangs on them hangs on their parents then."""
    kept = [row for row, name in enumerate(made.names) if name not in names]
    parents = [_kept_above(made, row, kept) for row in kept]
    return rig(
        [made.names[row] for row in kept], np.array(parents), made.rest_positions[kept],
        made.rest_tails[kept], made.rest_rotations[kept],
        body_rest_rotations=made.body_rest_rotations[kept],
    )  # fmt: skip


def _kept_above(made: Rig, row: int, kept: Sequence[int]) -> int:
    at = int(made.parents[row])
    while at >= 0 and at not in kept:
        at = int(made.parents[at])
    return kept.index(at) if at >= 0 else -1


@pytest.mark.parametrize("knows_bodies", [True, False])
def test_the_subject_s_own_lengths(knows_bodies: bool) -> None:
    apart = lengths.difference_m(SUBJECT, own(knows_bodies=knows_bodies))
    assert apart == pytest.approx(0.0, abs=NONE_M)


@pytest.mark.parametrize("knows_bodies", [True, False])
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"tibia_l": 0.007}, 0.007),
        ({"tibia_l": -0.007}, 0.007),
        ({"tibia_l": 0.007, "humerus_r": -0.011}, 0.011),
        # All that hang on it go along: it is the only length that is another.
        ({"lumbar_spine_5": 0.004}, 0.004),
        ({"distal_phalanx_5_r": 0.0021}, 0.0021),
    ],
)
def test_the_largest_difference(
    changes: Mapping[str, float], wanted: float, knows_bodies: bool
) -> None:
    made = own(stretched(**changes), knows_bodies=knows_bodies)
    assert lengths.difference_m(SUBJECT, made) == pytest.approx(wanted, abs=NONE_M)


def test_where_a_body_stands_is_no_length() -> None:
    """Nor is how high the root stands, nor which way limbs point at rest."""
    heads = figures.RESTS + np.array([3.0, -2.0, 0.4])
    assert lengths.difference_m(SUBJECT, own(heads)) == pytest.approx(0.0, abs=NONE_M)
    for seed, body in enumerate(("humerus_l", "femur_r", "skull"), start=1):
        rows = below(body)
        turn = forward.matrix(random_turns(np.random.default_rng(seed)))
        heads[rows] = heads[rows[0]] + (heads[rows] - heads[rows[0]]) @ turn.T
    assert np.abs(heads - figures.RESTS - heads[0] + figures.RESTS[0]).max() > 0.2
    assert lengths.difference_m(SUBJECT, own(heads)) == pytest.approx(0.0, abs=NONE_M)


def test_a_body_that_was_moved_has_two_lengths() -> None:
    """Its own and its child's."""
    heads = figures.RESTS.copy()
    knee, ankle, hip = (figures.NAMES.index(name) for name in ("tibia_l", "talus_l", "femur_l"))
    heads[knee] += [0.0, 0.0, 0.02]

    def length(of: np.ndarray, one: int, other: int) -> float:
        return float(np.linalg.norm(of[one] - of[other]))

    thigh, shin = (
        abs(length(heads, *ends) - length(figures.RESTS, *ends))
        for ends in ((knee, hip), (ankle, knee))
    )
    assert lengths.difference_m(SUBJECT, own(heads)) == pytest.approx(max(thigh, shin), abs=NONE_M)


@pytest.mark.parametrize(
    ("size", "world_scale", "wanted"),
    [
        # In centimetres, and shown as large as life.
        (100.0, 0.01, 0.007),
        # Shown twice as large; the person in it is the subject.
        (1.0, 2.0, 0.007),
        (1.0, 1.0, 0.007),
    ],
)
def test_scaled_objects_show_or_hold_the_subject(
    size: float, world_scale: float, wanted: float
) -> None:
    made = own(size * stretched(tibia_l=wanted), world_scale=world_scale)
    assert lengths.difference_m(SUBJECT, made) == pytest.approx(wanted, abs=1e-9)


def test_scaled_objects_that_do_neither() -> None:
    """The nearer of both: half the thigh, which is the longest way, is too much or missing."""
    ways = np.linalg.norm(figures.RESTS - figures.RESTS[figures.PARENTS], axis=1)
    longest = ways[1:].max()
    made = own(1.5 * figures.RESTS, world_scale=0.8)
    assert lengths.difference_m(SUBJECT, made) == pytest.approx(0.2 * longest, abs=1e-9)


def test_bones_in_between_and_beside_change_nothing() -> None:
    """Somebody put a twist bone into a thigh, and a tail on the pelvis."""
    plain = own(stretched(tibia_l=0.007))
    hip, knee, pelvis = (plain.names.index(name) for name in ("femur_l", "tibia_l", "pelvis"))
    count = len(plain.names)
    # Bones stand in the order of parents; the twist comes before the knee.
    order = [*range(knee), count, *range(knee, count), count + 1]
    heads = np.vstack([plain.rest_positions, plain.rest_positions[hip] * [1, 1, 0.8], [0, 1, 1]])
    parents = np.array([*plain.parents, hip, pelvis])
    parents[knee] = count
    place = {row: at for at, row in enumerate(order)}
    names = [*plain.names, "twist", "tail"]
    turns = random_turns(np.random.default_rng(1), count + 2)
    made = rig(
        [names[row] for row in order],
        np.array([place[int(parents[row])] if parents[row] >= 0 else -1 for row in order]),
        heads[order], heads[order] + [0, 0, 0.05], turns,
        body_rest_rotations=np.vstack(
            [np.tile(figures.FACING, (count, 1)), np.full((2, 4), np.nan)]
        )[order],
    )  # fmt: skip
    assert made.names[made.parents[made.names.index("tibia_l")]] == "twist"
    assert lengths.difference_m(SUBJECT, made) == pytest.approx(0.007, abs=NONE_M)


def test_bodies_without_a_bone_have_no_length() -> None:
    made = without(own(stretched(toes_l=0.05, tibia_r=0.003)), "toes_l", "skull")
    assert lengths.difference_m(SUBJECT, made) == pytest.approx(0.003, abs=NONE_M)


def test_a_single_bone_has_none() -> None:
    made = without(own(), *figures.NAMES[1:])
    assert lengths.difference_m(SUBJECT, made) == 0.0


def test_others_armatures_have_none() -> None:
    """Names that tell nothing; and the names of bodies on bones that stand otherwise."""
    assert lengths.difference_m(SUBJECT, figure_rig()[0]) is None
    scattered = np.random.default_rng(2).normal(size=figures.RESTS.shape)
    assert lengths.difference_m(SUBJECT, own(scattered, knows_bodies=False)) is None
    none = np.empty((0, 3))
    assert lengths.difference_m(SUBJECT, rig([], np.empty(0), none, none, np.empty((0, 4)))) is None


def rig_of(motion: Motion) -> Rig:
    heads = motion.rest_positions
    return rig(
        motion.names, motion.parents, heads, heads + np.array([0, 0, 0.05]), motion.rest_rotations,
        body_rest_rotations=motion.rest_rotations,
    )  # fmt: skip


def test_a_real_subject_is_the_same_in_another_take(walk: Path) -> None:
    """And another one by the leg that is made longer; rounding alone is nothing that is seen."""
    motion = glb.read(walk / "motion_nomesh.glb")
    made = rig_of(motion)
    assert lengths.difference_m(motion, made) == pytest.approx(0.0, abs=NONE_M)
    rounded = dataclasses.replace(
        made, rest_positions=made.rest_positions.astype(np.float32).astype(np.float64)
    )
    apart = lengths.difference_m(motion, rounded)
    assert apart is not None
    assert 0.0 < apart < 1e-6 < lengths.SAME_M
    heads = made.rest_positions.copy()
    toes = motion.names.index("toes_l")
    ball = heads[toes] - heads[motion.parents[toes]]
    heads[toes] += 0.03 * ball / np.linalg.norm(ball)
    other = dataclasses.replace(made, rest_positions=heads)
    assert lengths.difference_m(motion, other) == pytest.approx(0.03, abs=1e-9)


def test_the_place_of_the_object_is_no_length() -> None:
    place = ObjectPlace(basis=np.eye(3) * 7.0, location=np.array([1.0, 2.0, 3.0]))
    made = dataclasses.replace(own(), place=place)
    assert lengths.difference_m(SUBJECT, made) == pytest.approx(0.0, abs=NONE_M)
