# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between this machine and the service.

::

    ServiceError                    status, request id, what the service said
    ├── UnreachableError            no connection, TLS refused, no answer in time
    │   └── UnknownOutcomeError     sent, but whether it was carried out is not known
    ├── AnswerError                 an answer that cannot be understood
    ├── AuthenticationError         401, 403: the key is missing or refused
    ├── CreditsError                402: no credits left
    ├── RequestError                400, 422 and other 4xx: the request is wrong
    │   ├── NotFoundError           404
    │   └── ConflictError           409: something else still refers to it
    ├── RateLimitError              429: too many requests, for how long
    ├── ServerError                 5xx
    ├── TransferError               upload or download of a file
    │   └── ExpiredLinkError        the presigned address is no longer good
    └── JobError                    one job
        ├── JobFailedError          the service gave it up
        ├── JobCanceledError        it was cancelled on the service
        └── JobTimeoutError         not finished in the time allowed; it goes on

None of them ever carries the API key: `redact` has gone over all that the service said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from ..errors import MyoSapiensError

DETAIL_LENGTH = 400
# Keys look like `ak_live_…`; one that a server echoes is taken out even when it is not ours.
KEY_PATTERN = re.compile(r"\bak_[A-Za-z0-9]+_[A-Za-z0-9_\-]+")
# What stands behind the path of an address: presigned, it is a key of its own.
QUERY_PATTERN = re.compile(r"(\b[a-z][a-z0-9+.\-]*://[^\s?#\"'<>\\]*)[?#][^\s\"'<>\\]*", re.I)
SIGNATURE_PATTERN = re.compile(
    r"\b(X-Amz-[A-Za-z\-]+|AWSAccessKeyId|Signature|Policy|Key-Pair-Id)=[^\s&\"'<>\\]+", re.I
)
MARKUP_PATTERN = re.compile(r"<\s*(!doctype|html|\?xml|head|body)", re.IGNORECASE)


class ServiceError(MyoSapiensError):
    """Base of every failure in talking to the service.

    Attributes:
        status: the HTTP status, where there was an answer.
        request_id: the service's `x-request-id`; its support asks for it.
        detail: what the service itself said, as received (parsed JSON or text).
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        detail: object = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.request_id = request_id
        self.detail = detail


class UnreachableError(ServiceError):
    """No connection, or none that lasted.

    Attributes:
        sent: whether the request may have reached the service.
    """

    retryable = True

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        detail: object = None,
        sent: bool = True,
    ) -> None:
        super().__init__(sentence, status=status, request_id=request_id, detail=detail)
        self.sent = sent


class UnknownOutcomeError(UnreachableError):
    """A request that must not be repeated was sent and its outcome is not known.

    Look for what it may have made before sending it again.
    """


class AnswerError(ServiceError):
    """The service answered something that cannot be understood."""


class AuthenticationError(ServiceError):
    """The API key is missing, malformed or refused."""


class CreditsError(ServiceError):
    """The account has no credits left."""


class RequestError(ServiceError):
    """The service refuses the request as it stands."""


class NotFoundError(RequestError):
    """What was asked for does not exist (any more)."""


class ConflictError(RequestError):
    """The state of the thing does not allow it."""


class RateLimitError(ServiceError):
    """Too many requests.

    Attributes:
        retry_after_s: how long the service asks to wait, where it said so.
    """

    retryable = True

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        detail: object = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(sentence, status=status, request_id=request_id, detail=detail)
        self.retry_after_s = retry_after_s


class ServerError(ServiceError):
    """The service failed (5xx)."""

    retryable = True


class TransferError(ServiceError):
    """A file could not be sent or fetched."""


class ExpiredLinkError(TransferError):
    """A presigned address is no longer good; a fresh one may be asked for."""

    retryable = True


class JobError(ServiceError):
    """One job.

    Attributes:
        job_id: which.
        error_type: the service's name for the kind of failure, where it gave one.
    """

    def __init__(
        self,
        sentence: str,
        *,
        job_id: str,
        error_type: str | None = None,
        request_id: str | None = None,
        detail: object = None,
    ) -> None:
        super().__init__(sentence, request_id=request_id, detail=detail)
        self.job_id = job_id
        self.error_type = error_type


class JobFailedError(JobError):
    """The service gave the job up."""


class JobCanceledError(JobError):
    """The job was cancelled on the service, not from here."""


class JobTimeoutError(JobError):
    """The job did not finish in the time allowed here; on the service it goes on."""

    retryable = True


def redact(text: str, secret: str | None = None) -> str:
    """Take API keys out of a text: `secret` itself and whatever looks like a key."""
    if secret:
        text = text.replace(secret, "***")
    return KEY_PATTERN.sub("***", text)


def hide_queries(text: str) -> str:
    """Addresses without their queries, and no signature of one that is cut in pieces."""
    return SIGNATURE_PATTERN.sub(r"\1=***", QUERY_PATTERN.sub(r"\1", text))


def describe_detail(detail: object) -> str:
    """Render `detail` of an error body for a person: string, list (FastAPI) or object."""
    if isinstance(detail, str):
        return _shorten(detail)
    if isinstance(detail, Mapping):
        return _describe_object(cast("Mapping[str, object]", detail))
    if isinstance(detail, Sequence):
        items = [describe_detail(item) for item in cast("Sequence[object]", detail)]
        return _shorten("; ".join(item for item in items if item))
    return "" if detail is None else _shorten(str(detail))


def _describe_object(detail: Mapping[str, object]) -> str:
    message = detail.get("msg") or detail.get("message") or detail.get("detail")
    field = _field_name(detail.get("loc"))
    if message is None:
        return _shorten(json.dumps(detail, default=str, ensure_ascii=False))
    text = describe_detail(message)
    return f"{field}: {text}" if field else text


def _field_name(location: object) -> str:
    """`["body", "subject", "height"]` to `subject.height`: where it was is of no use here."""
    if not isinstance(location, Sequence) or isinstance(location, str):
        return ""
    parts = [str(part) for part in cast("Sequence[object]", location)]
    if parts and parts[0] in {"body", "query", "path", "header"}:
        parts = parts[1:]
    return ".".join(parts)


def _shorten(text: str) -> str:
    """One line of bounded length; a whole web page says nothing to a person."""
    if MARKUP_PATTERN.search(text[:2000]):
        return "(a web page)"
    line = " ".join(text.split())
    return line if len(line) <= DETAIL_LENGTH else line[: DETAIL_LENGTH - 1] + "…"
