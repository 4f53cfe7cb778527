# SPDX-License-Identifier: GPL-3.0-or-later
"""What every API request passes first: the key, then the rate limit."""

from __future__ import annotations

import hmac
import math
import threading
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class RateLimit:
    """A token bucket: a burst of `per_minute`, refilled steadily.

    Args:
        per_minute: Requests per minute.
        clock_s: Seconds that never go back.
    """

    def __init__(self, per_minute: int, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60
        self._capacity = float(per_minute)
        self._tokens = self._capacity
        self._clock_s = clock_s
        self._filled_s = clock_s()
        self._lock = threading.Lock()

    def take(self) -> int:
        """0 for a request that may pass, else the whole seconds until one may."""
        with self._lock:
            now_s = self._clock_s()
            gained = (now_s - self._filled_s) * self._per_s
            self._tokens = min(self._capacity, self._tokens + gained)
            self._filled_s = now_s
            if self._tokens >= 1:
                self._tokens -= 1
                return 0
            return max(1, math.ceil((1 - self._tokens) / self._per_s))


class Gate:
    """ASGI middleware around the routes under `/v1`."""

    def __init__(self, app: ASGIApp, *, api_key: str, rate_limit: RateLimit | None) -> None:
        self._app = app
        self._api_key = api_key
        self._rate_limit = rate_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = None
        if scope["type"] == "http" and scope["path"].startswith("/v1"):
            refusal = self._refuse(Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)

    def _refuse(self, headers: Headers) -> JSONResponse | None:
        key = _key_of(headers)
        if key is None:
            sentence = "No API key was sent; send it in the X-Api-Key header."
            return _answer(401, sentence, {"WWW-Authenticate": "Bearer"})
        if not hmac.compare_digest(key.encode(), self._api_key.encode()):
            return _answer(401, "The API key is not valid.", {"WWW-Authenticate": "Bearer"})
        wait_s = self._rate_limit.take() if self._rate_limit else 0
        if wait_s:
            sentence = f"Rate limit exceeded; try again in {wait_s} s."
            return _answer(429, sentence, {"Retry-After": str(wait_s)})
        return None


def _key_of(headers: Headers) -> str | None:
    key = headers.get("x-api-key")
    if key is not None:
        return key
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def _answer(status: int, detail: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)
