# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a retarget job, in whichever revision the server speaks, and never twice.

A job costs credits and has no idempotency key. So the POST is repeated only when it surely
was not carried out: it never left, or was refused as a whole (429, the other revision).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..errors import TakeError
from .errors import (
    AnswerError,
    RateLimitError,
    RequestError,
    ServerError,
    ServiceError,
    UnknownOutcomeError,
    UnreachableError,
)
from .job_models import RetargetRequest, RetargetTicket
from .retry import with_retry
from .revisions import (
    FIRST_TRIED,
    Revision,
    RevisionMemory,
    build_body,
    check_take,
    speaks_other,
)
from .session import Session

logger = logging.getLogger(__name__)

PATH = "/v1/runs/retarget"


@dataclass(frozen=True, kw_only=True)
class StartedJob:
    """A job that was started, and the revision of the API that did it."""

    ticket: RetargetTicket
    revision: Revision


def start_retarget(
    session: Session, request: RetargetRequest, memory: RevisionMemory
) -> StartedJob:
    """POST /v1/runs/retarget.

    Raises:
        UnknownOutcomeError: it was sent and may or may not have started a job: look for it.
        TakeError: the server's revision does not read such a take; no job was started.
        ServiceError: it was refused; no job was started.
    """
    known = memory.recall(session.base_url)
    check_take(request.take_name, known)
    first = known or FIRST_TRIED
    try:
        return _start(session, request, first, memory)
    except RequestError as error:
        if not speaks_other(error, first):
            raise
    logger.info("The service speaks revision %d of the API.", first.other)
    try:
        check_take(request.take_name, first.other)
        return _start(session, request, first.other, memory)
    except TakeError:
        memory.remember(session.base_url, first.other)
        raise
    except RequestError as error:
        if not speaks_other(error, first.other):
            memory.remember(session.base_url, first.other)
            raise
        raise AnswerError(
            "The service speaks neither revision of the API that is known here.",
            status=error.status,
            request_id=error.request_id,
            detail=error.detail,
        ) from error


def _start(
    session: Session, request: RetargetRequest, revision: Revision, memory: RevisionMemory
) -> StartedJob:
    body = build_body(request, revision)

    def attempt() -> StartedJob:
        try:
            ticket = RetargetTicket.from_json(*session.once("POST", PATH, body=body))
        except ServiceError as error:
            raise _as_outcome(error) from error
        return StartedJob(ticket=ticket, revision=revision)

    started = with_retry(attempt, policy=session.policy, cancel=session.cancel)
    memory.remember(session.base_url, revision)
    return started


def _as_outcome(error: ServiceError) -> ServiceError:
    """What a failure means for a request that must not be carried out twice."""
    if isinstance(error, RateLimitError):
        return error
    lost = isinstance(error, UnreachableError) and error.sent
    if lost or isinstance(error, (ServerError, AnswerError)):
        return UnknownOutcomeError(
            f"{error.sentence} Whether the job was started is not known.",
            status=error.status,
            request_id=error.request_id,
            detail=error.detail,
        )
    return error
