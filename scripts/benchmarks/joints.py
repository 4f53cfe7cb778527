# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way the segments of a figure point, told by its joints alone.

Written apart from the retargeting, so that it can be measured with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ONWARD = {
    "pelvis": "spine",
    "spine": "neck",
    "neck": "head",
    "clavicle": "upper_arm",
    "upper_arm": "forearm",
    "forearm": "hand",
    "hand": "middle",
    "thigh": "shin",
    "shin": "foot",
    "foot": "toe",
}


def segments(chains: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """What a segment is called → the bones (or bodies) at its two joints.

    Args:
        chains: role → names, from the pelvis or the limb's root outwards.
    """
    found: dict[str, tuple[str, str]] = {}
    for role, names in chains.items():
        word, dot, side = role.partition(".")
        onward = ONWARD.get(word, "")
        after = chains.get(f"{onward}{dot}{side}" if dot else onward, ())
        ends = [*names[1:], *after[:1]]
        for place, (start, end) in enumerate(zip(names, ends, strict=False)):
            found[f"{role} {place + 1}"] = (start, end)
    return found


def directions(places: Array, rows: Sequence[tuple[int, int]]) -> Array:
    """Unit directions (F, S, 3) between joints of (F, N, 3)."""
    starts, ends = np.array(rows).T
    return unit(places[:, ends] - places[:, starts])


def unit(vectors: Array) -> Array:
    """Vectors (…, 3) of length one."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def degrees_between(a: Array, b: Array) -> Array:
    """Angles (…) between unit vectors (…, 3), exact for small ones too."""
    apart = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(apart, np.sum(a * b, axis=-1)))


def across(vectors: Array, axis: Array) -> Array:
    """The part of vectors across unit axes, of length one."""
    return unit(vectors - np.sum(vectors * axis, axis=-1, keepdims=True) * axis)
