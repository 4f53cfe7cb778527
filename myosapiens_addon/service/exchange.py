# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs blocking network work so that it can be left at any moment.

A socket that waits cannot be asked to stop: looking up a name, connecting and reading all
block in the operating system. So the work is done in a thread of its own while the caller
waits for it or for the cancel event; on cancel the sockets are shut, which wakes the thread
up, and the caller goes on whether it has ended or not.
"""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from ..errors import CancelledError

Result = TypeVar("Result")

# Cancelling is promised within 0.5 s: this long until it is seen, then time for the thread to end.
WATCH_INTERVAL_S = 0.05
LAST_JOIN_S = 0.25
# http.client sends 16 KiB at a time otherwise, which costs an upload a third of its speed.
SEND_BLOCK_BYTES = 256 * 1024


class LimitReachedError(Exception):
    """The work took longer than it was given."""


class OpenSockets:
    """The sockets that are open; shutting one makes whoever waits on it go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def add(self, opened: socket.socket | None) -> None:
        """Keep an eye on a socket for as long as somebody else holds it."""
        if opened is not None:
            with self._lock:
                self._sockets.add(opened)

    def shut(self) -> None:
        """Shut them all, from any thread."""
        with self._lock:
            sockets = list(self._sockets)
        for opened in sockets:
            try:
                # Not SSLSocket.shutdown: it takes the TLS state away under the reader's hands.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


class TrackingAdapter(HTTPAdapter):
    """A requests transport whose sockets can be shut from another thread."""

    def __init__(self, sockets: OpenSockets) -> None:
        self._pools = _tracked_pools(sockets)
        super().__init__(max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object
    ) -> None:
        """Make the pool, with connections that report their sockets."""
        super().init_poolmanager(
            connections, maxsize, block, blocksize=SEND_BLOCK_BYTES, **pool_kwargs
        )
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: object) -> PoolManager:
        """The same for connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _tracked_pools(sockets: OpenSockets) -> dict[str, type[HTTPConnectionPool]]:
    class PlainConnection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class SecureConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection  # pyright: ignore[reportAssignmentType] - stubs too narrow

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection  # pyright: ignore[reportAssignmentType]

    return {"http": PlainPool, "https": SecurePool}


class _Work(threading.Thread, Generic[Result]):
    """One piece of work in its thread, with its result or what it raised."""

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="myosapiens-exchange", daemon=True)
        self._work = work
        self._results: list[Result] = []
        self.error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the waiting thread
            self.error = error
        finally:
            self.done.set()

    def result(self) -> Result:
        if self.error is not None:
            raise self.error
        return self._results[0]


def run_cancellable(
    work: Callable[[], Result],
    *,
    cancel: threading.Event,
    abort: Callable[[], None],
    limit_s: float | None = None,
) -> Result:
    """Do `work`, but return at once when `cancel` is set.

    Args:
        work: what to do, in a thread of its own.
        cancel: set from any thread to leave the work.
        abort: wakes up what `work` waits for; called when it is left before its end.
        limit_s: how long it may take, None for no limit.

    Raises:
        CancelledError: `cancel` was set.
        LimitReachedError: the limit was reached.
    """
    if cancel.is_set():
        raise CancelledError
    thread = _Work(work)
    end = None if limit_s is None else time.monotonic() + limit_s
    thread.start()
    try:
        while not thread.done.wait(WATCH_INTERVAL_S):
            if cancel.is_set():
                raise CancelledError
            if end is not None and time.monotonic() > end:
                raise LimitReachedError
    finally:
        if not thread.done.is_set():
            abort()
            thread.join(LAST_JOIN_S)
    if cancel.is_set():
        raise CancelledError
    return thread.result()
