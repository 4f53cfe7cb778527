# SPDX-License-Identifier: GPL-3.0-or-later
"""How many frames a C3D says it has, and how many it has room for.

ezc3d reads a file that was cut off without a word and forgets what its header said, and it drops
what lies beyond the 65,535 frames that the header can count. Layout: the C3D user guide, "The C3D
header section" (c3d.org).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

BLOCK = 512
MAGIC = 0x50  # the second byte of every C3D
BIG_ENDIAN = 86  # processor types: 84 Intel, 85 DEC, 86 SGI/MIPS
COUNTER_FULL = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class FrameCounts:
    """`stated` by the header; `room` in the file; `full`: the header can count no further."""

    stated: int
    room: int
    full: bool


def is_c3d(head: bytes) -> bool:
    """Whether a file that begins with `head` is a C3D."""
    return len(head) >= 2 and head[1] == MAGIC


def frame_counts(path: Path) -> FrameCounts | None:
    """The counts of a C3D file; None where the header makes no sense (the reader will say so).

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(BLOCK)
        file.seek(max(0, head[0] - 1) * BLOCK if head else 0)
        parameters = file.read(4)
    if len(head) < BLOCK or len(parameters) < 4:
        return None
    order = ">" if parameters[3] == BIG_ENDIAN else "<"
    points, analog, first, last = struct.unpack(order + "4H", head[2:10])
    (start_block,) = struct.unpack(order + "H", head[16:18])
    # The scale is negative when points are floats; in all three formats its sign is one bit, which
    # is the first on a big-endian file, the second byte's on DEC's, the fourth's on Intel's.
    sign_byte = {BIG_ENDIAN: 12, 85: 13}.get(parameters[3], 15)
    value_size = 4 if head[sign_byte] & 0x80 else 2
    frame_size = (4 * points + analog) * value_size
    if not frame_size or start_block < 1:
        return None
    room = (path.stat().st_size - (start_block - 1) * BLOCK) // frame_size
    return FrameCounts(stated=last - first + 1, room=room, full=last == COUNTER_FULL)
