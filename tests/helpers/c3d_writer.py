# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes small C3D files in every byte order, honest ones and ones that lie about themselves.

Written from the format's manual (Motion Lab Systems, "The C3D File Format"), independently of
the reader under test.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROCESSORS = {"intel": 84, "dec": 85, "mips": 86}
DATA_BLOCK = 12


def dec_real(value: float) -> bytes:
    """A VAX F-float: a bias that is 2 more than IEEE's, and the 16-bit halves swapped."""
    bits = struct.unpack("<I", struct.pack("<f", value * 4.0))[0]
    return struct.pack("<HH", bits >> 16, bits & 0xFFFF)


@dataclass(kw_only=True)
class C3DWriter:
    """What to write. `points` is (frames, points, 4): x, y, z and the residual."""

    points: np.ndarray
    order: str = "intel"
    is_float: bool = True
    scale: float = 1.0
    rate_hz: float = 100.0
    header_first: int = 1
    header_last: int | None = None
    point_frames: int | None = None
    actual: tuple[int, int] | None = None
    actual_reals: tuple[float, float] | None = None
    long_frames: float | None = None

    def write(self, path: Path, *, padding: int = 0) -> Path:
        parameters = self._parameters()
        head = self._header().ljust(512, b"\0") + parameters
        body = head.ljust((DATA_BLOCK - 1) * 512, b"\0") + self._data()
        path.write_bytes(body + b"\0" * padding)
        return path

    def word(self, value: int) -> bytes:
        return struct.pack(">H" if self.order == "mips" else "<H", value & 0xFFFF)

    def real(self, value: float) -> bytes:
        if self.order == "dec":
            return dec_real(value)
        return struct.pack(">f" if self.order == "mips" else "<f", value)

    @property
    def signed_scale(self) -> float:
        return -abs(self.scale) if self.is_float else self.scale

    def _header(self) -> bytes:
        frames, count, _four = self.points.shape
        last = self.header_first + frames - 1 if self.header_last is None else self.header_last
        words = [count, 0, self.header_first, last, 10]
        head = b"\x02\x50" + b"".join(self.word(value) for value in words)
        head += self.real(self.signed_scale) + self.word(DATA_BLOCK) + self.word(0)
        return head + self.real(self.rate_hz)

    def _parameters(self) -> bytes:
        frames, count, _four = self.points.shape
        labels = "".join(f"P{index}".ljust(4) for index in range(count)).encode()
        told = min(frames, 65_535) if self.point_frames is None else self.point_frames
        items = [self._group(1, "POINT"), self._group(2, "TRIAL")]
        items += [
            self._parameter(1, "USED", 2, [], self.word(count)),
            self._parameter(1, "FRAMES", 2, [], self.word(told)),
            self._parameter(1, "SCALE", 4, [], self.real(self.signed_scale)),
            self._parameter(1, "RATE", 4, [], self.real(self.rate_hz)),
            self._parameter(1, "DATA_START", 2, [], self.word(DATA_BLOCK)),
            self._parameter(1, "UNITS", -1, [2], b"mm"),
            self._parameter(1, "LABELS", -1, [4, count], labels),
        ]
        if self.actual is not None:
            for name, frame in zip(("START", "END"), self.actual, strict=True):
                data = self.word(frame) + self.word(frame >> 16)
                items.append(self._parameter(2, f"ACTUAL_{name}_FIELD", 2, [2], data))
        if self.actual_reals is not None:
            for name, number in zip(("START", "END"), self.actual_reals, strict=True):
                items.append(self._parameter(2, f"ACTUAL_{name}_FIELD", 4, [], self.real(number)))
        if self.long_frames is not None:
            items.append(self._parameter(1, "LONG_FRAMES", 4, [], self.real(self.long_frames)))
        section = bytes([1, 0x50, DATA_BLOCK - 2, PROCESSORS[self.order]]) + b"".join(items)
        return section + b"\0\0"

    def _group(self, number: int, name: str) -> bytes:
        return self._item(-number, name, b"\0")

    def _parameter(
        self, group: int, name: str, kind: int, dimensions: list[int], data: bytes
    ) -> bytes:
        body = struct.pack("b", kind) + bytes([len(dimensions), *dimensions]) + data + b"\0"
        return self._item(group, name, body)

    def _item(self, number: int, name: str, body: bytes) -> bytes:
        head = struct.pack("bb", len(name), number) + name.encode()
        return head + self.word(len(body) + 2) + body

    def _data(self) -> bytes:
        if not self.is_float:
            raw = np.round(self.points / [self.scale, self.scale, self.scale, 1.0])
            return raw.astype(">i2" if self.order == "mips" else "<i2").tobytes()
        if self.order == "dec":
            return b"".join(dec_real(float(value)) for value in self.points.ravel())
        return self.points.astype(">f4" if self.order == "mips" else "<f4").tobytes()
