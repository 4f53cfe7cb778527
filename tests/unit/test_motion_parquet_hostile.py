# SPDX-License-Identifier: GPL-3.0-or-later
"""Parquet files that lie: a result or one sentence, no crash, and no memory for what is not there.

Decoding happens in C++, whose memory Python does not see: bombs and mutants are read in a
process of their own, which tells how large it became.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import parquet, parquet_layout, thrift
from myosapiens_addon.motion.thrift import ThriftError
from tests.helpers import outputs
from tests.helpers.outputs import I32, parquet_by_hand, write_parquet

ROOT = Path(__file__).resolve().parents[2]
TIMES = np.arange(50) / 120.0
COLUMNS = {"time": TIMES, "knee": np.sin(TIMES), "hip": np.zeros(50)}
HUGE = 2**31 - 1
MEGABYTE = 1 << 20
SAME_FOLDER = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150
)
READ_ALL = """
import json, resource, sys
from pathlib import Path
from myosapiens_addon.errors import OutputError
from myosapiens_addon.motion import parquet
parquet.read_qpos(Path(sys.argv[1]) / "good.parquet")
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read, refused = 0, set()
for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
    try:
        parquet.read_qpos(path)
        read += 1
    except OutputError as error:
        assert error.sentence.endswith("."), error.sentence
        assert len(error.sentence) < 500, error.sentence
        refused.add(path.stem)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
print(json.dumps({"read": read, "refused": sorted(refused), "grown_kb": grown}))
"""


def read_all(folder: Path) -> dict[str, object]:
    """Read every file of a folder, `good.parquet` first, in a process of its own."""
    write_parquet(folder / "good.parquet", COLUMNS)
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def refusal(path: Path) -> str:
    with pytest.raises(OutputError) as caught:
        parquet_layout.read(path)
    return caught.value.sentence


DATA_PAGE = {2: I32(0), 3: I32(3), 4: I32(3)}
LIES: dict[str, tuple[str, Mapping[int, object], str]] = {
    "a page of gigabytes": ("page", {2: I32(HUGE)}, "a page claims 2,147,483,647 bytes"),
    "a page below nothing": ("page", {2: I32(-1)}, "a page claims -1 bytes"),
    "a page beyond the file": ("page", {3: I32(HUGE)}, "does not fit into its column"),
    "a page of another length": ("page", {3: I32(-5)}, "does not fit into its column"),
    "a page of more values": ("page", {5: {1: I32(HUGE), **DATA_PAGE}}, "does not fit"),
    "a page of fewer values": ("page", {5: {1: I32(49), **DATA_PAGE}}, "description is cut off"),
    "pages without values": ("page", {5: {1: I32(0), **DATA_PAGE}}, "description is cut off"),
    "a page of another kind": ("page", {1: I32(1)}, "does not fit into its column"),
    "a column of more values": ("column", {5: 10**12}, "too short"),
    "a column beyond the file": ("column", {7: 10**12}, "outside the file"),
    "a column before the file": ("column", {9: -40}, "outside the file"),
    "a column in another file": ("chunk", {1: b"/etc/passwd"}, "another file"),
    "a column without a place": ("chunk", {3: b"elsewhere"}, "wrong kind"),
    "a part of more rows": ("group", {3: 10**12}, "its parts do not make 50 frames"),
    "a part of fewer rows": ("group", {3: -1}, "its parts do not make"),
    "a part without columns": ("group", {1: [{2: 4}]}, "lacks columns"),
    "parts of no list": ("footer", {4: {1: 3}}, "wrong kind"),
    "more rows": ("footer", {3: 10**12}, "claims 1,000,000,000,000 frames"),
    "fewer rows than none": ("footer", {3: -1}, "no frames"),
    "rows as text": ("footer", {3: b"many"}, "unknown kind"),
    "many parts": ("footer", {4: [{3: 1}] * 20_000}, "20,000 parts"),
    "a name for all": ("schema", {4: b"time"}, "the column time twice"),
    "no name": ("schema", {4: b""}, "names a column ''"),
    "a name that is no text": ("schema", {4: b"\xff\xfe"}, "names a column"),
    "columns in columns": ("schema", {5: I32(2)}, "no plain numbers"),
    "lists": ("schema", {3: I32(2)}, "no plain numbers"),
    "no type": ("schema", {1: I32(99)}, "no plain numbers"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_seen_before_decoding(tmp_path: Path, lie: str) -> None:
    part, fields, said = LIES[lie]
    path = parquet_by_hand(tmp_path / "q.parquet", COLUMNS, **{part: fields})  # type: ignore[arg-type]
    assert said in refusal(path)


def test_a_description_of_many_columns_or_of_great_length(tmp_path: Path) -> None:
    schema = [{4: b"schema"}, *({1: I32(5), 4: b"c%d" % n} for n in range(5_000))]
    path = parquet_by_hand(tmp_path / "q.parquet", COLUMNS, footer={2: schema})
    assert "has 5000 columns" in refusal(path)
    data = path.read_bytes()
    path.write_bytes(data[:-8] + (2**32 - 1).to_bytes(4, "little") + b"PAR1")
    assert "does not fit" in refusal(path)
    path.write_bytes(
        b"PAR1" + bytes(17 * MEGABYTE) + (17 * MEGABYTE).to_bytes(4, "little") + b"PAR1"
    )
    assert "does not fit" in refusal(path)


@pytest.mark.parametrize("note", [b"garbage", b"QVJST1cx" * 50, b"", b"/////" * 100])
def test_a_damaged_note_on_types(tmp_path: Path, note: bytes) -> None:
    """What pyarrow keeps in a file's notes on the types of columns, decoded by pyarrow."""
    notes = {5: [{1: b"ARROW:schema", 2: note}]}
    path = parquet_by_hand(tmp_path / "q.parquet", COLUMNS, footer=notes)
    with pytest.raises(OutputError, match="cannot be decoded"):
        parquet.read_qpos(path)


def test_zeros_by_the_million(tmp_path: Path) -> None:
    """A few kilobytes that would become gigabytes, written by pyarrow itself."""
    zeros = pa.array(np.zeros(3_000_000))
    path = tmp_path / "q.parquet"
    pq.write_table(pa.table({"time": zeros, **{f"c{n}": zeros for n in range(7)}}), path)
    assert path.stat().st_size < MEGABYTE
    assert "claims 3,000,000 frames in" in refusal(path)
    pq.write_table(pa.table({"time": zeros, **{f"c{n}": zeros for n in range(99)}}), path)
    assert "of 100 columns, far too many" in refusal(path)
    many = pa.array(np.zeros(4_000_001, np.float32))
    pq.write_table(pa.table({"time": many, "c": many}), path)
    assert "far too many" in refusal(path)


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    for number, (part, fields, _) in enumerate(LIES.values()):
        parquet_by_hand(tmp_path / f"bomb{number}.parquet", COLUMNS, **{part: fields})  # type: ignore[arg-type]
    zeros = pa.array(np.zeros(3_000_000))
    table = pa.table({"time": zeros, **{f"c{n}": zeros for n in range(60)}})
    pq.write_table(table, tmp_path / "zeros.parquet", compression="zstd")
    told = read_all(tmp_path)
    assert told["read"] == 1
    assert len(told["refused"]) == len(LIES) + 1  # type: ignore[arg-type]
    assert told["grown_kb"] < 40 * 1024  # type: ignore[operator]


@pytest.mark.parametrize("options", [{}, {"compression": "zstd", "data_page_version": "2.0"}])
def test_mutants_are_read_or_refused(tmp_path: Path, options: Mapping[str, object]) -> None:
    """Flipped bytes, swapped pieces and cut ends of a good file; none may crash the process."""
    original = write_parquet(tmp_path / "good.parquet", COLUMNS, **options).read_bytes()
    chance = random.Random(7)
    for number in range(2_000):
        mutant = bytearray(original)
        for _ in range(chance.randint(1, 3)):
            at, other = chance.randrange(len(mutant)), chance.randrange(len(mutant))
            length = chance.choice((1, 1, 2, 8, 40))
            way = chance.randrange(4)
            if way == 0:
                mutant[at] ^= 1 << chance.randrange(8)
            elif way == 1:
                mutant[at : at + length] = mutant[other : other + length]
            elif way == 2:
                mutant[at : at + length] = chance.randbytes(length)
            else:
                del mutant[at : at + length]
        (tmp_path / f"mutant{number}.parquet").write_bytes(mutant)
    told = read_all(tmp_path)
    assert told["read"] + len(told["refused"]) == 2_001  # type: ignore[operator, arg-type]
    assert len(told["refused"]) > 1_000  # type: ignore[arg-type]
    assert told["grown_kb"] < 100 * 1024  # type: ignore[operator]


def test_every_truncation(tmp_path: Path) -> None:
    data = write_parquet(tmp_path / "q.parquet", COLUMNS).read_bytes()
    path = tmp_path / "cut.parquet"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(OutputError):
            parquet.read_qpos(path)


@SAME_FOLDER
@given(data=st.binary(max_size=300), footer=st.booleans())
def test_any_bytes(tmp_path: Path, data: bytes, footer: bool) -> None:
    path = tmp_path / "q.parquet"
    end = len(data).to_bytes(4, "little") + b"PAR1"
    path.write_bytes(b"PAR1" + data + end if footer else data)
    with pytest.raises(OutputError):
        parquet.read_qpos(path)


FIELDS = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=8),
    lambda inner: (
        st.dictionaries(st.integers(1, 30), inner, max_size=4)
        | st.integers(1, 4).flatmap(
            lambda count: st.dictionaries(st.integers(1, 9), inner, max_size=3).map(
                lambda each: [each] * count
            )
        )
    ),
    max_leaves=15,
)


@given(fields=st.dictionaries(st.integers(1, 30), FIELDS, max_size=6), extra=st.binary(max_size=4))
def test_structures_are_read_as_they_were_written(fields: dict[int, object], extra: bytes) -> None:
    coded = outputs.thrift(fields)
    found, used = thrift.read_struct(coded + extra, wanted_of(fields))
    assert found == fields
    assert used == len(coded)
    assert thrift.read_struct(coded + extra, {}) == ({}, len(coded))


def wanted_of(value: object) -> dict[int, object]:
    assert isinstance(value, dict)
    wanted: dict[int, object] = {}
    for number, inner in value.items():
        if isinstance(inner, dict):
            wanted[number] = wanted_of(inner)
        elif isinstance(inner, list):
            wanted[number] = [wanted_of(inner[0])]
        else:
            wanted[number] = type(inner)
    return wanted


@given(data=st.binary(max_size=200))
def test_any_bytes_as_a_structure(data: bytes) -> None:
    try:
        used = thrift.read_struct(data, parquet_layout.FOOTER_WANTED)[1]
    except ThriftError:
        return
    assert 0 < used <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x1c" * 100,  # a structure in a structure in a structure
        b"\x19" * 100,  # a list of lists of lists
        b"\x19\xf3\xff\xff\xff\xff\x0f",  # a list of four billion bytes
        b"\x18\xff\xff\xff\xff\x0f",  # a text of four billion bytes
        b"\x1b\xff\xff\xff\xff\x0f\x33",  # four billion pairs
        b"\x16" + b"\xff" * 20,  # a number without an end
        b"\x1e\x00",  # an unknown kind
        b"\x19\xf1\xff\xff\xff\xff\x0f" + b"\x01" * 3_000_000,  # more values than are read
    ],
)
def test_structures_that_lie(data: bytes) -> None:
    with pytest.raises(ThriftError):
        thrift.read_struct(data, {})
