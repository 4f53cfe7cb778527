# SPDX-License-Identifier: GPL-3.0-or-later
"""From an answer's status and body to JSON, or to the error that it stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from .errors import (
    AnswerError,
    AuthenticationError,
    ConflictError,
    CreditsError,
    NotFoundError,
    RateLimitError,
    RequestError,
    ServerError,
    ServiceError,
    describe_detail,
    redact,
)
from .retry import parse_retry_after

if TYPE_CHECKING:
    from .wire import Answer

LARGEST_DETAIL_BYTES = 256 * 1024


class Secret:
    """The API key: in no repr, no message, no pickle; only `reveal` gives it away.

    Raises:
        AuthenticationError: it is empty, or holds what no HTTP header may hold.
    """

    def __init__(self, api_key: str) -> None:
        key = api_key.strip()
        if not key:
            raise AuthenticationError("No API key is set.")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise AuthenticationError("The API key holds spaces or odd characters: copy it again.")
        self._key = key

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("an API key is not to be pickled")

    def reveal(self) -> str:
        """The key itself, for the request's header."""
        return self._key


def read_answer(answer: Answer, *, endpoint: str, secret: Secret) -> object:
    """The JSON of a successful answer; None where it has no body.

    Args:
        answer: what came.
        endpoint: what was asked (`GET /v1/jobs`).
        secret: taken out of whatever the service says.

    Raises:
        ServiceError: the one of the tree that the status stands for.
        AnswerError: success, but no JSON.
    """
    if not 200 <= answer.status < 300:
        raise failure(answer, endpoint=endpoint, secret=secret)
    if not answer.body.strip():
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise AnswerError(
            f"The service's answer to {endpoint} was not understood: it is no JSON. "
            "Check the service's address.",
            status=answer.status,
            request_id=answer.request_id,
        ) from None


def failure(answer: Answer, *, endpoint: str, secret: Secret) -> ServiceError:
    """The error that an answer stands for."""
    status, request_id = answer.status, answer.request_id
    detail = _detail(answer, secret)
    told = describe_detail(detail).rstrip(".")
    why = f": {told}." if told else "."
    if status == 429:
        return RateLimitError(
            "The service has had too many requests from this key" + why,
            status=status,
            request_id=request_id,
            detail=detail,
            retry_after_s=parse_retry_after(answer.headers.get("retry-after")),
        )
    kind, sentence = _kind(status, endpoint)
    return kind(sentence + why, status=status, request_id=request_id, detail=detail)


def _kind(status: int, endpoint: str) -> tuple[type[ServiceError], str]:
    known: dict[int, tuple[type[ServiceError], str]] = {
        401: (AuthenticationError, "The service refuses the API key"),
        402: (CreditsError, "The account has no credits left"),
        403: (AuthenticationError, "The service refuses this API key the access"),
        404: (NotFoundError, f"{endpoint}: the service does not have it"),
        409: (ConflictError, f"{endpoint}: the service refuses"),
        408: (ServerError, "The service gave up waiting for the request"),
    }
    if status in known:
        return known[status]
    if status >= 500:
        return ServerError, f"The service failed ({status})"
    if status >= 400:
        return RequestError, f"{endpoint}: the service refuses the request ({status})"
    return AnswerError, f"{endpoint}: the service answered with status {status}"


def _detail(answer: Answer, secret: Secret) -> object:
    """`detail` of an error's body, or the body itself; the key taken out."""
    text = redact(answer.body[:LARGEST_DETAIL_BYTES].decode("utf-8", "replace"), secret.reveal())
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(content, Mapping):
        entry = cast("Mapping[str, object]", content)
        return entry.get("detail", entry)
    return cast("object", content)
