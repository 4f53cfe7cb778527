# SPDX-License-Identifier: GPL-3.0-or-later
# requests_toolbelt has no types; only this module touches it.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""Files to and from the storage host: streamed, resumed, checked. The API key never goes there.

The storage is another host with presigned addresses (Amazon S3: "Browser-Based Uploads Using
POST" and "Presigned URLs"), so nothing here knows of a key.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import requests
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor

from ..errors import CancelledError, InputError
from .address import check_address, origin
from .errors import ExpiredLinkError, ServerError, TransferError, redact

if TYPE_CHECKING:
    import threading

    from .models import UploadTicket
    from .wire import Wire

# Bytes done, and bytes in all where that is known. Called from another thread, one at a time.
Progress = Callable[[int, int | None], None]

UPLOADED = (200, 201, 204)
S3_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")
S3_MESSAGE = re.compile(rb"<Message>([^<]{1,300})</Message>")
ERROR_BODY_BYTES = 16 * 1024
OS_SENTENCES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "it does not exist",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "the name is too long",
}


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What a file holds, in short."""

    size_bytes: int
    sha256: str


def os_sentence(error: OSError) -> str:
    """Why the operating system refused, in words."""
    return OS_SENTENCES.get(error.errno or 0, error.strerror or type(error).__name__)


class _Source:
    """The file being sent: hashed on the way, and of one length from start to end."""

    def __init__(self, stream: BinaryIO, path: Path, cancel: threading.Event) -> None:
        self._stream = stream
        self._path = path
        self._cancel = cancel
        self.size_bytes = path.stat().st_size
        self.done_bytes = 0
        self.sha256 = hashlib.sha256()

    @property
    def len(self) -> int:
        """What is left; the encoder asks by this name."""
        return self.size_bytes - self.done_bytes

    def read(self, amount: int = -1) -> bytes:
        """The next piece; the length was announced, so neither less nor more than that."""
        if self._cancel.is_set():
            raise CancelledError
        wanted = self.len if amount < 0 else min(amount, self.len)
        piece = self._stream.read(wanted)
        if len(piece) < wanted:
            raise TransferError(f"{self._path.name} became shorter while it was being sent.")
        self.done_bytes += len(piece)
        self.sha256.update(piece)
        return piece


def upload(
    wire: Wire, *, ticket: UploadTicket, path: Path, content_type: str, progress: Progress
) -> Digest:
    """Send a file to where the ticket says: the ticket's fields first, the file last.

    Raises:
        InputError: the file cannot be read, or the ticket's address is not one to send to.
        ExpiredLinkError: the storage refuses the ticket (403).
        TransferError: the storage refuses the file.
        UnreachableError, ServerError: the storage cannot be reached or failed; try again.
        CancelledError: cancelled.
    """
    check_address(ticket.upload_url)
    host = origin(ticket.upload_url)[1]
    try:
        with path.open("rb") as stream:
            source = _Source(stream, path, wire.cancel)
            wire.run(lambda: _post(wire, ticket, source, content_type, path, progress), host=host)
            return Digest(size_bytes=source.done_bytes, sha256=source.sha256.hexdigest())
    except requests.RequestException:
        raise
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {os_sentence(error)}.") from error


def _post(
    wire: Wire,
    ticket: UploadTicket,
    source: _Source,
    content_type: str,
    path: Path,
    progress: Progress,
) -> None:
    fields: list[tuple[str, object]] = list(ticket.fields.items())
    fields.append(("file", (path.name, source, content_type)))

    def tell(_monitor: MultipartEncoderMonitor) -> None:
        progress(source.done_bytes, source.size_bytes)

    monitor = MultipartEncoderMonitor(MultipartEncoder(fields), tell)
    # requests takes the length from the monitor: S3 refuses a chunked form.
    request = requests.Request(
        "POST", ticket.upload_url, data=monitor, headers={"Content-Type": f"{monitor.content_type}"}
    )
    with wire.send(request, timeout_s=wire.timeouts.stall_s, leave_origin=False) as response:
        if response.status_code not in UPLOADED:
            raise storage_error(response, f"{path.name} was not accepted by the storage")


def storage_error(response: requests.Response, what: str) -> Exception:
    """The error for what the storage answered; S3 says why in XML."""
    body = response.raw.read(ERROR_BODY_BYTES, decode_content=True)
    code, message = S3_CODE.search(body), S3_MESSAGE.search(body)
    told = ", ".join(
        redact(found.group(1).decode("utf-8", "replace")) for found in (code, message) if found
    )
    sentence = f"{what} ({response.status_code}{': ' if told else ''}{told.rstrip('.')})."
    kind = TransferError
    if response.status_code == requests.codes.forbidden:
        kind = ExpiredLinkError
    elif response.status_code >= requests.codes.internal_server_error:
        kind = ServerError
    return kind(sentence, status=response.status_code)
