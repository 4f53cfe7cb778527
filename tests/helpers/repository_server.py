# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves a folder as a studio's web server would; asks for a token where it has one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request and how it was answered; `authorization` is the header, empty for none."""

    path: str
    query: str
    authorization: str
    status: int


@dataclass(kw_only=True)
class RepositoryServer:
    """A running server; `requests` grows, and `token` may be changed meanwhile."""

    address: str
    token: str = ""
    requests: list[Request] = field(default_factory=list[Request])

    @property
    def index_url(self) -> str:
        return f"{self.address}/index.json"

    def answered(self, status: int) -> list[str]:
        """The paths that were answered so, in order."""
        return [request.path for request in self.requests if request.status == status]


@contextlib.contextmanager
def serving(folder: Path, *, token: str = "") -> Generator[RepositoryServer]:
    """Serve a folder on this machine until the block ends."""
    server = _Server(folder, token)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, folder: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        address = f"http://127.0.0.1:{self.server_port}"
        self.state = RepositoryServer(address=address, token=token)


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        token = self._state().token
        if token and self._authorization() != f"Bearer {token}":
            self.send_error(401)
        else:
            super().do_GET()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        url = urlsplit(self.path)
        self._state().requests.append(
            Request(
                path=url.path,
                query=url.query,
                authorization=self._authorization(),
                status=int(code),
            )
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The list of requests says it all."""

    def _authorization(self) -> str:
        return self.headers.get("Authorization", "")

    def _state(self) -> RepositoryServer:
        assert isinstance(self.server, _Server)
        return self.server.state
