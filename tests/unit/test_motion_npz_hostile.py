# SPDX-License-Identifier: GPL-3.0-or-later
"""NPZ files that lie: a result or one sentence, and no more memory than the file is worth."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import npz
from tests.helpers.outputs import Entry, npy, npy_of, write_zip

ANGLES = np.linspace(0.0, 1.0, 60).reshape(20, 3)
NAMES = np.array(["hip", "knee", "ankle"])
MEGABYTE = 1 << 20
SAME_FOLDER = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200
)


def original(*, packed: bool) -> bytes:
    buffer = io.BytesIO()
    save = np.savez_compressed if packed else np.savez
    save(buffer, joint_angles=ANGLES, joint_names=NAMES, metadata=np.array('{"fps": 120}'))
    return buffer.getvalue()


def outcome(path: Path) -> npz.NpzOutput | None:
    """What is read, which then is whole; or nothing, after one sentence."""
    found, sentence = None, "."
    try:
        found = npz.read(path)
    except OutputError as error:
        sentence = error.sentence
    assert sentence.endswith(".")
    assert len(sentence) < 500
    if found is None:
        return None
    assert found.joint_angles.shape[1] == len(found.joint_names)
    assert np.all(np.isfinite(found.joint_angles))
    return found


def peak_bytes(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zeros(path: Path, megabytes: int, member: str = "joint_angles.npy") -> Path:
    """A member of so many megabytes of zeros, packed a thousand to one, with a true description."""
    rows = megabytes * MEGABYTE // 8 // 64
    head = npy(np.zeros((0, 64))).replace(b"(0, 64)", f"({rows}, 64)".encode())
    start = head[:10] + head[10:].rstrip(b" \n").ljust(128 - 10 - 1) + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(member, "w") as file:
            file.write(start)
            for _ in range(megabytes):
                file.write(bytes(MEGABYTE))
        names = np.array([f"joint_{number}" for number in range(64)])
        archive.writestr("joint_names.npy", npy(names))
        if member != "joint_angles.npy":
            archive.writestr("joint_angles.npy", npy(np.zeros((2, 64))))
    return path


def test_zeros_are_read_up_to_where_they_are_a_bomb(tmp_path: Path) -> None:
    assert npz.read(zeros(tmp_path / "small.npz", 4)).joint_angles.shape == (8192, 64)
    path = zeros(tmp_path / "bomb.npz", 200)
    assert path.stat().st_size < MEGABYTE
    assert peak_bytes(lambda: outcome(path)) < 2 * MEGABYTE
    with pytest.raises(OutputError, match="times its packed size"):
        npz.read(path)


def test_a_bomb_whose_directory_says_little(tmp_path: Path) -> None:
    data = npy(np.zeros((100 * MEGABYTE // 8 // 3, 3)))
    entries = [
        Entry("joint_angles.npy", data, packed=True, size=1_000),
        Entry("joint_names.npy", npy(NAMES)),
    ]
    path = write_zip(tmp_path / "o.npz", entries)
    del data, entries
    assert peak_bytes(lambda: outcome(path)) < 4 * MEGABYTE
    assert outcome(path) is None


def test_a_bomb_of_metadata_is_not_opened(tmp_path: Path) -> None:
    path = zeros(tmp_path / "o.npz", 100, "metadata.npy")
    assert peak_bytes(lambda: npz.read(path)) < 2 * MEGABYTE
    assert len(npz.read(path).notes) == 1


def test_ten_thousand_members_are_not_listed(tmp_path: Path) -> None:
    member = Entry("a.npy", b"")
    path = write_zip(tmp_path / "o.npz", [member] * 10_000)
    assert peak_bytes(lambda: outcome(path)) < 2 * MEGABYTE
    with pytest.raises(OutputError, match="10000 arrays"):
        npz.read(path)


def test_a_directory_of_fewer_members_than_it_counts(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "o.npz", [Entry("joint_angles.npy", npy(ANGLES))], count=3)
    with pytest.raises(OutputError, match="its directory"):
        npz.read(path)


DESCRIPTIONS = {
    "more numbers than bytes": "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000, 3), }",
    "petabytes": "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999), }",
    "no bytes": "{'descr': '<U0', 'fortran_order': False, 'shape': (99999999999,), }",
    "no rows of many": "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 999999999999), }",
    "many of none": "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999, 0), }",
    "below nothing": "{'descr': '<f8', 'fortran_order': False, 'shape': (-20, -3), }",
    "many axes": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1, ' * 60}), }}",
    "one number": "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
    "a long type": "{'descr': '<U999999999', 'fortran_order': False, 'shape': (1, 1), }",
    "a called thing": "__import__('os').system('false')",
    "deep brackets": "(" * 60_000,
    "nothing": "",
}


@pytest.mark.parametrize("form", DESCRIPTIONS)
def test_descriptions_that_lie(tmp_path: Path, form: str) -> None:
    entries = [
        Entry("joint_angles.npy", npy_of(DESCRIPTIONS[form], ANGLES.tobytes())),
        Entry("joint_names.npy", npy(NAMES)),
    ]
    path = write_zip(tmp_path / "o.npz", entries)
    assert peak_bytes(lambda: outcome(path)) < MEGABYTE
    assert outcome(path) is None


def test_a_description_longer_than_the_file(tmp_path: Path) -> None:
    data = b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + b"{'descr': "
    entries = [Entry("joint_angles.npy", data), Entry("joint_names.npy", npy(NAMES))]
    path = write_zip(tmp_path / "o.npz", entries)
    assert peak_bytes(lambda: outcome(path)) < MEGABYTE
    assert outcome(path) is None


def test_the_same_bytes_as_both_arrays(tmp_path: Path) -> None:
    data = npy(ANGLES)
    entries = [Entry("joint_angles.npy", data), Entry("joint_names.npy", data, offset=0)]
    assert outcome(write_zip(tmp_path / "o.npz", entries)) is None


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("member", ["joint_angles", "joint_names", "metadata"])
def test_nothing_is_unpickled(tmp_path: Path, member: str) -> None:
    mark = tmp_path / "mark"
    trap = np.array(Trap(mark), dtype=object)
    arrays = {"joint_angles": ANGLES, "joint_names": NAMES, member: trap}
    np.savez(tmp_path / "o.npz", **arrays)
    outcome(tmp_path / "o.npz")
    assert not mark.exists()
    np.load(tmp_path / "o.npz", allow_pickle=True)[member]
    assert mark.exists(), "the trap would not have worked"


@pytest.mark.parametrize("packed", [False, True])
def test_every_truncation(tmp_path: Path, packed: bool) -> None:
    data = original(packed=packed)
    path = tmp_path / "o.npz"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert outcome(path) is None, length


@pytest.mark.parametrize("packed", [False, True])
def test_every_byte_turned_over(tmp_path: Path, packed: bool) -> None:
    """What is read in spite of it is what was written: the check sums see the rest."""
    data = original(packed=packed)
    path = tmp_path / "o.npz"
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes((data[place] ^ 0xFF,)) + data[place + 1 :])
        found = outcome(path)
        if found is not None:
            assert np.array_equal(found.joint_angles, ANGLES), place
            assert found.joint_names == tuple(NAMES.tolist()), place


@SAME_FOLDER
@given(
    data=st.data(),
    packed=st.booleans(),
    edits=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=6)), min_size=1, max_size=6),
)
def test_mutations(
    tmp_path: Path, data: st.DataObject, packed: bool, edits: list[tuple[int, bytes]]
) -> None:
    mutant = bytearray(original(packed=packed))
    for place, piece in edits:
        at = place % len(mutant)
        mutant[at : at + (len(piece) if data.draw(st.booleans()) else 0)] = piece
    path = tmp_path / "o.npz"
    path.write_bytes(mutant)
    outcome(path)


@SAME_FOLDER
@given(description=st.text(max_size=200), body=st.binary(max_size=100), version=st.integers(0, 9))
@example("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3)}", bytes(24), 1)
def test_any_description(tmp_path: Path, description: str, body: bytes, version: int) -> None:
    entries = [
        Entry("joint_angles.npy", npy_of(description, body, version)),
        Entry("joint_names.npy", npy(NAMES)),
    ]
    outcome(write_zip(tmp_path / "o.npz", entries))


@SAME_FOLDER
@given(data=st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "o.npz"
    path.write_bytes(data)
    assert outcome(path) is None
