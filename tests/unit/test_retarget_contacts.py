# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts are found where feet really stand, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from myosapiens_addon.retarget import contacts
from sample import steps, walk
from sample.gait import Array
from sample.subject import SIDES, SOLE_POINTS, Subject

from . import contact_takes as takes

RNG = np.random.default_rng(11)
RATES = (24.0, 30.0, 60.0, 120.0, 240.0)


def assert_close(found: NDArray[np.bool_], true: NDArray[np.bool_], *, frames: int) -> None:
    """Every true contact is found once, its borders within so many frames; no others are."""
    ours, wanted = contacts.runs(found), contacts.runs(true)
    assert len(ours) == len(wanted), (ours, wanted)
    for one, other in zip(ours, wanted, strict=True):
        assert abs(one[0] - other[0]) <= frames, (ours, wanted)
        assert abs(one[1] - other[1]) <= frames, (ours, wanted)


def slack(rate_hz: float) -> int:
    """A foot still moves slowly, and low, for some 50 ms before it strikes and after it lifts."""
    return max(1, round(0.05 * rate_hz))


@dataclass(frozen=True, kw_only=True)
class Gait:
    """The sample's gait, by side: points of the sole (F, 4, 3), and the phase (F,) in percent."""

    soles: dict[str, Array]
    percent: dict[str, Array]


@pytest.fixture(scope="module")
def gait() -> Gait:
    subject = Subject()
    person = walk.make(subject)
    times = walk.times_s()
    found: dict[str, list[Array]] = {side: [] for side in SIDES}
    for pose in person.poses(subject, times):
        subject.set_qpos(pose)
        for side in SIDES:
            found[side].append(subject.sole(side))
    phase = person.phase(times)
    return Gait(
        soles={side: np.array(points) for side, points in found.items()},
        percent={"r": 100.0 * (phase % 1.0), "l": 100.0 * ((phase + 0.5) % 1.0)},
    )


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("noise_m", [0.0, 0.001, 0.003])
def test_the_samples_contacts_are_those_it_was_made_with(
    gait: Gait, side: str, noise_m: float
) -> None:
    percent, soles = gait.percent[side], gait.soles[side]
    seen = soles + RNG.normal(scale=noise_m, size=soles.shape)
    paths = dict(zip(SOLE_POINTS, seen.transpose(1, 0, 2), strict=True))
    found = contacts.find(walk.times_s(), paths["heel"], paths["ball_medial"])
    begins, ends = steps.CONTACTS["ball_medial"]
    assert_close(found.toe, (percent >= begins) & (percent <= ends), frames=5)
    # The ball may count as planted for as long as the tip of the toes still stands.
    ends = steps.CONTACTS["toe_tip"][1]
    stands = (percent >= begins - 2.0) & (percent <= ends + 2.0)
    assert not np.any(found.toe & ~stands)
    strikes = np.flatnonzero(np.diff(percent) < 0.0).tolist()
    for start, _ in found.heel_intervals:
        assert start == 0 or min(abs(start - strike) for strike in strikes) <= 5
    assert len(found.heel_intervals) >= len(strikes)
    assert found.toe_rise is not None
    assert not found.toe_rise.any()


@pytest.mark.parametrize("rate", RATES)
def test_steps_are_found_at_every_rate(rate: float) -> None:
    take = takes.walking(takes.clock(5.0, rate))
    for limb, found in zip(take.limbs, take.contacts(), strict=True):
        assert_close(found.toe, limb.toe, frames=slack(rate))
        assert_close(found.heel, limb.heel, frames=slack(rate))
        assert found.toe_level == pytest.approx(takes.BALL_HEIGHT, abs=0.003)


@pytest.mark.parametrize(
    "take",
    [
        takes.walking(takes.clock(5.0), stride=(-0.8, 0.0), heel_first=False),
        takes.walking(takes.clock(5.0), stride=(0.0, 0.4), heel_first=False, roll=0.1, base=0.25),
        takes.running(takes.clock(4.0)),
        takes.noisy(takes.walking(takes.clock(5.0)), 0.003),
    ],
    ids=["backwards", "sideways", "running", "noise"],
)
def test_other_ways_to_go_are_found(take: takes.Take) -> None:
    for limb, found in zip(take.limbs, take.contacts(), strict=True):
        # The first half second is before the runner has found her rhythm.
        assert_close(found.toe[60:], limb.toe[60:], frames=slack(120.0))


def test_uneven_times_do_not_matter() -> None:
    times = takes.clock(5.0, 200.0)
    kept = np.sort(RNG.choice(len(times), size=len(times) // 2, replace=False))
    take = takes.walking(times[kept])
    for limb, found in zip(take.limbs, take.contacts(), strict=True):
        assert_close(found.toe, limb.toe, frames=slack(100.0))


@pytest.mark.parametrize("noise_m", [0.0, 0.001, 0.003])
def test_a_foot_that_stands_still_stands_all_the_time(noise_m: float) -> None:
    take = takes.standing(takes.clock(10.0), noise_m=noise_m)
    for found in take.contacts():
        assert len(found.toe_intervals) == 1
        assert found.toe.mean() > 0.98


def test_a_step_is_stood_on_where_it_is() -> None:
    times = takes.clock(5.0)
    take = takes.walking(
        times, stride=(0.8, 0.0), terrain=lambda way: 0.2 * (way > 1.0), height=0.8
    )
    for limb, found in zip(take.limbs, take.contacts(), strict=True):
        assert_close(found.toe, limb.toe, frames=slack(120.0))
        assert found.toe_rise is not None
        up = limb.joints["ball"][:, 2] > 0.15
        np.testing.assert_allclose(found.toe_rise[limb.toe & up], 0.2, atol=0.005)
        assert not found.toe_rise[limb.toe & ~up].any()


def test_a_foot_that_is_held_up_is_not_planted() -> None:
    times = takes.clock(4.0)
    path = np.zeros((len(times), 3))
    path[:, 2] = 0.02 + 0.3 * (takes.eased(times - 1.0) - takes.eased(times - 3.0))
    found = contacts.find(times, path, path)
    assert_close(found.toe, path[:, 2] < 0.03, frames=12)


def test_feet_that_never_rest_on_the_known_ground_stand_on_something() -> None:
    times = takes.clock(2.0)
    path = np.tile([0.0, 0.0, 0.45], (len(times), 1))
    found = contacts.find(times, path, path, ground=0.0)
    assert found.toe.all()
    assert found.toe_rise is not None
    np.testing.assert_allclose(found.toe_rise, 0.45)
    assert contacts.find(times, path, path).toe_level == pytest.approx(0.45)


def test_a_foot_that_creeps_is_not_held_for_long() -> None:
    times = takes.clock(6.0)
    path = np.zeros((len(times), 3))
    path[:, 0] = 0.1 * np.clip(times - 1.0, 0.0, 4.0)
    found = contacts.find(times, path, path)
    for start, end in found.toe_intervals:
        assert np.ptp(path[start:end, 0]) <= contacts.ContactOptions().place + 1e-9
    assert found.toe[:100].all()
    assert found.toe[-100:].all()


def test_a_foot_that_turns_on_its_ball_stays_planted() -> None:
    take = takes.pivoting(takes.clock(4.0))
    for found in take.contacts():
        assert found.toe.all()
    assert not take.contacts()[0].heel.all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shortest_takes_have_no_or_all_contacts(count: int) -> None:
    times = np.arange(count) / 30.0
    still = np.tile([0.0, 0.0, 0.02], (count, 1))
    moving = still + np.outer(times, [1.0, 0.0, 0.0])
    assert contacts.find(times, still, still).toe.all() == (count == 3)
    assert not contacts.find(times, moving, moving).toe.any()
