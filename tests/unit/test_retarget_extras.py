# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bone map says besides roles: read, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.errors import RigError
from myosapiens_addon.retarget import extras
from myosapiens_addon.retarget.mapping import presets
from myosapiens_addon.retarget.mapping.roles import RoleMap
from tests.helpers.calm import calm
from tests.helpers.made_rigs import role_map

BROKEN: dict[str, dict[str, Any]] = {
    "hangs_on as a list": {"hangs_on": ["a"]},
    "hangs_on of numbers": {"hangs_on": {"a": 1}},
    "moves as a text": {"moves": "a"},
    "carrier as a number": {"carrier": 3},
    "switches as an object": {"switches": {"bone": "a"}},
    "switches of texts": {"switches": ["a"]},
    "a switch without a value": {"switches": [{"bone": "a", "property": "p"}]},
    "a switch of a text": {"switches": [{"bone": "a", "property": "p", "value": "1"}]},
    "a switch without a bone": {"switches": [{"property": "p", "value": 1}]},
    "ik as a text": {"ik": "leg"},
    "two roles": {"ik": [{"roles": ["thigh.L", "shin.L"], "control": "a", "pole": "b"}]},
    "no pole": {"ik": [{"roles": ["thigh.L", "shin.L", "foot.L"], "control": "a"}]},
    "roles of numbers": {"ik": [{"roles": [1, 2, 3], "control": "a", "pole": "b"}]},
}
plain_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=4), parts, max_size=3)
    ),
    max_leaves=6,
)


def read(says: dict[str, Any]) -> extras.Extras:
    return extras.of_map(role_map({"pelvis": ("hips",)}, **says))


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(RigError, match="'By hand'") as caught:
        read(BROKEN[name])
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@calm()
@given(st.dictionaries(
    st.sampled_from(["hangs_on", "moves", "also", "carrier", "switches", "ik"]), plain_json
))  # fmt: skip
def test_anything_is_read_or_refused(says: dict[str, Any]) -> None:
    try:
        found = read(says)
    except RigError:
        return
    assert isinstance(found, extras.Extras)


def test_nothing_is_said() -> None:
    found = read({})
    assert not found.hangs_on
    assert not found.limbs
    assert found.carrier == ""


def test_switches_are_data_paths() -> None:
    rows = [
        {"bone": "a", "property": 'odd "one"', "value": 1},
        {"bone": "b", "property": ".ik_stretch", "value": 0.5},
    ]
    found = read({"switches": rows}).switches
    assert [(row.bone, row.path, row.value) for row in found] == [
        ("a", '["odd \\"one\\""]', 1.0),
        ("b", ".ik_stretch", 0.5),
    ]


@pytest.mark.parametrize("preset", presets.built_in(), ids=lambda preset: preset.id)
def test_built_in_presets_can_be_read(preset: presets.Preset) -> None:
    says = RoleMap(chains={}, title=preset.title, rig=preset.document.rig)
    found = extras.of_map(says)
    roles = set(preset.document.bones)
    for limb in found.limbs:
        assert set(limb.roles) <= roles
        assert set(limb.shown) <= roles
