# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions that are wrong, not supported or hostile: one sentence each, at little cost."""

from __future__ import annotations

import os
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import CharacterError, InputError, MyoSapiensError
from myosapiens_addon.motion import forward, mjcf
from tests.helpers import effort
from tests.helpers.mjcf_models import FEATURES, MAIN, body, world, write

# Twice what the largest files that are looked at take; what these are to catch comes to hundreds
# of times as much.
MOST_CALLS, MOST_BYTES = 5_000_000, 50e6


def refused(path: Path) -> str:
    """The sentence with which a definition is refused, for little."""
    with effort.counted() as spent, pytest.raises(CharacterError) as caught:
        mjcf.read(path)
    assert spent.calls < MOST_CALLS
    sentence = caught.value.sentence
    assert "\n" not in sentence
    assert len(sentence) < 600
    assert sentence.endswith(".")
    return sentence


JOINT = '<joint name="j" {}/>'
CASES = {
    "": "main.xml is empty; choose a character definition",
    "Frame,Time\n1,2": "main.xml is not XML: syntax error in line 1",
    "<mujoco>": "main.xml is not XML: no element found",
    "<robot/>": "line 1: it begins with <robot>, not with <mujoco>",
    "<mujoco/>": "it holds no bodies; choose",
    world(""): "it holds no bodies",
    '<!DOCTYPE m [<!ENTITY a "b">]><mujoco/>': "declares a document type",
    '<!DOCTYPE m SYSTEM "file:///etc/passwd"><mujoco/>': "declares a document type",
    world(body('name="a" pos="1 2"')): "the body 'a' has pos='1 2'; it has to be 3 numbers",
    world(body('pos="1 2 3 4"')): "it has to be 3 numbers",
    world(body('pos="1,2,3"')): "it has to be 3 numbers",
    world(body('pos="1 2 nan"')): "has pos='1 2 nan'; it has to be 3 numbers up to 1e+10",
    world(body('pos="1 2 inf"')): "it has to be 3 numbers",
    world(body('pos="1 2 1e999"')): "it has to be 3 numbers",
    world(body('pos="1 2 1e11"')): "it has to be 3 numbers",
    world(body('pos="1 2 1_0"')): "it has to be 3 numbers",
    world(body('pos="1 2 ٣"')): "it has to be 3 numbers",
    world(body('quat="1 0 0"')): "it has to be 4 numbers",
    world(body('name="a" quat="0 0 0 0"')): "the body 'a' has quat='0 0 0 0', which gives no dir",
    world(body('axisangle="0 0 0 1"')): "which gives no direction",
    world(body('zaxis="0 0 0"')): "which gives no direction",
    world(body('xyaxes="0 0 0 0 1 0"')): "which gives no direction",
    world(body('xyaxes="1 1 0 2 2 0"')): "which gives no direction",
    world(body('quat="1 0 0 0" euler="1 2 3"')): "has quat and euler; only one may say",
    world('<frame zaxis="0 0 0"/>'): "a frame has zaxis='0 0 0', which gives no direction",
    world(body("", JOINT.format('axis="0 0 0"'))): "joint 'j' has axis='0 0 0', which has no dir",
    world(body("", JOINT.format('type="pin"'))): "has type='pin'; it has to be free or ball or",
    world(body("", JOINT.format('ref="1 2"'))): "has ref='1 2'; it has to be a number",
    world(body("", JOINT.format('range="1"'))): "has range='1'; it has to be 2 numbers",
    world(body("", JOINT.format('limited="yes"'))): "has limited='yes'; it has to be auto or",
    world(body("", JOINT.format('limited="true"'))): "is limited to range=''",
    world(body("", JOINT.format('limited="true" range="2 1"'))): "first the smaller one",
    world(body("", JOINT.format('type="ball" range="-1 1"'))): "first 0",
    world(body("", JOINT.format('class="no"'))): "has class='no', but no <default> has this class",
    world(body('childclass="no"')): "a body has childclass='no', but no <default>",
    world('<frame childclass="no"/>'): "a frame has childclass='no'",
    world(body("", JOINT.format("") + JOINT.format(""))): "the name 'j' is given to two",
    world(body('name="a"') + body('name="a"')): "the name 'a' is given to two of its kind",
    world(body('name="world"')): "the name 'world' is given to two",
    world(body('name="a"', "<joint/>" * 7)): "the body 'a' can move in more than 6 ways",
    world(body('name="a"', "<freejoint/><joint/>")): "can move in more than 6 ways",
    world(body("", body('name="b"', "<freejoint/>"))): "'b' has a free joint inside another body",
    world(body() + '<joint name="j"/>'): "the joint 'j' stands in the world",
    world(body("", '<freejoint align="true"/>')): "is aligned with its inertia",
    world(body("", "<freejoint/>"), '<compiler alignfree="true"/>'): "is aligned with its inertia",
    world(body("", "<composite/>")): "<composite> makes bodies by rules that are not supported",
    world(body("", "<flexcomp/>")): "<flexcomp> makes bodies",
    world(body("", "<attach/>")): "<attach> makes bodies",
    world(f'<replicate count="2">{body()}</replicate>'): "<replicate> makes bodies",
    world(body("", '<replicate count="2"><joint/></replicate>')): "<replicate> makes bodies",
    world(body("", "<joints/>")): "the element <joints> is not known",
    world(body(), '<compiler angle="grad"/>'): "has angle='grad'; it has to be degree or radian",
    world(body(), '<compiler eulerseq="xy"/>'): "has eulerseq='xy'; it has to be three of",
    world(body(), '<compiler eulerseq="xyw"/>'): "has eulerseq='xyw'",
    world(body(), '<compiler autolimits="1"/>'): "has autolimits='1'",
    world(body(), '<compiler coordinate="global"/>'): "is written in global coordinates",
    world(body(), '<default class="own"/>'): "has a class of its own; it has to be main",
    world(body(), "<default><default/></default>"): "inside another needs a class",
    world(body(), '<default><default class="main"/></default>'): "'main' is defined twice",
    world(body(), "<include/>"): "names no file",
    world(body(), '<include file="none.xml"/>'): "file 'none.xml' does not exist",
    world(body(), '<include file="//host/share/a.xml"/>'): "is on another computer; copy it here",
    world(body(), r'<include file="\\host\share\a.xml"/>'): "is on another computer; copy it here",
    world(body(), '<include file="main.xml"/>'): "'main.xml' is included a second time",
    world(body(f'name="{"n" * 9000}" pos="x"')): "nnn…' has pos='x'",
    world(body('name="a&#10;b" pos="x"')): "'a\\nb' has pos='x'",
}


@pytest.mark.parametrize("text", CASES, ids=range(len(CASES)))
def test_what_is_wrong_is_said(tmp_path: Path, text: str) -> None:
    sentence = refused(write(tmp_path, text))
    assert CASES[text] in sentence
    assert MAIN in sentence


def test_file_and_line_are_those_of_the_included_file(tmp_path: Path) -> None:
    files = {MAIN: world('<include file="b/c.xml"/>'), "b/c.xml": '<x>\n\n<body pos="x"/></x>'}
    assert refused(write(tmp_path, files)).startswith("c.xml, line 3: a body has pos='x'")


def test_includes_that_go_round(tmp_path: Path) -> None:
    files = {
        MAIN: world('<include file="b.xml"/>'),
        "b.xml": '<x><body/><include file="c.xml"/></x>',
        "c.xml": '<x><include file="./b.xml"/></x>',
    }
    assert "'./b.xml' is included a second time" in refused(write(tmp_path, files))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "c.xml is empty"),
        ("<x/>", "holds no elements"),
        ("<x><body></x>", "c.xml is not XML: mismatched tag in line 1"),
    ],
)
def test_included_files_are_looked_at_as_closely(tmp_path: Path, content: str, words: str) -> None:
    assert words in refused(
        write(tmp_path, {MAIN: world('<include file="c.xml"/>'), "c.xml": content})
    )


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "does not exist; check the path" in refused(tmp_path / "none.xml")
    assert "is a folder" in refused(tmp_path)
    assert "cannot be read" in refused(tmp_path / ("n" * 300))
    folder = write(tmp_path, world('<include file="."/>'))
    assert "is a folder" in refused(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    assert "is no regular file" in refused(tmp_path / "pipe.xml")
    assert "is no regular file" in refused(write(tmp_path, world('<include file="pipe.xml"/>')))
    assert "is no regular file" in refused(write(tmp_path, world('<include file="/dev/zero"/>')))


# Too much of anything

MANY = 50_000
TOO_MUCH = {
    "deep": ("<body>" * MANY + "</body>" * MANY, "nested too deep"),
    "bodies": ("<body/>" * MANY, "more than 2000 bodies"),
    "frames": ('<frame euler="1 2 3"/>' * MANY, "more than 2000 bodies"),
    "joints": ("<body>" + "<joint/>" * MANY + "</body>", "more than 6 ways"),
    "elements": ("<geom/>" * 3 * MANY, "it has too many elements"),
    "bytes": (" " * 9_000_000, "too large to be a character definition"),
    "numbers": (f'<body pos="{"1 " * 3_000_000}"/>', "it has to be 3 numbers"),
    "digits": (f'<body pos="1 2 {"1" * 7_000_000}"/>', "it has to be 3 numbers"),
    "exponent": (f'<body pos="1 2 1e{"1" * 7_000_000}"/>', "it has to be 3 numbers"),
    "attributes": (
        "<body " + " ".join(f'a{index}=""' for index in range(10 * MANY)) + ' pos="x"/>',
        "it has to be 3 numbers",
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_of_something(tmp_path: Path, what: str) -> None:
    content, words = TOO_MUCH[what]
    assert words in refused(write(tmp_path, world(content)))


def test_limits_hold_for_all_files_together(tmp_path: Path) -> None:
    part = "<x>" + "<geom/>" * 30_000 + "</x>"
    names = [f"{index}.xml" for index in range(5)]
    includes = "".join(f'<include file="{name}"/>' for name in names)
    files = {MAIN: world(body() + includes), **dict.fromkeys(names, part)}
    assert "it has too many elements" in refused(write(tmp_path, files))
    large = dict.fromkeys(names, f"<x><geom/>{' ' * 2_000_000}</x>")
    assert "too large" in refused(write(tmp_path, {**files, **large}))


def test_depth_counts_through_includes(tmp_path: Path) -> None:
    def part(index: int) -> str:
        return f'<x>{"<body>" * 100}<include file="{index + 1}.xml"/>{"</body>" * 100}</x>'

    files = {MAIN: world('<include file="0.xml"/>'), **{f"{i}.xml": part(i) for i in range(6)}}
    assert "nested too deep" in refused(write(tmp_path, files))


def test_classes_do_not_multiply_what_they_inherit(tmp_path: Path) -> None:
    attributes = " ".join(f'a{index}=""' for index in range(20_000))
    classes = "".join(f'<default class="{index}"><joint/></default>' for index in range(20_000))
    text = world(body("", "<joint/>"), f"<default><joint {attributes}/>{classes}</default>")
    path = write(tmp_path, text)
    tracemalloc.start()
    try:
        assert len(mjcf.read(path).joints) == 1
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


# Whatever a file holds

SEEDS = [text for text in FEATURES.values() if isinstance(text, str)]
WORDS = [
    b"nan",
    b"1e308",
    b"0 0 0",
    b"-",
    b"",
    b"include",
    b"replicate",
    b"class",
    b"free",
    b"ball",
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good definition after some accidents; most leave it XML."""
    content = draw(st.sampled_from(SEEDS)).encode()
    for _accident in range(draw(st.integers(1, 4))):
        swap = draw(st.integers(1, 10)) > 1
        content = draw(swapped(content) if swap else overwritten(content))
    return content


@st.composite
def swapped(draw: st.DrawFn, content: bytes) -> bytes:
    """A word, wherever it stands, becomes another of the words: tags, attributes, values."""
    words = sorted(set(re.findall(rb"[\w.-]+", content)))
    if not words:
        return content
    out, into = draw(st.sampled_from(words)), draw(st.sampled_from([*words, *WORDS]))
    return re.sub(rb"(?<![\w.-])" + re.escape(out) + rb"(?![\w.-])", into, content)


@st.composite
def overwritten(draw: st.DrawFn, content: bytes) -> bytes:
    """A piece of the file is cut out, or becomes something else."""
    start = draw(st.integers(0, len(content)))
    end = min(len(content), start + draw(st.integers(0, 30) | st.just(len(content))))
    copy = content[max(0, start - 40) : start]
    middle = draw(st.sampled_from([b"", b"<", b">", b'"', copy]) | st.binary(max_size=4))
    return content[:start] + middle + content[end:]


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spoilt())
def test_a_spoilt_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / MAIN
    path.write_bytes(content)
    try:
        character = mjcf.read(path)
        coordinates = forward.reference_coordinates(character)[None]
        assert all(np.isfinite(array).all() for array in forward.poses(character, coordinates))
    except MyoSapiensError as error:
        assert isinstance(error, CharacterError)  # noqa: PT017 - it need not raise
        assert MAIN in error.sentence  # noqa: PT017


TAGS = ["mujoco", "worldbody", "body", "frame", "joint", "freejoint", "default", "compiler"]
TAGS += ["include", "replicate", "geom"]
ATTRIBUTES = ["name", "class", "childclass", "type", "pos", "axis", "ref", "range", "limited"]
ATTRIBUTES += ["quat", "euler", "zaxis", "axisangle", "xyaxes", "angle", "file", "eulerseq"]
ATTRIBUTES += ["align", "count"]
VALUES = ["", " ", "main", "x", "0", "1 2 3", "0 0 0", "1 0 0 0", "nan", "1e-300 0 0", "0 1"]
VALUES += ["1e10 1e10 1e10", "true", "auto", "ball", "free", "slide", "main.xml", "../..", "/"]


def elements() -> st.SearchStrategy[str]:
    """Trees of known words in senseless order."""

    def element(tag: str, attributes: dict[str, str], inside: list[str]) -> str:
        words = "".join(f' {name}="{value}"' for name, value in attributes.items())
        return f"<{tag}{words}>{''.join(inside)}</{tag}>"

    tags = st.sampled_from(TAGS)
    words = st.dictionaries(st.sampled_from(ATTRIBUTES), st.sampled_from(VALUES), max_size=3)
    leaves = st.builds(element, tags, words, st.builds(list[str]))
    return st.recursive(
        leaves, lambda inner: st.builds(element, tags, words, st.lists(inner, max_size=4))
    )


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(elements(), max_size=4), st.booleans())
def test_senseless_trees_are_read_or_refused(
    tmp_path: Path, parts: list[str], in_body: bool
) -> None:
    inside = "".join(parts)
    path = write(tmp_path, world(body("", inside)) if in_body else f"<mujoco>{inside}</mujoco>")
    try:
        assert mjcf.read(path).names
    except InputError as error:
        assert isinstance(error, CharacterError)  # noqa: PT017 - it need not raise
