# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers, below what they mean: sends one, maps what goes wrong to our errors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin

import requests
from requests import exceptions as broken
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from .address import check_address, origin
from .errors import AnswerError, ServiceError, UnreachableError
from .exchange import LimitReachedError, OpenSockets, TrackingAdapter, run_cancellable
from .network import Network

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
READ_BYTES = 64 * 1024
MOST_REDIRECTS = 5
KEEPS_METHOD = (307, 308)
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect_s: for a connection, TLS included.
        read_s: between two pieces of an answer.
        answer_s: for a whole answer of the API (not for files).
        stall_s: between two pieces of a file.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    answer_s: float = 120.0
    stall_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that was read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str | None:
        """What the service's support asks for."""
        return self.headers.get("x-request-id")


class _NoCredentials(AuthBase):
    """Keeps requests from adding what it finds in ~/.netrc."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        return r


class Wire:
    """One session: connections that are kept, and a cancel event for all that is done on it."""

    def __init__(
        self,
        *,
        cancel: threading.Event,
        timeouts: Timeouts,
        user_agent: str,
        transport: BaseAdapter | None = None,
        network: Network | None = None,
    ) -> None:
        self.cancel = cancel
        self.timeouts = timeouts
        self._network = network or Network()
        self._sockets = OpenSockets()
        self._session = requests.Session()
        self._session.auth = _NoCredentials()
        self._session.headers["User-Agent"] = user_agent
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, transport or TrackingAdapter(self._sockets))

    def close(self) -> None:
        """Let go of the connections."""
        self._sockets.shut()
        self._session.close()

    def run(self, work: Callable[[], Result], *, host: str, limit_s: float | None = None) -> Result:
        """Do blocking work on this session, cancellable, with its failures mapped.

        Args:
            work: what to do, in a thread of its own.
            host: who is talked to, for the sentence of an error.
            limit_s: how long it may take, None for no limit.

        Raises:
            CancelledError: the cancel event was set.
            UnreachableError: the network failed.
        """
        try:
            return run_cancellable(
                work, cancel=self.cancel, abort=self._sockets.shut, limit_s=limit_s
            )
        except LimitReachedError:
            raise UnreachableError(f"{host} took too long to answer.") from None
        except (requests.RequestException, HTTPError) as error:
            # Not chained: their texts carry whole addresses, presigned queries included.
            logger.debug("%s from %s", type(error).__name__, host)
            raise map_failure(error, host) from None

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: list[tuple[str, str]] | None = None,
        json: object = None,
    ) -> Answer:
        """Send one request of the API and read its answer whole.

        A redirect is followed only within the origin, so that the key stays there.

        Raises:
            CancelledError: the cancel event was set.
            UnreachableError: the network failed.
            AnswerError: the answer is too large, or redirects elsewhere.
        """
        host = origin(url)[1]

        def exchange() -> Answer:
            request = requests.Request(method, url, headers=dict(headers), params=params, json=json)
            response = self.send(request, timeout_s=self.timeouts.read_s, leave_origin=False)
            with response:
                return Answer(
                    status=response.status_code,
                    headers=response.headers,
                    body=_read_bounded(response, host),
                )

        return self.run(exchange, host=host, limit_s=self.timeouts.answer_s)

    def send(
        self, request: requests.Request, *, timeout_s: float, leave_origin: bool
    ) -> requests.Response:
        """Send and follow redirects; blocking, to be called within `run`. The body is not read.

        Args:
            request: what to send.
            timeout_s: the longest silence that is borne.
            leave_origin: whether a redirect may lead to another origin. False wherever the
                request carries the key.
        """
        prepared = self._session.prepare_request(request)
        for _hop in range(MOST_REDIRECTS):
            url = prepared.url or ""
            response = self._session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                timeout=(self.timeouts.connect_s, timeout_s),
                **self._network.options(self._session, url),
            )
            following = _redirected(prepared, response, leave_origin=leave_origin)
            if following is None:
                return response
            response.close()
            prepared = following
        raise AnswerError(f"{origin(prepared.url or '')[1]} redirects in a circle.")


def map_failure(error: requests.RequestException | HTTPError, host: str) -> ServiceError:
    """One sentence for what requests, or urllib3 below it, raised."""
    if isinstance(error, broken.SSLError):
        return UnreachableError(f"No secure connection to {host}: its certificate was refused.")
    if isinstance(error, broken.ProxyError):
        return UnreachableError(f"{host} cannot be reached: the proxy refuses, or is out of reach.")
    if isinstance(error, broken.ConnectTimeout):
        return UnreachableError(f"{host} cannot be reached: no connection in time.", sent=False)
    if isinstance(error, broken.Timeout):
        return UnreachableError(f"{host} did not answer in time.")
    reason = _root(error)
    if isinstance(reason, NameResolutionError):
        return UnreachableError(
            f"{host} cannot be found: check the address and the network.", sent=False
        )
    if isinstance(reason, NewConnectionError):
        return UnreachableError(f"{host} cannot be reached: it refuses connections.", sent=False)
    if isinstance(error, (broken.InvalidURL, broken.InvalidHeader, broken.MissingSchema)):
        return ServiceError(f"The address of {host} cannot be used.")
    return UnreachableError(f"The connection to {host} broke.")


def _root(error: BaseException) -> object:
    """What urllib3 gave as the reason of giving up."""
    first = error.args[0] if error.args else None
    return getattr(first, "reason", first)


def _read_bounded(response: requests.Response, host: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(READ_BYTES):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise AnswerError(f"{host} answered with more than can be sensible.")
    return bytes(body)


def _redirected(
    sent: requests.PreparedRequest, response: requests.Response, *, leave_origin: bool
) -> requests.PreparedRequest | None:
    """The request to send next, or None when the response is no redirect."""
    target = response.headers.get("location")
    if response.status_code not in REDIRECTS or not target:
        return None
    url = urljoin(sent.url or "", target)
    here = origin(sent.url or "")
    if not leave_origin and origin(url) != here:
        raise AnswerError(
            f"{here[1]} redirects to {origin(url)[1]}, which the API key must not go to. "
            "Check the service's address."
        )
    check_address(url)
    following = sent.copy()
    following.url = url
    if response.status_code not in KEEPS_METHOD and sent.method not in {"GET", "HEAD"}:
        raise AnswerError(f"{here[1]} redirects a {sent.method}, which is refused.")
    return following
