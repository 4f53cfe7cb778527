# SPDX-License-Identifier: GPL-3.0-or-later
"""What every reader of takes tells, whatever the format of the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import TakeError

if TYPE_CHECKING:
    from pathlib import Path

# What to do about a file that is none.
ADVICE = "choose a C3D or TRC file, or export the take again"
# Between a picture in days and what no camera reaches: no motion of another rate is read.
LEAST_HZ, MOST_HZ = 1e-6, 1e6


class FormatError(ValueError):
    """The file is no take, or is damaged; the text goes after the file's name in a sentence."""


def checked_rate(rate_hz: float | None) -> float:
    """The frames per second of a take, when they can be those of one.

    Raises:
        FormatError: they cannot; told before a job is paid whose result could not be read.
    """
    if rate_hz is None or not (math.isfinite(rate_hz) and rate_hz > 0):
        raise FormatError("does not say how many frames there are per second")
    if not LEAST_HZ <= rate_hz <= MOST_HZ:
        raise FormatError(f"says that it has {rate_hz:g} frames per second, as no recording has")
    return rate_hz


@dataclass(frozen=True, kw_only=True)
class TakeInfo:
    """What a take is.

    Attributes:
        labels: one per point, in the file's order; "" for a point without one.
        first_frame: number of the first frame.
        rate_hz: frames per second.
        units: of positions, as the file says it ("mm").
        byte_order: "intel", "dec" or "mips"; "" for a text file.
        notes: what is odd about the file, as sentences.
    """

    path: Path
    labels: tuple[str, ...]
    frame_count: int
    first_frame: int
    rate_hz: float
    units: str
    byte_order: str = ""
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """From the first frame to the last, in seconds."""
        return (self.frame_count - 1) / self.rate_hz


def unreadable(path: Path, error: OSError) -> TakeError:
    """The sentence for a file that the operating system does not give."""
    if isinstance(error, FileNotFoundError):
        return TakeError(f"{path} does not exist; check the path.")
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return TakeError(f"{path} is a folder; choose a C3D or TRC file.")
    if isinstance(error, PermissionError):
        return TakeError(f"{path} may not be read: permission is denied; choose a copy of it.")
    return TakeError(
        f"{path} cannot be read: {error.strerror or type(error).__name__}; choose a copy elsewhere."
    )


def changed(path: Path) -> TakeError:
    """The sentence for a file that is not what it was a moment ago."""
    return TakeError(f"{path.name} has changed while it was being read; try again.")
