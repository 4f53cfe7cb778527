# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks on the service for a job that may have been started, before another one is."""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..service.job_models import JobFilter

if TYPE_CHECKING:
    from ..service.client import Client
    from ..service.job_models import Job

logger = logging.getLogger(__name__)

# Under this name the token stands in the job's metadata.
TOKEN_KEY = "myosapiens_client_token"  # noqa: S105 - a name, not a secret
# An uploaded take has one job, seldom a few; a list longer than this is not filtered at all.
MOST_CANDIDATES = 100
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def find_job(
    client: Client, *, token: str, input_asset_id: str, besides: Collection[str] = ()
) -> Job | None:
    """The job that was started with a client token, if there is one.

    The list is narrowed by the uploaded take. A job is known by the token in its metadata;
    a service that does not tell metadata is believed when the take's asset is an input of
    exactly the jobs listed, but for those that used it before this record did.

    Args:
        client: the service.
        token: the record's.
        input_asset_id: the take's asset.
        besides: ids of jobs that are not it: those that are known to be others'.

    Raises:
        ServiceError: the service could not be asked.
    """
    only = JobFilter(input_asset_id=input_asset_id)
    silent: list[Job] = []
    for listed in itertools.islice(client.iter_jobs(only=only), MOST_CANDIDATES):
        if listed.job_id in besides:
            continue
        job = listed if listed.metadata else client.get_job(job_id=listed.job_id)
        if not job.metadata:
            silent.append(job)
        elif job.metadata.get(TOKEN_KEY) == token:
            return job
    if not silent or not _is_filtering(client):
        return None
    return max(silent, key=lambda job: job.created_at or LONG_AGO)


def jobs_of(client: Client, input_asset_id: str) -> tuple[str, ...]:
    """Ids of the jobs that have used an asset so far, newest first."""
    listed = client.iter_jobs(only=JobFilter(input_asset_id=input_asset_id))
    return tuple(job.job_id for job in itertools.islice(listed, MOST_CANDIDATES))


def _is_filtering(client: Client) -> bool:
    """Whether the service heeds the filter: no job can have used an asset made up just now."""
    only = JobFilter(input_asset_id=str(uuid.uuid4()))
    page = client.list_jobs(only=only, limit=1)
    if page.jobs:
        logger.warning("The service lists jobs without regard to their input.")
    return not page.jobs
