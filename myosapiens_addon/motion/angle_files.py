# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles as files that spreadsheets, pandas and gait software read.

Time is in seconds, angles in degrees, slides in metres. A CSV file says so in its header
(`time [s]`, `knee_flex_r [deg]`, `patella_ty_r [m]`), for it has no other place; a Parquet file
has the plain names (`time`, `knee_flex_r`) and each column's unit in its metadata (`unit`).
Numbers have all their digits and a decimal point whatever the locale.
"""

from __future__ import annotations

import csv
import importlib
from typing import TYPE_CHECKING

import numpy as np

from ..files import replacing_for_user
from . import parquet

if TYPE_CHECKING:
    from pathlib import Path

    from .joint_angles import JointAngles
    from .motion import FloatArray

TIME, SECONDS, DEGREES, METRES = "time", "s", "deg", "m"


def write_csv(path: Path, angles: JointAngles) -> None:
    """Write comma-separated text, UTF-8, one line per frame after the header.

    Raises:
        InputError: the file cannot be written.
    """
    header = [f"{name} [{unit}]" for name, unit in _columns(angles)]
    with (
        replacing_for_user(path) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in _table(angles):
            writer.writerow([repr(value) for value in row.tolist()])


def write_parquet(path: Path, angles: JointAngles) -> None:
    """Write a Parquet file of 64-bit floats.

    Raises:
        InputError: pyarrow is missing, or the file cannot be written.
    """
    writing = parquet.load("parquet")
    arrow = importlib.import_module("pyarrow")
    fields = [
        arrow.field(name, arrow.float64(), nullable=False, metadata={"unit": unit})
        for name, unit in _columns(angles)
    ]
    columns = [arrow.array(column) for column in np.ascontiguousarray(_table(angles).T)]
    table = arrow.Table.from_arrays(columns, schema=arrow.schema(fields))
    with replacing_for_user(path) as unfinished:
        writing.write_table(table, str(unfinished))


def _columns(angles: JointAngles) -> list[tuple[str, str]]:
    """Name and unit of each column."""
    return [
        (TIME, SECONDS),
        *((name, DEGREES) for name in angles.names),
        *((name, METRES) for name in angles.slide_names),
    ]


def _table(angles: JointAngles) -> FloatArray:
    """(F, 1 + K + S) in the units of `_columns`."""
    columns = [angles.times[:, None], np.degrees(angles.values)]
    if angles.slide_names:
        columns.append(angles.slide_values)
    return np.concatenate(columns, axis=1)
