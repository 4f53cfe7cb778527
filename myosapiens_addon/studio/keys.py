# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets the API key from where a studio keeps it. It may take long: not for a window's thread."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from ..errors import CancelledError, InputError

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from .parts import KeySource

COMMAND_LIMIT_S = 30.0
# Every job asks for the key; the vault is asked as often only when much time lies between.
KEPT_S = 300.0
WATCH_INTERVAL_S = 0.02
END_LIMIT_S = 1.0
MOST_BYTES = 16 * 1024
OTHERS_MAY = stat.S_IWGRP | stat.S_IRWXO

_kept: dict[tuple[str, ...], tuple[float, str]] = {}
_asking = threading.Lock()


def fetch(
    source: KeySource,
    *,
    environ: Mapping[str, str] = os.environ,
    cancel: threading.Event | None = None,
    limit_s: float = COMMAND_LIMIT_S,
) -> str:
    """The key.

    Args:
        source: where it is.
        environ: the environment.
        cancel: set from any thread, stops a command.
        limit_s: how long a command may take.

    Raises:
        InputError: it is not there; the sentence says where, and never what was found.
        CancelledError: cancelled.
    """
    if source.variable:
        return _checked(environ.get(source.variable, ""), source)
    if source.file is not None:
        return _checked(_read(source.file), source)
    return _of_command(source, cancel or threading.Event(), limit_s)


def forget() -> None:
    """Ask every command anew."""
    _kept.clear()


def _checked(text: str, source: KeySource) -> str:
    key = next(iter(text.splitlines()), "").strip()
    if not key:
        raise InputError(f"The studio's settings name {source.title} for the API key; it has none.")
    return key


def _read(path: Path) -> str:
    try:
        # A pipe would keep whoever opens it.
        if not path.is_dir() and not path.is_file() and path.exists():
            raise InputError(f"The API key's file {path} is no plain file.")
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(MOST_BYTES)
    except OSError as error:
        reason = error.strerror or "it is no file"
        raise InputError(f"The API key's file {path} cannot be read: {reason}.") from None
    # Windows has other rights than these, and Python shows none of them here.
    if os.name == "posix" and mode & OTHERS_MAY:
        raise InputError(
            f"The API key's file {path} is open to others, who may read or replace the key: run "
            f"chmod 640 on it."
        )
    return content.decode("utf-8-sig", "replace")


def _of_command(source: KeySource, cancel: threading.Event, limit_s: float) -> str:
    """One at a time: jobs that begin together wait for one answer."""
    while not _asking.acquire(timeout=WATCH_INTERVAL_S):
        if cancel.is_set():
            raise CancelledError
    try:
        asked, key = _kept.get(source.command, (0.0, ""))
        if not key or time.monotonic() - asked > KEPT_S:
            key = _checked(_run(source, cancel, limit_s), source)
            _kept[source.command] = (time.monotonic(), key)
        return key
    finally:
        _asking.release()


def _run(source: KeySource, cancel: threading.Event, limit_s: float) -> str:
    """What the command prints; what it says on its standard error may be secret and is dropped."""
    name = f"The studio's key command {source.command[0]!r}"
    process = _start(source, name)
    output = _Output(process.stdout)
    end = time.monotonic() + limit_s
    try:
        while process.poll() is None and not output.is_too_long and time.monotonic() < end:
            if cancel.wait(WATCH_INTERVAL_S):
                raise CancelledError
        took_too_long = process.poll() is None and not output.is_too_long
    finally:
        _end(process)
        output.join(END_LIMIT_S)
    if output.is_too_long:
        raise InputError(f"{name} prints more than a key.")
    if took_too_long:
        raise InputError(f"{name} gave no key within {limit_s:g} s.")
    if process.returncode:
        raise InputError(f"{name} failed with exit code {process.returncode}.")
    return output.content.decode("utf-8", "replace")


def _start(source: KeySource, name: str) -> subprocess.Popen[bytes]:
    import subprocess

    try:
        return subprocess.Popen(
            source.command,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A group of its own, so that what it started ends with it.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its words cannot be used"
        raise InputError(f"{name} cannot be started: {reason}.") from None


class _Output(threading.Thread):
    """Takes what a command prints, in a thread of its own, so that neither waits for the other."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        super().__init__(name="myosapiens-key", daemon=True)
        self._pipe = pipe
        self.content = b""
        self.start()

    @property
    def is_too_long(self) -> bool:
        """Whether it is more than a key can be; the rest is not read."""
        return len(self.content) > MOST_BYTES

    def run(self) -> None:
        if self._pipe is None:
            return
        with self._pipe as pipe, contextlib.suppress(OSError):
            while not self.is_too_long and (piece := pipe.read(MOST_BYTES)):
                self.content += piece


def _end(process: subprocess.Popen[bytes]) -> None:
    """See to it that nothing of a command is left running."""
    import signal
    import subprocess

    if process.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_LIMIT_S)
