# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted feet stay, do not sink, and no knee pops; whatever the figure's proportions are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.retarget import planting
from myosapiens_addon.retarget.contacts import Contacts

from . import contact_measures as measures
from . import contact_takes as takes
from .contact_captured import captured
from .contact_takes import Array, Take, Target

# Leg length, pelvis path, how much higher the pelvis is: same as the source, long and short legs
# with the path scaled like them or kept, and the hips then put where such legs have theirs.
PROPORTIONS = {
    "same": (1.0, 1.0, 0.0),
    "long": (1.15, 1.15, 0.0),
    "long_low": (1.15, 1.0, 0.0),
    "long_kept": (1.15, 1.0, 0.12),
    "long_high": (1.15, 1.15, 0.03),
    "short": (0.85, 0.85, 0.0),
    "short_high": (0.85, 1.0, 0.0),
    "short_kept": (0.85, 1.0, -0.12),
}
# Walking: 200 to 700 rad/s² in the real take. A source that is much gentler than that may be
# changed by more than half of its own without anything to be seen.
GENTLE = 570.0
SPEED, SINK, POP = 0.002, 0.002, 1.5


def corrected(
    take: Take, proportions: tuple[float, float, float], **target: bool
) -> tuple[Target, list[Contacts], planting.Corrected]:
    leg, path, up = proportions
    figure = takes.target(take, leg=leg, path=path, up=up, **target)
    found = take.contacts()
    options = planting.CorrectOptions(rise_scale=path)
    done = planting.correct(take.times, figure.legs, found, figure.pelvis, options=options)
    return figure, found, done


def assert_whole(figure: Target, done: planting.Corrected) -> None:
    """All is finite, and the joints are where the rotations put them."""
    for leg, spans in zip(done.legs, figure.spans, strict=True):
        turns = {"thigh": leg.thigh, "shin": leg.shin, "foot": leg.foot, "toe": leg.toe}
        joints = takes.chain(done.pelvis, figure.take.turn, turns, spans)
        for name in ("hip", "knee", "ankle", "ball", "tip", "heel"):
            where = getattr(leg, name)
            if where is not None:
                np.testing.assert_allclose(where, joints[name], atol=1e-9)
        assert all(np.isfinite(turn).all() for turn in turns.values())


def assert_stays(found: list[Contacts], done: planting.Corrected, times: Array) -> None:
    for leg, contact in zip(done.legs, found, strict=True):
        assert np.max(measures.slide(leg.ball, times, contact.toe), initial=0.0) < SPEED


def assert_floats(
    found: list[Contacts], done: planting.Corrected, *, limit: float = SINK, scale: float = 1.0
) -> None:
    for leg, contact in zip(done.legs, found, strict=True):
        assert contact.toe_rise is not None
        floor = scale * contact.toe_rise
        assert measures.sink(leg.ball, floor + leg.ball_height, contact.toe) < limit
        assert measures.sink(leg.tip, floor + leg.tip_height, contact.toe) < limit
        if leg.heel is not None:
            assert measures.sink(leg.heel, floor + leg.heel_height, contact.toe) < limit
            alone = contact.heel & ~contact.toe & ~np.any(floor)
            assert measures.sink(leg.heel, leg.heel_height, alone) < limit


def assert_no_pop(figure: Target, done: planting.Corrected, *, gentle: float = 0.0) -> None:
    for before, after in zip(figure.legs, done.legs, strict=True):
        was, now = measures.hardest(figure, before), measures.hardest(figure, after)
        for joint in was:
            assert now[joint] <= max(POP * was[joint], gentle), (joint, was, now)


@pytest.fixture(scope="module")
def real(walk: Path) -> Take:
    return captured(walk)


@pytest.mark.parametrize("proportions", PROPORTIONS.values(), ids=PROPORTIONS.keys())
def test_the_real_take_on_other_legs(real: Take, proportions: tuple[float, float, float]) -> None:
    figure, found, done = corrected(real, proportions)
    slid = [
        np.median(measures.slide(leg.ball, real.times, contact.toe))
        for leg, contact in zip(figure.legs, found, strict=True)
    ]
    assert min(slid) > 0.02  # there is something to correct
    assert_whole(figure, done)
    assert_stays(found, done, real.times)
    assert_floats(found, done)
    assert_no_pop(figure, done)
    assert max(shortfall.max() for shortfall in done.shortfalls) < 1e-6


@pytest.mark.parametrize("proportions", PROPORTIONS.values(), ids=PROPORTIONS.keys())
def test_planted_toes_stay_between_keys_too(
    real: Take, proportions: tuple[float, float, float]
) -> None:
    figure, found, done = corrected(real, proportions)
    for leg, spans, contact in zip(done.legs, figure.spans, found, strict=True):
        between = measures.between_keys(figure, done.pelvis, leg, spans)
        planted = contact.toe[1:] & contact.toe[:-1]
        speeds = measures.slide(between, 0.5 * (real.times[1:] + real.times[:-1]), planted)
        assert np.median(speeds) < 0.5 * SPEED
        assert np.percentile(speeds, 90.0) < 1.5 * SPEED
        # What linear interpolation leaves is no slide: it comes and goes from key to key.
        off = np.linalg.norm(between - leg.ball[1:], axis=1)[planted]
        assert np.percentile(off, 90.0) < 1e-4


def test_the_same_proportions_hardly_change(real: Take) -> None:
    figure, _, done = corrected(real, PROPORTIONS["same"])
    for before, after in zip(figure.legs, done.legs, strict=True):
        assert np.abs(after.ankle - before.ankle).max() < 0.025
    assert done.lowered.max() < 0.025


SYNTHETIC = {
    "walking": takes.walking(takes.clock(5.0)),
    "backwards": takes.walking(takes.clock(5.0), stride=(-0.8, 0.0), heel_first=False),
    "sideways": takes.walking(
        takes.clock(5.0), stride=(0.0, 0.4), heel_first=False, roll=0.1, base=0.25
    ),
    "running": takes.running(takes.clock(4.0)),
    "standing": takes.standing(takes.clock(4.0)),
    "24_hz": takes.walking(takes.clock(5.0, 24.0)),
    "30_hz": takes.walking(takes.clock(5.0, 30.0)),
    "60_hz": takes.walking(takes.clock(5.0, 60.0)),
    "240_hz": takes.walking(takes.clock(5.0, 240.0)),
    "pivot": takes.pivoting(takes.clock(4.0)),
    "crouch": takes.crouching(takes.clock(5.0)),
}


@pytest.mark.parametrize("proportions", PROPORTIONS.values(), ids=PROPORTIONS.keys())
@pytest.mark.parametrize("take", SYNTHETIC.values(), ids=SYNTHETIC.keys())
def test_every_way_to_go_on_other_legs(take: Take, proportions: tuple[float, float, float]) -> None:
    figure, found, done = corrected(take, proportions)
    assert_whole(figure, done)
    assert_stays(found, done, take.times)
    assert_floats(found, done)
    assert_no_pop(figure, done, gentle=GENTLE)


@pytest.mark.parametrize("proportions", PROPORTIONS.values(), ids=PROPORTIONS.keys())
def test_a_foot_on_a_step_stays_there(proportions: tuple[float, float, float]) -> None:
    take = takes.walking(
        takes.clock(5.0), stride=(0.8, 0.0), terrain=lambda way: 0.2 * (way > 1.0), height=0.8
    )
    figure, found, done = corrected(take, proportions)
    assert_whole(figure, done)
    assert_stays(found, done, take.times)
    assert_floats(found, done, scale=proportions[1])
    assert_no_pop(figure, done, gentle=600.0)
    for leg, contact in zip(done.legs, found, strict=True):
        assert contact.toe_rise is not None
        up = contact.toe & (contact.toe_rise > 0.1)
        height = takes.BALL_HEIGHT + 0.2 * proportions[1]
        np.testing.assert_allclose(leg.ball[up, 2], height, atol=0.005)


@pytest.mark.parametrize("noise_m", [0.001, 0.003])
@pytest.mark.parametrize("name", ["same", "long", "short", "long_kept"])
def test_noise_is_held_off_planted_feet(noise_m: float, name: str) -> None:
    for still in (takes.walking(takes.clock(4.0)), takes.standing(takes.clock(4.0))):
        figure, found, done = corrected(takes.noisy(still, noise_m), PROPORTIONS[name])
        assert_whole(figure, done)
        assert_stays(found, done, still.times)
        # The knees take up what the feet no longer show.
        for before, after in zip(figure.legs, done.legs, strict=True):
            was, now = measures.hardest(figure, before), measures.hardest(figure, after)
            assert now["hip"] <= 1.6 * was["hip"]
            assert now["knee"] <= 2.5 * was["knee"]


def test_away_from_contacts_and_their_blends_nothing_changes() -> None:
    take = takes.walking(takes.clock(5.0))
    figure = takes.target(take, leg=0.85, path=0.85)
    planted = np.zeros(len(take.times), np.bool_)
    planted[250:300] = True
    nothing = np.zeros(len(take.times), np.bool_)
    one = Contacts(heel=nothing, toe=planted, heel_level=0.02, toe_level=0.02)
    none = dataclasses.replace(one, toe=nothing)
    done = planting.correct(take.times, figure.legs, [one, none], figure.pelvis)
    blend = round(planting.CorrectOptions().blends.longest_s * 120.0) + 1
    away = np.ones(len(take.times), np.bool_)
    away[250 - blend : 300 + blend] = False
    assert done.changed[250:300].all()
    assert not done.changed[away].any()
    assert not done.lowered.any()
    for before, after in zip(figure.legs, done.legs, strict=True):
        for field in ("hip", "knee", "ankle", "ball", "tip", "thigh", "shin", "foot", "toe"):
            np.testing.assert_array_equal(
                getattr(after, field)[~done.changed], getattr(before, field)[~done.changed]
            )
    np.testing.assert_array_equal(done.pelvis, figure.pelvis)


def test_a_leg_that_cannot_reach_takes_the_hips_down_smoothly() -> None:
    take = takes.standing(takes.clock(4.0))
    figure, found, done = corrected(take, (1.0, 1.0, 0.12))
    assert_whole(figure, done)
    assert_stays(found, done, take.times)
    assert 0.05 < done.lowered.max() < 0.15
    np.testing.assert_allclose(figure.pelvis[:, 2] - done.pelvis[:, 2], done.lowered, atol=1e-12)
    assert np.abs(np.diff(done.lowered, 2)).max() * 120.0**2 < 2.0
    for leg in done.legs:
        reach = np.linalg.norm(leg.ankle - leg.hip, axis=1)
        assert reach.max() < 0.995 * (takes.THIGH + takes.SHIN)


def test_a_leg_that_can_never_reach_stays_whole() -> None:
    take = takes.walking(takes.clock(4.0))
    figure, _, done = corrected(take, (0.6, 1.2, 0.3))
    assert_whole(figure, done)
    assert max(shortfall.max() for shortfall in done.shortfalls) > 0.05
    assert done.lowered.max() < 0.35 * 0.6 * (takes.THIGH + takes.SHIN)


def test_an_armature_without_heels_and_toes_is_held_by_the_ends_of_its_feet() -> None:
    take = takes.walking(takes.clock(4.0))
    figure = takes.target(take, leg=1.15, path=1.15, heel=False)
    legs = [
        dataclasses.replace(leg, tip=leg.ball, toe=leg.foot, tip_height=leg.ball_height)
        for leg in figure.legs
    ]
    found = take.contacts()
    done = planting.correct(take.times, legs, found, figure.pelvis)
    assert_stays(found, done, take.times)
    for leg in done.legs:
        assert leg.heel is None
        np.testing.assert_allclose(leg.tip, leg.ball, atol=1e-12)
        assert np.isfinite(leg.thigh).all()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("planted", [False, True])
def test_the_shortest_takes_come_through(count: int, planted: bool) -> None:
    take = takes.standing(np.arange(count) / 30.0)
    figure = takes.target(take, leg=1.15)
    flags = np.full(count, planted)
    contact = Contacts(heel=flags, toe=flags, heel_level=0.02, toe_level=0.02)
    done = planting.correct(take.times, figure.legs, [contact, contact], figure.pelvis)
    assert_whole(figure, done)
    assert done.changed.all() == planted
    if planted:
        for leg in done.legs:
            np.testing.assert_allclose(leg.ball[:, 2], takes.BALL_HEIGHT, atol=1e-9)


def test_uneven_times_come_through() -> None:
    times = takes.clock(5.0, 200.0)
    kept = np.sort(np.random.default_rng(3).choice(len(times), size=500, replace=False))
    take = takes.walking(times[kept])
    figure, found, done = corrected(take, PROPORTIONS["long"])
    assert_whole(figure, done)
    assert_stays(found, done, take.times)
    assert_floats(found, done, limit=0.004)


def test_the_ground_may_lie_elsewhere() -> None:
    take = takes.walking(takes.clock(4.0))
    figure = takes.target(take)
    found = take.contacts()
    up = [
        dataclasses.replace(
            leg,
            **{
                name: getattr(leg, name) + 0.5 * takes.Z
                for name in ("hip", "knee", "ankle", "ball", "tip", "heel")
            },
        )
        for leg in figure.legs
    ]
    level = planting.correct(take.times, figure.legs, found, figure.pelvis)
    raised = planting.correct(take.times, up, found, figure.pelvis + 0.5 * takes.Z, ground=0.5)
    for one, other in zip(level.legs, raised.legs, strict=True):
        np.testing.assert_allclose(other.ball, one.ball + 0.5 * takes.Z, atol=1e-9)
