# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone maps in files: what is good, and one sentence for each thing that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import InputError
from myosapiens_addon.retarget.mapping import detect, files, roles
from myosapiens_addon.retarget.mapping.roles import RoleMap
from tests.helpers import rigs

HEAD = '{"format": "bone-map", "version": 1, '


def keep(folder: Path, text: str | bytes) -> Path:
    path = folder / "map.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_map_written_by_hand(tmp_path: Path) -> None:
    text = (
        HEAD + '"title": "Bob", "sides": {"{side}": ["left", "right"]}, "bones": {\n'
        '"pelvis": "hips", "spine": ["s1", ["s2", "spine2"]], "hand": "{side} hand",\n'
        '"foot.L": "{side}", "thumb": ["{side} t1", "{side} t2"]},\n'
        '"switches": [{"bone": "arm {side}", "value": 1}, {"bone": "torso"}],\n'
        '"hangs_on": {"{side} hand": "{side} arm", "hips": "root"}}'
    )
    found = files.read(keep(tmp_path, text))
    assert dict(found.chains) == {
        "pelvis": ("hips",),
        "spine": ("s1", "s2"),
        "hand.L": ("left hand",),
        "hand.R": ("right hand",),
        "foot.L": ("{side}",),
        "thumb.L": ("left t1", "left t2"),
        "thumb.R": ("right t1", "right t2"),
    }
    assert found.title == "Bob"
    assert found.rig == {
        "switches": [
            {"bone": "arm left", "value": 1},
            {"bone": "arm right", "value": 1},
            {"bone": "torso"},
        ],
        "hangs_on": {"left hand": "left arm", "right hand": "right arm", "hips": "root"},
    }


@pytest.mark.parametrize("name", rigs.TITLES)
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    found = detect.detect(rigs.read(name).skeleton).role_map
    path = tmp_path / "Größe 1.json"
    files.write(path, found)
    again = files.read(path)
    assert dict(again.chains) == dict(found.chains)
    assert (again.preset, again.title, dict(again.rig)) == (
        found.preset,
        found.title,
        dict(found.rig),
    )
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_any_name_of_a_bone_can_be_kept(tmp_path: Path) -> None:
    bones = ["{side}", "a|b:c", '"quoted"', "左腕", " ", "\\", "\n"]
    chains = {"spine": tuple(bones)}
    files.write(tmp_path / "m.json", RoleMap(chains=chains))
    assert files.read(tmp_path / "m.json").chains == chains


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "map.json is empty; choose a bone map (JSON)."),
        (" \n", "map.json is empty;"),
        ("Frame,Time", "map.json is not JSON: Expecting value in line 1, column 1;"),
        ('{"format": "bone-map",\n "version": 1', "is not JSON: Expecting ',' delimiter in line 2"),
        ("[1, 2]", "map.json is no bone map: it holds no object;"),
        ("{}", "map.json is no bone map: its \"format\" is not 'bone-map';"),
        ('{"format": "bvh"}', "map.json is no bone map: its"),
        ('{"format": "bone-map",\n"version": 2}', "line 2: the bone map is of version 2,"),
        ('{"format": "bone-map", "bones": {}}', "the bone map is of version None,"),
        (HEAD + '\n"bone": {}}', "line 2: 'bone' is not known here; did you mean 'bones'?"),
        (HEAD + '"bones": {}}', "'bones' must be an object with at least one role"),
        (HEAD + '"bones": []}', "'bones' must be an object with at least one role"),
        (HEAD + '"title": "x"}', "'bones' must be an object with at least one role"),
        (
            HEAD + '"bones": {"pelvis": "a",\n"forarm.L": "b"}}',
            "line 2: 'forarm.L' is not a role; did you mean 'forearm.L'?",
        ),
        (HEAD + '"bones": {"xyzzy": "b"}}', "'xyzzy' is not a role; known are root, pelvis"),
        (
            HEAD + '"bones": {"pelvis": "a",\n\n"spine": ["b", "a"]}}',
            "the bone 'a' plays two parts, 'pelvis' and 'spine';",
        ),
        (HEAD + '"bones": {"spine": ["b", "b"]}}', "the bone 'b' plays two parts,"),
        (HEAD + '"bones": {"head": "a", "head": "b"}}', "'head' stands there twice; remove one."),
        (HEAD + '"bones": {"hand.L": "a", "hand": "{side}"}}', "'hand.L' is given twice;"),
        (HEAD + '"bones": {"head": ["a", "b"]}}', "the role 'head' has 2 bones, 1 at most."),
        (HEAD + '"bones": {"head": []}}', "the role 'head' has no bone;"),
        (HEAD + '"bones": {"head": ""}}', "the role 'head' must have a bone's name, or a list"),
        (HEAD + '"bones": {"head": 3}}', "the role 'head' must have a bone's name, or a list"),
        (HEAD + '"bones": {"head": [[]]}}', "the role 'head' must have a bone's name, or a list"),
        (HEAD + '"bones": {"head": {"a": 1}}}', "the role 'head' must have a bone's name, or"),
        (HEAD + '"title": 3, "bones": {"head": "a"}}', "'title' must be a text."),
        (HEAD + '"prefixes": "a", "bones": {"head": "a"}}', "'prefixes' must be a list of names."),
        (HEAD + '"sides": [], "bones": {"head": "a"}}', "'sides' must be an object of"),
        (
            HEAD + '"sides": {"{side}": ["l"]}, "bones": {"head": "a"}}',
            "'{side}' must be a list of two: left, right.",
        ),
        (b"\xff\xfe\x00", "map.json is not text in UTF-8;"),
        ("[" * 100_000, "map.json is no bone map: nested too deep or too large."),
        (HEAD + '"bones": {"head": "' + "x" * 1024 * 1024 + '"}}', "map.json is too large"),
    ],
)
def test_a_bad_file(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError) as error:
        files.read(keep(tmp_path, text))
    assert words in error.value.sentence
    assert "\n" not in error.value.sentence


def test_a_file_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; check the path"):
        files.read(tmp_path / "gone.json")
    with pytest.raises(InputError, match=r"is a folder; choose a bone map"):
        files.read(tmp_path)


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    path = keep(tmp_path, (HEAD + '"bones": {"head": "a"}}').encode("utf-8-sig"))
    assert files.read(path).bone("head") == "a"


def test_what_cannot_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    files.write(path, RoleMap(chains={"head": ("a",)}))
    before = path.read_bytes()
    for chains in ({}, {"head": ("a",), "neck": ("a",)}, {"nose": ("a",)}, {"head": ("a", "b")}):
        with pytest.raises(InputError):
            files.write(path, RoleMap(chains=chains))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.json"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    role_map = RoleMap(chains={"head": ("a",)})
    (tmp_path / "a file").touch()
    with pytest.raises(InputError, match=r"cannot be written: "):
        files.write(tmp_path / "a file" / "m.json", role_map)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match=r"cannot be written: "):
        files.write(tmp_path / "folder.json", role_map)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a file", "folder.json"]


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "maps" / "m.json"
    files.write(path, RoleMap(chains={"head": ("a",)}))
    assert files.read(path).bone("head") == "a"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(roles.ALL),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*roles.ALL, "bones", "sides", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bones=JSON, sides=JSON, rest=JSON)
def test_anything_is_read_or_refused_in_a_sentence(
    tmp_path: Path, bones: object, sides: object, rest: object
) -> None:
    top = {"format": "bone-map", "version": 1, "bones": bones, "ik": rest}
    top |= {"sides": sides} if sides is not None else {}
    path = keep(tmp_path, json.dumps(top))
    sentence, chains = "map.json", set[str]()
    try:
        chains = set(files.read(path).chains)
    except InputError as error:
        sentence = error.sentence
    assert sentence.startswith("map.json")
    assert chains <= set(roles.ALL)
