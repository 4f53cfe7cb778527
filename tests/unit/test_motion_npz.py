# SPDX-License-Identifier: GPL-3.0-or-later
"""The NPZ decoder: what NumPy writes is read, in whatever form; what is wrong gets one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import npz
from tests.helpers.outputs import Entry, npy, npy_of, write_zip

ANGLES = np.arange(12.0).reshape(4, 3) / 10.0
NAMES = np.array(["hip", "knee", "ankle"])


def saved(path: Path, **arrays: object) -> Path:
    given = {"joint_angles": ANGLES, "joint_names": NAMES, **arrays}
    np.savez(path, **{name: array for name, array in given.items() if array is not None})
    return path


def by_hand(path: Path, angles: bytes, **entry: object) -> Path:
    entries = [
        Entry("joint_angles.npy", angles, **entry),  # type: ignore[arg-type]
        Entry("joint_names.npy", npy(NAMES)),
    ]
    return write_zip(path, entries)


def refusal(path: Path) -> str:
    with pytest.raises(OutputError) as caught:
        npz.read(path)
    sentence = caught.value.sentence
    assert path.name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_real_file(walk: Path) -> None:
    found = npz.read(walk / "output.npz")
    with np.load(walk / "output.npz") as wanted:
        assert np.array_equal(found.joint_angles, wanted["joint_angles"])
        assert list(found.joint_names) == wanted["joint_names"].tolist()
    assert found.frame_count == 412
    assert (found.metadata, found.notes, found.rate_hz) == ({}, (), None)


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8", ">f8", "<i2", ">i4", "<i8", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_number_types_and_orders(tmp_path: Path, kind: str, order: str) -> None:
    angles = np.array(np.arange(12).reshape(4, 3), dtype=kind, order=order)  # type: ignore[call-overload]
    found = npz.read(saved(tmp_path / "o.npz", joint_angles=angles)).joint_angles
    assert found.dtype == np.float64
    assert found.dtype.isnative
    assert np.array_equal(found, np.arange(12).reshape(4, 3))


@pytest.mark.parametrize("order", ["C", "F"])
def test_three_angles_per_joint(tmp_path: Path, order: str) -> None:
    angles = np.array(np.arange(36.0).reshape(4, 3, 3), order=order)  # type: ignore[call-overload]
    found = npz.read(saved(tmp_path / "o.npz", joint_angles=angles))
    assert np.array_equal(found.joint_angles, np.arange(36.0).reshape(4, 3, 3))


@pytest.mark.parametrize(
    "names",
    [
        NAMES.astype(">U9"),
        NAMES.astype("S5"),
        np.array([name.encode() for name in ("hüfte", "knie", "fuß")]),
        np.array(["左膝", "右膝", "腰"]),
    ],
)
def test_names_as_text_or_bytes(tmp_path: Path, names: np.ndarray) -> None:
    wanted = [n.decode() if isinstance(n, bytes) else n for n in names.tolist()]
    assert list(npz.read(saved(tmp_path / "o.npz", joint_names=names)).joint_names) == wanted


def test_packed_archives_and_later_formats(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "packed.npz", joint_angles=ANGLES, joint_names=NAMES)
    assert np.array_equal(npz.read(tmp_path / "packed.npz").joint_angles, ANGLES)
    description = "{'shape': (4, 3), 'fortran_order': False, 'descr': '<f8'}\n"
    for version in (2, 3):
        data = npy_of(description, ANGLES.tobytes(), version)
        path = by_hand(tmp_path / f"{version}.npz", data, packed=True)
        assert np.array_equal(npz.read(path).joint_angles, ANGLES)


def test_a_large_packed_member_comes_out_whole(tmp_path: Path) -> None:
    angles = np.random.default_rng(0).normal(size=(60_000, 3)).cumsum(axis=0)
    np.savez_compressed(tmp_path / "o.npz", joint_angles=angles, joint_names=NAMES)
    assert np.array_equal(npz.read(tmp_path / "o.npz").joint_angles, angles)


def test_an_archive_with_a_comment(tmp_path: Path) -> None:
    path = saved(tmp_path / "o.npz")
    data = path.read_bytes()
    path.write_bytes(data[:-2] + (5).to_bytes(2, "little") + b"hello")
    assert npz.read(path).joint_names == ("hip", "knee", "ankle")


METADATA = {"fps": 120.0, "subject": "35"}
READABLE = {
    "text": np.array(json.dumps(METADATA)),
    "bytes": np.array(json.dumps(METADATA).encode()),
    "an array of bytes": np.frombuffer(json.dumps(METADATA).encode(), np.uint8),
    "an array of one": np.array([json.dumps(METADATA)]),
}


@pytest.mark.parametrize("form", READABLE)
def test_metadata(tmp_path: Path, form: str) -> None:
    found = npz.read(saved(tmp_path / "o.npz", metadata=READABLE[form]))
    assert found.metadata == METADATA
    assert found.rate_hz == 120.0
    assert found.notes == ()


ODD = {
    "a pickled dict": np.array(METADATA, dtype=object),
    "no JSON": np.array("fps = 120"),
    "a JSON list": np.array("[1]"),
    "deeper than can be read": np.array("[" * 100_000),
    "two texts": np.array(["{}", "{}"]),
    "numbers": np.array([1.5, 2.5]),
    "bytes that are no text": np.array([255, 254, 0], np.uint8),
    "text of no characters": np.array([0x7FFFFFFF], np.uint32).view("<U1"),
    "two megabytes": np.array("{}" + " " * 600_000),
}


@pytest.mark.parametrize("form", ODD)
def test_odd_metadata_are_passed_over_with_a_note(tmp_path: Path, form: str) -> None:
    found = npz.read(saved(tmp_path / "o.npz", metadata=ODD[form]))
    assert found.metadata == {}
    assert len(found.notes) == 1
    assert "o.npz" in found.notes[0]


@pytest.mark.parametrize("key", ["fps", "rate", "capture_rate", "framerate", "FPS"])
def test_the_rate_is_found_under_several_keys(tmp_path: Path, key: str) -> None:
    text = np.array(json.dumps({key: 100}))
    assert npz.read(saved(tmp_path / "o.npz", metadata=text)).rate_hz == 100.0


@pytest.mark.parametrize("value", ["0", "-3", "true", '"120"', "NaN", "Infinity", "1" + "0" * 400])
def test_a_rate_that_is_none_is_not_one(tmp_path: Path, value: str) -> None:
    text = np.array(f'{{"fps": {value}}}')
    assert npz.read(saved(tmp_path / "o.npz", metadata=text)).rate_hz is None


WRONG = {
    "no angles": ({"joint_angles": None}, "has no array joint_angles (it holds 'joint_names')"),
    "no names": ({"joint_names": None}, "has no array joint_names"),
    "one axis": ({"joint_angles": ANGLES[0]}, "shape (3,)"),
    "four angles": ({"joint_angles": np.zeros((4, 3, 4))}, "shape (4, 3, 4)"),
    "no frames": ({"joint_angles": ANGLES[:0]}, "no frames"),
    "no joints": ({"joint_angles": ANGLES[:, :0], "joint_names": NAMES[:0]}, "no joints"),
    "too few names": ({"joint_names": NAMES[:2]}, "2 joint names for 3 joints"),
    "names in a table": ({"joint_names": NAMES[None]}, "shape (1, 3)"),
    "a name twice": ({"joint_names": NAMES[[0, 1, 0]]}, "the joint hip twice"),
    "no name": ({"joint_names": np.array(["hip", " ", "ankle"])}, "names a joint ' '"),
    "a name with a control character": ({"joint_names": np.array(["a", "b\n", "c"])}, "b\\n"),
    "NaN": ({"joint_angles": ANGLES * np.nan}, "no numbers"),
    "infinity": ({"joint_angles": ANGLES + np.inf}, "no numbers"),
    "complex numbers": ({"joint_angles": ANGLES + 1j}, "c16"),
    "truth values": ({"joint_angles": ANGLES > 0}, "b1"),
    "text": ({"joint_angles": ANGLES.astype("U9")}, "U9"),
    "numbers for names": ({"joint_names": np.arange(3)}, "i8"),
    "pickled angles": ({"joint_angles": ANGLES.astype(object)}, "never loaded"),
    "pickled names": ({"joint_names": NAMES.astype(object)}, "never loaded"),
    "fields": ({"joint_angles": np.zeros((4, 3), [("a", "f8")])}, "no plain array"),
    "names that are no text": ({"joint_names": np.array([b"\xff", b"b", b"c"])}, "no text"),
    "names beyond Unicode": (
        {"joint_names": np.full((3, 4), 0x110000, np.uint32).view("<U4")[:, 0]},
        "no text",
    ),
    "dates": ({"joint_angles": ANGLES.astype("m8[s]")}, "no plain array"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_gets_one_sentence(tmp_path: Path, wrong: str) -> None:
    arrays, said = WRONG[wrong]
    assert said in refusal(saved(tmp_path / "o.npz", **arrays))


def test_other_files(tmp_path: Path) -> None:
    for data in (b"", b"PK", b"\x93NUMPY", b"glTF" * 30, b"\x00" * 70_000):
        path = tmp_path / "o.npz"
        path.write_bytes(data)
        assert "is no .npz file" in refusal(path)
    assert "cannot be read" in refusal(tmp_path / "missing.npz")
    (tmp_path / "folder.npz").mkdir()
    assert "cannot be read" in refusal(tmp_path / "folder.npz")


CLAIMS = {
    "locked": ({"flags": 1}, "password"),
    "another method": ({"method": 14}, "method"),
    "a wrong check sum": ({"checksum": 1}, "check sum"),
    "another place": ({"offset": 10**9}, "not where it should be"),
    "fewer bytes": ({"size": 50}, "cut off within joint_angles"),
    "more bytes": ({"size": 10_000}, "does not fit"),
    "more bytes than any": ({"size": 2**32 - 1}, "far too many"),
    "a few packed bytes": ({"packed_size": 20, "packed": True}, "cut off within joint_angles"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_lies_of_the_directory(tmp_path: Path, claim: str) -> None:
    given, said = CLAIMS[claim]
    assert said in refusal(by_hand(tmp_path / "o.npz", npy(ANGLES), **given))


def test_two_members_of_one_name(tmp_path: Path) -> None:
    twice = [Entry("joint_angles.npy", npy(ANGLES)), Entry("joint_angles.npy", npy(ANGLES * 2))]
    path = write_zip(tmp_path / "o.npz", [*twice, Entry("joint_names.npy", npy(NAMES))])
    assert "joint_angles twice" in refusal(path)


@pytest.mark.parametrize("cut", [30, 200, 400, 500, -5])
def test_a_download_that_broke_off(tmp_path: Path, cut: int) -> None:
    path = saved(tmp_path / "o.npz")
    path.write_bytes(path.read_bytes()[:cut])
    assert "is cut off" in refusal(path)
