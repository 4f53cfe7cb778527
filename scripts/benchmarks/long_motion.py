# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a longer `motion.glb` from a short one: the same nodes, channels and separate times.

Source: Khronos glTF 2.0 specification, chapters 3.6 (accessors), 3.11 and 4 (the GLB container).
"""

from __future__ import annotations

import copy
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from myosapiens_addon.motion.glb_container import BINARY_CHUNK, JSON_CHUNK, MAGIC, Container

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

ALIGNMENT = 4


def write(path: Path, short: Path, frames: int) -> None:
    """The short motion there and back, and so on, without a jump: so many frames of it."""
    container = Container(short)
    document = copy.deepcopy(container.document)
    times = {sampler["input"] for sampler in document["animations"][0]["samplers"]}
    columns = [container.stored(index)[1] for index in range(len(document["accessors"]))]
    views: list[dict[str, int]] = []
    start = 0
    for column, accessor in zip(columns, document["accessors"], strict=True):
        size = frames * column.shape[1] * column.itemsize
        accessor["bufferView"], accessor["count"] = len(views), frames
        # These would be those of the short one.
        for key in ("byteOffset", "min", "max"):
            accessor.pop(key, None)
        views.append({"buffer": 0, "byteOffset": start, "byteLength": size})
        start += -(-size // ALIGNMENT) * ALIGNMENT
    document["bufferViews"], document["buffers"] = views, [{"byteLength": start}]
    longer = (_longer(column, i in times, frames) for i, column in enumerate(columns))
    _save(path, document, start, longer)


def _longer(column: NDArray[Any], is_time: bool, frames: int) -> NDArray[Any]:
    count = len(column)
    if is_time:
        rate_hz = (count - 1) / float(column[-1, 0] - column[0, 0])
        return (np.arange(frames) / rate_hz).astype(column.dtype)
    place = np.arange(frames) % (2 * count - 2)
    return column[np.minimum(place, 2 * count - 2 - place)]


def _save(path: Path, document: dict[str, Any], size: int, columns: Iterator[NDArray[Any]]) -> None:
    text = json.dumps(document).encode()
    text = text.ljust(-(-len(text) // ALIGNMENT) * ALIGNMENT)
    with path.open("wb") as stream:
        stream.write(struct.pack("<4sII", MAGIC, 2, 12 + 8 + len(text) + 8 + size))
        stream.write(struct.pack("<II", len(text), JSON_CHUNK) + text)
        stream.write(struct.pack("<II", size, BINARY_CHUNK))
        for column in columns:
            data = column.tobytes()
            stream.write(data.ljust(-(-len(data) // ALIGNMENT) * ALIGNMENT, b"\0"))
