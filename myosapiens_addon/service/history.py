# SPDX-License-Identifier: GPL-3.0-or-later
"""The account's jobs as people look at them: newest first, and with a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .texts import one_line

if TYPE_CHECKING:
    from .client import Client
    from .job_models import Job, JobPage

PAGE_SIZE = 50
# Under which names a job's metadata may tell what was solved; the first that does is taken.
NAME_KEYS = ("take", "myosapiens_take", "name")
LONGEST_NAME = 60
ID_SHOWN = 8
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def fetch_jobs(client: Client, *, offset: int = 0, limit: int = PAGE_SIZE) -> JobPage:
    """One page of the account's jobs, the page's newest first.

    The reference does not say in which order the service lists them, so each page is sorted
    here; jobs without a time come last.

    Args:
        client: of the service.
        offset: jobs to skip.
        limit: jobs on the page, 1 to 100.

    Raises:
        ServiceError: the service cannot be asked.
        CancelledError: cancelled.
    """
    page = client.list_jobs(limit=limit, offset=offset)
    jobs = sorted(page.jobs, key=lambda job: job.created_at or LONG_AGO, reverse=True)
    return replace(page, jobs=tuple(jobs))


def job_name(job: Job) -> str:
    """What was solved, in one short line, where the service tells; else a part of the id."""
    for key in NAME_KEYS:
        value = (job.metadata or {}).get(key)
        name = one_line(value, longest=LONGEST_NAME) if isinstance(value, str) else ""
        if name:
            return name
    return f"Job {job.job_id[:ID_SHOWN]}"
