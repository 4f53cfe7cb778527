# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels against markers, and the filling of gaps."""

from __future__ import annotations

import numpy as np
import pytest

from local_service.solve import SolveError
from local_service.solve.markerset import Marker, Markerset
from local_service.solve.matching import Targets, fill_gaps, match, subject, words
from local_service.solve.take import Take

NAMES = ("LFHD", "RFHD", "C7", "STRN", "LASI", "RASI", "LKNE", "RKNE")
BODIES = (
    "skull",
    "skull",
    "thoracic_spine",
    "thoracic_spine",
    "pelvis",
    "pelvis",
    "femur_l",
    "femur_r",
)


def a_markerset(weight: float = 1.0) -> Markerset:
    markers = (
        Marker(name=name, body=body, position_m=(0.0, 0.0, 0.0), movable=False, weight=weight)
        for name, body in zip(NAMES, BODIES, strict=True)
    )
    return Markerset(name="small", markers=tuple(markers))


def a_take(labels: list[str], hidden: dict[str, float] | None = None, frames: int = 50) -> Take:
    points = np.random.default_rng(0).normal(size=(1, len(labels), 3)).repeat(frames, axis=0)
    for label, share in (hidden or {}).items():
        points[: round(share * frames), labels.index(label)] = np.nan
    return Take(labels=tuple(labels), points_m=points, rate_hz=100.0)


def found(take: Take) -> list[str]:
    return [marker.name for marker in match(take, a_markerset()).markers]


def test_words_and_subjects() -> None:
    assert {"Justin3:LFHD", "Justin3", "LFHD"} <= words("Justin3:LFHD")
    assert {"LFHD", "left"} <= words("LFHD left")
    assert "FHD" not in words("LFHD")
    assert subject("A:B:LFHD") == "A:B"
    assert subject("LFHD") == ""


@pytest.mark.parametrize("form", ["{}", "Anna:{}", "Anna: {}", "{} marker", "Anna:{} x"])
def test_labels_match_by_name_or_word(form: str) -> None:
    assert found(a_take([form.format(name) for name in NAMES])) == list(NAMES)


def test_missing_and_dropped_markers_are_warned_of() -> None:
    labels = [name for name in NAMES if name != "C7"]
    targets = match(a_take(labels, {"STRN": 0.9, "LASI": 0.5}), a_markerset())
    assert [m.name for m in targets.markers] == [n for n in NAMES if n not in ("C7", "STRN")]
    assert any("C7" in line for line in targets.warnings)
    assert any("STRN" in line and "90 %" in line for line in targets.warnings)
    assert len(targets.warnings) == 2


@pytest.mark.parametrize(
    ("labels", "error_type", "named"),
    [
        (["X1", "X2"], "no_match", "LFHD"),
        ([*NAMES, "Anna:C7"], "label_doubled", "C7"),
        ([f"A:{n}" for n in NAMES[:4]] + [f"B:{n}" for n in NAMES[4:]], "several_subjects", "A, B"),
        (list(NAMES[:5]), "too_few_markers", "5"),
    ],
)
def test_takes_that_cannot_be_solved(labels: list[str], error_type: str, named: str) -> None:
    with pytest.raises(SolveError) as caught:
        match(a_take(labels), a_markerset())
    assert caught.value.error_type == error_type
    assert named in caught.value.message


def test_a_double_that_is_hardly_there_does_no_harm() -> None:
    take = a_take([*NAMES, "old:C7"], {"old:C7": 0.95})
    assert found(take) == list(NAMES)


def test_markers_of_no_weight_do_not_count() -> None:
    with pytest.raises(SolveError, match="bodies"):
        match(a_take(list(NAMES)), a_markerset(weight=0.0))


def test_gaps_are_filled_with_the_neighbours_movement() -> None:
    frames = np.arange(60)
    path = np.stack([0.02 * frames, 0.3 * np.sin(frames / 9), 0 * frames], axis=1)
    offsets = np.array([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1], [0.1, 0.1, 0]])
    whole = (path[:, None] + offsets).astype(np.float64)
    gaps = whole.copy()
    gaps[20:45, 2] = np.nan
    gaps[:5, 0] = np.nan
    gaps[50:, 4] = np.nan
    assert fill_gaps(gaps) == pytest.approx(whole, abs=1e-9)
    assert np.isfinite(fill_gaps(np.full((4, 5, 3), np.nan))).all()


def test_guesses_fade_away_from_what_was_seen() -> None:
    seen = np.ones((40, 8), dtype=bool)
    seen[10:30, 3] = False
    targets = Targets(
        markers=a_markerset().markers,
        points_m=np.zeros((40, 8, 3)),
        seen=seen,
        rate_hz=100.0,
        warnings=(),
    )
    weights = targets.weights
    assert weights[:, 0] == pytest.approx(1.0)
    assert weights[20, 3] < 0.1 < 0.5 < weights[10, 3] < 1.0
    assert weights[10:30, 3] == pytest.approx(weights[10:30, 3][::-1])
