# SPDX-License-Identifier: GPL-3.0-or-later
"""How well and how fast the local service solves a take it was not made for."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from local_service.solve import metrics

from .figure import Figure

RUNS = 3
# Figure of `metrics.figures`: its unit, and what it is held against. Frame rates should lie above
# their reference, all else below; a planted foot is within a centimetre of the floor.
LIMITS = {
    "rms_mm": ("mm", 40.0),
    "frames_per_s": ("frames/s", 100.0),
    "frames_per_s_whole": ("frames/s", 100.0),
    "limit_violation_deg": ("deg", 0.01),
    "largest_joint_step_deg": ("deg", 10.0),
    "stance_lowest_mm": ("mm", -10.0),
    "stance_highest_mm": ("mm", 10.0),
}


def figures(data: Path) -> list[Figure]:
    """The figures of the solve of a real take: medians of several runs, on one core."""
    walk = data / "walk"
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            metrics.figures(
                c3d=walk / "take.c3d", markerset=walk / "markerset.xml", out_dir=Path(folder)
            )
            for _ in range(RUNS)
        ]
    return [
        Figure(
            name=f"solve: {name}",
            value=statistics.median(run[name] for run in runs),
            unit=unit,
            reference=reference,
        )
        for name, (unit, reference) in LIMITS.items()
    ]
