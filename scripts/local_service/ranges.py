# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte ranges of a download (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        """How many bytes these are."""
        return self.last - self.first + 1


class UnsatisfiableError(Exception):
    """The range lies behind the end."""


def parse_range(header: str | None, *, size_bytes: int) -> ByteRange | None:
    """What a `Range` header asks for; None for the whole.

    A header that is malformed, or asks for several ranges, is ignored, as the RFC allows.

    Raises:
        UnsatisfiableError: No byte of the range exists.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    start, end = match.groups()
    if start == "":
        first, last = max(size_bytes - int(end), 0), size_bytes - 1
    else:
        first, last = int(start), min(int(end or size_bytes), size_bytes - 1)
        if end and int(end) < first:
            return None
    if first > last:
        raise UnsatisfiableError
    return ByteRange(first=first, last=last)
