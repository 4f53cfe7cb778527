# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line run here, with what it says and writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.blender import headless
from tests.helpers import solved
from tests.helpers.c3d_writer import C3DWriter
from tests.helpers.solved import Solved

NEAR_RAD = 1e-6


OF_NPZ = {*solved.HINGES, *solved.SHOULDER_ANGLES}


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, object]:
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("ERROR")]


Run = Callable[..., Said]


@pytest.fixture(name="run")
def run_fixture(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str | Path) -> Said:
        headless.flush()
        capfd.readouterr()
        code = headless.main([str(word) for word in words], program="test")
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    return call


def folder_of(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def table(path: Path) -> tuple[list[str], np.ndarray]:
    """Header and values of a table on disk."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        return rows[0], np.array(rows[1:], float)
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not in this Python")
    found = parquet.read_table(path)
    values = np.stack([column.to_numpy() for column in found.columns], axis=1)
    return found.column_names, values


def assert_angles(path: Path, take: Solved, names: set[str] = OF_NPZ) -> None:
    header, values = table(path)
    if "patella_ty_r [m]" in header:
        column = header.index("patella_ty_r [m]")
        np.testing.assert_allclose(values[:, column], take.values["patella_ty_r"], atol=1e-9)
        header, values = header[:column] + header[column + 1 :], np.delete(values, column, axis=1)
    end = " [deg]" if path.suffix == ".csv" else ""
    assert header[0] == ("time [s]" if end else "time")
    np.testing.assert_allclose(values[:, 0], take.times, atol=1e-9)
    truth = take.angles() | {solved.PATELLA[1]: take.values[solved.PATELLA[1]]}
    assert set(header[1:]) == {name + end for name in names}
    for column, name in enumerate(header[1:], start=1):
        wanted = truth[name.removesuffix(end)]
        np.testing.assert_allclose(np.radians(values[:, column]), wanted, atol=NEAR_RAD)


def c3d(path: Path, *, frames: int = 31, rate_hz: float = 120.0) -> Path:
    points = np.zeros((frames, 3, 4))
    return C3DWriter(points=points, rate_hz=rate_hz).write(path)
