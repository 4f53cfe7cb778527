# SPDX-License-Identifier: GPL-3.0-or-later
"""One publisher at a time."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from myosapiens_addon.jobs.lock import FileLock
from publishing.refusal import RefusalError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

POLL_INTERVAL_S = 0.1


@contextmanager
def held(path: Path, *, wait_s: float) -> Generator[None]:
    """Hold the lock file `path`; wait for another publisher to give it back.

    Raises:
        RefusalError: the other one still has it after `wait_s` seconds.
    """
    lock = FileLock(path)
    until = time.monotonic() + wait_s
    waiting = False
    while not _acquire(lock, path):
        if not waiting:
            print(f"Waiting for another publisher ({path}) …", file=sys.stderr, flush=True)
        waiting = True
        if time.monotonic() > until:
            raise RefusalError(
                f"Another publisher still works in {path.parent}: try again when it is done; if "
                f"nobody publishes, one of another user was killed, and {path.name} there is to "
                "be removed."
            )
        time.sleep(POLL_INTERVAL_S)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, path: Path) -> bool:
    """Whether it is ours; another user's lock file cannot even be opened."""
    try:
        return lock.acquire()
    except PermissionError:
        if path.exists():
            return False
        raise
