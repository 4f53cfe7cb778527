# SPDX-License-Identifier: GPL-3.0-or-later
"""Humans of any build and pose are found out from their rest pose alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myosapiens_addon.retarget.mapping import detect
from tests.helpers import rigs
from tests.helpers.rigs import anonymous


@pytest.mark.parametrize("clutter", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_wrong(seed: int, clutter: bool) -> None:
    rig = anonymous.make(seed, clutter=clutter)
    found = detect.detect(rig.skeleton)
    score = rigs.score(rig.truth, found.role_map.chains)
    assert score.wrong == 0, score.notes
    assert score.right >= 18, score.notes
    assert set(found.state.values()) == {"topology"}
    assert 0.5 < found.sure < 0.9


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(10_000, 10_000_000))
def test_sides_in_names_agree(seed: int) -> None:
    rig = anonymous.make(seed, sided_names=True)
    chains = detect.detect(rig.skeleton).role_map.chains
    for role, chain in chains.items():
        for bone in chain:
            assert bone.endswith((".L", ".R")) == bool(role[-2:] in (".L", ".R"))
            assert not bone.endswith((".L", ".R")) or bone[-2:] == role[-2:]
