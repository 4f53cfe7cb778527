# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample take: what was committed, and whether a person could walk like that."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import ezc3d
import numpy as np
import pytest
from numpy.typing import NDArray

from sample import gait, make, markers, walk
from sample.subject import SIDES, Subject

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Take:
    """What ezc3d reads of a file; points (frames, markers, 3), residuals (markers, frames)."""

    units: str
    rate_hz: float
    labels: list[str]
    points_mm: Array
    residuals: Array


def read(path: Path) -> Take:
    file = ezc3d.c3d(str(path))
    point = file["parameters"]["POINT"]
    return Take(
        units=point["UNITS"]["value"][0],
        rate_hz=float(point["RATE"]["value"][0]),
        labels=list(point["LABELS"]["value"]),
        points_mm=file["data"]["points"][:3].transpose(2, 1, 0),
        residuals=file["data"]["meta_points"]["residuals"][0],
    )


@pytest.fixture(scope="module")
def committed() -> Take:
    return read(make.FOLDER / make.C3D_NAME)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject()


@pytest.fixture(scope="module")
def recording(subject: Subject) -> make.Recording:
    return make.record(subject)


@pytest.fixture(scope="module")
def soles(subject: Subject, recording: make.Recording) -> dict[str, Array]:
    """By side: (frames, 4, 3) heel, balls and tip of the toes, m."""
    found: dict[str, list[Array]] = {side: [] for side in SIDES}
    for pose in recording.poses:
        subject.set_qpos(pose)
        for side in SIDES:
            found[side].append(subject.sole(side))
    return {side: np.array(points) for side, points in found.items()}


def runs(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Indices of each stretch of True."""
    indices = np.flatnonzero(mask)
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if len(run)]


def whole_runs(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Those stretches that the recording neither begins nor ends in."""
    return [run for run in runs(mask) if run[0] > 0 and run[-1] < len(mask) - 1]


def test_committed_take_is_a_small_metric_100_hz_file(committed: Take) -> None:
    assert committed.units == "mm"
    assert committed.rate_hz == 100.0
    assert committed.points_mm.shape == (walk.FRAMES, 39, 3)
    assert walk.FRAMES / 100.0 >= 4.0
    assert (make.FOLDER / make.C3D_NAME).stat().st_size < 500_000


def test_regenerating_gives_the_committed_points(
    committed: Take, recording: make.Recording, tmp_path: Path
) -> None:
    make.write_c3d(recording, tmp_path / "again.c3d")
    again = read(tmp_path / "again.c3d")
    np.testing.assert_allclose(again.points_mm, committed.points_mm, atol=0.01)
    assert again.labels == committed.labels


def test_committed_markerset_is_the_one_of_the_module() -> None:
    assert (make.FOLDER / make.MARKERSET_NAME).read_text(encoding="utf-8") == markers.to_xml()


def test_every_label_has_its_marker_on_a_body_of_the_skeleton(
    committed: Take, subject: Subject
) -> None:
    root = ElementTree.parse(make.FOLDER / make.MARKERSET_NAME).getroot()
    labels = committed.labels
    assert [f"Anna:{marker.get('name')}" for marker in root] == labels
    assert {marker.get("body") for marker in root} <= set(subject.bodies)
    assert {marker.get("movable") for marker in root} == {"0.0", "1.0"}
    assert all(len(marker.get("pos", "").split()) == 3 for marker in root)


def test_gaps_are_some_and_marked_as_the_format_wants(committed: Take) -> None:
    residuals = committed.residuals
    hidden = residuals < 0
    np.testing.assert_array_equal(hidden, np.isnan(committed.points_mm[..., 0]).T)
    lengths = [len(run) for column in hidden for run in runs(column)]
    assert 8 <= len(lengths) <= 14
    assert min(lengths) >= 5
    assert hidden.mean(axis=1).max() < 0.3


def test_markers_are_displaced_and_noisy_as_real_ones_are(recording: make.Recording) -> None:
    noise = recording.points_m - recording.true_points_m
    assert 0.0003 < np.nanstd(noise) < 0.0005
    assert np.nanmax(np.abs(noise)) < 0.003


def test_she_walks_straight_ahead_at_the_published_speed(committed: Take) -> None:
    labels = committed.labels
    front = [labels.index("Anna:LPSI"), labels.index("Anna:RPSI")]
    middle = committed.points_mm[:, front].mean(axis=1) / 1000.0
    slope = np.polyfit(walk.times_s(), middle, 1)[0]
    assert slope[0] == pytest.approx(1.3, abs=0.02)
    assert abs(slope[1]) < 0.02
    assert abs(slope[2]) < 0.01
    assert 0.03 < np.ptp(middle[:, 2]) < 0.06


def test_markers_of_the_right_are_on_her_right(committed: Take) -> None:
    labels = committed.labels
    points = np.nanmean(committed.points_mm, axis=0)
    for label in (name for name in labels if name.startswith("Anna:R") and name != "Anna:RBAK"):
        left = labels.index(label.replace("Anna:R", "Anna:L"))
        assert points[labels.index(label), 1] < points[left, 1], label


@pytest.mark.parametrize("side", SIDES)
def test_knee_bends_like_a_knee(subject: Subject, recording: make.Recording, side: str) -> None:
    knee = subject.angle_deg(f"knee_flexion_{side}", recording.poses)
    assert -1.0 < knee.min() < 8.0
    peaks = np.flatnonzero((knee[1:-1] > knee[:-2]) & (knee[1:-1] >= knee[2:])) + 1
    swing = peaks[knee[peaks] > 40.0]
    loading = peaks[(knee[peaks] < 40.0) & (knee[peaks] > 8.0)]
    assert np.all((knee[swing] > 55.0) & (knee[swing] < 70.0))
    assert np.all((knee[loading] > 12.0) & (knee[loading] < 22.0))
    assert len(loading) >= 3
    periods_s = np.diff(swing) / walk.RATE_HZ
    assert len(periods_s) >= 3
    np.testing.assert_allclose(periods_s, 2.0 / (110.0 / 60.0), atol=0.011)


def test_legs_alternate_by_half_a_stride(subject: Subject, recording: make.Recording) -> None:
    right, left = (subject.angle_deg(f"hip_flexion_{side}", recording.poses) for side in SIDES)
    stride = gait.STRIDE_S * walk.RATE_HZ
    whole = np.arange(len(right), dtype=np.float64)
    shifted = np.interp(whole[:-60] + stride / 2.0, whole, left)
    np.testing.assert_allclose(shifted, right[:-60], atol=0.3)
    assert np.corrcoef(right, left)[0, 1] < -0.5


@pytest.mark.parametrize("side", SIDES)
def test_planted_foot_neither_slips_nor_sinks(soles: dict[str, Array], side: str) -> None:
    assert soles[side][..., 2].min() > -0.001
    heel, ball = soles[side][:, 0], soles[side][:, 1]
    flat = whole_runs((heel[:, 2] < 0.002) & (ball[:, 2] < 0.002))
    assert len(flat) >= 3
    for run in flat:
        assert len(run) >= 18  # a fifth of a second and more of 0.69 s stance
        for point in (heel, ball):
            assert np.ptp(point[run, :2], axis=0).max() < 0.002


@pytest.mark.parametrize("side", SIDES)
def test_one_point_of_the_foot_stays_put_all_through_stance(
    soles: dict[str, Array], side: str
) -> None:
    """From heel strike to toe-off something carries: heel, then ball, then toes."""
    points = soles[side]
    on_floor = np.any(points[..., 2] < 0.002, axis=1)
    stances = whole_runs(on_floor)
    assert len(stances) >= 3
    speed = np.linalg.norm(np.gradient(points[..., :2], 1.0 / walk.RATE_HZ, axis=0), axis=-1)
    for run in stances:
        share = len(run) / (gait.STRIDE_S * walk.RATE_HZ)
        assert 0.56 < share < 0.70  # 62 % is published
        assert np.median(speed[run].min(axis=1)) < 0.01
        assert speed[run].min(axis=1)[3:-3].max() < 0.1  # m/s, of 1.3


@pytest.mark.parametrize("side", SIDES)
def test_foot_clears_the_floor_in_swing(soles: dict[str, Array], side: str) -> None:
    lowest = soles[side][..., 2].min(axis=1)
    swings = whole_runs(lowest > 0.004)
    assert len(swings) >= 3
    assert all(lowest[run].max() > 0.011 for run in swings)


def test_joints_stay_within_their_limits_and_move_smoothly(
    subject: Subject, recording: make.Recording
) -> None:
    for joint, (low, high) in subject.limits_deg().items():
        angle = subject.angle_deg(joint, recording.poses)
        assert low <= angle.min(), joint
        assert angle.max() <= high, joint
        assert np.abs(np.diff(angle)).max() < 8.0, joint  # degrees per 10 ms


def test_arms_swing_against_the_legs(recording: make.Recording) -> None:
    names = [marker.name for marker in markers.MARKERS]
    points = recording.true_points_m
    pelvis = points[:, [names.index("LPSI"), names.index("RPSI")], 0].mean(axis=1)
    wrist = points[:, names.index("RWRA"), 0] - pelvis
    assert np.corrcoef(wrist, points[:, names.index("RHEE"), 0] - pelvis)[0, 1] < -0.5
    assert np.corrcoef(wrist, points[:, names.index("LHEE"), 0] - pelvis)[0, 1] > 0.5
    assert 0.25 < np.ptp(wrist) < 0.6


def test_she_is_as_tall_as_she_says_and_not_the_reference(subject: Subject) -> None:
    subject.stand()
    crown = subject.points(["skull"], np.array([[0.0, 0.98 * 0.155, 0.0]]))[0, 2]
    assert crown - subject.sole("r")[0, 2] == pytest.approx(1.72, abs=0.01)
