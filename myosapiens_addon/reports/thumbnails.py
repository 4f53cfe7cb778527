# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of results: small PNG files go into the page, larger ones are linked."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .places import Places

LARGEST_BYTES = 200 * 1024
# All pictures of a page together: browsers take long over more.
MOST_BYTES = 32 * 1024 * 1024
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Signature, then the first chunk: its length, `IHDR`, width and height.
HEAD_BYTES = 24
LARGEST_SIDE = 32_768


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as it goes into the page.

    Attributes:
        source: its data, or a relative address.
        link: relative address of the file, where there is one.
        width: in pixels.
        height: in pixels.
    """

    source: str
    link: str | None
    width: int
    height: int


class Thumbnails:
    """The pictures of one page, which together stay within bounds."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._room = MOST_BYTES

    def picture(self, path: str) -> Picture | None:
        """The picture of a path; None where there is no PNG, or none that may be linked."""
        file = self._places.file(path)
        content = None if file is None else _content(file)
        size = _size(content or b"")
        if content is None or size is None:
            return None
        link = self._places.link(path)
        source = self._data(content) or link
        if source is None:
            return None
        return Picture(source=source, link=link, width=size[0], height=size[1])

    def _data(self, content: bytes) -> str | None:
        """The picture itself as an address; None where it is too large for that."""
        if len(content) > min(LARGEST_BYTES, self._room):
            return None
        self._room -= len(content)
        return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"


def _content(file: Path) -> bytes | None:
    """As much as can go into the page and one byte more, which tells that it is too much."""
    try:
        with file.open("rb") as stream:
            return stream.read(LARGEST_BYTES + 1)
    except OSError:
        return None


def _size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG; None for anything else."""
    if len(content) < HEAD_BYTES or not content.startswith(SIGNATURE) or content[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", content[16:24])
    fits = 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE
    return (width, height) if fits else None
