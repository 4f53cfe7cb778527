# SPDX-License-Identifier: GPL-3.0-or-later
"""The Parquet decoder: what pyarrow writes is read, in whatever form, or refused in a sentence."""

from __future__ import annotations

import decimal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from myosapiens_addon.errors import InputError, MyoSapiensError, OutputError
from myosapiens_addon.motion import parquet, parquet_layout
from tests.helpers.outputs import I32, parquet_by_hand, thrift, write_parquet

TIMES = np.arange(4) / 120.0
KNEE = np.linspace(0.0, 1.0, 4)
ROOT = {f"root_{axis}": np.full(4, float(place)) for place, axis in enumerate("xyz")}


def refusal(path: Path, *, heads: bool = False) -> str:
    with pytest.raises(MyoSapiensError) as caught:
        parquet.read_xpos(path) if heads else parquet.read_qpos(path)
    sentence = caught.value.sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_real_coordinates(walk: Path) -> None:
    found = parquet.read_qpos(walk / "qpos.parquet")
    wanted = pq.read_table(walk / "qpos.parquet")
    assert found.names == tuple(wanted.column_names[1:])
    assert np.array_equal(found.times, wanted["time"].to_numpy())
    for place, name in enumerate(found.names):
        assert np.array_equal(found.values[:, place], wanted[name].to_numpy())


def test_real_body_origins(walk: Path) -> None:
    found = parquet.read_xpos(walk / "xpos.parquet")
    wanted = pq.read_table(walk / "xpos.parquet")
    assert "world" not in found.names
    assert found.positions.shape == (412, 71, 3)
    for place, body in enumerate(found.names):
        for axis, letter in enumerate("xyz"):
            column = wanted[f"{body}_{letter}"].to_numpy()
            assert np.array_equal(found.positions[:, place, axis], column)


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_ways_of_writing(tmp_path: Path, compression: str, version: str, dictionary: bool) -> None:
    frames = np.arange(5_000)
    columns = {"time": frames / 100.0, "knee": np.sin(frames), "hip": np.zeros(5_000)}
    path = write_parquet(
        tmp_path / "qpos.parquet",
        columns,
        compression=compression,
        data_page_version=version,
        use_dictionary=dictionary,
        row_group_size=1_900,
        data_page_size=512,
    )
    found = parquet.read_qpos(path)
    assert np.array_equal(found.values[:, 0], columns["knee"])
    assert np.array_equal(found.times, columns["time"])


@pytest.mark.parametrize("encoding", ["BYTE_STREAM_SPLIT", "PLAIN"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    columns = {"time": TIMES, "knee": KNEE}
    path = tmp_path / "q.parquet"
    write_parquet(path, columns, use_dictionary=False, column_encoding=encoding)
    assert np.array_equal(parquet.read_qpos(path).values[:, 0], KNEE)


KINDS = {
    "float": pa.array(KNEE, pa.float32()),
    "half": pa.array(KNEE.astype(np.float16)),
    "integer": pa.array([1, 2, 3, 4], pa.int16()),
    "unsigned": pa.array([1, 2, 3, 2**63], pa.uint64()),
    "decimal": pa.array([decimal.Decimal(n) / 4 for n in range(4)], pa.decimal128(20, 4)),
    "long decimal": pa.array([decimal.Decimal(n) / 4 for n in range(4)], pa.decimal256(60, 4)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_numbers(tmp_path: Path, kind: str) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"time": TIMES, "knee": KINDS[kind]})
    wanted = [float(value) for value in KINDS[kind].to_pylist()]
    assert parquet.read_qpos(path).values[:, 0].tolist() == wanted


OTHERS = {
    "text": pa.array(["a", "b", "c", "d"]),
    "a dictionary": pa.array(["a", "b", "a", "b"]).dictionary_encode(),
    "a list": pa.array([[1.0], [2.0], [3.0], [4.0]]),
    "a structure": pa.array([{"a": 1.0}] * 4),
    "moments": pa.array([0, 1, 2, 3], pa.timestamp("ms")),
    "truth": pa.array([True, False, True, False]),
    "bytes of a length": pa.array([b"12345678"] * 4, pa.binary(8)),
    "nothing": pa.nulls(4),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("column", ["time", "knee"])
def test_columns_that_are_no_numbers(tmp_path: Path, kind: str, column: str) -> None:
    columns = {"time": TIMES, "knee": KNEE, column: OTHERS[kind]}
    said = refusal(write_parquet(tmp_path / "q.parquet", columns))
    assert "no plain numbers" in said or "gaps" in said


def test_gaps_and_no_numbers(tmp_path: Path) -> None:
    for value in (None, float("nan"), float("inf")):
        knee = pa.array([0.0, value, 1.0, 2.0])
        path = write_parquet(tmp_path / "q.parquet", {"time": TIMES, "knee": knee})
        assert "gaps or no finite numbers in the column knee" in refusal(path)


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.1, 0.2], [0.3, 0.2, 0.1, 0.0]])
def test_times_must_rise(tmp_path: Path, times: list[float]) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"time": times, "knee": KNEE})
    assert "do not rise" in refusal(path)


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"time": TIMES + 4.825, "knee": KNEE})
    np.testing.assert_allclose(parquet.read_qpos(path).times, TIMES, atol=1e-12)


def test_what_the_columns_must_be(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"knee": KNEE, "time": TIMES})
    assert "begins with the column knee" in refusal(path)
    assert "no column besides the time" in refusal(write_parquet(path, {"time": TIMES}))
    assert "no frames" in refusal(write_parquet(path, {"time": TIMES[:0], "knee": KNEE[:0]}))
    twice = pa.Table.from_arrays([pa.array(TIMES), *[pa.array(KNEE)] * 2], ["time", "a", "a"])
    pq.write_table(twice, path)
    assert "the column a twice" in refusal(path)


def test_bodies_in_any_order_without_the_world(tmp_path: Path) -> None:
    world = {f"world_{axis}": np.zeros(4) for axis in "xyz"}
    columns = {"time": TIMES, "frame": np.arange(4), "knee_z": KNEE + 2, **world, **ROOT}
    columns |= {"knee_x": KNEE, "knee_y": KNEE + 1}
    found = parquet.read_xpos(write_parquet(tmp_path / "x.parquet", columns))
    assert found.names == ("knee", "root")
    assert np.array_equal(found.positions[:, 0], np.stack([KNEE, KNEE + 1, KNEE + 2], axis=1))
    assert np.array_equal(found.positions[:, 1], np.tile([0.0, 1.0, 2.0], (4, 1)))


def test_bodies_that_are_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_parquet(path, {"time": TIMES, **ROOT, "knee_x": KNEE})
    assert "coordinates of the body knee" in refusal(path, heads=True)
    write_parquet(path, {"time": TIMES, "knee": KNEE})
    assert "no columns <body>_x" in refusal(path, heads=True)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"time": TIMES, "knee": KNEE})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert not parquet.available()
    said = refusal(path)
    assert "parquet flavour" in said
    assert "motion.glb" in said


def test_with_a_pyarrow_that_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"time": TIMES, "knee": KNEE})
    assert parquet.available()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match="in working order"):
        parquet.read_qpos(path)


def test_with_a_pyarrow_that_files_can_make_run_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path / "q.parquet", {"time": TIMES, "knee": KNEE})
    monkeypatch.setattr(pa, "__version__", "14.0.0")
    assert "14.0.0 is older than 15" in refusal(path)


def test_reading_starts_no_pyarrow_for_what_is_wrong_anyway(tmp_path: Path) -> None:
    for data, said in (
        (b"", "no Parquet file"),
        (b"PAR1PAR1", "no Parquet file"),
        (b"glTF" * 20, "no Parquet file"),
        (b"PARE" + b"\x00" * 40, "is encrypted"),
        (b"PAR1" + b"\x00" * 40, "is cut off"),
    ):
        path = tmp_path / "q.parquet"
        path.write_bytes(data)
        with pytest.raises(OutputError, match=said):
            parquet_layout.read(path)
    with pytest.raises(OutputError, match="cannot be read"):
        parquet_layout.read(tmp_path / "missing.parquet")


def test_the_layout_is_what_pyarrow_sees(tmp_path: Path) -> None:
    columns = {"time": np.arange(900) / 9.0, "knee": np.random.default_rng(1).normal(size=900)}
    path = write_parquet(tmp_path / "q.parquet", columns, row_group_size=70)
    seen = pq.ParquetFile(path).metadata
    layout = parquet_layout.read(path)
    assert (layout.rows, layout.columns) == (seen.num_rows, tuple(columns))


def test_files_by_hand_are_sane(tmp_path: Path) -> None:
    """What the lies in the hostile tests are told with is understood by pyarrow."""
    path = parquet_by_hand(tmp_path / "q.parquet", {"time": TIMES, "knee": KNEE})
    assert pq.read_table(path)["knee"].to_pylist() == KNEE.tolist()
    assert parquet.read_qpos(path).values[:, 0].tolist() == KNEE.tolist()
    assert thrift({1: I32(-3)}) == b"\x05\x02\x05\x00"
