# SPDX-License-Identifier: GPL-3.0-or-later
"""Which moments the frames of an output have, when the files of a job do not agree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myosapiens_addon.errors import InputError
from myosapiens_addon.motion.timing import Clock, TakeFacts, right

GLB, XPOS, QPOS = "motion.glb", "xpos.parquet", "qpos.parquet"
TAKE = TakeFacts(rate_hz=120.0, frames=412)
RATES = (24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 100.0, 119.88, 120.0, 240.0, 1000.0)


def clock(rate_hz: float, frames: int = 412, name: str = GLB) -> Clock:
    return Clock(name=name, times=np.arange(frames) / rate_hz)


def in_32_bits(rate_hz: float, frames: int, *, added_up: bool = False) -> np.ndarray:
    """Times as a GLB has them; each rounded, or each the sum of rounded steps."""
    if added_up:
        steps = np.full(frames - 1, 1.0 / rate_hz, np.float32)
        return np.concatenate([[0.0], np.cumsum(steps, dtype=np.float32)]).astype(np.float64)
    return (np.arange(frames) / rate_hz).astype(np.float32).astype(np.float64)


def test_a_glb_of_30_hz_gets_the_speed_of_its_take() -> None:
    times, sentences = right(clock(30.0), TAKE)
    assert np.array_equal(times, np.arange(412) / 120.0)
    assert sentences == [
        "motion.glb says 30 frames/s, the take 120: it would have played 4 times too slowly. The "
        "speed of the take was used."
    ]


def test_one_that_is_too_fast() -> None:
    times, sentences = right(clock(100.0), TakeFacts(rate_hz=50.0))
    assert np.array_equal(times, np.arange(412) / 50.0)
    assert "says 100 frames/s, the take 50: it would have played 2 times too fast" in sentences[0]


def test_what_agrees_is_left_as_it_is() -> None:
    ours = clock(120.0)
    for take in (TAKE, TakeFacts(rate_hz=120.0), None):
        times, sentences = right(ours, take, [clock(120.0, name=XPOS)])
        assert times is ours.times
        assert sentences == []


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("frames", [2, 3, 412, 7_200, 72_000])
def test_32_bit_times_are_no_disagreement(rate_hz: float, frames: int) -> None:
    ours = Clock(name=GLB, times=in_32_bits(rate_hz, frames))
    take = TakeFacts(rate_hz=rate_hz, frames=frames)
    assert right(ours, take) == (ours.times, [])
    assert right(ours, None, [clock(rate_hz, frames, XPOS)]) == (ours.times, [])


@pytest.mark.parametrize("rate_hz", RATES)
def test_nor_are_short_takes_of_added_up_times(rate_hz: float) -> None:
    ours = Clock(name=GLB, times=in_32_bits(rate_hz, 1_000, added_up=True))
    assert right(ours, TakeFacts(rate_hz=rate_hz, frames=1_000)) == (ours.times, [])


def test_nor_is_jitter_of_the_last_frames() -> None:
    times = np.arange(412) / 120.0
    times[1:] += np.random.default_rng(3).normal(scale=2e-4, size=411)
    ours = Clock(name=QPOS, times=times)
    assert right(ours, TAKE) == (ours.times, [])


def test_a_rounded_rate_is_off_at_the_end_of_a_long_take() -> None:
    """Ten minutes at 119.88 Hz, written as 120: 0.6 s, which lips and music show."""
    take = TakeFacts(rate_hz=119.88, frames=71_928)
    times, sentences = right(clock(120.0, 71_928), take)
    assert times[-1] == pytest.approx(71_927 / 119.88)
    assert sentences == [
        "motion.glb says 120 frames/s, the take 119.88: its end would have been 0.6 s too early. "
        "The speed of the take was used."
    ]
    late = right(clock(119.88, 71_928), TakeFacts(rate_hz=120.0, frames=71_928))[1]
    assert "its end would have been 0.6 s too late" in late[0]
    # Half a frame is too little to be seen, and more is told.
    for frames, count in ((500, 0), (502, 1)):
        assert len(right(clock(120.0, frames), TakeFacts(rate_hz=119.88))[1]) == count
    # In three seconds it is four thousandths of one.
    assert right(clock(120.0), TakeFacts(rate_hz=119.88, frames=412))[1] == []


@pytest.mark.parametrize("frames", [2, 3, 4, 10])
def test_a_few_frames_have_a_speed_too(frames: int) -> None:
    """29 against 30 is less than half a frame here, and another speed all the same."""
    times, sentences = right(clock(29.0, frames), TakeFacts(rate_hz=30.0))
    assert np.array_equal(times, np.arange(frames) / 30.0)
    assert len(sentences) == 1


@pytest.mark.parametrize("take", [None, TAKE, TakeFacts(rate_hz=30.0, frames=1)])
def test_a_single_frame_has_no_speed(take: TakeFacts | None) -> None:
    ours = clock(30.0, 1)
    times, sentences = right(ours, take, [clock(120.0, 412, XPOS)])
    assert times is ours.times
    assert sentences[0].startswith("motion.glb has 1 frame, xpos.parquet 412")
    assert len(sentences) == 1 + (take is TAKE)


def test_single_frames_agree() -> None:
    ours = clock(30.0, 1)
    take = TakeFacts(rate_hz=120.0, frames=1)
    assert right(ours, take, [clock(1.0, 1, XPOS)]) == (ours.times, [])


def test_a_take_or_table_of_one_frame_is_told() -> None:
    sentences = right(clock(120.0), TakeFacts(rate_hz=120.0, frames=1), [clock(1.0, 1, XPOS)])[1]
    assert sentences == [
        "motion.glb has 412 frames, xpos.parquet 1; they may be of different jobs.",
        "motion.glb has 412 frames, the take 1; look whether its end is there.",
    ]


@pytest.mark.parametrize("rate_hz", [24.0, 25.0, 30.0, 60.0, 240.0])
def test_a_motion_that_was_resampled_is_kept(rate_hz: float) -> None:
    """Other frames, as long: its times are right."""
    frames = round(411 / 120.0 * rate_hz) + 1
    ours = clock(rate_hz, frames)
    assert right(ours, TAKE, [clock(120.0, name=XPOS)]) == (ours.times, [])
    assert right(ours, None, [clock(120.0, name=XPOS)]) == (ours.times, [])


def test_where_the_take_s_frames_are_not_known_its_rate_rules() -> None:
    """Somebody told the rate of the capture: it goes before everything."""
    times, sentences = right(clock(30.0, 103), TakeFacts(rate_hz=120.0))
    assert np.array_equal(times, np.arange(103) / 120.0)
    assert "4 times too slowly" in sentences[0]


def test_fewer_frames_of_another_length_are_told() -> None:
    times, sentences = right(clock(120.0, 400), TAKE, [clock(120.0, name=XPOS)])
    assert np.array_equal(times, np.arange(400) / 120.0)
    assert sentences == [
        "motion.glb has 400 frames, xpos.parquet 412; they may be of different jobs.",
        "motion.glb has 400 frames, the take 412; look whether its end is there.",
    ]


def test_a_wrong_speed_and_a_lost_end_are_two_things() -> None:
    times, sentences = right(clock(30.0, 400), TAKE)
    assert np.array_equal(times, np.arange(400) / 120.0)
    assert len(sentences) == 2
    assert "4 times too slowly" in sentences[0]
    assert "400 frames, the take 412" in sentences[1]


def test_a_clip_is_what_was_sent() -> None:
    times, sentences = right(clock(30.0, 100), TakeFacts(rate_hz=120.0, frames=100))
    assert np.array_equal(times, np.arange(100) / 120.0)
    assert len(sentences) == 1


def test_without_a_take_the_tables_rule() -> None:
    theirs = clock(120.0, name=XPOS)
    times, sentences = right(clock(30.0), None, [theirs])
    assert np.array_equal(times, theirs.times)
    assert sentences == [
        "motion.glb says 30 frames/s, xpos.parquet 120: it would have played 4 times too slowly. "
        "The speed of xpos.parquet was used."
    ]


def test_uneven_moments_of_a_table_are_taken_as_they_are() -> None:
    """Frames that were dropped leave holes."""
    theirs = np.delete(np.arange(500), [7, 8, 9, 300]) / 120.0
    times, _ = right(clock(30.0, 496), None, [Clock(name=QPOS, times=theirs)])
    assert np.array_equal(times, theirs)


def test_the_take_goes_before_the_tables() -> None:
    times, sentences = right(clock(30.0), TAKE, [clock(60.0, name=XPOS)])
    assert np.array_equal(times, np.arange(412) / 120.0)
    assert len(sentences) == 1


def test_the_first_table_goes_before_the_next() -> None:
    """And where it agrees with the motion, the next has nothing to say."""
    tables = [clock(120.0, name=QPOS), clock(60.0, name=XPOS)]
    ours = clock(120.0)
    assert right(ours, None, tables) == (ours.times, [])
    times, (sentence,) = right(clock(30.0), None, tables)
    assert np.array_equal(times, tables[0].times)
    assert "qpos.parquet 120" in sentence


def test_a_table_of_another_length_has_nothing_to_say_of_speed() -> None:
    tables = [clock(120.0, 300, QPOS), clock(60.0, name=XPOS)]
    times, sentences = right(clock(30.0), None, tables)
    assert np.array_equal(times, tables[1].times)
    assert len(sentences) == 2
    assert "xpos.parquet 60" in sentences[0]
    assert "412 frames, qpos.parquet 300; they may be of different jobs" in sentences[1]


@pytest.mark.parametrize(
    "rate_hz", [0.0, -120.0, 1e-9, 1e9, float("nan"), float("inf"), float("-inf")]
)
def test_rates_that_are_none_are_refused(rate_hz: float) -> None:
    with pytest.raises(InputError, match=r"cannot have .* frames per second; give the rate"):
        TakeFacts(rate_hz=rate_hz)


ENDS = st.floats(min_value=5e-324, allow_infinity=True, allow_nan=False)


@given(ends=st.tuples(ENDS, ENDS), rate_hz=st.none() | st.floats(1e-6, 1e6))
def test_no_moments_are_too_odd(ends: tuple[float, float], rate_hz: float | None) -> None:
    """Whatever damaged files say, there are as many moments as frames, and sentences."""
    ours, theirs = (
        Clock(name=name, times=np.array([0.0, end]))
        for name, end in zip((GLB, XPOS), ends, strict=True)
    )
    take = None if rate_hz is None else TakeFacts(rate_hz=rate_hz, frames=412)
    times, sentences = right(ours, take, [theirs])
    assert times.shape == (2,)
    assert times[1] in {*ends, 1.0 / rate_hz if rate_hz else 0.0}
    assert all(sentence.endswith(".") for sentence in sentences)


@given(
    rate_hz=st.sampled_from(RATES),
    told_hz=st.sampled_from(RATES),
    frames=st.integers(2, 5_000),
)
def test_speeds_that_people_could_tell_apart_never_pass(
    rate_hz: float, told_hz: float, frames: int
) -> None:
    """Exactly, in fractions: at the end at most half a frame off, and at most 0.2 % on the way."""
    times, sentences = right(clock(told_hz, frames), TakeFacts(rate_hz=rate_hz, frames=frames))
    true, told = Fraction(rate_hz), Fraction(told_hz)
    off = abs((frames - 1) / told - (frames - 1) / true)
    same = off * true <= Fraction(1, 2) and abs(true / told - 1) <= Fraction(2, 1000)
    assert bool(sentences) != same
    assert times[-1] == pytest.approx((frames - 1) / (told_hz if same else rate_hz), rel=1e-12)
