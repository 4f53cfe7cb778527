# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the points of a take that belong to a markerset's markers, and fills gaps in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import SolveError
from .markerset import Marker, Markerset
from .take import Take

MIN_COVERAGE = 0.2  # a label missing in over 80 % of the frames is dropped
MIN_MARKERS = 6  # fewer cannot tell a person's pose
MIN_BODIES = 3
FILLED_WEIGHT = 0.05  # a guess must never outvote a neighbour that was seen
FILL_NEIGHBOURS = 4
FILL_TRUST_S = 0.03  # a guess is nearly as good as seen just beside a gap's edge, and fades

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The points to be followed.

    Attributes:
        markers: The markers that have a label, in markerset order.
        points_m: (frames, markers, 3); gaps are filled by guesses, never NaN.
        seen: (frames, markers) bool, False where the point is a guess.
        rate_hz: Frames per second.
        warnings: What was left out, as sentences.
    """

    markers: tuple[Marker, ...]
    points_m: Array
    seen: NDArray[np.bool_]
    rate_hz: float
    warnings: tuple[str, ...]

    @property
    def weights(self) -> Array:
        """(frames, markers): the markers' weights, fading where a point is a guess."""
        own = np.array([marker.weight for marker in self.markers])
        own = own / np.median(own[own > 0])  # only how they compare matters
        trust = np.exp(-_frames_from_seen(self.seen) / (FILL_TRUST_S * self.rate_hz))
        return own * np.maximum(trust, FILLED_WEIGHT)


def match(take: Take, markerset: Markerset) -> Targets:
    """Match labels to markers; a label fits when it, or one of its words, is the marker's name.

    Raises:
        SolveError: `no_match`, `label_doubled`, `several_subjects` or `too_few_markers`.
    """
    coverage = np.isfinite(take.points_m[:, :, 0]).mean(axis=0)
    fitting = _fitting_points(take.labels, markerset)
    if not fitting:
        raise SolveError("no_match", _no_match_sentence(take, markerset))
    kept = {
        name: [index for index in points if coverage[index] >= MIN_COVERAGE]
        for name, points in fitting.items()
    }
    matched = {name: points for name, points in kept.items() if points}
    _refuse_several_subjects(take.labels, matched.values())
    _refuse_doubles(take.labels, matched)
    markers = tuple(marker for marker in markerset.markers if marker.name in matched)
    _refuse_too_few(markers)
    points = take.points_m[:, [matched[marker.name][0] for marker in markers]]
    seen = np.isfinite(points[:, :, 0])
    return Targets(
        markers=markers,
        points_m=fill_gaps(points),
        seen=seen,
        rate_hz=take.rate_hz,
        warnings=tuple(_left_out(markerset, fitting, matched, take, coverage)),
    )


def words(label: str) -> frozenset[str]:
    """The label itself and its words: what stands between spaces, colons and other signs."""
    return frozenset([label, *re.split(r"[\s:]+", label), *re.findall(r"\w+", label)])


def subject(label: str) -> str:
    """What stands before the last colon of a label: the subject's name, or nothing."""
    return label.rpartition(":")[0].strip()


def _fitting_points(labels: tuple[str, ...], markerset: Markerset) -> dict[str, list[int]]:
    names = {marker.name for marker in markerset.markers}
    fitting: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        for name in words(label) & names:
            fitting.setdefault(name, []).append(index)
    return fitting


def _no_match_sentence(take: Take, markerset: Markerset) -> str:
    found = ", ".join(label for label in take.labels[:5] if label) or "none"
    wanted = ", ".join(marker.name for marker in markerset.markers[:5])
    return (
        f"No label of the take fits a marker of '{markerset.name}': the take has {found} …, "
        f"the markerset {wanted} …; choose the markerset this take was recorded with."
    )


def _refuse_several_subjects(labels: tuple[str, ...], matched: Iterable[list[int]]) -> None:
    subjects = sorted({subject(labels[index]) for points in matched for index in points} - {""})
    if len(subjects) > 1:
        raise SolveError(
            "several_subjects",
            f"The take holds {len(subjects)} subjects ({', '.join(subjects)}); "
            "export one subject per take.",
        )


def _refuse_doubles(labels: tuple[str, ...], matched: Mapping[str, list[int]]) -> None:
    for name, points in matched.items():
        if len(points) > 1:
            both = " and ".join(f"'{labels[index]}'" for index in points[:2])
            raise SolveError(
                "label_doubled",
                f"Two labels of the take, {both}, fit marker {name}; rename or delete one.",
            )


def _refuse_too_few(markers: tuple[Marker, ...]) -> None:
    bodies = {marker.body for marker in markers if marker.weight > 0}
    if len(markers) < MIN_MARKERS or len(bodies) < MIN_BODIES:
        raise SolveError(
            "too_few_markers",
            f"Only {len(markers)} markers on {len(bodies)} bodies can be used; "
            f"a solve needs at least {MIN_MARKERS} markers on {MIN_BODIES} bodies.",
        )


def _left_out(
    markerset: Markerset,
    fitting: Mapping[str, list[int]],
    matched: Mapping[str, list[int]],
    take: Take,
    coverage: Array,
) -> Iterable[str]:
    for marker in markerset.markers:
        if marker.name not in fitting:
            yield f"Marker {marker.name} has no label in the take and is left out."
        elif marker.name not in matched:
            index = max(fitting[marker.name], key=lambda point: coverage[point])
            missing = 100 * (1 - coverage[index])
            label = take.labels[index]
            yield f"Label {label} is missing in {missing:.0f} % of the frames and is dropped."


def fill_gaps(points: Array) -> Array:
    """Guess hidden points so that nothing jumps when they come back.

    A hidden point keeps its offset from the markers that stay at the most constant distance from
    it; the offset goes linearly from its value before the gap to that after it.

    Args:
        points: (frames, markers, 3), NaN where hidden.

    Returns:
        The same without NaN.
    """
    filled = np.stack([_fill_track(points[:, index]) for index in range(points.shape[1])], axis=1)
    gaps = np.isnan(points[:, :, 0])
    for index in np.flatnonzero(gaps.any(axis=0)):
        near = _companions(points, int(index))
        # The companions' own straight fill stands in where they are hidden at the same time.
        centre = filled[:, near].mean(axis=1) if near.size else np.zeros((len(points), 3))
        filled[:, index] = _fill_track(points[:, index] - centre) + centre
    return filled


def _frames_from_seen(seen: NDArray[np.bool_]) -> Array:
    """(frames, markers): how many frames away each marker was last or is next seen."""
    away = np.where(seen, 0.0, np.inf)
    for frame in range(1, len(seen)):
        away[frame] = np.minimum(away[frame], away[frame - 1] + 1)
    for frame in range(len(seen) - 2, -1, -1):
        away[frame] = np.minimum(away[frame], away[frame + 1] + 1)
    return away


def _fill_track(track: Array) -> Array:
    frames = np.arange(len(track))
    seen = np.isfinite(track[:, 0])
    if not seen.any():
        return np.zeros_like(track)
    filled = np.empty_like(track)
    for axis in range(track.shape[1]):
        filled[:, axis] = np.interp(frames, frames[seen], track[seen, axis])
    return filled


def _companions(points: Array, index: int) -> NDArray[np.intp]:
    """The markers nearest in a rigid body's sense: whose distance from `index` varies least."""
    distance: Array = np.linalg.norm(points - points[:, index : index + 1], axis=2)
    together = np.isfinite(distance).sum(axis=0)
    usable = together > 0.1 * len(points)
    usable[index] = False
    others = np.flatnonzero(usable)
    spread = np.nanstd(distance[:, others], axis=0) + 0.02 * np.nanmean(distance[:, others], axis=0)
    return others[np.argsort(spread, kind="stable")[:FILL_NEIGHBOURS]]
