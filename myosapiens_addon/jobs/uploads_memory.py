# SPDX-License-Identifier: GPL-3.0-or-later
"""What was uploaded, on disk: per service, checksum to asset id. Bounded; for many processes."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from ..files import replacing
from .lock import FileLock

logger = logging.getLogger(__name__)

SCHEMA = 1
# Per service; the oldest go first.
MOST_KEPT = 5000
LARGEST_STORE_BYTES = 32_000_000
LOCK_TRIES, LOCK_WAIT_S = 40, 0.05

# Service to checksum to asset id, oldest first.
_Store = dict[str, dict[str, str]]


class UploadsMemory:
    """A JSON file. One that cannot be read or written costs an upload, no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()

    def recall(self, base_url: str, sha256: str) -> str:
        """The asset that a content was uploaded as; empty where none is remembered."""
        with self._guard:
            return self._load().get(base_url, {}).get(sha256, "")

    def remember(self, base_url: str, sha256: str, asset_id: str) -> None:
        """A content is on the service now."""

        def change(store: _Store) -> None:
            entries = store.setdefault(base_url, {})
            entries.pop(sha256, None)
            entries[sha256] = asset_id
            for oldest in list(entries)[: max(0, len(entries) - MOST_KEPT)]:
                del entries[oldest]

        if self.recall(base_url, sha256) != asset_id:
            self._change(change)

    def forget(self, base_url: str, asset_id: str) -> None:
        """An asset is not on the service any more."""

        def change(store: _Store) -> None:
            entries = store.get(base_url, {})
            for sha256 in [key for key, value in entries.items() if value == asset_id]:
                del entries[sha256]

        self._change(change)

    def _change(self, change: Callable[[_Store], None]) -> None:
        try:
            with self._guard, self._locked():
                store = self._load()
                change(store)
                self._save(store)
        except OSError as error:
            logger.warning("%s could not be written: %s", self._path.name, error.strerror)

    @contextmanager
    def _locked(self) -> Generator[None]:
        """No other process changes it meanwhile; one that hangs is not waited for forever."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._path.with_suffix(".lock"))
        for _attempt in range(LOCK_TRIES):
            if lock.acquire():
                break
            time.sleep(LOCK_WAIT_S)
        try:
            yield
        finally:
            lock.release()

    def _load(self) -> _Store:
        try:
            if self._path.stat().st_size > LARGEST_STORE_BYTES:
                raise ValueError("it is too large")
            content = json.loads(self._path.read_bytes())
            return _checked(content)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            logger.warning("%s is passed over: %s", self._path.name, type(error).__name__)
            return {}

    def _save(self, store: _Store) -> None:
        text = json.dumps({"schema": SCHEMA, "uploads": store})
        with replacing(self._path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _checked(content: dict[str, object]) -> _Store:
    """The store of a file.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    if content["schema"] != SCHEMA:
        raise ValueError("another version wrote it")
    services = cast("dict[str, dict[str, object]]", content["uploads"])
    return {
        str(url): {str(sha256): str(asset_id) for sha256, asset_id in entries.items()}
        for url, entries in services.items()
    }
