# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the service that a job is not wanted any more, within a few seconds."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ..errors import CancelledError, MyoSapiensError
from ..service.errors import NotFoundError
from ..service.retry import pause
from .lookup import find_job

if TYPE_CHECKING:
    from ..service.client import Client
    from .record import JobRecord
    from .settings import Connect, PipelineSettings

logger = logging.getLogger(__name__)


def cancel_remote(record: JobRecord, connect: Connect, settings: PipelineSettings) -> bool:
    """Cancel the record's job on the service, if it has one.

    Returns:
        Whether that is settled: it is cancelled, had ended, or never was there. False when
        the service could not be told in the time allowed.
    """
    if record.job_id is None and record.posted_at is None:
        return True
    expired = threading.Event()
    alarm = threading.Timer(settings.cleanup_limit_s, expired.set)
    alarm.daemon = True
    alarm.start()
    try:
        with connect(expired) as client:
            _cancel(client, record, settings, expired)
    except CancelledError:
        logger.warning("The service could not be told of the cancelled job in time.")
        return False
    except MyoSapiensError as error:
        logger.warning("The service could not be told of the cancelled job: %s", error.sentence)
        return False
    finally:
        alarm.cancel()
    return True


def _cancel(
    client: Client, record: JobRecord, settings: PipelineSettings, expired: threading.Event
) -> None:
    job_id = record.job_id or _find(client, record, settings, expired)
    if job_id is None:
        return
    try:
        status = client.cancel_job(job_id=job_id)
        logger.info("Job %s: %s.", job_id, status.value)
    except NotFoundError:
        logger.info("Job %s is not on the service any more.", job_id)


def _find(
    client: Client, record: JobRecord, settings: PipelineSettings, expired: threading.Event
) -> str | None:
    """The start was cut off: the service may come to it a moment later."""
    if record.c3d_asset_id is None:
        return None
    for wait_s in settings.look_waits_s:
        pause(expired, wait_s)
        job = find_job(
            client,
            token=record.token,
            input_asset_id=record.c3d_asset_id,
            besides=record.earlier_jobs,
        )
        if job is not None:
            return job.job_id
    return None
