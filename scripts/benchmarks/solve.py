# SPDX-License-Identifier: GPL-3.0-or-later
"""How well and how fast the local service solves a take it was not made for."""

from __future__ import annotations

import tempfile
from pathlib import Path

from local_service.solve import metrics

from .figure import Figure

# Figure of `metrics.figures`: its unit, and the limit that it is held against.
LIMITS = {
    "rms_error_mm": ("mm", 40.0),
    "frames_per_s": ("frames/s", 100.0),
}


def figures(data: Path) -> list[Figure]:
    """The figures of the solve of a real take."""
    walk = data / "walk"
    with tempfile.TemporaryDirectory() as folder:
        found = metrics.figures(
            c3d=walk / "take.c3d", markerset=walk / "markerset.xml", out_dir=Path(folder)
        )
    return [
        Figure(name=f"solve: {name}", value=value, unit=unit, reference=limit)
        for name, value in found.items()
        for unit, limit in [LIMITS.get(name, ("", 0.0))]
    ]
