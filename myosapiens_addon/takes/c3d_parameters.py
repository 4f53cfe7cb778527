# SPDX-License-Identifier: GPL-3.0-or-later
"""The header and the parameters of a C3D file, in each of its three byte orders.

Source: "The C3D File Format: A Technical User Guide", Motion Lab Systems, 2021, chapters 3
(header section) and 4 (parameter section). Every offset is checked against what was read,
and each step goes forward, so that no file can keep the reader busy or read elsewhere.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from .info import FormatError

BLOCK_BYTES = 512
MAGIC = 0x50
PROCESSORS = {84: "intel", 85: "dec", 86: "mips"}
# 255 blocks is what the section's own counter can say; some writers go beyond it.
LARGEST_SECTION_BYTES = 4 * 1024 * 1024
# The richest of files have some hundreds.
MOST_PARAMETERS = 10_000
TEXT, BYTE, INTEGER, REAL = -1, 1, 2, 4


@dataclass(frozen=True, kw_only=True)
class Codec:
    """How numbers are written: `<` or `>`, and whether reals are DEC's."""

    name: str

    @property
    def order(self) -> str:
        """The struct and numpy byte order character of integers."""
        return ">" if self.name == "mips" else "<"

    def unsigned(self, data: bytes | memoryview, offset: int) -> int:
        """A 16-bit integer, taken as unsigned: counters go beyond 32,767."""
        return int(struct.unpack_from(self.order + "H", data, offset)[0])

    def real(self, data: bytes | memoryview, offset: int) -> float:
        """A 32-bit real."""
        if self.name != "dec":
            return float(struct.unpack_from(self.order + "f", data, offset)[0])
        high, low = struct.unpack_from("<HH", data, offset)
        # DEC F-float: the halves are swapped, and the exponent's bias is 2 more than IEEE's.
        return float(struct.unpack("<f", struct.pack("<HH", low, high))[0]) / 4.0


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter: its type, its dimensions and its bytes.

    The bytes are a view of the section's: parameters that overlap in a damaged file would
    otherwise each hold as much as the whole of it.
    """

    kind: int
    dimensions: tuple[int, ...]
    data: memoryview
    codec: Codec

    def texts(self, most: int) -> list[str]:
        """Its strings, the first `most` of them; the first dimension is their length."""
        if self.kind != TEXT:
            return []
        width = self.dimensions[0] if self.dimensions else len(self.data)
        if width == 0:
            return []
        used = self.data[: most * width]
        return [_decode(used[start : start + width]) for start in range(0, len(used), width)]

    def numbers(self, most: int) -> list[float]:
        """Its numbers, the first `most` of them; integers are taken as unsigned."""
        if self.kind == TEXT:
            return []
        used = self.data[: most * abs(self.kind)]
        if self.kind == REAL:
            return [self.codec.real(used, at) for at in range(0, len(used) - 3, 4)]
        if self.kind == INTEGER:
            return [self.codec.unsigned(used, at) for at in range(0, len(used) - 1, 2)]
        return [float(value) for value in used]


Parameters = Mapping[tuple[str, str], Parameter]


@dataclass(frozen=True, kw_only=True)
class Header:
    """The header section.

    Attributes:
        first_frame: number of the first frame, which need not be 1.
        last_frame: number of the last; 16 bits, so it may have wrapped.
        scale: units per integer; negative where points are reals.
        data_block: where the points begin, in blocks from 1.
        analog_per_frame: analog samples that follow each frame's points.
    """

    point_count: int
    analog_per_frame: int
    first_frame: int
    last_frame: int
    scale: float
    data_block: int
    rate_hz: float


def read(stream: BinaryIO) -> tuple[Codec, Header, Parameters]:
    """Read both sections.

    Raises:
        FormatError: the file is no C3D, or is damaged.
        OSError: it cannot be read.
    """
    block = stream.read(BLOCK_BYTES)
    if not block:
        raise FormatError("is empty")
    if len(block) < 2 or block[1] != MAGIC or block[0] == 0:
        raise FormatError("is no C3D file")
    if len(block) < BLOCK_BYTES:
        raise FormatError("is cut off within its header")
    start = (block[0] - 1) * BLOCK_BYTES
    stream.seek(start)
    lead = stream.read(4)
    if len(lead) < 4:
        raise FormatError("is cut off before its parameters")
    if lead[3] not in PROCESSORS:
        raise FormatError("is no C3D file: its byte order is not known")
    codec = Codec(name=PROCESSORS[lead[3]])
    header = _read_header(block, codec)
    section = stream.read(_section_bytes(start, lead[2], header))
    return codec, header, _read_section(memoryview(section), codec)


def _read_header(block: bytes, codec: Codec) -> Header:
    return Header(
        point_count=codec.unsigned(block, 2),
        analog_per_frame=codec.unsigned(block, 4),
        first_frame=codec.unsigned(block, 6),
        last_frame=codec.unsigned(block, 8),
        scale=codec.real(block, 12),
        data_block=codec.unsigned(block, 16),
        rate_hz=codec.real(block, 20),
    )


def _section_bytes(start: int, blocks: int, header: Header) -> int:
    """How much to read: up to the points, or as many blocks as the section says it has."""
    until_data = (header.data_block - 1) * BLOCK_BYTES - start
    size = max(until_data, blocks * BLOCK_BYTES)
    return min(size if size > 0 else LARGEST_SECTION_BYTES, LARGEST_SECTION_BYTES)


def _read_section(data: memoryview, codec: Codec) -> Parameters:
    groups: dict[int, str] = {}
    found: list[tuple[int, str, Parameter]] = []
    at = 0
    while at + 2 <= len(data):
        length, group = struct.unpack_from("bb", data, at)
        length = abs(length)  # negative: locked
        if length == 0:
            break
        name = _decode(data[at + 2 : at + 2 + length]).upper()
        link = at + 2 + length
        if link + 2 > len(data):
            raise FormatError("is damaged: its parameters are cut off")
        step = codec.unsigned(data, link)
        if group < 0:
            groups.setdefault(-group, name)
        elif group > 0:
            if len(found) == MOST_PARAMETERS:
                raise FormatError(f"is damaged: it has more than {MOST_PARAMETERS} parameters")
            found.append((group, name, _read_parameter(data, link + 2, codec)))
        if step == 0:
            break
        at = link + step
    return {(groups.get(group, ""), name): parameter for group, name, parameter in found}


def _read_parameter(data: memoryview, at: int, codec: Codec) -> Parameter:
    if at + 2 > len(data):
        raise FormatError("is damaged: its parameters are cut off")
    kind, rank = struct.unpack_from("bB", data, at)
    dimensions = tuple(data[at + 2 : at + 2 + rank])
    size = abs(kind)
    for dimension in dimensions:
        size *= dimension
    begin = at + 2 + rank
    if len(dimensions) < rank or begin + size > len(data):
        raise FormatError("is damaged: a parameter is cut off")
    return Parameter(kind=kind, dimensions=dimensions, data=data[begin : begin + size], codec=codec)


def _decode(raw: memoryview) -> str:
    try:
        text = str(raw, "utf-8")
    except UnicodeDecodeError:
        text = str(raw, "latin-1")
    return text.replace("\0", " ").strip()
