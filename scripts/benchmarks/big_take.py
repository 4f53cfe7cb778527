# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a take as large as wanted: the markers of the sample, and many analog channels.

Source: "The C3D File Format: A Technical User Guide", Motion Lab Systems, 2021, chapters 3 and 4.
"""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 512
INTEL = 84
TEXT, INTEGER, REAL = -1, 2, 4
RATE_HZ = 100.0
# 54 channels (six force plates and the electrodes of a gait laboratory) at 20 times the rate.
ANALOG_CHANNELS, ANALOG_FACTOR = 54, 20
ANALOG = ANALOG_CHANNELS * ANALOG_FACTOR
CHUNK_FRAMES = 1000
GROUP = 1


def write(path: Path, *, markerset: Path, size_bytes: int) -> int:
    """Write a take with every marker of a markerset; returns how many frames it has."""
    # The markerset is the project's own.
    tree = ElementTree.parse(markerset)  # noqa: S314
    labels = [str(marker.get("name")) for marker in tree.iter("marker")]
    frames = size_bytes // (4 * (4 * len(labels) + ANALOG))
    section = _parameters(labels, frames)
    with path.open("wb") as stream:
        stream.write(_header(len(labels), frames, data_block=2 + len(section) // BLOCK_BYTES))
        stream.write(section)
        for start in range(0, frames, CHUNK_FRAMES):
            count = min(CHUNK_FRAMES, frames - start)
            stream.write(_frames(start, count, len(labels)).tobytes())
    return frames


def _header(points: int, frames: int, *, data_block: int) -> bytes:
    words = struct.pack("<BBHHHHH", 2, 0x50, points, ANALOG, 1, frames, 10)
    words += struct.pack("<fHHf", -0.1, data_block, ANALOG_FACTOR, RATE_HZ)
    return words.ljust(BLOCK_BYTES, b"\0")


def _parameters(labels: list[str], frames: int) -> bytes:
    width = max(len(label) for label in labels)
    texts = b"".join(label.encode().ljust(width) for label in labels)
    section = _entry(-GROUP, "POINT", b"")
    section += _entry(GROUP, "USED", _values(INTEGER, (), struct.pack("<H", len(labels))))
    section += _entry(GROUP, "FRAMES", _values(INTEGER, (), struct.pack("<H", frames)))
    section += _entry(GROUP, "SCALE", _values(REAL, (), struct.pack("<f", -0.1)))
    section += _entry(GROUP, "RATE", _values(REAL, (), struct.pack("<f", RATE_HZ)))
    section += _entry(GROUP, "UNITS", _values(TEXT, (2,), b"mm"))
    section += _entry(GROUP, "LABELS", _values(TEXT, (width, len(labels)), texts))
    size = 4 + len(section) + 2
    blocks = -(-size // BLOCK_BYTES)
    return (bytes([1, 0x50, blocks, INTEL]) + section).ljust(blocks * BLOCK_BYTES, b"\0")


def _entry(group: int, name: str, values: bytes) -> bytes:
    body = values + b"\0"  # no description
    return (
        struct.pack("<bb", len(name), group)
        + name.encode()
        + struct.pack("<H", 2 + len(body))
        + body
    )


def _values(kind: int, dimensions: tuple[int, ...], data: bytes) -> bytes:
    return struct.pack("<bB", kind, len(dimensions)) + bytes(dimensions) + data


def _frames(start: int, count: int, points: int) -> NDArray[np.float32]:
    """Markers that sway, never at rest at the origin, and noise on the analog channels."""
    moments = np.arange(start, start + count)[:, None] / RATE_HZ
    frames = np.zeros((count, 4 * points + ANALOG), np.float32)
    swing = np.sin(2.0 * np.pi * moments + np.arange(points))
    for axis in range(3):
        frames[:, axis : 4 * points : 4] = 100.0 * swing + 300.0 * (axis + 1)
    noise = np.random.default_rng(start)
    frames[:, 4 * points :] = noise.random((count, ANALOG), np.float32)
    return frames
