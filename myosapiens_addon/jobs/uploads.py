# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are on the service already, so that none is sent twice.

A file is known by its checksum. What was uploaded is remembered on disk, per service, and
looked at again before it is used. Files that this machine does not know are looked for among
the account's newest ones, by name and size, and by their checksum.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CancelledError, InputError, MyoSapiensError
from ..service.errors import AuthenticationError, RequestError, ServiceError
from ..service.transfer import os_sentence

if TYPE_CHECKING:
    from ..service.client import Client
    from ..service.models import Asset
    from .uploads_memory import UploadsMemory

logger = logging.getLogger(__name__)

PURPOSE = "retarget"
PAGE_SIZE = 100
# The account's newest files that are looked through, once.
MOST_LISTED = 2000
# A service that tells no checksum: files up to this size are fetched and compared.
LARGEST_FETCHED_BYTES = 4_000_000
MOST_COMPARED = 3
BLOCK_BYTES = 1 << 20
LOOK_INTERVAL_S = 0.1

# Uploads the file and returns its asset id.
Send = Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a file holds, in short: its SHA-256 in hexadecimal, and its size."""

    sha256: str
    size_bytes: int


@dataclass(kw_only=True)
class _Known:
    """One content on the service: who is at it holds `guard`; the asset, once it is there."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    asset_id: str = ""


class Uploads:
    """The files of one run to one service. Several threads may ask at once.

    Args:
        base_url: the service.
        memory: what was uploaded before; None to begin with nothing and to look for nothing
            on the service (`--no-reuse`): then files are shared within this run alone.
    """

    def __init__(self, *, base_url: str, memory: UploadsMemory | None) -> None:
        self._base_url = base_url
        self._memory = memory
        self._guard = threading.Lock()
        self._known: dict[Content, _Known] = {}
        self._contents: dict[tuple[Path, int, int], Content] = {}
        self._listing = threading.Lock()
        self._listed: dict[tuple[str, int], list[Asset]] | None = None

    def content(self, path: Path) -> Content:
        """A file's checksum and size; read again only when it has changed.

        Raises:
            InputError: it cannot be read.
        """
        try:
            state = path.stat()
            key = (path, state.st_size, state.st_mtime_ns)
            with self._guard:
                found = self._contents.get(key)
            if found is None:
                found = _read(path)
                with self._guard:
                    self._contents[key] = found
        except OSError as error:
            raise InputError(f"{path} cannot be read: {os_sentence(error)}.") from error
        return found

    def get(self, client: Client, path: Path, send: Send) -> tuple[str, bool]:
        """The asset of a file, and whether it was there before.

        Whoever comes first with a content looks and sends; others with the same wait for it.

        Args:
            client: of the thread that asks.
            path: the file.
            send: uploads it, if it has to be.

        Raises:
            InputError: it cannot be read.
            ServiceError: what came of the upload.
            CancelledError: cancelled.
        """
        content = self.content(path)
        with self._guard:
            known = self._known.setdefault(content, _Known())
        while not known.guard.acquire(timeout=LOOK_INTERVAL_S):
            if client.is_cancelled:
                raise CancelledError
        try:
            if known.asset_id:
                return known.asset_id, True
            there = self._find(client, path, content)
            known.asset_id = there or send()
            # A file that was changed meanwhile is not what was sent.
            if self._memory is not None and self.content(path) == content:
                self._memory.remember(self._base_url, content.sha256, known.asset_id)
            return known.asset_id, bool(there)
        finally:
            known.guard.release()

    def forget(self, asset_id: str) -> None:
        """It is not on the service any more."""
        with self._guard:
            for known in self._known.values():
                if known.asset_id == asset_id:
                    known.asset_id = ""
        if self._memory is not None:
            self._memory.forget(self._base_url, asset_id)

    def _find(self, client: Client, path: Path, content: Content) -> str:
        """The asset of a content that is on the service; empty where none is known to be."""
        if self._memory is None:
            return ""
        remembered = self._memory.recall(self._base_url, content.sha256)
        if remembered:
            if _is_good(client, remembered, content):
                return remembered
            self._memory.forget(self._base_url, remembered)
        try:
            return self._look(client, path.name, content)
        except CancelledError:
            raise
        except MyoSapiensError as error:
            # Finding it would have saved an upload, no more.
            logger.info("%s is sent anew: %s", path.name, error.sentence)
            return ""

    def _look(self, client: Client, name: str, content: Content) -> str:
        candidates = self._account_files(client).get((name, content.size_bytes), [])
        for asset in candidates[:MOST_COMPARED]:
            if _holds(client, asset, content):
                logger.info("%s is on the service already.", name)
                return asset.asset_id
        return ""

    def _account_files(self, client: Client) -> dict[tuple[str, int], list[Asset]]:
        """The account's newest complete files by name and size; asked for once."""
        with self._listing:
            if self._listed is None:
                found: dict[tuple[str, int], list[Asset]] = {}
                for asset in _newest(client):
                    if asset.is_completed and asset.filename and asset.size_bytes:
                        found.setdefault((asset.filename, asset.size_bytes), []).append(asset)
                self._listed = found
            return self._listed


def _newest(client: Client) -> list[Asset]:
    found: list[Asset] = []
    while len(found) < MOST_LISTED:
        page = client.list_assets(purpose=PURPOSE, limit=PAGE_SIZE, offset=len(found))
        found += page.assets
        if not page.assets or len(found) >= page.total:
            break
    return found


def _read(path: Path) -> Content:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            size_bytes += len(block)
    return Content(sha256=digest.hexdigest(), size_bytes=size_bytes)


def _is_good(client: Client, asset_id: str, content: Content) -> bool:
    """Whether an asset that was uploaded before is there, whole, and what it was."""
    try:
        asset = client.get_asset(asset_id=asset_id)
    except (RequestError, AuthenticationError):
        # It is gone, or it is another account's.
        return False
    told = asset.checksum_sha256
    same = told is None or told.lower() == content.sha256
    return asset.is_completed and asset.size_bytes in (None, content.size_bytes) and same


def _holds(client: Client, asset: Asset, content: Content) -> bool:
    """Whether a file of the account holds a content, for certain."""
    if asset.checksum_sha256 is None:
        asset = client.get_asset(asset_id=asset.asset_id)
    if asset.checksum_sha256 is not None:
        return asset.checksum_sha256.lower() == content.sha256
    if content.size_bytes > LARGEST_FETCHED_BYTES:
        return False
    with tempfile.TemporaryDirectory(prefix="myosapiens-") as folder:
        try:
            fetched = client.download_asset(
                asset_id=asset.asset_id, target=Path(folder) / "compared"
            )
        except ServiceError:
            return False
    return fetched.sha256 == content.sha256
