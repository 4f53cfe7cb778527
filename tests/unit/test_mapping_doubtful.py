# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no human, or hardly anything, is neither taken for one nor stumbled over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myosapiens_addon.retarget.mapping import detect
from myosapiens_addon.retarget.mapping.roles import Skeleton
from tests.helpers.rigs import creatures
from tests.helpers.rigs.creatures import Rows

NONE = {
    "a spider": creatures.spider(),
    "a table": creatures.table(),
    "a door": creatures.door(),
    "a hand": creatures.hand(),
    "a rope": creatures.rope(),
    "one bone": [("Bone", "", (0.0, 0.0, 0.0))],
    "nothing": [],
}


@pytest.mark.parametrize("what", NONE)
def test_no_human(what: str) -> None:
    rows: Rows = NONE[what]
    found = detect.detect(creatures.skeleton(rows))
    assert found.sure <= 0.1
    assert found.role_map.chains == {}
    assert (found.preset, found.title) == ("", "")


@pytest.mark.parametrize("make", [creatures.dog, creatures.bird])
def test_an_animal_without_names(make: object) -> None:
    rows: Rows = make()  # type: ignore[operator]
    names = {name: f"Bone.{index}" for index, (name, _, _) in enumerate(rows)}
    found = detect.detect(creatures.skeleton(creatures.renamed(rows, names)))
    assert (found.sure, found.role_map.chains) == (0.0, {})


def test_an_animal_with_names_of_a_human() -> None:
    found = detect.detect(creatures.skeleton(creatures.dog()), known=())
    assert found.sure <= 0.1
    assert found.role_map.chains == {}


def test_an_animal_with_names_of_a_known_kind_is_doubted() -> None:
    names = {"pelvis": "spine", "neck": "spine.004", "head": "spine.006"}
    found = detect.detect(creatures.skeleton(creatures.renamed(creatures.dog(), names)))
    assert found.preset == "rigify-metarig"
    assert found.sure <= 0.3


def test_a_bird_is_doubted() -> None:
    assert detect.detect(creatures.skeleton(creatures.bird())).sure < 0.6


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_anything_at_all(data: st.DataObject) -> None:
    """Any names, tree and places give some answer, and only roles and bones that there are."""
    words = st.one_of(st.text(max_size=8), st.sampled_from(["hips", "LeftArm", "thigh.L", "head"]))
    names = data.draw(st.lists(words, max_size=25, unique=True))
    numbers = st.floats(-10.0, 10.0) | st.just(float("nan"))
    parents = [data.draw(st.integers(-1, index - 1)) for index in range(len(names))]
    heads = [[data.draw(numbers) for _ in range(3)] for _ in names]
    skeleton = Skeleton(
        names=tuple(names),
        parents=np.array(parents, dtype=np.int32),
        heads=np.array(heads, dtype=np.float64).reshape(-1, 3),
        tails=None,
    )
    found = detect.detect(skeleton)
    assert 0.0 <= found.sure <= 1.0
    bones = [bone for chain in found.role_map.chains.values() for bone in chain]
    assert set(bones) <= set(names)
    assert len(bones) == len(set(bones))


@pytest.mark.parametrize("shape", ["random", "chain", "star", "pairs"])
def test_thousands_of_bones_of_anything(shape: str) -> None:
    count = 3000
    chance = np.random.default_rng(0)
    parent = {
        "random": lambda bone: int(chance.integers(0, bone)),
        "chain": lambda bone: bone - 1,
        "star": lambda _: 0,
        "pairs": lambda bone: (bone - 1) // 2,
    }[shape]
    skeleton = Skeleton(
        names=tuple(f"b{bone}" for bone in range(count)),
        parents=np.array([-1, *(parent(bone) for bone in range(1, count))], dtype=np.int32),
        heads=chance.normal(size=(count, 3)),
    )
    assert detect.detect(skeleton).sure <= 0.1


def test_limbs_that_end_where_they_begin() -> None:
    """A left foot on the right leg, a hand on the other hand: doubted, and no stumbling."""
    rows: Rows = [("hips", "", (0, 0, 1)), ("head", "hips", (0, 0, 1.6))]
    for word in ("thigh", "shin", "foot", "upper_arm", "forearm", "hand"):
        for side in (".R", ".L"):
            rows.append((f"{word}{side}", rows[-1][0], (0.1, 0, 0.5)))
    assert detect.detect(creatures.skeleton(rows)).sure < 0.5


def test_a_body_that_ends_with_its_arms() -> None:
    rows = [row for row in creatures.dog() if row[0] not in ("neck", "head", "spine.003")]
    found = detect.detect(creatures.skeleton(rows), known=())
    assert found.sure <= 0.5
