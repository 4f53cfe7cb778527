# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs both origins in one process until a signal ends them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from .api import make_api
from .errors import StartError
from .service import Service, open_service
from .settings import Endpoints, Settings
from .storage import make_storage

FACTS = "service.json"
# How long requests may go on after the signal, in seconds.
GRACE_S = 1


class _Server(uvicorn.Server):
    """A server that leaves the signals to `serve`, which stops both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def serve(settings: Settings, *, announce: Callable[[Endpoints], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: The options of the command line.
        announce: Called once, when both origins answer.

    Raises:
        StartError: A port is taken, or the data folder cannot be used.
    """
    api_socket = _listen(settings.host, settings.port, option="--port")
    storage_socket = _listen_where_last(settings)
    endpoints = Endpoints(
        host=settings.host,
        port=api_socket.getsockname()[1],
        storage_port=storage_socket.getsockname()[1],
    )
    service = _open(settings, endpoints)
    servers = [
        (_make_server(make_api(service)), api_socket),
        (_make_server(make_storage(service)), storage_socket),
    ]
    logging.getLogger("uvicorn.error").addFilter(_is_no_cut_request)
    try:
        _stop_on_signals([server for server, _ in servers])
        service.scheduler.start()
        asyncio.run(_run(servers, lambda: announce(endpoints)))
    finally:
        service.scheduler.stop()
        service.database.close()


async def _run(servers: list[tuple[_Server, socket.socket]], announce: Callable[[], None]) -> None:
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    while not all(server.started or server.should_exit for server, _ in servers):
        await asyncio.sleep(0.01)
    if all(server.started for server, _ in servers):
        announce()
    await asyncio.gather(*tasks)


def _make_server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_level="warning",
            access_log=False,  # its lines would hold presigned queries
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


def _stop_on_signals(servers: list[_Server]) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _is_no_cut_request(record: logging.LogRecord) -> bool:
    """Keeps the tracebacks of requests that the end of the service cut off out of the log."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def _open(settings: Settings, endpoints: Endpoints) -> Service:
    try:
        service = open_service(settings, endpoints)
        facts = {
            "base_url": endpoints.base_url,
            "storage_url": endpoints.storage_url(),
            "storage_port": endpoints.storage_port,
            "pid": os.getpid(),
        }
        (settings.data_dir / FACTS).write_text(json.dumps(facts))
    except OSError as error:
        raise StartError(
            f"The data folder {settings.data_dir} cannot be used: {error.strerror or error}; "
            "choose another with --data."
        ) from error
    return service


def _listen_where_last(settings: Settings) -> socket.socket:
    """The storage's socket; a free port is the last one if possible, so that links stay good."""
    if settings.storage_port == 0:
        try:
            facts = json.loads((settings.data_dir / FACTS).read_text())
            return _listen(settings.host, int(facts["storage_port"]), option="--storage-port")
        except (OSError, ValueError, LookupError, TypeError, StartError):
            pass  # the first start, or the port is taken: any other will do
    return _listen(settings.host, settings.storage_port, option="--storage-port")


def _listen(host: str, port: int, *, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Not socket.create_server: asyncio switches Nagle's algorithm off (40 ms per answer) only
    # for sockets that name their protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise StartError(
            f"Cannot listen on {host} port {port}: {error.strerror or error}; "
            f"choose another port with {option} (0 takes a free one)."
        ) from error
    return listener
