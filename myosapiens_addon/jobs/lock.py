# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock file that belongs to a process and is free again when the process is gone.

The operating system holds the lock, not the file's existence: a crash or a kill leaves
nothing stale behind, and a reused process id misleads nobody. Host and process id stand in
the file for people to read.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

logger = logging.getLogger(__name__)

# Windows locks a range of bytes, and nobody may read it: so a byte far behind the text.
LOCKED_OFFSET = 1 << 20
UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class FileLock:
    """A lock on a path; `acquire` does not wait."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take it. False when somebody else has it.

        Raises:
            OSError: the file cannot be made.
        """
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                locked = _lock(handle)
            except OSError:
                os.close(handle)
                raise
            if not locked:
                os.close(handle)
                return False
            if self._is_current(handle):
                break
            # Removed by its holder between opening and locking: this one nobody else sees.
            os.close(handle)
        self._handle = handle
        # Imported when it is used: it takes longer than the rest of this module.
        import socket

        owner = f"{os.getpid()} {socket.gethostname()}\n".encode()
        # A disk that is full takes no words, and has locks all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, owner)
        return True

    def release(self) -> None:
        """Give it back and remove the file; nothing happens when it is not held."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        # While it is still locked, so that nobody's new file is removed. Windows cannot remove
        # an open file: there it stays, which does no harm.
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(handle)

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False


if sys.platform == "win32":

    def _lock(handle: int) -> bool:
        os.lseek(handle, LOCKED_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:

    @functools.cache
    def _warn_once() -> None:
        logger.warning("This file system has no locks: one process at a time, please.")

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            _warn_once()
        return True
