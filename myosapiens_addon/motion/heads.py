# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the service says that every body's origin was, and how far a motion is from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError

if TYPE_CHECKING:
    from .motion import FloatArray

# Moments of two files that differ by less than this are the same frame: GLB times are 32-bit.
SAME_MOMENT_S = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """World positions of body origins over time, as `xpos.parquet` has them. Z up, metres.

    Attributes:
        name: the file's name, for messages.
        times: (F,) s since the first frame, strictly rising.
        names: the B body names, each once; the world is none of them.
        positions: (F, B, 3) world position of each body's origin, in m.
    """

    name: str
    times: FloatArray
    names: tuple[str, ...]
    positions: FloatArray


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far body origins are from where they should be.

    Attributes:
        largest_mm: the largest distance of any body in any frame.
        mean_mm: the mean over all bodies and frames.
        body: which body is farthest off.
        time_s: when it is, on the motion's time axis.
        bodies: how many bodies were compared.
        frames: in how many frames.
    """

    largest_mm: float
    mean_mm: float
    body: str
    time_s: float
    bodies: int
    frames: int


def compare(
    heads: Heads, names: tuple[str, ...], times: FloatArray, positions: FloatArray
) -> Distance:
    """Distances between a motion's body origins and `heads`.

    Bodies are matched by name. Where the moments differ, `heads` are interpolated linearly at
    those of the motion; what lies outside their span is left out.

    Args:
        heads: what to compare with.
        names: the motion's B body names.
        times: (F,) the motion's moments, in s since its first frame.
        positions: (F, B, 3) the motion's body origins, in m.

    Raises:
        OutputError: no body has the same name, no moment lies within the span of `heads`, or a
            body is too far away to be measured.
    """
    shared = [name for name in names if name in set(heads.names)]
    if not shared:
        raise OutputError(
            f"{heads.name} has no body of the motion: it has {heads.names[0]}, the motion "
            f"{names[0] if names else 'none'}. Compare outputs of one job."
        )
    within = (times >= heads.times[0] - SAME_MOMENT_S) & (times <= heads.times[-1] + SAME_MOMENT_S)
    if not np.any(within):
        raise OutputError(
            f"{heads.name} has no moment of the motion: it ends {heads.times[-1]:g} s after its "
            "first frame. Compare outputs of one job."
        )
    with np.errstate(over="ignore"):
        found = _measure(heads, shared, names, times[within], positions[within])
    if not np.isfinite(found.largest_mm + found.mean_mm):
        raise OutputError(f"{heads.name} has a body too far away to be compared; it is damaged.")
    return found


def _measure(
    heads: Heads,
    shared: list[str],
    names: tuple[str, ...],
    times: FloatArray,
    positions: FloatArray,
) -> Distance:
    """Body by body, so that no second copy of all positions is needed."""
    there = {name: row for row, name in enumerate(heads.names)}
    here = {name: row for row, name in enumerate(names)}
    total, worst = 0.0, (-1.0, "", 0.0)
    for name in shared:
        wanted = _at(heads, there[name], times)
        distances: FloatArray = np.linalg.norm(positions[:, here[name]] - wanted, axis=1)
        frame = int(np.argmax(distances))
        worst = max(worst, (float(distances[frame]), name, float(times[frame])))
        total += float(np.mean(distances))
    return Distance(
        largest_mm=worst[0] * 1e3,
        mean_mm=total / len(shared) * 1e3,
        body=worst[1],
        time_s=worst[2],
        bodies=len(shared),
        frames=len(times),
    )


def _at(heads: Heads, body: int, times: FloatArray) -> FloatArray:
    """(F, 3) where one body was at other moments."""
    track = heads.positions[:, body]
    if len(times) == len(heads.times) and np.allclose(times, heads.times, 0.0, SAME_MOMENT_S):
        return track
    columns = [np.interp(times, heads.times, track[:, axis]) for axis in range(3)]
    return np.stack(columns, axis=1)
