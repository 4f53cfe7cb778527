# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles as files: readable by others, to the last digit, and whole or not there."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.motion import angle_files, joint_angles, npz, parquet
from myosapiens_addon.motion.joint_angles import JointAngles

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(4)
NAMES = ("knee_flex_r", 'odd, "name"', "左膝")
ANGLES = JointAngles(
    times=np.arange(30) / 120.0,
    names=NAMES,
    values=RNG.normal(size=(30, 3)) * [1.0, 1e-9, 1e6],
    slide_names=("patella_ty_r",),
    slide_values=RNG.normal(size=(30, 1)) / 100.0,
)
WRITERS = (angle_files.write_csv, angle_files.write_parquet)
Writer = Callable[[Path, JointAngles], None]


def test_csv_to_the_last_digit(tmp_path: Path) -> None:
    path = tmp_path / "angles.csv"
    angle_files.write_csv(path, ANGLES)
    data = path.read_bytes()
    assert b"\r" not in data
    assert data.endswith(b"\n")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [
        "time [s]", "knee_flex_r [deg]", 'odd, "name" [deg]', "左膝 [deg]", "patella_ty_r [m]",
    ]  # fmt: skip
    found = np.array([[float(cell) for cell in row] for row in rows])
    assert np.array_equal(found[:, 0], ANGLES.times)
    assert np.array_equal(found[:, 1:4], np.degrees(ANGLES.values))
    assert np.array_equal(found[:, 4:], ANGLES.slide_values)


def test_csv_as_pyarrow_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "angles.csv"
    angle_files.write_csv(path, ANGLES)
    table = pyarrow.csv.read_csv(path)
    assert {str(kind) for kind in table.schema.types} == {"double"}
    assert np.array_equal(table["左膝 [deg]"].to_numpy(), np.degrees(ANGLES.values[:, 2]))


def test_parquet_has_plain_names_and_units(tmp_path: Path) -> None:
    path = tmp_path / "angles.parquet"
    angle_files.write_parquet(path, ANGLES)
    table = pq.read_table(path)
    assert table.column_names == ["time", *NAMES, "patella_ty_r"]
    units = [table.schema.field(place).metadata[b"unit"] for place in range(5)]
    assert units == [b"s", b"deg", b"deg", b"deg", b"m"]
    assert set(table.schema.types) == {pa.float64()}
    assert np.array_equal(table["knee_flex_r"].to_numpy(), np.degrees(ANGLES.values[:, 0]))
    again = parquet.read_qpos(path)
    assert np.array_equal(again.times, ANGLES.times)
    assert np.array_equal(again.values[:, 3:], ANGLES.slide_values)


def test_a_real_take_in_both(tmp_path: Path, walk: Path) -> None:
    angles = joint_angles.from_npz(npz.read(walk / "output.npz"), rate_hz=120.0)
    angle_files.write_csv(tmp_path / "a.csv", angles)
    angle_files.write_parquet(tmp_path / "a.parquet", angles)
    one = pyarrow.csv.read_csv(tmp_path / "a.csv")
    other = pq.read_table(tmp_path / "a.parquet")
    assert one.num_columns == other.num_columns == 119
    for place in range(119):
        # Reading decimals, pyarrow may miss the last bit; Python does not (see above).
        np.testing.assert_allclose(one[place].to_numpy(), other[place].to_numpy(), rtol=1e-15)
    wanted = np.degrees(angles.values[:, angles.names.index("knee_flex_r")])
    assert np.array_equal(other["knee_flex_r"].to_numpy(), wanted)


@pytest.mark.parametrize("write", WRITERS)
def test_places_that_cannot_be_written(tmp_path: Path, write: Writer) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "a file").touch()
    for path in (tmp_path / "taken", tmp_path / "a file" / "a"):
        with pytest.raises(InputError) as caught:
            write(path, ANGLES)
        assert str(path) in caught.value.sentence
        assert "cannot be written" in caught.value.sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "taken"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from myosapiens_addon.errors import InputError
from myosapiens_addon.motion import angle_files
from myosapiens_addon.motion.joint_angles import JointAngles
values = np.random.default_rng(0).normal(size=(20_000, 3))
angles = JointAngles(times=np.arange(20_000.0), names=("a", "b", "c"), values=values)
if sys.argv[2] == "write_parquet":
    import pyarrow.parquet
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
try:
    getattr(angle_files, sys.argv[2])(Path(sys.argv[1]), angles)
except InputError as error:
    print(error.sentence)
"""


@pytest.mark.parametrize("write", WRITERS)
def test_a_disk_that_is_full_leaves_the_file_of_before(tmp_path: Path, write: Writer) -> None:
    pytest.importorskip("resource")
    path = tmp_path / "angles"
    path.write_text("of before")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), write.__name__],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert "cannot be written" in done.stdout
    assert path.read_text() == "of before"
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(InputError, match="pyarrow, which is not here"):
        angle_files.write_parquet(tmp_path / "a.parquet", ANGLES)
    assert not list(tmp_path.iterdir())
    angle_files.write_csv(tmp_path / "a.csv", ANGLES)
