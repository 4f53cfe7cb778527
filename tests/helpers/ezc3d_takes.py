# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: reportUnknownMemberType=false
"""Takes written by ezc3d: the independent hand on the other side of our own reader."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np


def scattered(labels: int, frames: int) -> np.ndarray:
    """(4, labels, frames) points around the origin, in millimetres."""
    points = np.ones((4, labels, frames))
    points[:3] = np.random.default_rng(1).normal(0.0, 500.0, (3, labels, frames))
    return points


def write(
    path: Path,
    *,
    labels: list[str],
    points: np.ndarray,
    rate_hz: float = 100.0,
    units: str = "mm",
    analog: int = 0,
) -> None:
    """Write a take.

    Args:
        path: where.
        labels: one per point.
        points: (4, labels, frames), NaN where a point is not there.
        rate_hz: frames per second.
        units: of the points.
        analog: so many analog channels, five samples per frame.
    """
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [rate_hz]
    file["parameters"]["POINT"]["LABELS"]["value"] = labels
    file["parameters"]["POINT"]["UNITS"]["value"] = [units]
    file["data"]["points"] = points
    if analog:
        file["parameters"]["ANALOG"]["RATE"]["value"] = [rate_hz * 5]
        file["parameters"]["ANALOG"]["LABELS"]["value"] = [f"a{i}" for i in range(analog)]
        file["data"]["analogs"] = np.ones((1, analog, points.shape[2] * 5))
    file.write(str(path))
