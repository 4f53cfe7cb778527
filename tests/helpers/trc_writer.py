# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes TRC files as different programs do, honest ones and ones that lie about themselves.

Written from the format's public description, independently of the readers under test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(kw_only=True)
class TrcWriter:
    """What to write. `points` is (frames, labels, 3), NaN where a point is not there.

    `gap` is what stands in each cell of a point that is not there. `told` replaces values of the
    header (None leaves the key out).
    """

    labels: list[str]
    points: np.ndarray
    rate_hz: float = 100.0
    units: str = "mm"
    first_frame: int = 1
    gap: str = ""
    told: dict[str, str | None] = field(default_factory=dict)
    ending: str = "\n"
    blank_line: bool = True
    axes_line: bool = True
    trailing: str = ""
    decimal: str = "."
    padding: str = ""
    label_step: int = 3
    final_ending: bool = True

    def write(self, path: Path, *, encoding: str = "utf-8") -> Path:
        path.write_bytes(self.text(path.name).encode(encoding))
        return path

    def text(self, name: str = "take.trc") -> str:
        lines = [f"PathFileType\t4\t(X/Y/Z)\t{name}", *self._header(), self._label_line()]
        if self.axes_line:
            axes = [f"{axis}{i + 1}" for i in range(len(self.labels)) for axis in "XYZ"]
            lines.append("\t".join(["", "", *axes]))
        if self.blank_line:
            lines.append("")
        lines += [self._row(index) for index in range(len(self.points))]
        end = self.ending if self.final_ending else ""
        return self.ending.join(line + self.trailing for line in lines) + end

    def _header(self) -> list[str]:
        frames, rate = len(self.points), f"{self.rate_hz:.2f}"
        values: dict[str, str | None] = {
            "DataRate": rate,
            "CameraRate": rate,
            "NumFrames": str(frames),
            "NumMarkers": str(len(self.labels)),
            "Units": self.units,
            "OrigDataRate": rate,
            "OrigDataStartFrame": str(self.first_frame),
            "OrigNumFrames": str(frames),
        }
        known = {key: text for key, text in (values | self.told).items() if text is not None}
        return ["\t".join(known), "\t".join(known.values())]

    def _label_line(self) -> str:
        cells = ["Frame#", "Time"]
        for label in self.labels:
            cells += [label] + [""] * (self.label_step - 1)
        return "\t".join(cells)

    def _row(self, index: int) -> str:
        time_s = (self.first_frame - 1 + index) / self.rate_hz
        cells = [str(self.first_frame + index), f"{time_s:.6f}"]
        for point in self.points[index]:
            gone = any(math.isnan(value) for value in point)
            cells += [self.gap] * 3 if gone else [repr(float(value)) for value in point]
        return "\t".join(self.padding + cell.replace(".", self.decimal) for cell in cells)


def scattered(frames: int, labels: int) -> np.ndarray:
    """(frames, labels, 3) points around the origin, in millimetres."""
    return np.random.default_rng(3).normal(0.0, 500.0, (frames, labels, 3))
