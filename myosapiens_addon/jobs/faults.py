# SPDX-License-Identifier: GPL-3.0-or-later
"""From an error to what is kept of it: words, numbers for the support, and no secret."""

from __future__ import annotations

from ..errors import MyoSapiensError
from ..service.errors import ServiceError, describe_detail, hide_queries, redact
from .record import Fault


def fault_of(error: MyoSapiensError) -> Fault:
    """What is kept of an error; what the service said may stand in the error behind it."""
    told = _told_by_service(error)
    return Fault(
        sentence=mask(error.sentence),
        kind=type(error).__name__,
        retryable=error.retryable,
        request_id=told.request_id if told else None,
        status=told.status if told else None,
        detail=mask(describe_detail(told.detail)) if told else "",
    )


def mask(text: str) -> str:
    """A text without API keys and without presigned queries."""
    return hide_queries(redact(text))


def _told_by_service(error: BaseException) -> ServiceError | None:
    """The error itself, or the one it was raised from, where that is the service's."""
    if isinstance(error, ServiceError):
        return error
    return error.__cause__ if isinstance(error.__cause__, ServiceError) else None
