# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads TRC takes (tab-separated tracks, as Motion Analysis and OpenSim write them)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import SolveError

ERROR_TYPE = "take_invalid"
FIRST_WORD = b"PathFileType"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def is_trc(path: Path) -> bool:
    """Whether a file begins as a TRC does; False for one that cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(len(BYTE_ORDER_MARK + FIRST_WORD))
    except OSError:
        return False
    return start.removeprefix(BYTE_ORDER_MARK).startswith(FIRST_WORD)


def read_trc(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64], float, str]:
    """Labels, points (frames, points, 3) in the file's unit (NaN: not seen), rate (Hz) and unit.

    Raises:
        SolveError: `take_invalid`, for a file that is no TRC or has no frames.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise SolveError(
            ERROR_TYPE, f"The take {path.name} cannot be read: {error.strerror}."
        ) from error
    if len(lines) < 6:
        raise SolveError(ERROR_TYPE, f"The take {path.name} is a damaged TRC file: too short.")
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    labels = _labels([word.strip() for word in lines[3].split("\t")])
    try:
        rate_hz = float(header["DataRate"])
        rows = [_row(line, len(labels)) for line in lines[5:] if line.strip()]
    except (KeyError, ValueError) as error:
        raise SolveError(
            ERROR_TYPE, f"The take {path.name} is a damaged TRC file: {error}."
        ) from error
    if not rows or not labels or rate_hz <= 0:
        raise SolveError(ERROR_TYPE, f"The take {path.name} holds no points or no frames.")
    points = np.array(rows).reshape(len(rows), len(labels), 3)
    points[(points == 0).all(axis=2)] = np.nan
    points[np.isnan(points).any(axis=2)] = np.nan
    return labels, points, rate_hz, header.get("Units", "mm")


def _labels(words: list[str]) -> tuple[str, ...]:
    """The first two columns are frame and time; every label stands over the x of its x, y, z.

    Points may have no label; and some files have their labels in neighbouring columns.
    """
    over_x = words[2::3]
    if sum(map(bool, over_x)) == sum(map(bool, words[2:])):
        while over_x and not over_x[-1]:
            over_x.pop()
        return tuple(over_x)
    return tuple(word for word in words[2:] if word)


def _row(line: str, count: int) -> list[float]:
    words = line.split("\t")[2 : 2 + 3 * count]
    numbers = [float(word) if word.strip() else np.nan for word in words]
    return numbers + [np.nan] * (3 * count - len(numbers))
