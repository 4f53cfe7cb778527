# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""The C3D reader against ezc3d, and against files that are broken, cut off, wrapped or hostile."""

from __future__ import annotations

import contextlib
import math
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import TakeError
from myosapiens_addon.takes import c3d
from myosapiens_addon.takes.c3d_parameters import MOST_PARAMETERS, Codec
from tests.helpers import effort, ezc3d_takes
from tests.helpers.c3d_writer import C3DWriter, dec_real

LABELS = ["Anna:LFHD", "Anna:RFHD", "C7", "T10", "Étoile"]


def with_gap(labels: int, frames: int) -> np.ndarray:
    points = ezc3d_takes.scattered(labels, frames)
    points[:3, 1, 10:30] = np.nan
    return points


def all_points(path: Path) -> np.ndarray:
    return np.concatenate(list(c3d.iter_points(path, c3d.read_info(path))))


# Against ezc3d


@pytest.mark.parametrize("analog", [0, 3])
def test_a_file_of_ezc3d(tmp_path: Path, analog: int) -> None:
    path = tmp_path / "take.c3d"
    points = with_gap(len(LABELS), 50)
    ezc3d_takes.write(path, labels=LABELS, points=points, rate_hz=120.0, analog=analog)
    info = c3d.read_info(path)
    assert list(info.labels) == LABELS
    assert (info.point_count, info.frame_count, info.rate_hz) == (5, 50, 120.0)
    assert (info.units, info.byte_order, info.is_float) == ("mm", "intel", True)
    assert info.duration_s == pytest.approx(49 / 120)
    coverage = c3d.read_coverage(path, info)
    assert coverage == pytest.approx([1.0, 0.6, 1.0, 1.0, 1.0])
    read = all_points(path)
    there = np.isfinite(points[0]).T
    assert np.allclose(read[there][:, :3], points[:3].T[there], rtol=1e-6)
    assert np.isnan(read[~there][:, :3]).all()


def test_more_labels_than_fit_in_one_parameter(tmp_path: Path) -> None:
    labels = [f"L{number:03d}" for number in range(600)]
    points = ezc3d_takes.scattered(600, 3)
    ezc3d_takes.write(tmp_path / "take.c3d", labels=labels, points=points)
    assert list(c3d.read_info(tmp_path / "take.c3d").labels) == labels


def test_the_real_take(walk: Path) -> None:
    path = walk / "take.c3d"
    info = c3d.read_info(path)
    truth = ezc3d.c3d(str(path))
    assert list(info.labels) == truth["parameters"]["POINT"]["LABELS"]["value"]
    assert (info.frame_count, info.rate_hz, info.byte_order) == (412, 120.0, "dec")
    assert (info.first_frame, info.is_float, info.duration_s) == (580, False, 3.425)
    points = np.transpose(truth["data"]["points"][:3], (2, 1, 0))
    there = np.isfinite(points).all(axis=-1)
    assert np.allclose(all_points(path)[there][:, :3], points[there], atol=1e-3)
    assert c3d.read_coverage(path, info) == pytest.approx(there.mean(axis=0))


# Every byte order, reals and integers; ezc3d reads the same file


@pytest.mark.parametrize("is_float", [True, False], ids=["reals", "integers"])
@pytest.mark.parametrize("order", ["intel", "dec", "mips"])
def test_every_byte_order(tmp_path: Path, order: str, is_float: bool) -> None:
    rng = np.random.default_rng(2)
    points = rng.integers(-2000, 2000, (40, 3, 4)).astype(float)
    points[..., 3] = 1.0
    points[5:15, 1, 3] = -1.0
    writer = C3DWriter(order=order, is_float=is_float, points=points, scale=0.5)
    path = writer.write(tmp_path / "take.c3d")
    info = c3d.read_info(path)
    assert (info.byte_order, info.is_float, info.labels) == (order, is_float, ("P0", "P1", "P2"))
    assert (info.frame_count, info.rate_hz, info.units) == (40, 100.0, "mm")
    assert np.allclose(all_points(path)[..., :3], points[..., :3])
    assert c3d.read_coverage(path, info) == pytest.approx([1.0, 0.75, 1.0])
    if order != "mips":  # ezc3d reads no big-endian files
        truth = ezc3d.c3d(str(path))["data"]["points"]
        there = points[..., 3] >= 0
        assert np.allclose(truth[:3].T[there], points[there][:, :3])


@given(
    st.floats(
        width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**99), max_value=2.0**99
    )
)
def test_dec_reals_come_back(value: float) -> None:
    read = Codec(name="dec").real(dec_real(value), 0)
    assert read == pytest.approx(value, rel=1e-7, abs=1e-37)


def test_a_dec_real_as_the_manual_has_it() -> None:
    # 1.0 is 0x4080 in the first word of a VAX F-float, 0 in the second.
    assert Codec(name="dec").real(struct.pack("<HH", 0x4080, 0), 0) == 1.0
    assert Codec(name="dec").real(struct.pack("<HH", 0xC0A0, 0), 0) == -1.25


# How many frames


def long_take(tmp_path: Path, *, header_last: int, **more: Any) -> Path:  # noqa: ANN401
    points = np.ones((70_000, 2, 4))
    writer = C3DWriter(is_float=True, points=points, header_last=header_last, **more)
    return writer.write(tmp_path / "long.c3d")


@pytest.mark.parametrize(
    ("header_last", "more"),
    [
        (70_000 % 65_536, {"point_frames": 70_000 % 65_536}),  # wrapped
        (65_535, {"point_frames": 65_535}),  # stopped at the highest, as ezc3d writes it
        (65_535, {"point_frames": 65_535, "actual": (1, 70_000)}),
        (4464, {"actual": (1, 70_000)}),
        (65_535, {"point_frames": 65_535, "long_frames": 70_000.0}),
    ],
    ids=["wrapped", "highest", "TRIAL", "TRIAL, wrapped", "LONG_FRAMES"],
)
def test_more_frames_than_16_bits_can_say(
    tmp_path: Path, header_last: int, more: dict[str, Any]
) -> None:
    path = long_take(tmp_path, header_last=header_last, **more)
    info = c3d.read_info(path)
    assert info.frame_count == 70_000
    assert c3d.read_coverage(path, info) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("header_last", [70_000 % 65_536, 65_535])
def test_a_long_take_that_is_cut_off(tmp_path: Path, header_last: int) -> None:
    """What 16 bits can say of it would still fit."""
    more = {"point_frames": header_last, "actual": (1, 70_000)}
    path = long_take(tmp_path, header_last=header_last, **more)
    path.write_bytes(path.read_bytes()[: 512 * 11 + 68_000 * 32])
    with pytest.raises(TakeError, match="holds 68000 of its 70000 frames"):
        c3d.read_info(path)


def test_a_take_that_was_shortened_and_kept_its_trials_frames(tmp_path: Path) -> None:
    writer = C3DWriter(points=np.ones((30, 1, 4)), actual=(1, 900))
    assert c3d.read_info(writer.write(tmp_path / "take.c3d")).frame_count == 30


def test_a_first_frame_that_is_not_1(tmp_path: Path) -> None:
    writer = C3DWriter(points=np.ones((30, 1, 4)), header_first=579, header_last=608)
    info = c3d.read_info(writer.write(tmp_path / "take.c3d"))
    assert (info.first_frame, info.frame_count) == (579, 30)


def test_padding_is_no_frames(tmp_path: Path) -> None:
    """Small frames: what fills up the last block would be many of them."""
    writer = C3DWriter(points=np.ones((10, 1, 4)), point_frames=10, header_last=10)
    path = writer.write(tmp_path / "take.c3d", padding=480)
    assert c3d.read_info(path).frame_count == 10


# What is refused, with one sentence


def make(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "bad.c3d"
    path.write_bytes(content)
    return path


def good_bytes(tmp_path: Path) -> bytes:
    path = tmp_path / "good.c3d"
    if not path.exists():
        ezc3d_takes.write(path, labels=LABELS, points=with_gap(len(LABELS), 50))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _good: b"", "is empty"),
        (lambda _good: b"\x02", "is no C3D"),
        (lambda _good: b"Frame,Time\n1,0.0\n" * 100, "is no C3D"),
        (lambda _good: b"glTF\x02\0\0\0" + b"x" * 600, "is no C3D"),
        (lambda good: good[:300], "cut off within its header"),
        (lambda good: good[:512], "cut off before its parameters"),
        (lambda good: good[:600], "cut off"),
        (lambda good: good[:-1500], "is cut off: it holds"),
        (lambda good: good[:515] + b"\x00" + good[516:], "byte order"),
    ],
)
def test_what_is_no_whole_c3d(tmp_path: Path, spoil: Callable[[bytes], bytes], words: str) -> None:
    path = make(tmp_path, spoil(good_bytes(tmp_path)))
    with pytest.raises(TakeError, match=words) as caught:
        c3d.read_info(path)
    assert caught.value.sentence.startswith("bad.c3d ")
    assert caught.value.sentence.endswith(".")


def test_a_take_without_points(tmp_path: Path) -> None:
    path = C3DWriter(points=np.ones((10, 0, 4))).write(tmp_path / "take.c3d")
    with pytest.raises(TakeError, match="holds no points"):
        c3d.read_info(path)


def test_a_take_without_frames(tmp_path: Path) -> None:
    writer = C3DWriter(points=np.ones((0, 2, 4)), header_first=0, header_last=0)
    with pytest.raises(TakeError, match="holds no frames"):
        c3d.read_info(writer.write(tmp_path / "take.c3d"))


@pytest.mark.parametrize("rate_hz", [0.0, -5.0, float("nan"), float("inf")])
def test_a_take_without_a_rate(tmp_path: Path, rate_hz: float) -> None:
    writer = C3DWriter(points=np.ones((5, 2, 4)), rate_hz=rate_hz)
    with pytest.raises(TakeError, match="frames there are per second"):
        c3d.read_info(writer.write(tmp_path / "take.c3d"))


@pytest.mark.parametrize("rate_hz", [1e-9, 2e6, 1e30])
def test_a_take_with_a_rate_of_no_recording(tmp_path: Path, rate_hz: float) -> None:
    """Its motion could not be read, so no job is to be paid for it."""
    writer = C3DWriter(points=np.ones((5, 2, 4)), rate_hz=rate_hz)
    with pytest.raises(TakeError, match="frames per second, as no recording has"):
        c3d.read_info(writer.write(tmp_path / "take.c3d"))


def test_files_that_the_system_does_not_give(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="does not exist"):
        c3d.read_info(tmp_path / "none.c3d")
    with pytest.raises(TakeError, match="is a folder"):
        c3d.read_info(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = make(tmp_path, b"")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(TakeError, match="permission is denied"):
        c3d.read_info(path)


def test_a_file_that_shrinks_after_it_was_looked_at(tmp_path: Path) -> None:
    good_bytes(tmp_path)
    (tmp_path / "good.c3d").rename(tmp_path / "take.c3d")
    info = c3d.read_info(tmp_path / "take.c3d")
    (tmp_path / "take.c3d").write_bytes(b"short")
    with pytest.raises(TakeError, match="changed"):
        c3d.read_coverage(tmp_path / "take.c3d", info)


# Hostile files


@pytest.mark.parametrize("link", [1, 2, 3])
def test_parameters_that_lead_into_each_other_come_to_an_end(tmp_path: Path, link: int) -> None:
    good = bytearray(good_bytes(tmp_path))
    section = good[514] * 512
    # Groups whose links point into themselves, all over the section.
    spoilt = (b"\x01\xffA" + bytes([link, 0])) * (section // 5)
    good[516 : 516 + len(spoilt)] = spoilt
    path = make(tmp_path, bytes(good))
    with effort.counted() as spent, contextlib.suppress(TakeError):
        c3d.read_info(path)
    # Some ten for each of so many groups as there is room for, however they are linked.
    assert spent.calls < 10 * section


def overlapping(count: int, dimensions: tuple[int, ...]) -> bytes:
    """A take with so many parameters, each of which reaches far into the next ones."""
    body = struct.pack("bB", 1, len(dimensions)) + bytes(dimensions)
    items = (
        struct.pack("bb", 6, 1) + b"%06d" % index + struct.pack("<H", 2 + len(body)) + body
        for index in range(count)
    )
    section = b"\x01\x50\xff\x54" + b"".join(items)
    blocks = len(section) // 512 + math.prod(dimensions) // 512 + 2
    head = struct.pack("<bb5HfHHf", 2, 0x50, 1, 0, 1, 5, 10, -1.0, blocks + 2, 0, 100.0)
    return head.ljust(512, b"\0") + section.ljust((blocks + 1) * 512, b"\0") + b"\0" * 160


@pytest.mark.parametrize("count", [5_000, 50_000])
def test_parameters_that_overlap_do_not_fill_the_memory(tmp_path: Path, count: int) -> None:
    path = make(tmp_path, overlapping(count, (255, 255, 2)))
    tracemalloc.start()
    try:
        if count > MOST_PARAMETERS:
            with pytest.raises(TakeError, match="more than 10000 parameters"):
                c3d.read_info(path)
        else:
            assert c3d.read_info(path).frame_count == 5
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_labels_are_no_more_than_the_points(tmp_path: Path) -> None:
    """Of which the last has its columns beyond what the file says of its length."""
    good = C3DWriter(points=np.ones((10, 2, 4))).write(tmp_path / "take.c3d").read_bytes()
    assert good.count(b"\x02\x04\x02P0  P1  ") == 1
    spoilt = good.replace(b"\x02\x04\x02P0  P1  ", b"\x02\x01\xffP0  P1  ")
    assert c3d.read_info(make(tmp_path, spoilt)).labels == ("P", "0")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_frame_number_that_is_none_is_passed_over(tmp_path: Path, number: float) -> None:
    writer = C3DWriter(points=np.ones((30, 1, 4)), actual_reals=(number, 30.0), long_frames=number)
    info = c3d.read_info(writer.write(tmp_path / "take.c3d"))
    assert (info.first_frame, info.frame_count) == (1, 30)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    points = np.ones((600_000, 2, 4), np.float32)
    writer = C3DWriter(points=points, header_last=65_535, actual=(1, len(points)))
    path = writer.write(tmp_path / "take.c3d")
    pieces = c3d.iter_points(path, c3d.read_info(path))
    assert len(next(pieces)) < 300_000
    os.truncate(path, 100_000)
    with pytest.raises(TakeError, match="changed while it was being read"):
        list(pieces)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(0, 6000),
)
def test_a_spoilt_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(good_bytes(folder))
    for place, value in changes:
        content[place % len(content)] = value
    path = make(folder, bytes(content[: max(1, len(content) - cut)]))
    try:
        info = c3d.read_info(path)
        coverage = c3d.read_coverage(path, info)
    except TakeError as error:
        assert "bad.c3d" in error.sentence  # noqa: PT017 - it need not raise
        return
    assert coverage.shape == (len(info.labels),)
    assert ((coverage >= 0) & (coverage <= 1)).all()


# Size


def test_a_long_take_is_read_in_pieces(tmp_path: Path) -> None:
    """72,000 frames of 41 markers: 47 MB."""
    points = np.ones((72_000, 41, 4), dtype=np.float32)
    writer = C3DWriter(is_float=True, points=points, header_last=65_535, actual=(1, 72_000))
    path = writer.write(tmp_path / "long.c3d")
    info = c3d.read_info(path)
    tracemalloc.start()
    try:
        with effort.counted() as spent:
            coverage = c3d.read_coverage(path, info)
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()
    assert spent.calls < 1_000  # for a few pieces: nothing is done frame by frame
    assert coverage.min() == 1.0
