# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a batch: what people and spreadsheets write, and where it goes wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.errors import InputError
from myosapiens_addon.jobs import takes_table
from myosapiens_addon.jobs.takes_table import Kind, Row

COLUMNS = {
    "c3d": Kind.PATH,
    "markerset": Kind.PATH,
    "armature": Kind.TEXT,
    "height": Kind.TEXT,
    "set_range": Kind.FLAG,
    "map": Kind.NAME_OR_PATH,
}


def table(folder: Path, text: str | bytes, name: str = "takes.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path) -> list[Row]:
    return takes_table.read(path, COLUMNS)


def values(path: Path) -> list[dict[str, object]]:
    return [dict(row.values) for row in read(path)]


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    sentence = caught.value.sentence
    assert sentence.startswith(str(path)) or str(path) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence.removeprefix(str(path))


SAME = {
    "comma": "c3d,armature,set_range\na.c3d,Hero,yes\n",
    "semicolon": "c3d;armature;set_range\na.c3d;Hero;yes\n",
    "tab": "c3d\tarmature\tset_range\na.c3d\tHero\tyes\n",
    "a line for spreadsheets": "sep=;\r\nc3d;armature;set_range\r\na.c3d;Hero;yes\r\n",
    "quotes": '"c3d","armature","set_range"\n"a.c3d","Hero","yes"\n',
    "BOM": b"\xef\xbb\xbfc3d,armature,set_range\na.c3d,Hero,yes\n",
    "UTF-16, as spreadsheets export it": "c3d\tarmature\tset_range\na.c3d\tHero\tyes\n".encode(
        "utf-16"
    ),
    "Windows line ends": "c3d,armature,set_range\r\na.c3d,Hero,yes\r\n",
    "no last line end": "c3d,armature,set_range\na.c3d,Hero,yes",
    "names as options": "C3D, --armature ,set-range\na.c3d,Hero,TRUE\n",
    "spaces": " c3d , armature ,Set Range\n a.c3d , Hero , 1 \n",
    "empty lines and cells": "\n\nc3d,armature,set_range,,\n\na.c3d,Hero,yes,,\n,,,,\n",
}


@pytest.mark.parametrize("case", SAME)
def test_one_table_however_it_is_written(case: str, tmp_path: Path) -> None:
    assert values(table(tmp_path, SAME[case])) == [
        {"c3d": str(tmp_path / "a.c3d"), "armature": "Hero", "set_range": True}
    ]


def test_json_lines(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        '{"c3d": "a.c3d", "height": 1.80, "set-range": true, "armature": null}\n\n'
        '{"c3d": "/b/c.c3d", "set_range": "no", "map": ""}\n',
        "takes.jsonl",
    )
    assert values(path) == [
        {"c3d": str(tmp_path / "a.c3d"), "height": "1.80", "set_range": True},
        {"c3d": "/b/c.c3d", "set_range": False},
    ]
    assert [row.line for row in read(path)] == [1, 3]


def test_quoted_cells_hold_anything_and_lines_are_counted(tmp_path: Path) -> None:
    path = table(tmp_path, 'c3d,armature\n"a, b.c3d","two\nlines"\nc.c3d,"say ""Hero"""\n')
    first, second = read(path)
    assert first.values["c3d"] == str(tmp_path / "a, b.c3d")
    assert first.values["armature"] == "two\nlines"
    assert second.values["armature"] == 'say "Hero"'
    assert (first.line, second.line) == (2, 4)


def test_a_map_is_a_name_or_a_file_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    path = table(tmp_path, "c3d,map\na.c3d,mixamo\nb.c3d,mine.json\n")
    assert [row["map"] for row in values(path)] == ["mixamo", str(tmp_path / "mine.json")]


def test_paths_are_relative_to_the_table_or_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day").mkdir()
    table(tmp_path / "day", "c3d,markerset\n../a.c3d,/m.xml\n")
    monkeypatch.chdir(tmp_path)
    (row,) = values(Path("day/takes.csv"))
    assert row == {"c3d": str(tmp_path / "day" / "../a.c3d"), "markerset": "/m.xml"}


def test_a_glob_is_a_row_for_each_file_in_natural_order(tmp_path: Path) -> None:
    for name in ("day2/walk10.c3d", "day2/Walk2.c3d", "day10/walk1.c3d", "day2/walk1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "day2" / "folder.c3d").mkdir()
    path = table(tmp_path, "c3d,armature\nz.c3d,A\nday*/*.c3d,B\n**/walk1.*,C\n")
    found = [(Path(str(row["c3d"])).relative_to(tmp_path), row["armature"]) for row in values(path)]
    assert [(str(name), armature) for name, armature in found] == [
        ("z.c3d", "A"),
        ("day2/Walk2.c3d", "B"),
        ("day2/walk10.c3d", "B"),
        ("day10/walk1.c3d", "B"),
        ("day2/walk1.txt", "C"),
        ("day10/walk1.c3d", "C"),
    ]
    assert {row.line for row in read(path)} == {2, 3, 4}


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "take[1].c3d").touch()
    (tmp_path / "take1.c3d").touch()
    (row,) = values(table(tmp_path, "c3d\ntake[1].c3d\n"))
    assert row["c3d"] == str(tmp_path / "take[1].c3d")


def test_signs_of_globs_in_the_folder_of_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "[2024] day*"
    folder.mkdir()
    (folder / "walk 1.c3d").touch()
    path = table(folder, "c3d\nwalk?[0-9].c3d\n")
    assert values(path) == [{"c3d": str(folder / "walk 1.c3d")}]
    # And a name in it without such signs is a name, there or not.
    assert values(table(folder, "c3d\ngone.c3d\n")) == [{"c3d": str(folder / "gone.c3d")}]


def test_a_name_with_a_tilde_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    path = table(tmp_path, "c3d\n~$walk.c3d\n~/a.c3d\n")
    assert [row["c3d"] for row in values(path)] == [
        str(tmp_path / "~$walk.c3d"),
        str(tmp_path / "home" / "a.c3d"),
    ]


WRONG = {
    "an unknown column": ("c3d,hieght\na.c3d,2\n", r", line 2, column hieght: .*is height meant"),
    "a column twice": ("c3d,Armature,armature\n", r", line 1, column armature: .*twice"),
    "a column without a name": ("c3d,,armature\n", r", line 1: column 2 of the header"),
    "more cells than columns": ("c3d\na.c3d,Hero\n", r", line 2: 2 cells stand below 1 columns"),
    "no flag": ("c3d,set_range\n\na.c3d,maybe\n", r", line 3, column set_range: 'maybe' is"),
    "an open quote": ('c3d,armature\na.c3d,"Hero\n', r", line 2: this is no CSV"),
    "signs behind a quote": ('c3d\n"a"b.c3d\n', r", line 2: this is no CSV"),
    "a glob without files": ("c3d\n*.c3d\n", r", line 2, column c3d: no file is named like"),
    "no rows": ("c3d,armature\n", r"names no take"),
    "nothing": ("", r"names no take"),
    "Latin-1": ("c3d\nGrün.c3d\n".encode("latin-1"), r"UTF-8"),
    "zeros": (b"c3d\na\0.c3d\n", r"no text"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_by_line_and_column(case: str, tmp_path: Path) -> None:
    text, expected = WRONG[case]
    assert re.search(expected, refusal(table(tmp_path, text)))


WRONG_JSON = {
    "no JSON": ("c3d\n", r", line 1: this is no JSON object on one line"),
    "no object": ('{"c3d": "a"}\n["a.c3d"]\n', r", line 2: this is no JSON object with"),
    "a zero": ('{"c3d": "a\\u0000*"}\n', r", line 1, column c3d: it holds a zero"),
    "a list": ('{"c3d": ["a", "b"]}\n', r", line 1, column c3d: give a single value"),
    "a flag for a text": ('{"c3d": true}\n', r", line 1, column c3d: true is no value"),
    "a number for a flag": ('{"c3d": "a", "set_range": 2}\n', r"column set_range: '2' is neither"),
    "a column twice": ('{"c3d": "a", "C3D": "b"}\n', r", line 1: a column is there twice"),
    "an unknown column": ('{"take": "a"}\n', r", line 1, column take: there is no such column"),
    "much too deep": ("[" * 100_000, r", line 1: this is no JSON"),
}


@pytest.mark.parametrize("case", WRONG_JSON)
def test_what_is_wrong_in_json_lines(case: str, tmp_path: Path) -> None:
    text, expected = WRONG_JSON[case]
    assert re.search(expected, refusal(table(tmp_path, text, "takes.jsonl")))


def test_a_table_that_is_not_there_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be read" in refusal(tmp_path / "gone.csv")
    assert "cannot be read" in refusal(tmp_path)
    monkeypatch.setattr(takes_table, "LARGEST_TABLE_BYTES", 20)
    assert "too large" in refusal(table(tmp_path, "c3d\n" + "a.c3d\n" * 10))
    monkeypatch.setattr(takes_table, "LARGEST_TABLE_BYTES", 10_000)
    monkeypatch.setattr(takes_table, "MOST_ROWS", 3)
    assert "more than 3 takes" in refusal(table(tmp_path, "c3d\n" + "a.c3d\n" * 4))


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("a.csv", "a.jsonl"):
        path = folder / name
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        try:
            found = read(path)
        except InputError as error:
            assert error.sentence  # noqa: PT017 - either is right
        else:
            assert all(set(row.values) <= set(COLUMNS) for row in found)


def part(wanted: str, count: int = 10) -> list[int]:
    rows = [Row(table=Path("t"), line=number, values={}) for number in range(1, count + 1)]
    return [row.line for row in takes_table.part(rows, wanted)]


def test_parts_of_a_table() -> None:
    assert part("1-3") == [1, 2, 3]
    assert part("9-20") == [9, 10]
    assert part(" 7 , 2-3,3") == [2, 3, 7]
    assert part("1-10") == list(range(1, 11))
    whole = [number for first in range(1, 11, 4) for number in part(f"{first}-{first + 3}")]
    assert whole == list(range(1, 11))


@pytest.mark.parametrize("wanted", ["", "0-3", "5-2", "a", "1-", "-3", "1,,2", "11-20", "99999"])
def test_no_parts_of_a_table(wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        part(wanted)
    assert caught.value.sentence.endswith(".")
