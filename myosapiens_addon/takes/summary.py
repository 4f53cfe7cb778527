# SPDX-License-Identifier: GPL-3.0-or-later
"""What people want to know of a take as soon as they have chosen it. Reads files: for a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from . import preflight
from .info import TakeInfo
from .take import UNREAD, read_info


@dataclass(frozen=True, kw_only=True)
class TakeSummary:
    """A take, and what the service would make of it with its markerset.

    Attributes:
        frames: number of frames; 0 where the file could not be read.
        rate_hz: frames per second.
        seconds: from the first frame to the last.
        labels: number of labelled points.
        matched: markers that the solve will use; None without a markerset.
        markers: markers of the markerset; None without one.
        missing: markers without a label.
        doubled: markers with more than one label.
        errors: why the job would fail, as sentences.
        warnings: what to know, as sentences.
    """

    frames: int = 0
    rate_hz: float = 0.0
    seconds: float = 0.0
    labels: int = 0
    matched: int | None = None
    markers: int | None = None
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def score(self) -> str:
        """`41/41`, or an empty text without a markerset."""
        return "" if self.markers is None else f"{self.matched}/{self.markers}"


def look(take: Path, markerset: Path | None) -> TakeSummary:
    """Read a take, and its markerset where one is chosen; what is wrong stands in the result."""
    if take.suffix.lower() in UNREAD:
        return _unread(take)
    try:
        info = read_info(take)
    except InputError as error:
        return TakeSummary(errors=(error.sentence,))
    if markerset is None:
        return _of(info, warnings=info.notes)
    try:
        found = preflight.check(take, markerset)
    except InputError as error:
        return _of(info, errors=(error.sentence,), warnings=info.notes)
    return _of(
        info,
        matched=len(found.matched),
        markers=len(found.markerset.markers),
        missing=found.missing,
        doubled=tuple(found.doubled),
        errors=found.errors,
        warnings=found.warnings,
    )


def _unread(take: Path) -> TakeSummary:
    kind = take.suffix[1:].upper()
    if not take.is_file():
        return TakeSummary(errors=(f"{take} does not exist; check the path.",))
    return TakeSummary(warnings=(f"Only the service can read {kind} takes; nothing is checked.",))


def _of(info: TakeInfo, **more: object) -> TakeSummary:
    return TakeSummary(
        frames=info.frame_count,
        rate_hz=info.rate_hz,
        seconds=info.duration_s,
        labels=sum(1 for label in info.labels if label),
        **more,  # pyright: ignore[reportArgumentType]
    )
