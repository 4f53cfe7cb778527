# SPDX-License-Identifier: GPL-3.0-or-later
"""The account's jobs: newest first whatever the service does, and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from myosapiens_addon.service.client import Client
from myosapiens_addon.service.history import fetch_jobs, job_name
from myosapiens_addon.service.job_models import Job
from myosapiens_addon.service.models import JobStatus
from tests.unit.service_stub import Reply, StubService, on


def listed(*days: int | str | None) -> Reply:
    """An answer with a job per day of a month, or at a time, or of an unknown time."""
    jobs: list[dict[str, Any]] = []
    for number, day in enumerate(days):
        moment = f"2024-01-{day:02}T00:00:00Z" if isinstance(day, int) else day
        jobs.append({"job_id": f"{number}", "status": "SUCCEEDED", "created_at": moment})
    return Reply(200, {"jobs": jobs, "total": 70, "limit": 50, "offset": 10})


@pytest.mark.parametrize(
    ("days", "order"),
    [
        ((3, 2, 1), "012"),
        ((1, 2, 3), "210"),
        ((1, 3, 1, 3), "1302"),
        ((None, 1, None, 2), "3102"),
        (("2024-01-01T00:00:00+02:00", "2023-12-31T23:00:00Z", "2024-01-01T00:00:00"), "210"),
        ((), ""),
    ],
)
def test_the_newest_comes_first(
    stub: StubService, client: Client, days: tuple[int | str | None, ...], order: str
) -> None:
    stub.faults.append(on("GET", "/v1/jobs", listed(*days)))
    page = fetch_jobs(client, offset=10, limit=50)
    assert "".join(job.job_id for job in page.jobs) == order
    assert (page.total, page.limit, page.offset) == (70, 50, 10)
    (asked,) = stub.requests("GET", "/v1/jobs")
    assert asked.query == {"limit": ["50"], "offset": ["10"]}


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        (None, "Job 1a2b3c4d"),
        ({}, "Job 1a2b3c4d"),
        ({"take": "walk"}, "walk"),
        ({"name": "n", "myosapiens_take": "m", "take": "t"}, "t"),
        ({"name": "n", "myosapiens_take": "m"}, "m"),
        ({"name": "n", "take": "  "}, "n"),
        ({"name": "n", "take": 12}, "n"),
        ({"take": ["walk"]}, "Job 1a2b3c4d"),
        ({"take": " 走る\n in\t two\0lines \ud800"}, "走る in two lines"),
        ({"take": "x" * 200}, "x" * 59 + "…"),
        ({"scene": "s", "file": "f"}, "Job 1a2b3c4d"),
    ],
)
def test_a_job_has_a_name(metadata: Mapping[str, object] | None, name: str) -> None:
    job = Job(job_id="1a2b3c4d-0000", status=JobStatus.QUEUED, metadata=metadata)
    assert job_name(job) == name
