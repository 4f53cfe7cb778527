# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a take (C3D): what it is, and how much of each label is there. No analog channels.

Own code rather than a library: compiled ones are no part of a Blender extension, and the
whole of a long take must be looked at in a fraction of a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TakeError
from .c3d_parameters import BLOCK_BYTES, Codec, Header, Parameters, read
from .info import ADVICE, FormatError, TakeInfo, changed, checked_rate, unreadable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32] | npt.NDArray[np.float64]

CHUNK_BYTES = 8 * 1024 * 1024
WORDS_PER_POINT = 4  # x, y, z and the residual
COUNTER_RANGE = 65_536
HIGHEST_COUNT = COUNTER_RANGE - 1


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the points are in the file.

    Attributes:
        offset_bytes: the first frame's place.
        frame_bytes: from one frame to the next, analog samples included.
        word_bytes: 2 for integers, 4 for reals.
        scale: units per integer; 1 for reals.
    """

    offset_bytes: int
    frame_bytes: int
    word_bytes: int
    scale: float
    codec: Codec


@dataclass(frozen=True, kw_only=True)
class C3DInfo(TakeInfo):
    """What a C3D take is.

    Attributes:
        is_float: whether points are reals rather than scaled integers.
        up_axis: of the laboratory as the file says it ("+Z"), "" where it does not.
    """

    point_count: int
    is_float: bool
    up_axis: str
    layout: Layout = field(repr=False)


def read_info(path: Path) -> C3DInfo:
    """Read a take's header and parameters; the points are not touched.

    Raises:
        TakeError: the file cannot be read, is no C3D, is damaged or cut off, or has no points
            or no frames.
    """
    try:
        with path.open("rb") as stream:
            codec, header, parameters = read(stream)
        size_bytes = path.stat().st_size
        return _interpret(path, codec, header, parameters, size_bytes)
    except FormatError as error:
        raise TakeError(f"{path.name} {error}; {ADVICE}.") from error
    except OSError as error:
        raise unreadable(path, error) from error


def read_coverage(path: Path, info: C3DInfo) -> FloatArray:
    """In what fraction of the frames each label is there: (labels,), 0 to 1.

    A point is there when its residual is not negative and its position is finite and not
    all zero (both ways are in use for a gap).

    Raises:
        TakeError: the file cannot be read (any more).
    """
    import numpy as np

    present = np.zeros(info.point_count, dtype=np.int64)
    for points in iter_points(path, info):
        position = points[..., :3]
        there = np.isfinite(position).all(axis=-1) & (position != 0).any(axis=-1)
        present += (there & (points[..., 3] >= 0)).sum(axis=0)
    return present / info.frame_count


def iter_points(path: Path, info: C3DInfo) -> Iterator[FloatArray]:
    """All points in pieces of bounded size: (frames, points, 4) float32.

    x, y, z in the take's units and its laboratory's axes, then the residual in the file's own
    scale, negative where the point is not there.

    Raises:
        TakeError: the file cannot be read (any more).
    """
    import numpy as np

    layout = info.layout
    step = max(1, CHUNK_BYTES // layout.frame_bytes)
    used = info.point_count * WORDS_PER_POINT * layout.word_bytes
    raw = np.empty((min(step, info.frame_count), layout.frame_bytes), np.uint8)
    try:
        # Not mapped into memory: a file that is exported anew meanwhile would take the whole
        # process down with it, and Windows would not let it be written.
        with path.open("rb") as stream:
            stream.seek(layout.offset_bytes)
            for start in range(0, info.frame_count, step):
                piece = raw[: info.frame_count - start]
                if stream.readinto(piece.data) < piece.nbytes:
                    raise changed(path)
                words = _decode_words(np.ascontiguousarray(piece[:, :used]), layout)
                points = words.reshape(-1, info.point_count, WORDS_PER_POINT)
                points[..., :3] *= layout.scale
                yield points
    except OSError as error:
        raise unreadable(path, error) from error


def _decode_words(raw: npt.NDArray[np.uint8], layout: Layout) -> FloatArray:
    import numpy as np

    order = layout.codec.order
    if layout.word_bytes == 2:
        return raw.view(order + "i2").astype(np.float32)
    if layout.codec.name != "dec":
        return raw.view(order + "f4").astype(np.float32)
    halves = raw.view("<u2").reshape(raw.shape[0], -1, 2)
    swapped = np.ascontiguousarray(halves[..., ::-1]).view("<f4")[..., 0]
    # Exponents of 0 are zero to DEC, denormal to IEEE: a quarter of nothing is as good.
    return swapped.astype(np.float32) / np.float32(4.0)


def _interpret(
    path: Path, codec: Codec, header: Header, parameters: Parameters, size_bytes: int
) -> C3DInfo:
    point_count = int(_number(parameters, "POINT", "USED", header.point_count))
    if point_count <= 0:
        raise FormatError("holds no points")
    layout = _find_layout(codec, header, parameters, point_count)
    frame_count = _count_frames(path, header, parameters, layout, size_bytes)
    told_hz = _number(parameters, "POINT", "RATE", header.rate_hz) or header.rate_hz
    rate_hz = checked_rate(told_hz)
    first_frame = _long_field(parameters, "ACTUAL_START_FIELD") or header.first_frame
    return C3DInfo(
        path=path,
        labels=_labels(parameters, point_count),
        point_count=point_count,
        frame_count=frame_count,
        first_frame=first_frame,
        rate_hz=rate_hz,
        units=_text(parameters, "POINT", "UNITS") or "mm",
        byte_order=codec.name,
        is_float=layout.word_bytes == 4,
        up_axis=_text(parameters, "POINT", "Y_SCREEN"),
        layout=layout,
    )


def _find_layout(codec: Codec, header: Header, parameters: Parameters, point_count: int) -> Layout:
    scale = _number(parameters, "POINT", "SCALE", header.scale) or header.scale
    data_block = int(_number(parameters, "POINT", "DATA_START", 0)) or header.data_block
    if data_block < 2 or not math.isfinite(scale):
        raise FormatError("is damaged: it does not say where its points are")
    word_bytes = 4 if scale < 0 else 2
    words = point_count * WORDS_PER_POINT + header.analog_per_frame
    return Layout(
        offset_bytes=(data_block - 1) * BLOCK_BYTES,
        frame_bytes=words * word_bytes,
        word_bytes=word_bytes,
        scale=1.0 if scale < 0 else scale,
        codec=codec,
    )


def _count_frames(
    path: Path, header: Header, parameters: Parameters, layout: Layout, size_bytes: int
) -> int:
    """How many frames there are, by what the file says and by what it holds.

    The header counts in 16 bits. Long takes have the truth in TRIAL:ACTUAL_…_FIELD or in
    POINT:LONG_FRAMES; some have it nowhere, and then the file's size tells.
    """
    available = max(0, size_bytes - layout.offset_bytes) // layout.frame_bytes
    told = _told_counts(header, parameters)
    if not told:
        raise FormatError("holds no frames")
    fitting = [count for count in told if count <= available]
    if not fitting or _is_overflow(fitting[0], of=told[0]):
        raise FormatError(f"is cut off: it holds {available} of its {told[0]} frames")
    count = fitting[0]
    if _is_long(parameters) or count > HIGHEST_COUNT or available <= HIGHEST_COUNT:
        return count
    return _unwrapped(path, count, available, layout)


def _told_counts(header: Header, parameters: Parameters) -> list[int]:
    """Frame counts that the file gives, the most trustworthy first."""
    start, end = (_long_field(parameters, f"ACTUAL_{name}_FIELD") for name in ("START", "END"))
    counts = [0 if start is None or end is None else end - start + 1]
    counts.append(int(_number(parameters, "POINT", "LONG_FRAMES", 0)))
    in_header = header.last_frame - header.first_frame + 1 if header.last_frame else 0
    counts += sorted((int(_number(parameters, "POINT", "FRAMES", 0)), in_header), reverse=True)
    return [count for count in counts if count > 0]


def _is_overflow(count: int, *, of: int) -> bool:
    """Whether a count is only what 16 bits could hold of another one."""
    wrapped = count == HIGHEST_COUNT or (of - count) % COUNTER_RANGE == 0
    return of > HIGHEST_COUNT and of > count and wrapped


def _is_long(parameters: Parameters) -> bool:
    return ("TRIAL", "ACTUAL_END_FIELD") in parameters or ("POINT", "LONG_FRAMES") in parameters


def _unwrapped(path: Path, count: int, available: int, layout: Layout) -> int:
    """The true count where a 16-bit counter overflowed: it stopped at its highest, or wrapped.

    What follows the last frame up to a full block is zeros, and not frames.
    """
    if count < HIGHEST_COUNT - 1:
        return available - (available - count) % COUNTER_RANGE
    with path.open("rb") as stream:
        while available > count:
            stream.seek(layout.offset_bytes + (available - 1) * layout.frame_bytes)
            if any(stream.read(layout.frame_bytes)):
                break
            available -= 1
    return available


def _labels(parameters: Parameters, point_count: int) -> tuple[str, ...]:
    """POINT:LABELS, then LABELS2 and so on: 255 fit in each."""
    labels: list[str] = []
    number = 1
    while len(labels) < point_count:
        parameter = parameters.get(("POINT", "LABELS" if number == 1 else f"LABELS{number}"))
        if parameter is None:
            break
        labels += parameter.texts(point_count - len(labels))
        number += 1
    labels += [""] * (point_count - len(labels))
    return tuple(labels)


def _number(parameters: Parameters, group: str, name: str, default: float) -> float:
    parameter = parameters.get((group, name))
    numbers = parameter.numbers(1) if parameter is not None else []
    return numbers[0] if numbers and math.isfinite(numbers[0]) else default


def _text(parameters: Parameters, group: str, name: str) -> str:
    parameter = parameters.get((group, name))
    texts = parameter.texts(1) if parameter is not None else []
    return texts[0] if texts else ""


def _long_field(parameters: Parameters, name: str) -> int | None:
    """A frame number in two 16-bit words, the low one first (TRIAL group)."""
    parameter = parameters.get(("TRIAL", name))
    words = parameter.numbers(2) if parameter is not None else []
    if not words or not all(map(math.isfinite, words)):
        return None
    return int(words[0]) + (int(words[1]) * COUNTER_RANGE if len(words) > 1 else 0)
