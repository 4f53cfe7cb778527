# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the service: the three steps of an upload, a download, a deletion that is sure."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from pathlib import Path

from ..errors import InputError
from .address import segment
from .download import download
from .errors import (
    ExpiredLinkError,
    NotFoundError,
    RequestError,
    ServerError,
    TransferError,
    UnreachableError,
)
from .models import Asset, UploadReceipt, UploadTicket
from .retry import with_retry
from .session import Session
from .transfer import Digest, Progress, os_sentence, upload

CONTENT_TYPES = {
    ".c3d": "application/octet-stream",
    ".trc": "text/plain",
    ".xml": "application/xml",
}
DEFAULT_CONTENT_TYPE = "application/octet-stream"
# An upload form that ran out is asked for anew so many times.
MOST_FORMS = 3


class Monotone:
    """Progress that never goes back, whatever is begun anew below."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._most = -1

    def __call__(self, done_bytes: int, total_bytes: int | None) -> None:
        """Pass on what is news."""
        if done_bytes > self._most:
            self._most = done_bytes
            self._progress(done_bytes, total_bytes)


def content_type_of(path: Path) -> str:
    """What the service wants a file to be called."""
    return CONTENT_TYPES.get(path.suffix.lower(), DEFAULT_CONTENT_TYPE)


def get_asset(session: Session, asset_id: str) -> Asset:
    """One file, with a fresh download address."""
    return Asset.from_json(*session.get(f"/v1/assets/{segment(asset_id)}"))


def delete_asset(session: Session, asset_id: str) -> None:
    """Delete a file; that it is gone when an answer was lost is a success."""
    path = f"/v1/assets/{segment(asset_id)}"
    lost = False

    def attempt() -> None:
        nonlocal lost
        try:
            session.once("DELETE", path)
        except (UnreachableError, ServerError):
            lost = True
            raise
        except NotFoundError:
            if not lost:
                raise

    with_retry(attempt, policy=session.policy, cancel=session.cancel)


def upload_asset(
    session: Session, path: Path, *, purpose: str, progress: Progress
) -> UploadReceipt:
    """Initiate, send to the storage, complete; with a new form when one ran out.

    Raises:
        InputError: the file cannot be read.
        TransferError: the storage refuses it, or it arrived damaged.
        ServiceError: the service refuses.
    """
    told = Monotone(progress)
    for _form in range(MOST_FORMS - 1):
        try:
            return _upload_once(session, path, purpose, told)
        except ExpiredLinkError:
            continue
    return _upload_once(session, path, purpose, told)


def _upload_once(session: Session, path: Path, purpose: str, progress: Progress) -> UploadReceipt:
    ticket = initiate_upload(session, path=path, purpose=purpose)
    try:
        digest = _send_file(session, ticket, path, progress)
    except UnreachableError as error:
        # A storage that refuses a form that ran out may cut the connection before it says so.
        if not _has_expired(ticket):
            raise
        raise ExpiredLinkError(
            f"The upload of {path.name} took too long: {error.sentence}"
        ) from error
    receipt = complete_upload(session, ticket.asset_id)
    _compare(receipt, digest, path.name)
    return receipt


def _send_file(session: Session, ticket: UploadTicket, path: Path, progress: Progress) -> Digest:
    return with_retry(
        lambda: upload(
            session.wire,
            ticket=ticket,
            path=path,
            content_type=content_type_of(path),
            progress=progress,
        ),
        policy=session.policy,
        cancel=session.cancel,
    )


def _has_expired(ticket: UploadTicket) -> bool:
    return ticket.expires_at is not None and ticket.expires_at <= datetime.now(UTC)


def initiate_upload(session: Session, *, path: Path, purpose: str) -> UploadTicket:
    """The first step: where and with which form to send the file."""
    body = {
        "purpose": purpose,
        "filename": path.name,
        "content_type": content_type_of(path),
        "expected_size_bytes": _size_of(path),
    }
    return UploadTicket.from_json(*session.send("POST", "/v1/assets/initiate", body=body))


def complete_upload(session: Session, asset_id: str) -> UploadReceipt:
    """The last step: the service looks at what arrived."""
    try:
        return UploadReceipt.from_json(
            *session.send("POST", f"/v1/assets/{segment(asset_id)}/complete")
        )
    except RequestError:
        # A try whose answer was lost may have completed it: then this is no refusal.
        asset = get_asset(session, asset_id)
        if not asset.is_completed:
            raise
        return UploadReceipt(
            asset_id=asset_id,
            size_bytes=asset.size_bytes,
            checksum_sha256=asset.checksum_sha256,
        )


def download_asset(session: Session, asset_id: str, *, target: Path, progress: Progress) -> Digest:
    """Fetch a file to `target`; size and checksum are compared where the service tells them."""
    asset = get_asset(session, asset_id)
    return download(
        session.wire,
        fresh_url=lambda: _download_url(get_asset(session, asset_id)),
        url=_download_url(asset),
        target=target,
        progress=Monotone(progress),
        policy=session.policy,
        expected_size_bytes=asset.size_bytes,
        expected_sha256=asset.checksum_sha256,
    )


def _download_url(asset: Asset) -> str:
    if not asset.download_url:
        raise TransferError(f"The service gives no address to fetch {asset.filename} from.")
    return asset.download_url


def _size_of(path: Path) -> int:
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {os_sentence(error)}.") from error
    if size_bytes == 0:
        raise InputError(f"{path.name} is empty.")
    return size_bytes


def _compare(receipt: UploadReceipt, digest: Digest, name: str) -> None:
    told = receipt.checksum_sha256
    damaged = told is not None and not hmac.compare_digest(told.lower(), digest.sha256)
    if damaged or not receipt.verified or receipt.size_bytes not in (None, digest.size_bytes):
        raise TransferError(f"{name} arrived damaged at the service. Try again.")
