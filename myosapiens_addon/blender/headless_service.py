# SPDX-License-Identifier: GPL-3.0-or-later
"""Sub-commands that only talk to the service or look at a take: no scene is touched."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ..errors import InputError
from ..service.job_models import JobFilter
from ..service.models import JobStatus
from ..takes import preflight as takes_preflight
from . import preferences
from .answer import Answer
from .connection import open_client

if TYPE_CHECKING:
    import argparse

    from ..service.job_models import Job


def check(options: argparse.Namespace) -> Answer:
    """Connection and key."""
    settings = preferences.read(base_url=options.base_url)
    with open_client(settings) as client:
        page = client.list_characters(has_ready_versions=True, limit=1)
    answer = {
        "base_url": settings.base_url,
        "key_from": settings.key_source,
        "ready_characters": page.total,
    }
    text = (
        f"{settings.base_url} answers and takes the key (from {settings.key_source}); "
        f"{page.total} character(s) ready."
    )
    return Answer(data=answer, text=text)


def characters(options: argparse.Namespace) -> Answer:
    """All characters, with the version that a job would use."""
    with open_client(preferences.read(base_url=options.base_url)) as client:
        found = [
            {
                "character_id": character.character_id,
                "name": character.name,
                "latest_version": character.latest_version,
                "description": character.description,
            }
            for character in client.iter_characters()
        ]
    rows = [f"{row['character_id']}  {row['name']}  {row['latest_version']}" for row in found]
    text = "\n".join(rows) or "The service offers no character."
    return Answer(data={"characters": found}, text=text)


def jobs(options: argparse.Namespace) -> Answer:
    """The account's jobs, newest first."""
    statuses = tuple(_status(text) for text in options.status)
    with open_client(preferences.read(base_url=options.base_url)) as client:
        listed = client.iter_jobs(only=JobFilter(statuses=statuses))
        found = [_job_row(job) for job in islice(listed, max(options.limit, 0))]
    rows = [f"{row['job_id']}  {row['status']:9}  {row['created_at']}" for row in found]
    return Answer(data={"jobs": found}, text="\n".join(rows) or "There are no such jobs.")


def _status(text: str) -> JobStatus:
    try:
        return JobStatus(text)
    except ValueError:
        known = ", ".join(status.value for status in JobStatus)
        raise InputError(f"--status {text} is not known; choose one of {known}.") from None


def _job_row(job: Job) -> dict[str, str]:
    return {
        "job_id": job.job_id,
        "status": str(job.status.value),
        "created_at": job.created_at.isoformat() if job.created_at else "",
    }


def assets(options: argparse.Namespace) -> Answer:
    """The files on the service."""
    with open_client(preferences.read(base_url=options.base_url)) as client:
        found = [
            {
                "asset_id": asset.asset_id,
                "filename": asset.filename,
                "size_bytes": asset.size_bytes,
                "status": asset.status,
            }
            for asset in client.iter_assets()
        ]
    rows = [f"{row['asset_id']}  {row['size_bytes'] or 0:>12}  {row['filename']}" for row in found]
    text = "\n".join(rows) or "There are no files on the service."
    return Answer(data={"assets": found}, text=text)


def cancel(options: argparse.Namespace) -> Answer:
    """Cancel one job."""
    with open_client(preferences.read(base_url=options.base_url)) as client:
        client.cancel_job(job_id=options.job)
    data = {"job_id": options.job, "status": "CANCELED"}
    return Answer(data=data, text=f"Job {options.job} is cancelled.")


def preflight(options: argparse.Namespace) -> Answer:
    """What the service would make of a take's labels.

    Raises:
        InputError: the job would fail.
    """
    found = takes_preflight.check(options.c3d, options.markerset)
    if found.errors:
        raise InputError(" ".join(found.errors))
    return Answer(data=found.as_dict(), text="\n".join([found.summary, *found.warnings]))
