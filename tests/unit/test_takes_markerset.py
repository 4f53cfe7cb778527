# SPDX-License-Identifier: GPL-3.0-or-later
"""The markerset reader: what is good, and one sentence for each thing that is not."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import MarkersetError
from myosapiens_addon.takes import markerset

GOOD = """<?xml version="1.0" encoding="utf-8"?>
<!-- a comment -->
<markers name="Set" model="Human v1">
    <marker name="LASI" body="pelvis" pos="0.01 -2e-2  .3" movable="1.0" ik_weight="2"/>
    <marker body="femur_r" pos="0, 0, 0" name=" RKNE "/>
</markers>
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "set.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_markerset(tmp_path: Path) -> None:
    found = markerset.read(write(tmp_path, GOOD))
    assert (found.name, found.model) == ("Set", "Human v1")
    first, second = found.markers
    assert (first.name, first.body, first.position_m) == ("LASI", "pelvis", (0.01, -0.02, 0.3))
    assert (first.movable, first.ik_weight) == (1.0, 2.0)
    assert (second.name, second.position_m, second.ik_weight) == ("RKNE", (0.0, 0.0, 0.0), 1.0)


def test_the_real_markerset(walk: Path) -> None:
    found = markerset.read(walk / "markerset.xml")
    truth = ElementTree.parse(walk / "markerset.xml").getroot()
    assert [m.name for m in found.markers] == [m.get("name") for m in truth]
    assert len(found.markers) == 41


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    declared = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = GOOD.replace("utf-8", declared).replace("Set", "Käfer")
    assert markerset.read(write(tmp_path, text.encode(encoding))).name == "Käfer"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "set.xml is empty;"),
        ("  \n ", "set.xml is empty;"),
        ("Frame,Time\n1,2\n", "is not XML: syntax error in line 1, column 1"),
        (GOOD.replace("</markers>", ""), "is not XML: no element found in line"),
        (GOOD.replace("/>", ">", 1), "mismatched tag in line 6"),
        (GOOD.replace('"Set"', "Set"), "in line 3"),
        (GOOD.replace("utf-8", "klingon"), "is not XML"),
        ("<markers/>", "holds no markers"),
        ("<mujoco><marker/></mujoco>", "begins with <mujoco>"),
        (GOOD.replace('name="LASI"', ""), "line 4: a marker has no name"),
        (GOOD.replace('body="pelvis"', ""), "line 4: the marker LASI has no body"),
        (GOOD.replace(".3", ""), "LASI needs a position of three numbers"),
        (GOOD.replace(".3", "x"), "LASI needs a position of three numbers"),
        (GOOD.replace(".3", "nan"), "LASI needs a position of three numbers"),
        (GOOD.replace(".3", "0.3 0.4"), "LASI needs a position of three numbers"),
        (GOOD.replace('"2"', '"heavy"'), "LASI has ik_weight='heavy'"),
        (GOOD.replace('"2"', '"-1"'), "LASI has ik_weight='-1'"),
        (GOOD.replace(" RKNE ", "LASI"), "has the marker LASI twice"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MarkersetError) as caught:
        markerset.read(write(tmp_path, text))
    assert words in caught.value.sentence
    assert "set.xml" in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_files_that_the_system_does_not_give(tmp_path: Path) -> None:
    with pytest.raises(MarkersetError, match="does not exist"):
        markerset.read(tmp_path / "none.xml")
    with pytest.raises(MarkersetError, match="is a folder"):
        markerset.read(tmp_path)


# Hostile files

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION = f'<!DOCTYPE m [<!ENTITY l0 "lol">{LAUGHS}]><markers name="&l9;"/>'


@pytest.mark.parametrize(
    "text",
    [
        BILLION,
        '<!DOCTYPE m SYSTEM "http://127.0.0.1:9/x.dtd"><markers/>',
        '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><markers>&x;</markers>',
        "<!DOCTYPE markers><markers/>",
    ],
    ids=["laughs", "remote", "file", "plain"],
)
def test_a_document_type_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MarkersetError, match="declares a document type"):
        markerset.read(write(tmp_path, text))


def test_a_file_that_is_too_large_or_too_deep(tmp_path: Path) -> None:
    with pytest.raises(MarkersetError, match="too large"):
        markerset.read(write(tmp_path, b"<markers>" + b" " * 9_000_000))
    with pytest.raises(MarkersetError, match="nested too deep"):
        markerset.read(write(tmp_path, "<markers>" + "<a>" * 100_000))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=6), st.integers(0, 20))
def test_a_spoilt_file_is_read_or_refused(
    tmp_path: Path, place: int, bytes_in: bytes, out: int
) -> None:
    content = GOOD.encode()
    path = write(tmp_path, content[:place] + bytes_in + content[place + out :])
    try:
        assert markerset.read(path).markers
    except MarkersetError as error:
        assert "set.xml" in error.sentence  # noqa: PT017 - it need not raise
