# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad inputs end in one sentence; good ones of every kind are read right."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from local_service.solve import SolveError, SolveOptions, markerset, run, take
from tests.service.solve_subjects import (
    Subject,
    make_subject,
    write_c3d,
    write_markerset,
    write_take,
)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return make_subject(frames=20)


def read(path: Path, **options: object) -> take.Take:
    chosen: dict[str, object] = {"mocap_scale": None, "rotation": None, **options}
    return take.read(path, **chosen)  # pyright: ignore[reportArgumentType] (a test's shorthand)


def fails(kind: str, call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(SolveError) as caught:
        call(*arguments, **named)  # pyright: ignore[reportCallIssue] (a test's shorthand)
    assert caught.value.error_type == kind
    message = caught.value.message
    assert "\n" not in message
    assert message[0].isupper()
    assert message.endswith(".")
    return message


def test_points_rate_and_gaps(subject: Subject, tmp_path: Path) -> None:
    for unit in ("mm", "m"):
        found = read(write_take(subject, tmp_path / "take.c3d", unit=unit))
        assert found.points_m == pytest.approx(subject.marker_positions(), abs=1e-5)
        assert found.rate_hz == 100.0
        assert found.labels[3] == "Anna:M03"


def test_scale_goes_before_the_files_unit(subject: Subject, tmp_path: Path) -> None:
    path = write_take(subject, tmp_path / "take.c3d", unit="m")
    assert "mocap_scale" in fails("take_invalid", read, path, mocap_scale=1000)
    found = read(write_take(subject, tmp_path / "take.c3d"), mocap_scale=1000)
    assert found.points_m == pytest.approx(subject.marker_positions(), abs=1e-5)


@pytest.mark.parametrize("name", ["text", "empty", "short", "half", "body"])
def test_files_that_are_no_whole_c3d(subject: Subject, tmp_path: Path, name: str) -> None:
    whole = write_take(subject, tmp_path / "whole.c3d").read_bytes()
    content = {
        "text": b"Frame,Time,X,Y,Z\n" * 100,
        "empty": b"",
        "short": whole[:300],
        "half": whole[: len(whole) // 2],
        "body": whole[:-600],
    }[name]
    path = tmp_path / "take.c3d"
    path.write_bytes(content)
    message = fails("take_invalid", read, path)
    assert ("not a C3D" if name in ("text", "empty") else "truncated") in message


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert "cannot be read" in fails("take_invalid", read, tmp_path / "none.c3d")
    assert "cannot be read" in fails("take_invalid", read, tmp_path)


def test_a_take_without_points(tmp_path: Path) -> None:
    path = write_c3d(tmp_path / "a.c3d", [], np.zeros((5, 0, 3)), 100.0)
    assert "points" in fails("take_invalid", read, path)


def test_a_take_longer_than_its_counter(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(0, 0.3, (300, 2, 3))
    path = write_c3d(tmp_path / "long.c3d", ["A", "B"], points, 100.0, "m")
    data = bytearray(path.read_bytes())
    struct.pack_into("<HH", data, 6, 65535 - 99, 65535)  # the header counts 100 of 300 frames
    path.write_bytes(data + bytes(2 * 16 * 1000))
    assert "frames" in fails("take_invalid", read, path)


def test_wrong_units_are_noticed(subject: Subject, tmp_path: Path) -> None:
    path = write_take(subject, tmp_path / "take.c3d")
    assert "unit" in fails("take_invalid", read, path, mocap_scale=1)


def test_bad_options(subject: Subject, tmp_path: Path) -> None:
    path = write_take(subject, tmp_path / "take.c3d")
    for options in ({"rotation": "upside"}, {"clip_length": 0}, {"mocap_scale": 0}):
        fails("option_invalid", read, path, **options)
    markers = write_markerset(subject, tmp_path / "set.xml")
    for options in (
        SolveOptions(subject_height_m=175.0),
        SolveOptions(revision=3),
        SolveOptions(n_frames_scaling=0),
        SolveOptions(subject_weight_kg=-1.0),
        SolveOptions(subject_gender="x"),
    ):
        fails("option_invalid", run, c3d=path, markerset=markers, out_dir=tmp_path, options=options)


def test_absent_characters(subject: Subject, tmp_path: Path) -> None:
    for name in ("myoskeleton", "nobody"):
        fails(
            "character_unavailable",
            run,
            c3d=write_take(subject, tmp_path / "take.c3d"),
            markerset=write_markerset(subject, tmp_path / "set.xml"),
            out_dir=tmp_path,
            options=SolveOptions(character=name),
        )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not xml at all", "line 1"),
        ("<markers><marker name='A'", "not XML"),
        ("", "not XML"),
        ("<markers/>", "no <marker>"),
        ("<markers><marker name='A' pos='0 0 0'/></markers>", "body"),
        ("<markers><marker name='A' body='pelvis' pos='0 0'/></markers>", "three numbers"),
        ("<markers><marker name='A' body='pelvis' pos='0 0 x'/></markers>", "not a number"),
        ("<markers><marker name='A' body='pelvis' pos='0 0 nan'/></markers>", "not finite"),
        (
            "<markers><marker name='A' body='pelvis' pos='0 0 0' ik_weight='-1'/></markers>",
            "negative",
        ),
        ("<markers>" + "<marker name='A' body='pelvis' pos='0 0 0'/>" * 2 + "</markers>", "twice"),
        ("<!DOCTYPE m [<!ENTITY a 'b'>]><m><marker name='&a;'/></m>", "DOCTYPE"),
    ],
)
def test_bad_markersets(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "the.xml"
    path.write_text(text)
    message = fails("markerset_invalid", markerset.read, path)
    assert named in message


def test_a_binary_or_missing_markerset(tmp_path: Path) -> None:
    path = tmp_path / "the.xml"
    path.write_bytes(bytes(range(256)))
    fails("markerset_invalid", markerset.read, path)
    fails("markerset_invalid", markerset.read, tmp_path / "none.xml")


def test_an_unknown_body_is_named(subject: Subject, tmp_path: Path) -> None:
    path = write_markerset(subject, tmp_path / "set.xml")
    path.write_text(path.read_text().replace('body="ulna_r"', 'body="tail"'))
    message = fails(
        "unknown_body",
        run,
        c3d=write_take(subject, tmp_path / "take.c3d"),
        markerset=path,
        out_dir=tmp_path,
        options=SolveOptions(),
    )
    assert "'tail'" in message


def test_a_take_that_is_no_person_is_refused(subject: Subject, tmp_path: Path) -> None:
    points = np.random.default_rng(1).normal(0, 600, (20, len(subject.names), 3))
    message = fails(
        "solve_failed",
        run,
        c3d=write_c3d(tmp_path / "noise.c3d", subject.names, points, 100.0),
        markerset=write_markerset(subject, tmp_path / "set.xml"),
        out_dir=tmp_path,
        options=SolveOptions(),
    )
    assert "m RMS" in message


def test_a_y_up_take_is_warned_of(subject: Subject, tmp_path: Path) -> None:
    points = subject.marker_positions()[..., [0, 2, 1]] * [1, 1, -1] * 1e3
    result = run(
        c3d=write_c3d(tmp_path / "take.c3d", subject.names, points, 100.0),
        markerset=write_markerset(subject, tmp_path / "set.xml"),
        out_dir=tmp_path,
        options=SolveOptions(),
    )
    assert any("rotation" in line for line in result.warnings)


def test_trc_is_read_by_its_content(subject: Subject, tmp_path: Path) -> None:
    points = subject.marker_positions()
    count = len(subject.names)
    lines = [
        "PathFileType\t4\t(X/Y/Z)\ttake.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits",
        f"100\t100\t{len(points)}\t{count}\tm",
        "Frame#\tTime\t" + "\t\t\t".join(subject.names),
        "\t\t" + "\t".join(f"{axis}{i + 1}" for i in range(count) for axis in "XYZ"),
        "",
    ]
    for frame, row in enumerate(points):
        cells = [f"{value:.6f}" for value in row.ravel()]
        if frame == 4:
            cells[6:9] = ["", "", ""]
        lines.append("\t".join([str(frame + 1), f"{frame / 100:.2f}", *cells]))
    path = tmp_path / "upload"
    path.write_text("\n".join(lines))
    found = read(path)
    assert found.labels == tuple(subject.names)
    assert np.isnan(found.points_m[4, 2]).all()
    points[4, 2] = np.nan
    assert found.points_m == pytest.approx(points, abs=1e-6, nan_ok=True)
    path.write_text("PathFileType\nrubbish")
    fails("take_invalid", read, path)
