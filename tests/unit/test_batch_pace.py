# SPDX-License-Identifier: GPL-3.0-or-later
"""When jobs are looked at: soon after their end, and with few looks."""

from __future__ import annotations

import random

import pytest

from myosapiens_addon.jobs.pace import Pace


def looks(pace: Pace, took_s: float, *, estimated_s: float | None = None) -> tuple[int, float]:
    """How many looks a job takes, and how long after its end the last one comes."""
    elapsed_s, count = 0.0, 0
    while True:
        elapsed_s += pace.wait_s(elapsed_s, usual_s=2.0, estimated_s=estimated_s)
        count += 1
        if elapsed_s >= took_s:
            pace.learn(took_s)
            return count, elapsed_s - took_s


@pytest.mark.parametrize("took_s", [0.3, 2.0, 20.0, 300.0])
def test_equal_jobs_are_seen_early_with_few_looks(took_s: float) -> None:
    pace = Pace()
    first, late_s = looks(pace, took_s)
    assert late_s <= max(0.25, 0.2 * took_s)
    assert late_s <= 2.0
    found = [looks(pace, took_s) for _job in range(20)]
    assert max(late for _, late in found) <= max(0.26, min(0.1 * took_s, 2.0))
    few = 4 if took_s <= 20.0 else took_s / 10.0 + 17
    assert max(count for count, _ in found) <= few
    assert max(count for count, _ in found) <= first


def test_jobs_of_all_lengths_are_never_seen_very_late() -> None:
    pace, generator = Pace(), random.Random(1)
    lengths = [generator.uniform(5.0, 120.0) for _job in range(200)]
    found = [looks(pace, length) for length in lengths]
    assert max(late for _, late in found) <= 10.0
    assert sum(late for _, late in found) / len(found) < 2.1
    usual = [length / 2.0 for length in lengths]
    assert sum(count for count, _ in found) < 0.85 * sum(usual)


def test_a_job_that_fails_at_once_is_seen_in_time() -> None:
    pace = Pace()
    for _job in range(5):
        pace.learn(600.0)
    assert looks(pace, 0.5)[1] <= 10.0


def test_the_services_own_estimate_spares_looks_at_the_first_jobs() -> None:
    told, untold = Pace(), Pace()
    assert looks(told, 9.0, estimated_s=8.0)[0] < looks(untold, 9.0)[0]


def test_nobody_looks_without_pause() -> None:
    pace = Pace()
    pace.learn(0.001)
    assert pace.wait_s(0.0, usual_s=2.0) >= 0.25
    assert pace.wait_s(50.0, usual_s=2.0) >= 0.25
    assert pace.wait_s(0.0, usual_s=0.1) == 0.1
