# SPDX-License-Identifier: GPL-3.0-or-later
"""The TRC reader against a writer and a parser of their own; odd, broken and hostile files."""

from __future__ import annotations

import csv
import math
import re
import tracemalloc
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import TakeError
from myosapiens_addon.takes import c3d, preflight, summary, take, trc
from tests.helpers.trc_writer import TrcWriter, scattered

LABELS = ["Anna:LFHD", "Anna:RFHD", "C7", "T10", "Étoile"]
SAMPLE = Path(__file__).resolve().parents[2] / "scripts" / "sample"


def with_gaps(frames: int = 50, labels: int = 5) -> np.ndarray:
    points = scattered(frames, labels)
    points[10:30, 1] = np.nan
    points[-1, labels - 1] = np.nan
    points[0, 0] = np.nan
    return points


def all_points(path: Path) -> np.ndarray:
    return np.concatenate(list(trc.iter_points(path, trc.read_info(path))))


def parse_by_hand(path: Path, labels: int) -> np.ndarray:
    """Cell by cell, with the csv module and Python's own float."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row and row[0].isdigit()]
    body = [row for row in rows if len(row) > 2 and re.fullmatch(r"[\d.]+", row[1])]
    found = []
    for row in body:
        cells = (row[2:] + [""] * 3 * labels)[: 3 * labels]
        found.append([float(cell) if cell.strip() else math.nan for cell in cells])
    points = np.array(found).reshape(len(body), labels, 3)
    points[(points == 0).all(axis=2)] = np.nan
    return points


# What is in it


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"ending": "\r\n"},
        {"ending": "\r"},
        {"blank_line": False},
        {"axes_line": False},
        {"axes_line": False, "blank_line": False},
        {"trailing": "\t"},
        {"trailing": "\t\t\t"},
        {"trailing": "  "},
        {"padding": "  "},
        {"gap": "NaN"},
        {"gap": "nan"},
        {"gap": " "},
        {"gap": "0.0"},
        {"gap": "-0"},
        {"decimal": ","},
        {"label_step": 1},
        {"final_ending": False},
    ],
    ids=str,
)
def test_what_different_programs_write(tmp_path: Path, more: dict[str, Any]) -> None:
    points = with_gaps()
    writer = TrcWriter(labels=LABELS, points=points, rate_hz=120.0, first_frame=579, **more)
    path = writer.write(tmp_path / "take.trc")
    info = trc.read_info(path)
    assert list(info.labels) == LABELS
    assert (info.frame_count, info.first_frame, info.rate_hz, info.units) == (50, 579, 120.0, "mm")
    assert info.duration_s == pytest.approx(49 / 120)
    assert len(info.notes) == ("decimal" in more)
    there = np.isfinite(points[..., 0])
    wanted = points.copy()
    wanted[~there] = np.nan
    assert np.array_equal(all_points(path), wanted, equal_nan=True)
    assert trc.read_coverage(path, info) == pytest.approx(there.mean(axis=0))


def test_against_another_parser(tmp_path: Path) -> None:
    path = TrcWriter(labels=LABELS, points=with_gaps(), gap="").write(tmp_path / "take.trc")
    assert np.array_equal(all_points(path), parse_by_hand(path, 5), equal_nan=True)


@pytest.mark.parametrize("name", ["sample", "laboratory"])
def test_the_same_take_as_c3d_and_as_trc(
    tmp_path: Path, name: str, request: pytest.FixtureRequest
) -> None:
    """ezc3d reads the C3D; what preflight makes of both files is the same."""
    folder = SAMPLE if name == "sample" else request.getfixturevalue("walk")
    source = folder / ("walk.c3d" if name == "sample" else "take.c3d")
    file: Any = ezc3d.c3d(str(source))
    points = np.transpose(file["data"]["points"][:3], (2, 1, 0))
    labels = file["parameters"]["POINT"]["LABELS"]["value"]
    rate_hz = float(file["parameters"]["POINT"]["RATE"]["value"][0])
    first = c3d.read_info(source).first_frame
    writer = TrcWriter(labels=labels, points=points, rate_hz=rate_hz, first_frame=first)
    path = writer.write(tmp_path / "take.trc")
    ours, theirs = (
        preflight.check(one, folder / "markerset.xml").as_dict() for one in (path, source)
    )
    assert (ours.pop("c3d"), ours.pop("byte_order")) == (str(path), "")
    assert theirs.pop("byte_order") != ""
    assert {**theirs, "c3d": None} == {**ours, "c3d": None}
    look = [summary.look(one, folder / "markerset.xml") for one in (path, source)]
    assert look[0] == look[1]
    assert look[0].matched == len(labels)


def test_points_without_labels_keep_their_columns(tmp_path: Path) -> None:
    points = scattered(4, 3)
    path = TrcWriter(labels=["A", "", "C"], points=points).write(tmp_path / "take.trc")
    assert trc.read_info(path).labels == ("A", "", "C")
    assert np.array_equal(all_points(path), points)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    writer = TrcWriter(labels=LABELS, points=scattered(3, 5))
    info = trc.read_info(writer.write(tmp_path / "take.trc", encoding=encoding))
    assert info.labels[-1] == "Étoile"


@pytest.mark.parametrize(
    ("written", "read"),
    [("mm", "mm"), ("m", "m"), ("Meters", "m"), ("millimeters", "mm"), ("in", "in"), ("", "mm")],
)
def test_units(tmp_path: Path, written: str, read: str) -> None:
    writer = TrcWriter(labels=["A"], points=scattered(3, 1), units=written)
    assert trc.read_info(writer.write(tmp_path / "take.trc")).units == read


def test_labels_without_columns_are_never_there_and_columns_without_labels_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "take.trc"
    text = TrcWriter(labels=["A", "B"], points=scattered(6, 2)).text()
    path.write_text(text.replace("B\t\t", "B\t\t\tC\t\t"))
    info = trc.read_info(path)
    assert trc.read_coverage(path, info) == pytest.approx([1.0, 1.0, 0.0])
    path.write_text(text.replace("\tB", ""))
    info = trc.read_info(path)
    assert (info.labels, *trc.read_coverage(path, info)) == (("A",), 1.0)


# What is odd is told


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"told": {"NumFrames": "9"}}, "The header of take.trc tells 9 frames, but it holds 20."),
        ({"told": {"NumMarkers": "3"}}, "The header of take.trc tells 3 labels, but it holds 2."),
        (
            {"told": {"DataRate": "60"}},
            "The header of take.trc tells 60 frames per second, but the times of its rows 100: "
            "check its rate, the service goes by the header.",
        ),
        (
            {"decimal": ","},
            "take.trc is written with decimal commas, which the service may not read: export it "
            "with decimal points.",
        ),
    ],
)
def test_what_is_odd_is_told(tmp_path: Path, more: dict[str, Any], note: str) -> None:
    path = TrcWriter(labels=["A", "B"], points=scattered(20, 2), **more).write(
        tmp_path / "take.trc"
    )
    assert trc.read_info(path).notes == (note,)
    assert summary.look(path, None).warnings == (note,)
    assert note in preflight.check(path, SAMPLE / "markerset.xml").warnings


def test_counts_that_are_missing_are_no_lie(tmp_path: Path) -> None:
    told: dict[str, str | None] = {"NumFrames": None, "NumMarkers": None, "Units": None}
    path = TrcWriter(labels=["A"], points=scattered(5, 1), told=told).write(tmp_path / "t.trc")
    info = trc.read_info(path)
    assert (info.notes, info.units, info.frame_count) == ((), "mm", 5)


# What is refused, with one sentence


GOOD = TrcWriter(labels=LABELS, points=with_gaps()).text("bad.trc")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is no TRC file"),
        ("Frame,Time\n1,0\n", "is no TRC file"),
        ("PathFileType", "no line of labels"),
        (GOOD[:60], "no line of labels"),
        ("PathFileType\t4\n" + "x" * 6_000_000, "a line without an end"),
        (GOOD.replace("\t", "    "), "no labels that stand between tabs"),
        (GOOD.replace("Frame#", "Sample"), "no line of labels"),
        (re.sub("(?m)^(Frame#\tTime).*$", r"\1\t\t\t\t", GOOD), "has no labels"),
        (GOOD[: GOOD.index("\n1\t") + 1], "holds no frames"),
        (GOOD[: GOOD.index("\n9\t") + 30], "is cut off: it holds 9 of its 50 frames"),
        (GOOD.replace("DataRate", "Rate"), "frames there are per second"),
        (
            GOOD.replace("\n100.00", "\n2000000000", 1),
            "2e+09 frames per second, as no recording has",
        ),
        (GOOD.replace("100.00", "0"), "frames there are per second"),
        (GOOD.replace("100.00", "-60"), "frames there are per second"),
        (GOOD.replace("100.00", "nan"), "frames there are per second"),
        (GOOD.replace("100.00", "fast"), "frames there are per second"),
        (re.sub("(?m)^(12\t.*?\t).*?\t", r"\1gone\t", GOOD), "frame 12 holds 'gone', which is no"),
        (re.sub("(?m)^(12\t.*?\t).*?\t", r"\g<1>1.234,5\t", GOOD), "frame 12 holds '1.234.5'"),
        (GOOD + "1" * 2000 + "\n", "a row that holds no numbers"),
        (GOOD + "the end\n", "frame 51 holds 'the end', which is no number"),
    ],
)
def test_what_is_no_whole_trc(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "bad.trc"
    path.write_text(content)
    with pytest.raises(TakeError, match=re.escape(words)) as caught:
        take.read_coverage(path, take.read_info(path))
    assert caught.value.sentence.startswith("bad.trc ")
    assert caught.value.sentence.endswith(".")
    assert "\n" not in caught.value.sentence
    assert len(caught.value.sentence) < 200


def test_files_that_the_system_does_not_give(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="does not exist"):
        take.read_info(tmp_path / "none.trc")
    (tmp_path / "folder.trc").mkdir()
    with pytest.raises(TakeError, match="is a folder; choose a C3D or TRC file"):
        take.read_info(tmp_path / "folder.trc")


@pytest.mark.parametrize("change", ["labels", "frames"])
def test_a_file_that_changes_after_it_was_looked_at(tmp_path: Path, change: str) -> None:
    path = TrcWriter(labels=["A", "B"], points=scattered(9, 2)).write(tmp_path / "take.trc")
    info = trc.read_info(path)
    labels, frames = (["A", "C"], 9) if change == "labels" else (["A", "B"], 8)
    TrcWriter(labels=labels, points=scattered(frames, 2)).write(path)
    with pytest.raises(TakeError, match="changed while it was being read"):
        trc.read_coverage(path, info)


def test_the_ending_chooses_the_reader(tmp_path: Path) -> None:
    upper = TrcWriter(labels=["A"], points=scattered(3, 1)).write(tmp_path / "TAKE.TRC")
    assert isinstance(take.read_info(upper), trc.TrcInfo)
    assert isinstance(take.read_info(SAMPLE / "walk.c3d"), c3d.C3DInfo)
    with pytest.raises(TakeError, match="is no C3D file; choose a C3D or TRC file"):
        take.read_info(upper.rename(tmp_path / "take.c3d"))


# Hostile files


def test_few_bytes_do_not_become_much_memory(tmp_path: Path) -> None:
    """A million empty rows under thirty thousand labels."""
    path = tmp_path / "take.trc"
    head = TrcWriter(labels=["A"] * 30_000, points=scattered(0, 30_000)).text()
    path.write_text(head + "1\n" * 1_000_000)
    tracemalloc.start()
    with pytest.raises(TakeError, match="too large to be looked at"):
        trc.read_info(path)
    path.write_text(head + "1\n" * 40)
    info = trc.read_info(path)
    assert trc.read_coverage(path, info).max() == 0.0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.integers(0, 8),
            st.one_of(
                st.sampled_from(
                    [b"\t", b"\n", b"\r", b" ", b"", b"nan", b"1e999", b",", b"-", b"\0"]
                ),
                st.binary(max_size=3),
            ),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 5000),
)
def test_a_spoilt_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, bytes]], cut: int
) -> None:
    content = GOOD.encode()
    content = content[: max(1, len(content) - cut)]
    for place, length, new in changes:
        start = place % len(content) if content else 0
        content = content[:start] + new + content[start + length :]
    path = tmp_path_factory.getbasetemp() / "bad.trc"
    path.write_bytes(content)
    try:
        info = take.read_info(path)
        coverage = take.read_coverage(path, info)
    except TakeError as error:
        assert "bad.trc" in error.sentence  # noqa: PT017 - it need not raise
        return
    assert coverage.shape == (len(info.labels),)
    assert ((coverage >= 0) & (coverage <= 1)).all()
    assert info.frame_count >= 1
    assert info.rate_hz > 0


# Speed


def test_a_long_take_is_looked_at_whole(tmp_path: Path) -> None:
    """36,000 frames of 41 markers: five minutes at 120 Hz, 80 MB."""
    block = TrcWriter(labels=[f"M{i}" for i in range(41)], points=scattered(1000, 41)).text()
    start = block.index("\n1\t") + 1
    path = tmp_path / "long.trc"
    path.write_text(block[:start] + block[start:] * 36)
    info = trc.read_info(path)
    coverage = trc.read_coverage(path, info)
    assert (info.frame_count, coverage.min()) == (36_000, 1.0)
