# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch that is killed, interrupted or started twice: it goes on, and no take is paid twice."""

from __future__ import annotations

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from myosapiens_addon.files import beside
from tests.service.batch_fixtures import Begin, begin, kept, takes
from tests.service.batch_line import LIMIT_S, BatchLine, ended, wait_for

__all__ = ["begin", "kept"]  # fixtures
MOMENTS = (
    ("begun", 1), ("uploading", 1), ("started", 1), ("started", 4), ("solving", 1),
    ("downloading", 1), ("solved", 1), ("landing", 1), ("landed", 1), ("landed", 3),
)  # fmt: skip


def check_whole(line: BatchLine, count: int) -> None:
    """Every take has landed, of one job; another run has nothing to do."""
    last = line.run("--concurrency", "3")
    assert last.code == 0, last.said
    everything = takes(*range(1, count + 1))
    assert line.jobs_by_take() == everything
    assert set(line.statuses().values()) == {"done"}
    # Nothing is left of a save that was cut off.
    results = {f"{name[:-4]}.blend" for name in everything}
    assert {path.name for path in line.out.iterdir()} == results | {"report.html", "report.json"}
    assert all((line.out / name).stat().st_size > 10_000 for name in results)
    idle = line.run("--concurrency", "3")
    assert (idle.code, idle.count("landed before")) == (0, count)
    assert line.jobs_by_take() == everything


def test_killed_at_every_moment(begin: Begin) -> None:
    line = begin(12, solve_delay=1.0)
    for event, after in MOMENTS[:5]:
        line.kill_at(event, "--concurrency", "3", after=after)
    # As if it had been killed while it saved.
    begun = {Path(name).stem for name in line.jobs_by_take()}
    cut_off = begun - {path.stem for path in line.out.glob("*.blend")}
    assert cut_off
    for stem in cut_off:
        beside(line.out / f"{stem}.blend", ".blend@").write_bytes(b"BLEN")
    check_whole(line, 12)


def test_killed_at_every_later_moment(begin: Begin) -> None:
    line = begin(12, solve_delay=0.2)
    for event, after in MOMENTS[5:]:
        line.kill_at(event, "--concurrency", "3", after=after)
    check_whole(line, 12)


def test_killed_at_random(begin: Begin) -> None:
    line, generator = begin(9, solve_delay=0.3), random.Random(7)
    for _kill in range(6):
        process = line.start("--concurrency", "4")
        if wait_for(process, "begun"):
            time.sleep(generator.uniform(0.0, 0.7))
        process.kill()
        process.communicate(timeout=LIMIT_S)
    check_whole(line, 9)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_gone_on_with(begin: Begin, number: signal.Signals) -> None:
    line = begin(9, solve_delay=1.0)
    process = line.start("--concurrency", "3")
    assert wait_for(process, "landed")
    process.send_signal(number)
    time.sleep(0.05)
    process.send_signal(number)
    found = ended(process)
    assert found.code == 130, found.said
    assert "the same command goes on" in found.said
    statuses = list(line.statuses().values())
    assert statuses.count("done") >= 1
    assert statuses.count("cancelled") >= 3
    assert statuses.count("failed") == 0
    with line.service.api() as api:
        told = api.get("/v1/jobs").json()["jobs"]
    assert all(job["status"] != "CANCELED" for job in told)
    errors = [row["error"] for row in line.report()["takes"] if row["status"] == "cancelled"]
    assert all(error.startswith("Interrupted") for error in errors)
    assert any("goes on on the service" in error for error in errors)
    check_whole(line, 9)


def test_two_processes_with_one_table_pay_each_take_once(begin: Begin) -> None:
    line = begin(8, solve_delay=0.3)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _one: line.run("--concurrency", "3"), range(2)))
    assert {found.code for found in both} <= {0, 1}
    busy = [one["error"] for found in both for one in found.events if one["event"] == "failed"]
    assert all("Another batch is at work" in error for error in busy)
    check_whole(line, 8)


def test_resume_lands_what_a_killed_batch_left(begin: Begin) -> None:
    line = begin(4, solve_delay=0.5)
    line.kill_at("started", "--concurrency", "4", after=4)
    resumed = line.run("--base-url", line.base_url, name="resume")
    assert resumed.code == 0, resumed.said
    assert len(list(line.out.glob("[!.]*.blend"))) == 4
    check_whole(line, 4)
    # The batch's report has what became of them, too.
    assert {row["frames"] for row in line.report()["takes"]} == {115}
