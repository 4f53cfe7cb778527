# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a take in TRC: what it is, and how much of each label is there.

A TRC file is text in columns, tabs between them: three lines of header, a line of labels (each
over the first of its three columns), a line of axes, then a row per frame: number, time in
seconds, and x, y, z of each label. Source: the OpenSim documentation, "Marker (.trc) Files".
Lines are told by what they hold rather than by their number, and what the header counts is
compared with the rows, because few writers keep to all of it. The file is read in pieces, so
that its size costs time but no memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from ..errors import TakeError
from .info import ADVICE, FormatError, TakeInfo, changed, checked_rate, unreadable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

FIRST_WORD = b"PathFileType"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CHUNK_BYTES = 4 * 1024 * 1024
LONGEST_LINE_BYTES = 1024 * 1024
# A row may have so many for each of its cells: 64 digits are more than any number has.
LONGEST_CELL_BYTES = 64
CELLS_AT_ONCE = 400_000
# Two hours of fifty markers at 500 Hz; a file of more is not worth the wait.
MOST_CELLS = 540_000_000
FEWEST_TABS = 2  # frame, time, and at least one label
AXES = 3
FRAME_AND_TIME = 2
# By so much may the times of the rows differ from the header's rate.
RATE_TOLERANCE = 0.02
SHOWN_OF_A_CELL = 20
UNITS = {
    "millimeters": "mm",
    "millimetres": "mm",
    "centimeters": "cm",
    "centimetres": "cm",
    "meters": "m",
    "metres": "m",
}
SPACES_ABOUT_CELLS = re.compile(r"(?<=[\t\n]) +| +(?=[\t\n])")


@dataclass(frozen=True, kw_only=True)
class TrcInfo(TakeInfo):
    """What a TRC take is."""

    @property
    def columns(self) -> int:
        """Of a row, as far as it is read."""
        return FRAME_AND_TIME + AXES * len(self.labels)


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What there is to know of the rows without their numbers.

    Attributes:
        first, last: the lines, decoded, cell by cell.
    """

    count: int
    first: list[str]
    last: list[str]


def read_info(path: Path) -> TrcInfo:
    """Read a take's header and count its rows; their numbers are not looked at.

    Raises:
        TakeError: the file cannot be read, is no TRC, is damaged or cut off, is far too large,
            or has no labels or no frames.
    """
    try:
        with path.open("rb") as stream:
            lines = _lines(stream)
            header, labels = _read_head(lines)
            columns = FRAME_AND_TIME + AXES * len(labels)
            return _interpret(path, header, labels, _survey(_rows_of(lines), columns))
    except FormatError as error:
        raise TakeError(f"{path.name} {error}; {ADVICE}.") from error
    except OSError as error:
        raise unreadable(path, error) from error


def read_coverage(path: Path, info: TrcInfo) -> FloatArray:
    """In what fraction of the frames each label is there: (labels,), 0 to 1.

    Raises:
        TakeError: the file cannot be read (any more), or a cell holds no number.
    """
    import numpy as np

    present = np.zeros(len(info.labels), dtype=np.int64)
    for points in iter_points(path, info):
        present += np.isfinite(points[..., 0]).sum(axis=0)
    return present / info.frame_count


def iter_points(path: Path, info: TrcInfo) -> Iterator[FloatArray]:
    """All points in pieces of bounded size: (frames, labels, 3).

    x, y, z in the take's units and its laboratory's axes; NaN for a point that is not there:
    one with an empty cell, one that is no number, or all zeros.

    Raises:
        TakeError: the file cannot be read (any more), or a cell holds no number.
    """
    done = 0
    try:
        with path.open("rb") as stream:
            lines = _lines(stream)
            _header, labels = _read_head(lines)
            if labels != info.labels:
                raise changed(path)
            for batch in _batches(_rows_of(lines), info.columns):
                yield _points_of(_parse(batch, info.columns, done))
                done += len(batch)
    except FormatError as error:
        raise TakeError(f"{path.name} {error}; {ADVICE}.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    if done != info.frame_count:
        raise changed(path)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that hold something, whatever they end with."""
    first = stream.read(len(BYTE_ORDER_MARK))
    if not first:
        raise FormatError("is empty")
    rest = b"" if first == BYTE_ORDER_MARK else first
    while chunk := stream.read(CHUNK_BYTES):
        text = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            raise FormatError("is no TRC file: it has a line without an end")
        yield from (line for line in lines if not line.isspace() and line)
    if rest and not rest.isspace():
        yield rest


def _read_head(lines: Iterator[bytes]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The header, by its keys in lower case, and the labels."""
    if not next(lines, b"").startswith(FIRST_WORD):
        raise FormatError("is no TRC file")
    keys, values, names = (_cells(next(lines, b"")) for _line in range(3))
    header = {key.lower(): value for key, value in zip(keys, values, strict=False)}
    if not names or not names[0].lower().startswith("frame"):
        raise FormatError("is damaged: it has no line of labels that begins with Frame#")
    if len(names) <= FEWEST_TABS:
        raise FormatError("has no labels that stand between tabs")
    return header, _labels(names[FRAME_AND_TIME:])


def _cells(line: bytes) -> list[str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("cp1252", errors="replace")
    return [cell.strip() for cell in text.split("\t")]


def _labels(cells: list[str]) -> tuple[str, ...]:
    """One for every three columns; some writers leave no columns between the labels."""
    places = [place for place, cell in enumerate(cells) if cell]
    if not places:
        raise FormatError("has no labels")
    if any(place % AXES for place in places):
        return tuple(cell for cell in cells if cell)
    return tuple(cells[: places[-1] + 1 : AXES])


def _rows_of(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines from the first frame on: the line of axes may be there or not."""
    first = next(lines, None)
    if first is not None and _is_row(_cells(first)):
        yield first
    yield from lines


def _is_row(cells: list[str]) -> bool:
    return _number(cells[0]) is not None or not any(cell[:1].isalpha() for cell in cells)


def _survey(rows: Iterable[bytes], columns: int) -> _Rows:
    """Count the rows, and keep the first and the last."""
    count, first, last = 0, b"", b""
    for count, last in enumerate(rows, 1):
        first = first or last
        if count * columns > MOST_CELLS:
            raise FormatError("is too large to be looked at")
    return _Rows(count=count, first=_cells(first), last=_cells(last))


def _interpret(
    path: Path, header: Mapping[str, str], labels: tuple[str, ...], rows: _Rows
) -> TrcInfo:
    if not rows.count:
        raise FormatError("holds no frames")
    told = _number(header.get("numframes", ""))
    if told is not None and told > rows.count and len(rows.last) < len(rows.first):
        raise FormatError(f"is cut off: it holds {rows.count} of its {told:.0f} frames")
    rate_hz = checked_rate(_number(header.get("datarate", "")))
    units = header.get("units", "") or "mm"
    return TrcInfo(
        path=path,
        labels=labels,
        frame_count=rows.count,
        first_frame=int(_number(rows.first[0]) or 0),
        rate_hz=rate_hz,
        units=UNITS.get(units.lower(), units),
        notes=tuple(_notes(path, header, labels, rows, rate_hz)),
    )


def _notes(
    path: Path, header: Mapping[str, str], labels: tuple[str, ...], rows: _Rows, rate_hz: float
) -> Iterator[str]:
    """Where the file contradicts itself, and what another reader may stumble over."""
    for key, count, what in (
        ("numframes", rows.count, "frames"),
        ("nummarkers", len(labels), "labels"),
    ):
        told = _number(header.get(key, ""))
        if told is not None and told != count:
            yield f"The header of {path.name} tells {told:g} {what}, but it holds {count}."
    timed_hz = _timed_rate(rows)
    if timed_hz is not None and abs(timed_hz / rate_hz - 1.0) > RATE_TOLERANCE:
        yield (
            f"The header of {path.name} tells {rate_hz:g} frames per second, but the times of "
            f"its rows {timed_hz:.4g}: check its rate, the service goes by the header."
        )
    if any("," in cell for cell in rows.first):
        yield (
            f"{path.name} is written with decimal commas, which the service may not read: "
            "export it with decimal points."
        )


def _timed_rate(rows: _Rows) -> float | None:
    """Frames per second by the times of the first row and the last."""
    times = [_number(row[1]) if len(row) > 1 else None for row in (rows.first, rows.last)]
    if times[0] is None or times[1] is None or times[1] <= times[0]:
        return None
    return (rows.count - 1) / (times[1] - times[0])


def _number(text: str) -> float | None:
    """A finite number, with a decimal point or a decimal comma."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _batches(rows: Iterator[bytes], columns: int) -> Iterator[list[bytes]]:
    """Rows in lists of so many as are worked on at once, each of exactly so many columns."""
    most = max(1, CELLS_AT_ONCE // columns)
    batch: list[bytes] = []
    for row in rows:
        batch.append(_fitted(row, columns))
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch


def _fitted(row: bytes, columns: int) -> bytes:
    """Cells that are missing at the end are gaps; what stands beyond the labels is nothing."""
    missing = columns - 1 - row.count(b"\t")
    if missing < 0:
        row = b"\t".join(row.split(b"\t", columns)[:columns])
    if len(row) > columns * LONGEST_CELL_BYTES:
        raise FormatError("is damaged: it has a row that holds no numbers")
    return row + b"\t" * missing


def _parse(batch: list[bytes], columns: int, done: int) -> FloatArray:
    """The numbers of some rows: (rows, columns), NaN for an empty cell.

    Args:
        batch: rows of exactly `columns` cells.
        columns: of a row.
        done: how many rows went before, to say which one is wrong.
    """
    import numpy as np

    text = b"\n".join([b"", *batch, b""]).decode("latin-1").replace(",", ".")
    if " " in text:
        text = SPACES_ABOUT_CELLS.sub("", text)
    text = text.replace("\n\t", "\nnan\t").replace("\t\n", "\tnan\n")
    while "\t\t" in text:
        text = text.replace("\t\t", "\tnan\t")
    lines = text[1:-1].split("\n")
    try:
        rows = np.loadtxt(lines, np.float64, comments=None, delimiter="\t", ndmin=2)
        return rows.reshape(len(batch), columns)
    except ValueError as error:
        raise FormatError(_blame(lines, done)) from error


def _blame(lines: list[str], done: int) -> str:
    for number, line in enumerate(lines, done + 1):
        for cell in line.split("\t"):
            try:
                float(cell)
            except ValueError:
                shown = cell[:SHOWN_OF_A_CELL]
                return f"is damaged: frame {number} holds {shown!r}, which is no number"
    return "is damaged: it holds what is no number"


def _points_of(rows: FloatArray) -> FloatArray:
    import numpy as np

    points = np.ascontiguousarray(rows[:, FRAME_AND_TIME:]).reshape(len(rows), -1, AXES)
    there = np.isfinite(points).all(axis=-1) & (points != 0).any(axis=-1)
    points[~there] = np.nan
    return points
