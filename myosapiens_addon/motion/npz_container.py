# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrays of an `.npz`, read without pickle and without believing what the file says of itself.

Sources: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory)
and 4.3.16 (its end); NumPy Enhancement Proposal 1 (the `.npy` format).
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

END = struct.Struct("<4s4H2LH")
END_MAGIC = b"PK\x05\x06"
ENTRY = struct.Struct("<4s6H3L5H2L")
ENTRY_MAGIC = b"PK\x01\x02"
LOCAL = struct.Struct("<4s5H3L2H")
LOCAL_MAGIC = b"PK\x03\x04"
ENCRYPTED, UTF8 = 0x0001, 0x0800
STORED, DEFLATED = 0, 8
LONGEST_COMMENT = 65_535

MOST_MEMBERS = 1_000
MOST_DIRECTORY_BYTES = 1 << 20
MOST_HEADER_BYTES = 1 << 16
STEP_BYTES = 1 << 20
# Angles of a real take shrink by a third. Small files may shrink as they like; a large one that
# claims to shrink by more than this is made to fill the memory.
LARGE_BYTES = 64 << 20
MOST_SHRINKING = 200

ARRAY_MAGIC = b"\x93NUMPY"
DESCR = re.compile(r"'descr'\s*:\s*'([<>|=]?)([A-Za-z])(\d{0,9})'")
ORDER = re.compile(r"'fortran_order'\s*:\s*(True|False)")
SHAPE = re.compile(r"'shape'\s*:\s*\(([\d\sL,]{0,200})\)")
LENGTH = re.compile(r"\d{1,15}")

LAST_CHARACTER = 0x10FFFF
NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
TEXT = ("U", "S")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry of the archive's directory; every number is a claim until it is checked."""

    name: str
    flags: int
    method: int
    checksum: int
    packed_bytes: int
    size_bytes: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What a `.npy` says of its array."""

    kind: str
    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Container:
    """The directory of an `.npz` file.

    Attributes:
        name: the file's name, for messages.
        members: its arrays by name, without the suffix `.npy`.
        doubled: names that stand in the directory more than once.
    """

    def __init__(self, path: Path) -> None:
        """Read the directory.

        Raises:
            OutputError: the file cannot be read or is no `.npz`.
        """
        self.name = path.name
        self._path = path
        self.members: dict[str, Member] = {}
        self.doubled: set[str] = set()
        try:
            with path.open("rb") as file:
                self._read_directory(file)
        except OSError as error:
            raise OutputError(f"{path} cannot be read: {error.strerror or error}.") from error

    def error(self, what: str) -> OutputError:
        """An error that names this file: `what` completes the sentence."""
        return OutputError(f"{self.name} {what}; fetch the job's output again.")

    def _read_directory(self, file: BinaryIO) -> None:
        size = file.seek(0, 2)
        start, length, count = self._read_end(file, size)
        file.seek(start)
        data = file.read(length)
        at = 0
        for _ in range(count):
            if at + ENTRY.size > len(data) or data[at : at + 4] != ENTRY_MAGIC:
                raise self.error("is damaged: its directory does not hold what it should")
            member, used = _read_entry(data, at)
            if member.name in self.members:
                self.doubled.add(member.name)
            self.members[member.name] = member
            at += used

    def _read_end(self, file: BinaryIO, size: int) -> tuple[int, int, int]:
        """Where the directory starts, how many bytes it has and how many members it lists."""
        file.seek(0)
        first = file.read(4)
        file.seek(max(0, size - LONGEST_COMMENT - END.size))
        tail = file.read()
        at = tail.rfind(END_MAGIC)
        if at < 0 or len(tail) - at < END.size:
            cut = first == LOCAL_MAGIC
            raise self.error("is cut off" if cut else "is no .npz file (NumPy's zip archive)")
        _, _, _, _, count, length, start, _ = END.unpack_from(tail, at)
        if count > MOST_MEMBERS or length > MOST_DIRECTORY_BYTES:
            raise self.error(f"lists {count} arrays, far more than an output has")
        if start + length > size:
            raise self.error("is damaged: its directory lies outside the file")
        return start, length, count

    def array(self, name: str, kinds: tuple[str, ...], most_bytes: int) -> NDArray[Any]:
        """One array, as the file has it.

        Args:
            name: its name, without the suffix.
            kinds: types that are allowed: of `NUMBERS`, or of `TEXT` whatever the length.
            most_bytes: how large it may be.

        Raises:
            OutputError: it is not there, is of another type, is larger, or is damaged.
        """
        member = self._checked(name, most_bytes)
        try:
            with self._path.open("rb") as file:
                stream = _Stream(self, member, file)
                header = self._read_header(stream, member)
                self._check_header(header, member, kinds, stream.given)
                data = stream.read(header.data_bytes)
                stream.check_sum()
        except OSError as error:
            raise OutputError(f"{self.name} cannot be read: {error.strerror or error}.") from error
        except zlib.error as error:
            raise self.error(f"is damaged: {name} cannot be unpacked") from error
        order = "F" if header.fortran else "C"
        flat = np.frombuffer(data, header.dtype)
        # NumPy would end in a SystemError when it makes text of what is beyond Unicode.
        if flat.dtype.kind == "U" and np.any(
            flat.view(f"{flat.dtype.byteorder}u4") > LAST_CHARACTER
        ):
            raise self.error(f"is damaged: {name} is no text")
        return flat.reshape(header.shape, order=order)

    def _checked(self, name: str, most_bytes: int) -> Member:
        """The directory's entry, where it can be unpacked within bounds."""
        member = self.members.get(name)
        if member is None:
            there = ", ".join(ascii(other)[:40] for other in list(self.members)[:5]) or "nothing"
            raise self.error(f"has no array {name} (it holds {there})")
        if name in self.doubled:
            raise self.error(f"is damaged: it holds {name} twice")
        if member.flags & ENCRYPTED:
            raise self.error(f"is locked by a password: {name} cannot be read")
        if member.method not in (STORED, DEFLATED):
            raise self.error(f"packs {name} by a method that NumPy does not use")
        if member.size_bytes > most_bytes:
            raise self.error(f"claims {member.size_bytes:,} bytes for {name}, far too many")
        shrinking = member.size_bytes / max(member.packed_bytes, 1)
        if member.size_bytes > LARGE_BYTES and shrinking > MOST_SHRINKING:
            raise self.error(f"claims that {name} is {shrinking:,.0f} times its packed size")
        return member

    def _read_header(self, stream: _Stream, member: Member) -> _Header:
        start = bytes(stream.read(8))
        if start[:6] != ARRAY_MAGIC or start[6] not in (1, 2, 3):
            raise self.error(f"is damaged: {member.name} is no array")
        length = int.from_bytes(stream.read(2 if start[6] == 1 else 4), "little")
        if length > MOST_HEADER_BYTES:
            raise self.error(f"is damaged: the description of {member.name} is far too long")
        text = stream.read(length).decode("utf-8", "replace")
        descr, order, shape = DESCR.search(text), ORDER.search(text), SHAPE.search(text)
        if descr is None or order is None or shape is None:
            raise self.error(f"holds {member.name} in a form that is no plain array")
        return _Header(
            kind=descr[2] + descr[3],
            dtype=self._dtype(member.name, descr[1], descr[2] + descr[3]),
            fortran=order[1] == "True",
            shape=tuple(int(number) for number in LENGTH.findall(shape[1])),
        )

    def _dtype(self, name: str, order: str, kind: str) -> np.dtype[Any]:
        if kind[0] == "O":
            raise self.error(f"holds {name} as Python objects (pickle), which are never loaded")
        if kind in NUMBERS or (kind[0] in TEXT and kind[1:].strip("0")):
            try:
                return np.dtype(order + kind)
            except (TypeError, ValueError):
                pass
        raise self.error(f"holds {name} as {kind}, which is no type that it can have")

    def _check_header(
        self, header: _Header, member: Member, kinds: tuple[str, ...], used: int
    ) -> None:
        if header.kind not in kinds and header.kind[0] not in kinds:
            raise self.error(f"holds {member.name} as {header.kind}, which is not its type")
        if len(header.shape) > 3 or header.data_bytes != member.size_bytes - used:
            raise self.error(
                f"is damaged: {member.name} of shape {header.shape} does not fit into "
                f"{member.size_bytes:,} bytes"
            )


def _read_entry(data: bytes, at: int) -> tuple[Member, int]:
    """The entry at a place of the directory, and how many bytes it takes."""
    fields = ENTRY.unpack_from(data, at)
    flags, method, checksum, packed, size = fields[3], fields[4], *fields[7:10]
    name_bytes, extra_bytes, comment_bytes = fields[10:13]
    raw = data[at + ENTRY.size : at + ENTRY.size + name_bytes]
    member = Member(
        name=raw.decode("utf-8" if flags & UTF8 else "cp437", "replace").removesuffix(".npy"),
        flags=flags,
        method=method,
        checksum=checksum,
        packed_bytes=packed,
        size_bytes=size,
        offset=fields[16],
    )
    return member, ENTRY.size + name_bytes + extra_bytes + comment_bytes


class _Stream:
    """The bytes of a member, unpacked step by step: never more than are asked for.

    Attributes:
        given: how many bytes have been given so far.
    """

    def __init__(self, container: Container, member: Member, file: BinaryIO) -> None:
        self.given = 0
        self._container, self._member, self._file = container, member, file
        self._left = member.packed_bytes
        self._sum = 0
        self._pending = b""
        self._inflate = zlib.decompressobj(-15) if member.method == DEFLATED else None
        file.seek(member.offset)
        head = file.read(LOCAL.size)
        if len(head) < LOCAL.size or head[:4] != LOCAL_MAGIC:
            raise container.error(f"is damaged: {member.name} is not where it should be")
        name_bytes, extra_bytes = LOCAL.unpack(head)[-2:]
        file.seek(name_bytes + extra_bytes, 1)

    def read(self, count: int) -> bytearray:
        """Exactly so many bytes.

        Raises:
            OutputError: there are fewer.
        """
        out = bytearray()
        if self.given + count > self._member.size_bytes:
            raise self._container.error(f"is cut off within {self._member.name}")
        while len(out) < count:
            piece = self._step(min(count - len(out), STEP_BYTES))
            if not piece:
                raise self._container.error(f"is cut off within {self._member.name}")
            out += piece
        self.given += count
        self._sum = zlib.crc32(out, self._sum)
        return out

    def check_sum(self) -> None:
        """Raises `OutputError` where the bytes given are not those that were packed."""
        if self._sum != self._member.checksum:
            raise self._container.error(f"is damaged: the check sum of {self._member.name} differs")

    def _step(self, most: int) -> bytes:
        if self._inflate is None:
            return self._packed(most)
        while True:
            if not self._pending:
                self._pending = self._packed(STEP_BYTES)
            piece = self._inflate.decompress(self._pending, most)
            self._pending = self._inflate.unconsumed_tail
            if piece or self._inflate.eof or not (self._pending or self._left):
                return piece

    def _packed(self, most: int) -> bytes:
        """The next bytes as they stand in the file; empty at the member's end or the file's."""
        piece = self._file.read(min(most, self._left))
        self._left = self._left - len(piece) if piece else 0
        return piece
