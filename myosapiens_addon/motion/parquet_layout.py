# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Parquet file says of itself, checked before anything is decoded.

A few bytes can claim billions of values or pages of gigabytes, and a decoder that believes
them fills the memory. So the footer and the header of every page are walked here first.

Source: Apache Parquet format 2.11, `parquet.thrift`: the numbers below are its field numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import OutputError
from .thrift import ThriftError, read_struct

if TYPE_CHECKING:
    from pathlib import Path

MAGIC, ENCRYPTED_MAGIC = b"PAR1", b"PARE"
TAIL_BYTES = 8
# FileMetaData, what of it is read: schema, num_rows, row_groups.
SCHEMA, ROWS, GROUPS = 2, 3, 4
# SchemaElement: type, repetition_type, name, num_children.
TYPE, REPETITION, NAME, CHILDREN = 1, 3, 4, 5
# RowGroup: columns, num_rows. ColumnChunk: file_path, meta_data.
COLUMNS, GROUP_ROWS, FILE_PATH, META = 1, 3, 1, 3
# ColumnMetaData: num_values, total_compressed_size, data_page_offset, dictionary_page_offset.
VALUES, PACKED, DATA_AT, DICTIONARY_AT = 5, 7, 9, 11
# PageHeader: type, uncompressed_page_size, compressed_page_size, and the header of each kind.
PAGE_TYPE, PAGE_BYTES, PAGE_PACKED = 1, 2, 3
PAGE_KINDS = {0: 5, 2: 7, 3: 8}  # data, dictionary and data of version 2
DICTIONARY_PAGE = 2
PAGE_VALUES = 1

FOOTER_WANTED: dict[int, Any] = {
    SCHEMA: [{TYPE: int, REPETITION: int, NAME: bytes, CHILDREN: int}],
    ROWS: int,
    GROUPS: [
        {
            COLUMNS: [
                {
                    FILE_PATH: bytes,
                    META: {VALUES: int, PACKED: int, DATA_AT: int, DICTIONARY_AT: int},
                }
            ],
            GROUP_ROWS: int,
        }
    ],
}
PAGE_WANTED: dict[int, Any] = {
    PAGE_TYPE: int,
    PAGE_BYTES: int,
    PAGE_PACKED: int,
    **{kind: {PAGE_VALUES: int} for kind in PAGE_KINDS.values()},
}
# Physical types: INT32, INT64, FLOAT, DOUBLE, FIXED_LEN_BYTE_ARRAY (decimals, 16-bit floats).
NUMERIC = (1, 2, 4, 5, 7)
REPEATED = 2

MOST_FOOTER_BYTES = 16 << 20
MOST_COLUMNS = 4_096
MOST_CHUNKS = 50_000
MOST_PAGES = 200_000
PAGE_HEADER_BYTES = 1 << 14
# Four hours at 240 Hz; and what the values may take as 64-bit floats.
MOST_ROWS = 4_000_000
MOST_BYTES = 2 << 30
# A take's numbers shrink by a third; a large file of few bytes is made to fill the memory.
LARGE_BYTES = 64 << 20
MOST_SHRINKING = 200
# The largest value is a decimal of 32 bytes; levels and block headers take a little more.
VALUE_BYTES, PAGE_SPARE_BYTES = 40, 1 << 16


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A flat table of numbers that can be decoded within bounds.

    Attributes:
        name: the file's name, for messages.
        rows: how many rows it has, at least one.
        columns: the names of its columns, each once, in the file's order.
    """

    name: str
    rows: int
    columns: tuple[str, ...]

    def error(self, what: str) -> OutputError:
        """An error that names this file: `what` completes the sentence."""
        return _error(self.name, what)


def read(path: Path) -> Layout:
    """Check a file's footer and pages.

    Raises:
        OutputError: it cannot be read, is no Parquet file, is damaged, is no flat table of
            numbers, or claims more than a take has.
    """
    try:
        with path.open("rb") as file:
            return _Check(path.name, file).layout()
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ThriftError as error:
        raise _error(path.name, f"is damaged: {error}") from error


def _error(name: str, what: str) -> OutputError:
    return OutputError(f"{name} {what}; fetch the job's output again.")


class _Check:
    """One pass over a file."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name, self._file = name, file
        self._size = file.seek(0, 2)
        self._pages = 0

    def _error(self, what: str) -> OutputError:
        return _error(self._name, what)

    def layout(self) -> Layout:
        footer = read_struct(self._footer(), FOOTER_WANTED)[0]
        columns = self._columns(footer.get(SCHEMA, []))
        rows = footer.get(ROWS, 0)
        groups: list[dict[int, Any]] = footer.get(GROUPS, [])
        if rows < 1:
            raise self._error("holds no frames")
        self._check_claims(rows, len(columns), groups)
        for group in groups:
            for chunk in group[COLUMNS]:
                self._check_chunk(chunk, group[GROUP_ROWS])
        return Layout(name=self._name, rows=rows, columns=columns)

    def _footer(self) -> bytes:
        self._file.seek(0)
        first = self._file.read(4)
        if first == ENCRYPTED_MAGIC:
            raise self._error("is encrypted")
        if first != MAGIC or self._size < 2 * TAIL_BYTES:
            raise self._error("is no Parquet file")
        self._file.seek(self._size - TAIL_BYTES)
        tail = self._file.read(TAIL_BYTES)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC:
            raise self._error("is cut off")
        if length > min(self._size - TAIL_BYTES - 4, MOST_FOOTER_BYTES):
            raise self._error("is damaged: its description does not fit into it")
        self._file.seek(self._size - TAIL_BYTES - length)
        return self._file.read(length)

    def _columns(self, schema: list[dict[int, Any]]) -> tuple[str, ...]:
        leaves = schema[1:]
        if not leaves or len(leaves) > MOST_COLUMNS:
            raise self._error(f"has {len(leaves)} columns, which no output has")
        names: dict[str, None] = {}
        for leaf in leaves:
            name = leaf.get(NAME, b"").decode("utf-8", "replace")
            if not name.strip() or not name.isprintable() or "\ufffd" in name:
                raise self._error(f"is damaged: it names a column {ascii(name)[:60]}")
            if name in names:
                raise self._error(f"has the column {name[:60]} twice")
            plain = leaf.get(TYPE) in NUMERIC and leaf.get(REPETITION) != REPEATED
            if not plain or leaf.get(CHILDREN):
                raise self._error(f"holds no plain numbers in the column {name[:60]}")
            names[name] = None
        return tuple(names)

    def _check_claims(self, rows: int, columns: int, groups: list[dict[int, Any]]) -> None:
        claimed = rows * columns * 8
        if rows > MOST_ROWS or claimed > MOST_BYTES:
            raise self._error(f"claims {rows:,} frames of {columns} columns, far too many")
        if claimed > LARGE_BYTES and claimed > MOST_SHRINKING * self._size:
            raise self._error(f"claims {rows:,} frames in {self._size:,} bytes")
        if len(groups) * columns > MOST_CHUNKS:
            raise self._error(f"comes in {len(groups):,} parts, far too many")
        if any(len(group.get(COLUMNS, [])) != columns for group in groups):
            raise self._error("is damaged: a part of it lacks columns")
        counts = [group.get(GROUP_ROWS, -1) for group in groups]
        if min(counts, default=0) < 0 or sum(counts) != rows:
            raise self._error(f"is damaged: its parts do not make {rows:,} frames")

    def _check_chunk(self, chunk: dict[int, Any], rows: int) -> None:
        """Walk the pages of one column within one group of rows."""
        meta = chunk.get(META)
        if meta is None or chunk.get(FILE_PATH):
            raise self._error("keeps a column encrypted or in another file")
        start, first = meta.get(DATA_AT, -1), meta.get(DICTIONARY_AT, 0)
        at = first if 0 < first < start else start
        end = at + meta.get(PACKED, -1)
        if not 0 < at <= end <= self._size or meta.get(VALUES) != rows:
            raise self._error("is damaged: a column lies outside the file or is too short")
        seen = 0
        while seen < rows:
            at, values = self._check_page(at, end, rows - seen)
            seen += values

    def _check_page(self, at: int, end: int, left: int) -> tuple[int, int]:
        """Where the next page starts, and how many values this one brings."""
        self._pages += 1
        if self._pages > MOST_PAGES:
            raise self._error("comes in too many pages")
        self._file.seek(at)
        page, used = read_struct(self._file.read(min(PAGE_HEADER_BYTES, end - at)), PAGE_WANTED)
        kind = page.get(PAGE_TYPE, -1)
        values = page.get(PAGE_KINDS.get(kind, -1), {}).get(PAGE_VALUES, -1)
        packed, unpacked = page.get(PAGE_PACKED, -1), page.get(PAGE_BYTES, -1)
        after = at + used + packed
        if packed < 0 or after > end or not 0 <= values <= left:
            raise self._error("is damaged: a page does not fit into its column")
        if not 0 <= unpacked <= VALUE_BYTES * values + PAGE_SPARE_BYTES:
            raise self._error(f"is damaged: a page claims {unpacked:,} bytes for {values:,} values")
        return after, 0 if kind == DICTIONARY_PAGE else values
