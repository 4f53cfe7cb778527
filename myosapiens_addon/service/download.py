# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a file from a presigned address: to a temporary name, resumed, checked, then replaced."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import requests

from ..errors import CancelledError
from .address import check_address, origin
from .errors import ExpiredLinkError, ServerError, TransferError, UnreachableError
from .retry import RetryPolicy, pause
from .transfer import Digest, Progress, os_sentence, storage_error

if TYPE_CHECKING:
    from .wire import Wire

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
# An address that is fresh and still refused will not get better by asking again and again.
MOST_FRESH_ADDRESSES = 3

OK, PARTIAL, RANGE_REFUSED = 200, 206, 416


class _Sink:
    """The temporary file, with what is known of the whole."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._sha256 = hashlib.sha256()
        self.done_bytes = 0
        self.total_bytes: int | None = None
        self.etag: str | None = None

    def restart(self) -> None:
        """Forget what is there: the next answer brings the file from its beginning."""
        if not self.done_bytes:
            return
        try:
            self._stream.seek(0)
            self._stream.truncate()
        except OSError as error:
            raise _unwritable(self._name, error) from error
        self._sha256 = hashlib.sha256()
        self.done_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Add a piece.

        Raises:
            TransferError: the disk does not take it.
        """
        try:
            self._stream.write(chunk)
        except OSError as error:
            raise _unwritable(self._name, error) from error
        self._sha256.update(chunk)
        self.done_bytes += len(chunk)

    @property
    def is_complete(self) -> bool:
        """Whether as much came as was announced; without an announcement it is taken so."""
        return self.total_bytes is None or self.done_bytes >= self.total_bytes

    def finish(self) -> Digest:
        """Bring it to the disk itself."""
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise _unwritable(self._name, error) from error
        return Digest(size_bytes=self.done_bytes, sha256=self._sha256.hexdigest())


def download(
    wire: Wire,
    *,
    fresh_url: Callable[[], str],
    url: str | None = None,
    target: Path,
    progress: Progress,
    policy: RetryPolicy,
    expected_size_bytes: int | None = None,
    expected_sha256: str | None = None,
) -> Digest:
    """Fetch a file to `target`, which is there whole afterwards or as it was before.

    A connection that breaks is taken up where it broke; the tries are counted anew whenever
    something came. An address that expired is replaced by a fresh one.

    Args:
        wire: the session.
        fresh_url: asks the service for a presigned address.
        url: an address that is at hand already.
        target: where the file goes; what is there is replaced.
        progress: told of the bytes.
        policy: how often to try.
        expected_size_bytes: what the size must be, where known.
        expected_sha256: what the checksum must be, where known (hexadecimal).

    Raises:
        TransferError: the file is gone, is not what was expected, or cannot be written.
        UnreachableError, ServerError: the storage cannot be reached or failed, many times.
        CancelledError: cancelled.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stream = part.open("wb")
    except OSError as error:
        raise _unwritable(target.name, error) from error
    try:
        with stream:
            sink = _Sink(stream, target.name)
            _Fetch(wire, sink, target.name, progress, policy).run(url, fresh_url)
            digest = sink.finish()
        _check(digest, target.name, expected_size_bytes, expected_sha256)
        _replace(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return digest


class _Fetch:
    """The tries of one download."""

    def __init__(
        self, wire: Wire, sink: _Sink, name: str, progress: Progress, policy: RetryPolicy
    ) -> None:
        self._wire = wire
        self._sink = sink
        self._name = name
        self._progress = progress
        self._policy = policy

    def run(self, url: str | None, fresh_url: Callable[[], str]) -> None:
        """Try until it is here."""
        failures = fresh = 0
        while True:
            if url is None:
                url, fresh = fresh_url(), fresh + 1
            before = self._sink.done_bytes
            try:
                return self._attempt(url)
            except ExpiredLinkError:
                if fresh >= MOST_FRESH_ADDRESSES:
                    raise
                url = None
            except (UnreachableError, ServerError) as error:
                failures = 1 if self._sink.done_bytes > before else failures + 1
                if failures >= self._policy.tries:
                    raise
                logger.info("%s Trying again from byte %d.", error.sentence, self._sink.done_bytes)
                pause(self._wire.cancel, self._policy.backoff_s(failures))

    def _attempt(self, url: str) -> None:
        check_address(url)
        self._wire.run(lambda: self._receive(url), host=origin(url)[1])
        if not self._sink.is_complete:
            raise UnreachableError(f"The connection broke before {self._name} was complete.")

    def _receive(self, url: str) -> None:
        # Compressed on the way, neither sizes nor ranges would be the file's own.
        headers = {"Accept-Encoding": "identity"}
        if self._sink.done_bytes:
            headers["Range"] = f"bytes={self._sink.done_bytes}-"
            if self._sink.etag:
                headers["If-Range"] = self._sink.etag
        request = requests.Request("GET", url, headers=headers)
        timeout_s = self._wire.timeouts.stall_s
        with self._wire.send(request, timeout_s=timeout_s, leave_origin=True) as response:
            self._begin(response)
            # Not iter_content: it waits for whole chunks, and loses what came of one that broke.
            while chunk := response.raw.read1(CHUNK_BYTES):
                if self._wire.cancel.is_set():
                    raise CancelledError
                self._sink.write(chunk)
                self._progress(self._sink.done_bytes, self._sink.total_bytes)

    def _begin(self, response: requests.Response) -> None:
        """See to it that what comes continues what is here."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TransferError(f"{self._name} comes in an encoding that was not asked for.")
        if response.status_code == OK:
            self._sink.restart()
            length = response.headers.get("content-length", "")
            self._sink.total_bytes = int(length) if length.isdigit() else None
            self._sink.etag = _strong(response.headers.get("etag"))
        elif response.status_code == PARTIAL and self._continues(response):
            return
        elif response.status_code in (PARTIAL, RANGE_REFUSED):
            self._sink.restart()
            raise UnreachableError(f"{self._name} could not be continued where it broke off.")
        else:
            raise storage_error(response, f"{self._name} could not be fetched")

    def _continues(self, response: requests.Response) -> bool:
        found = CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        return found is not None and int(found.group(1)) == self._sink.done_bytes


def _strong(etag: str | None) -> str | None:
    """A weak ETag does not promise the same bytes, so no range may rest on it (RFC 9110)."""
    return etag if etag and not etag.startswith("W/") else None


def _check(digest: Digest, name: str, size_bytes: int | None, sha256: str | None) -> None:
    if size_bytes is not None and digest.size_bytes != size_bytes:
        raise TransferError(
            f"{name} came with {digest.size_bytes} bytes, {size_bytes} were expected. Try again."
        )
    if sha256 is not None and digest.sha256 != sha256.lower():
        raise TransferError(f"{name} came damaged: its checksum differs. Try again.")


def _replace(part: Path, target: Path) -> None:
    try:
        part.replace(target)
    except OSError as error:
        raise _unwritable(target.name, error) from error


def _unwritable(name: str, error: OSError) -> TransferError:
    return TransferError(f"{name} cannot be written: {os_sentence(error)}.")
