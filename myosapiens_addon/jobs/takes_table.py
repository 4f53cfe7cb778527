# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the table of a batch: one row per take (CSV), or one object per line (JSON Lines).

The header, or the object's keys, name the columns; an empty cell is one that is not given. A
glob in `c3d` stands for one row per file. Relative paths are relative to the table's folder.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import difflib
import glob
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, cast

from ..errors import InputError

LARGEST_TABLE_BYTES = 64_000_000
MOST_ROWS = 200_000
JSON_LINES = (".jsonl", ".ndjson")
DELIMITERS = ",;\t"
FLAGS = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
GLOB_SIGNS = re.compile(r"[*?\[]")
SEPARATOR_LINE = re.compile(r'\A"?sep=[,;\t]"?[,;\t]*(\r\n|\r|\n)')
TAKE = "c3d"

Value = str | bool
Item = TypeVar("Item")


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    FLAG = "flag"
    PATH = "path"
    # A file where there is one of that name beside the table, else a name.
    NAME_OR_PATH = "name or path"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a line says of one take.

    Attributes:
        table: the table's file.
        line: where it stands in it, from 1.
        values: column to value, for those that are given; paths are absolute.
    """

    table: Path
    line: int
    values: Mapping[str, Value]

    def error(self, column: str, what: str) -> InputError:
        """The error for what is wrong in a column."""
        return _error(self.table, self.line, column, what)


def read(path: Path, columns: Mapping[str, Kind]) -> list[Row]:
    """The rows of a table, one per take, in its order.

    Args:
        path: the table.
        columns: the columns that there may be; `c3d` is one of them.

    Raises:
        InputError: the table cannot be read, or something in it is wrong: where, and what.
    """
    text = _text(path)
    lines = _json_lines(path, text) if path.suffix.lower() in JSON_LINES else _cells(path, text)
    rows: list[Row] = []
    for line, cells in lines:
        values = {
            name: value
            for name, cell in cells.items()
            if (value := _value(path, line, name, cell, columns)) is not None
        }
        if values:
            rows += _per_file(Row(table=path, line=line, values=MappingProxyType(values)))
        if len(rows) > MOST_ROWS:
            raise InputError(f"{path} names more than {MOST_ROWS:,} takes; make several tables.")
    if not rows:
        raise InputError(f"{path} names no take: give it a row for each below the header.")
    return rows


def part(rows: Sequence[Item], wanted: str) -> list[Item]:
    """The rows that are asked for, or what became of them: `1-20`, or `3,5,8-10`.

    They are counted from 1, and both ends are included. What lies behind the last row is left
    out: the parts of a farm need not end with the table.

    Raises:
        InputError: that is no part, or no row is in it.
    """
    numbers: set[int] = set()
    for piece in wanted.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", piece)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last:
            raise InputError(f"{wanted!r} are no rows: give numbers from 1, as in 1-20 or 3,5-8.")
        numbers.update(range(first, min(last, len(rows)) + 1))
    if not numbers:
        raise InputError(f"There are no rows {wanted}: the table names {len(rows)} takes.")
    return [row for number, row in enumerate(rows, start=1) if number in numbers]


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """For sorting names as people do: `take2` before `take10`."""
    pieces = re.split(r"(\d+)", text.casefold())
    return tuple(
        (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece
    )


# Files to cells


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_TABLE_BYTES + 1)
    except OSError as error:
        raise InputError(f"The table {path} cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST_TABLE_BYTES:
        raise InputError(f"{path} is too large for a table of takes; make several.")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not in UTF-8; save it as CSV UTF-8.") from None
    if "\0" in text:
        raise InputError(f"{path} is no text; give a table as CSV or JSON Lines.")
    return text


def _cells(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Line and cells by column of each row of a CSV file."""
    # Some programs tell spreadsheets the delimiter in a line above the header.
    text = SEPARATOR_LINE.sub(r"\1", text, count=1)
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=re.sub(r'"[^"]*"', "", head).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if names is None:
                    names = _names(path, line, cells)
                else:
                    yield line, _by_name(path, line, names, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _error(path, line, "", f"this is no CSV: {error}") from None


def _names(path: Path, line: int, cells: Sequence[str]) -> list[str]:
    names = [_normal(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    for place, name in enumerate(names):
        if not name:
            raise _error(path, line, "", f"column {place + 1} of the header has no name")
        if name in names[:place]:
            raise _error(path, line, name, "it is there twice")
    return names


def _by_name(
    path: Path, line: int, names: Sequence[str], cells: Sequence[str]
) -> dict[str, object]:
    if any(cell.strip() for cell in cells[len(names) :]):
        raise _error(path, line, "", f"{len(cells)} cells stand below {len(names)} columns")
    return dict(zip(names, cells, strict=False))


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Line and values by column of each object of a JSON Lines file."""
    for line, words in enumerate(text.split("\n"), start=1):
        if not words.strip():
            continue
        try:
            # Numbers as they are written: they are read where it is known what they are.
            found = json.loads(words, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            raise _error(path, line, "", "this is no JSON object on one line") from None
        if not isinstance(found, dict):
            raise _error(path, line, "", "this is no JSON object with a key for each column")
        cells = cast("dict[str, object]", found)
        named = {_normal(name): cell for name, cell in cells.items()}
        if len(named) < len(cells):
            raise _error(path, line, "", "a column is there twice")
        yield line, named


# Cells to values


def _value(
    path: Path, line: int, name: str, cell: object, columns: Mapping[str, Kind]
) -> Value | None:
    """A cell's value; None for one that is empty."""
    kind = columns.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, columns, n=1)
        hint = f"is {near[0]} meant?" if near else f"there are {', '.join(sorted(columns))}"
        raise _error(path, line, name, f"there is no such column; {hint}")
    if cell is None:
        return None
    if isinstance(cell, bool):
        if kind is not Kind.FLAG:
            raise _error(path, line, name, f"{str(cell).lower()} is no value for it")
        return cell
    if not isinstance(cell, str):
        raise _error(path, line, name, "give a single value")
    text = cell.strip()
    if not text:
        return None
    if "\0" in text:
        raise _error(path, line, name, "it holds a zero, which is no text")
    if kind is Kind.FLAG:
        return _flag(path, line, name, text)
    if kind is Kind.PATH:
        return _absolute(path, text)
    beside = kind is Kind.NAME_OR_PATH and _is_file(path.parent / text)
    return _absolute(path, text) if beside else text


def _flag(path: Path, line: int, name: str, text: str) -> bool:
    found = FLAGS.get(text.lower())
    if found is None:
        raise _error(path, line, name, f"{text!r} is neither yes nor no")
    return found


def _absolute(path: Path, text: str) -> str:
    expanded = Path(text)
    # Not every name with that sign is somebody's home: `~walk.c3d` is a file as well.
    with contextlib.suppress(RuntimeError):
        expanded = expanded.expanduser()
    return str(path.parent.absolute() / expanded)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _per_file(row: Row) -> list[Row]:
    """The row for each file of its glob; the row itself where it has none."""
    pattern = row.values.get(TAKE)
    if not isinstance(pattern, str) or _is_file(Path(pattern)):
        return [row]
    # The table's own folder is no pattern, whatever signs are in its name.
    folder = str(row.table.parent.absolute())
    own = pattern.removeprefix(folder)
    if not GLOB_SIGNS.search(own):
        return [row]
    if own != pattern:
        own = glob.escape(folder) + own
    # Path.glob takes no absolute pattern.
    matching = glob.glob(own, recursive=True)  # noqa: PTH207
    found = [path for path in matching if _is_file(Path(path))]
    if not found:
        raise row.error(TAKE, f"no file is named like {pattern}")
    ordered = sorted(found, key=lambda path: [natural_key(piece) for piece in Path(path).parts])
    return [replace(row, values=MappingProxyType({**row.values, TAKE: path})) for path in ordered]


def _normal(name: str) -> str:
    return name.strip().lower().lstrip("-").replace("-", "_").replace(" ", "_")


def _error(path: Path, line: int, column: str, what: str) -> InputError:
    place = f"{path}, line {line}" + (f", column {column}" if column else "")
    return InputError(f"{place}: {what.rstrip('.')}.")
