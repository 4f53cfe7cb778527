# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles as tables on disk: CSV, or Parquet where pyarrow is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError
from ..files import check_writable

if TYPE_CHECKING:
    from pathlib import Path

    from ..motion.joint_angles import JointAngles

CSV, PARQUET = ".csv", ".parquet"


def check_name(path: Path) -> None:
    """Refuse a name that is none of a table.

    Raises:
        InputError: its ending is another.
    """
    if path.suffix.lower() not in (CSV, PARQUET):
        raise InputError(f"{path.name} is no table of angles; name a .csv or a .parquet file.")


def check(path: Path) -> None:
    """Find out before the work whether a table can be written there.

    Raises:
        InputError: it cannot, or its ending is none of a table.
    """
    check_name(path)
    if path.suffix.lower() == PARQUET:
        from ..motion import parquet

        parquet.load("parquet")
    check_writable(path)


def write(path: Path, found: JointAngles) -> None:
    """Write joint angles in degrees, by the ending of the name.

    Raises:
        InputError: the file cannot be written.
    """
    from ..motion import angle_files

    if path.suffix.lower() == PARQUET:
        angle_files.write_parquet(path, found)
    else:
        angle_files.write_csv(path, found)
