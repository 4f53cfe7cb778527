# SPDX-License-Identifier: GPL-3.0-or-later
"""STARTED → SOLVED: the service solves; a network that goes away meanwhile is waited for."""

from __future__ import annotations

import logging
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..service.errors import (
    AnswerError,
    JobCanceledError,
    JobFailedError,
    JobTimeoutError,
    RateLimitError,
    ServerError,
    ServiceError,
    UnreachableError,
    describe_detail,
)
from ..service.models import JobStatus
from ..service.retry import pause
from .events import Queued, Running
from .record import Stage
from .run import Run

if TYPE_CHECKING:
    from ..service.job_models import Job

logger = logging.getLogger(__name__)

PASSING = (UnreachableError, ServerError, RateLimitError)


def poll(run: Run) -> None:
    """Wait for the job's end.

    Raises:
        JobFailedError, JobCanceledError: it ended otherwise than well.
        JobTimeoutError: the time limit was reached; the job goes on.
        NotFoundError: the service does not know it any more.
        UnreachableError, ServerError, RateLimitError: out of reach for too long.
    """
    begun = time.monotonic()
    sharing = run.settings.sharing
    if sharing is not None and run.is_fresh:
        # It was started a moment ago: there is nothing to see yet.
        pause(run.stop, _wait_s(run, 0.0))
    job = _ask(run)
    while not job.status.is_final:
        elapsed_s = time.monotonic() - begun
        _tell(run, job, elapsed_s)
        if elapsed_s > run.settings.time_limit_s:
            raise JobTimeoutError(
                f"The job was not done after {elapsed_s:.0f} s. It goes on on the service: "
                "resume it later.",
                job_id=job.job_id,
            )
        pause(run.stop, _wait_s(run, elapsed_s))
        job = _ask(run)
    if sharing is not None and run.is_fresh and job.status is JobStatus.SUCCEEDED:
        sharing.pace.learn(_took_s(job, begun))
    _end(run, job, begun)


def _wait_s(run: Run, elapsed_s: float) -> float:
    usual_s = run.settings.poll_interval_s
    if run.settings.sharing is None:
        return usual_s
    pace = run.settings.sharing.pace
    return pace.wait_s(elapsed_s, usual_s=usual_s, estimated_s=run.estimated_wait_s)


def _took_s(job: Job, begun: float) -> float:
    """From a job's start to its end, by the service's clock; else to when it was seen here."""
    seen_s = time.monotonic() - begun
    if job.created_at is None or job.completed_at is None:
        return seen_s
    told_s = (job.completed_at - job.created_at).total_seconds()
    return told_s if 0.0 < told_s < seen_s else seen_s


def _ask(run: Run) -> Job:
    """The job as it stands, waiting for the service to be in reach."""
    last_seen = time.monotonic()
    while True:
        try:
            run.job = run.client.get_job(job_id=run.record.job_id or "")
        except PASSING as error:
            if time.monotonic() - last_seen > run.settings.unreachable_limit_s:
                raise
            _note(run, error)
            pause(run.stop, run.settings.poll_interval_s)
        else:
            return run.job


def _note(run: Run, error: ServiceError) -> None:
    sentence = f"{error.sentence} The job goes on on the service; waiting for it."
    if sentence not in run.record.warnings:
        run.warn(sentence)


def _tell(run: Run, job: Job, elapsed_s: float) -> None:
    token = run.record.token
    if job.status is JobStatus.QUEUED:
        run.emit(Queued(token=token, position=job.queue_position, seconds=elapsed_s))
    else:
        run.emit(Running(token=token, seconds=elapsed_s))


def _end(run: Run, job: Job, begun: float) -> None:
    if job.status is JobStatus.CANCELED:
        raise JobCanceledError("The job was cancelled on the service.", job_id=job.job_id)
    if job.status is JobStatus.FAILED:
        raise _failure(job)
    if not job.outputs:
        raise AnswerError(f"The job {job.job_id} succeeded, but the service names no output.")
    for sentence in job.warnings:
        run.warn(sentence)
    run.write(
        stage=Stage.SOLVED,
        outputs=MappingProxyType(dict(job.outputs)),
        seconds=run.spent("solve", begun),
    )


def _failure(job: Job) -> JobFailedError:
    error = job.error
    told = (error.message if error else None) or job.message
    why = describe_detail(told) or "it does not say why"
    kind = error.error_type if error else None
    return JobFailedError(
        f"The service could not solve the take: {why.rstrip('.')}.",
        job_id=job.job_id,
        error_type=kind,
        detail=": ".join(part for part in (kind, told) if part) or None,
    )
