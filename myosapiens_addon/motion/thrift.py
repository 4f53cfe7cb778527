# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded reader of Thrift's compact protocol: of a structure, only the fields asked for.

Source: Apache Thrift, `doc/specs/thrift-compact-protocol.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

# What to keep of a structure: field number to `int`, `bytes`, what to keep of the structure that
# the field holds, or a list of one such entry where it holds a list of structures.
Wanted = Mapping[int, Any]
Struct = dict[int, Any]

STOP, TRUE, FALSE, BYTE = 0, 1, 2, 3
BINARY, LIST, SET, MAP, STRUCT = 8, 9, 10, 11, 12
INTEGERS = (4, 5, 6)
FIXED_BYTES = {7: 8, 13: 16}  # 64-bit floats and UUIDs, which nobody asks for
LONGEST_VARINT = 10
DEEPEST = 16
# Several times what the largest sane footer holds; keeps the time bounded too.
MOST_VALUES = 2_000_000


class ThriftError(ValueError):
    """The bytes are no such structure; the text says what is wrong."""


def read_struct(data: bytes, wanted: Wanted) -> tuple[Struct, int]:
    """The structure that `data` starts with, and how many bytes it takes.

    Raises:
        ThriftError: it is damaged, too deep or too long.
    """
    reader = _Reader(data)
    return reader.struct(wanted, 0), reader.at


class _Reader:
    """A place in the bytes."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._values = 0

    def _take(self, count: int) -> bytes:
        piece = self._data[self.at : self.at + count]
        if len(piece) < count:
            raise ThriftError("its description is cut off")
        self.at += count
        return piece

    def _varint(self) -> int:
        value = 0
        for place in range(LONGEST_VARINT):
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value
        raise ThriftError("a number in its description has no end")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, wanted: Wanted, depth: int) -> Struct:
        found: Struct = {}
        number = 0
        while (head := self._take(1)[0]) != STOP:
            step = head >> 4
            number = number + step if step else self._zigzag()
            value = self._value(head & 0x0F, wanted.get(number), depth + 1)
            if number in wanted:
                found[number] = value
        return found

    def _value(self, kind: int, wanted: Any, depth: int) -> Any:  # noqa: ANN401
        """A value of a kind; what is wanted of it must be what it is, or nothing (None)."""
        self._values += 1
        if depth > DEEPEST or self._values > MOST_VALUES:
            raise ThriftError("its description is far too deep or too long")
        if kind == STRUCT and (wanted is None or isinstance(wanted, dict)):
            return self.struct(cast("Wanted", wanted or {}), depth)
        if kind in (LIST, SET) and (wanted is None or isinstance(wanted, list)):
            return self._list(cast("list[Wanted] | None", wanted), depth)
        if kind == BINARY and wanted in (None, bytes):
            return self._take(self._varint())
        if wanted in (None, int):
            return self._plain(kind, depth)
        raise ThriftError("its description has a field of the wrong kind")

    def _plain(self, kind: int, depth: int) -> int:
        if kind in (TRUE, FALSE):
            return int(kind == TRUE)
        if kind == BYTE:
            return self._take(1)[0]
        if kind in INTEGERS:
            return self._zigzag()
        if kind in FIXED_BYTES:
            return int.from_bytes(self._take(FIXED_BYTES[kind]), "little")
        if kind == MAP:
            return self._skip_map(depth)
        raise ThriftError("its description has a field of an unknown kind")

    def _list(self, wanted: list[Wanted] | None, depth: int) -> list[Any]:
        head = self._take(1)[0]
        count = self._varint() if head >> 4 == 0x0F else head >> 4
        each = wanted[0] if wanted else None
        kept: list[Any] = []
        for _ in range(count):
            value = self._element(head & 0x0F, each, depth)
            if wanted:
                kept.append(value)
        return kept

    def _skip_map(self, depth: int) -> int:
        count = self._varint()
        kinds = self._take(1)[0] if count else 0
        for _ in range(count):
            self._element(kinds >> 4, None, depth)
            self._element(kinds & 0x0F, None, depth)
        return count

    def _element(self, kind: int, wanted: Wanted | None, depth: int) -> Any:  # noqa: ANN401
        """A value in a list, where a truth value takes a byte of its own."""
        return self._value(BYTE if kind in (TRUE, FALSE) else kind, wanted, depth + 1)
