# SPDX-License-Identifier: GPL-3.0-or-later
"""One service and one key: sends requests of the API, with retries, and reads their answers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .address import normalise_base_url
from .answers import Secret, read_answer
from .errors import RateLimitError
from .retry import RetryPolicy, with_retry
from .wire import Timeouts, Wire

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from .network import Network
    from .rate_gate import RateGate

logger = logging.getLogger(__name__)

Query = list[tuple[str, str]]
# The parsed JSON, and what was asked, for the errors of who reads it.
Content = tuple[object, str]


class Session:
    """One service and one key; belongs to one thread.

    Attributes:
        base_url: the service's address, without a trailing slash.
        wire: the connections, which also carry files to and from the storage.
        policy: how often to try.
        cancel: set from any thread, stops all that is done here.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        cancel: threading.Event,
        timeouts: Timeouts,
        policy: RetryPolicy,
        user_agent: str,
        transport: BaseAdapter | None,
        network: Network | None = None,
        gate: RateGate | None = None,
    ) -> None:
        self.base_url = normalise_base_url(base_url)
        self.policy = policy
        self.cancel = cancel
        self._secret = Secret(api_key)
        self._gate = gate
        self.wire = Wire(
            cancel=cancel,
            timeouts=timeouts,
            user_agent=user_agent,
            transport=transport,
            network=network,
        )

    def __repr__(self) -> str:
        return f"Session(base_url={self.base_url!r})"

    def once(
        self, method: str, path: str, *, query: Query | None = None, body: object = None
    ) -> Content:
        """Send a request once.

        Raises:
            ServiceError: what came of it.
            CancelledError: cancelled.
        """
        if self._gate is None:
            return self._exchange(method, path, query=query, body=body)
        entered_s = self._gate.enter(self.cancel)
        try:
            content = self._exchange(method, path, query=query, body=body)
        except RateLimitError as error:
            self._gate.refuse(entered_s, error.retry_after_s)
            raise
        self._gate.accept()
        return content

    def _exchange(self, method: str, path: str, *, query: Query | None, body: object) -> Content:
        endpoint = f"{method} {path}"
        headers = {"X-Api-Key": self._secret.reveal(), "Accept": "application/json"}
        answer = self.wire.fetch(
            method, self.base_url + path, headers=headers, params=query, json=body
        )
        logger.debug("%s: %d (%s)", endpoint, answer.status, answer.request_id)
        return read_answer(answer, endpoint=endpoint, secret=self._secret), endpoint

    def send(
        self, method: str, path: str, *, query: Query | None = None, body: object = None
    ) -> Content:
        """Send a request that may be repeated: network errors, 5xx and 429 are tried again.

        Raises:
            ServiceError: what came of the last try.
            CancelledError: cancelled.
        """
        return with_retry(
            lambda: self.once(method, path, query=query, body=body),
            policy=self.policy,
            cancel=self.cancel,
        )

    def get(self, path: str, query: Query | None = None) -> Content:
        """Send a GET."""
        return self.send("GET", path, query=query)


def build_query(**values: object) -> Query:
    """Query parameters; what is None is left out."""
    pairs = [(name, value) for name, value in values.items() if value is not None]
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in pairs
    ]
