# SPDX-License-Identifier: GPL-3.0-or-later
"""How many of the 22 bones of a body are found in rigs of each kind, and how many wrongly.

What counts as right is said in `tests.helpers.rigs.Score`. Each rig is measured with the
presets, and as if there were none for it, from names and rest pose alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from myosapiens_addon.retarget.mapping import detect
from tests.helpers import rigs
from tests.helpers.rigs import Score, TruthRig, anonymous

from .figure import Figure

# Right ones at least: with a preset, and without; none at most may be wrong.
WITH_PRESET, WITHOUT = 20, 18
NAMELESS = 200
MOST_MS = 100.0


def figures(data: Path) -> list[Figure]:
    """The figures of every rig; `data` is not needed."""
    del data
    found: list[Figure] = []
    for name, title in rigs.TITLES.items():
        rig = rigs.read(name)
        found += _rows(title, [_score(rig)], WITH_PRESET)
        found += _rows(f"{title} by proposal", [_score(rig, presets=False)], WITHOUT)
    for name, title in rigs.OWN.items():
        found += _rows(title, [_score(rigs.read(name))], WITHOUT)
    plain = [anonymous.make(seed) for seed in range(NAMELESS)]
    found += _rows(f"worst of {NAMELESS} nameless rigs", map(_score, plain), WITHOUT)
    cluttered = [anonymous.make(seed, clutter=True) for seed in range(NAMELESS)]
    found += _rows(f"worst of {NAMELESS} nameless, cluttered", map(_score, cluttered), WITHOUT)
    return [*found, _slowest()]


def _score(rig: TruthRig, *, presets: bool = True) -> Score:
    found = detect.detect(rig.skeleton, known=None if presets else ())
    return rigs.score(rig.truth, found.role_map.chains)


def _rows(title: str, scores: Iterable[Score], least: int) -> list[Figure]:
    """The fewest that are right in one rig, and the wrong ones of all."""
    rows = list(scores)
    right, wrong = min(row.right for row in rows), sum(row.wrong for row in rows)
    return [
        Figure(name=f"mapping: right of 22, {title}", value=right, unit="bones", reference=least),
        Figure(name=f"mapping: wrong, {title}", value=wrong, unit="bones", reference=0),
    ]


def _slowest() -> Figure:
    """How long the slowest of the rigs takes, without presets to find it by."""

    def took_ms(rig: TruthRig) -> float:
        start = time.perf_counter()
        detect.detect(rig.skeleton, known=())
        return (time.perf_counter() - start) * 1e3

    slowest = max(min(took_ms(rig) for _ in range(3)) for rig in map(rigs.read, rigs.TITLES))
    return Figure(name="mapping: slowest rig", value=slowest, unit="ms", reference=MOST_MS)
