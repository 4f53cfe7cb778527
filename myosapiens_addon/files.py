# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files whole or not at all."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

UNFINISHED = ".tmp"
RANDOM_BYTES = 6
# Windows refuses to replace a file that a virus scanner or another reader has open just now.
PATIENT_TRIES = 10 if os.name == "nt" else 1
REPLACE_WAIT_S = 0.05


@contextmanager
def replacing(path: Path, *, suffix: str = UNFINISHED, tries: int = 1) -> Generator[Path]:
    """A name beside `path` to write to; the file takes the place of `path` when all went well.

    An exception leaves nothing behind, Ctrl-C at any moment included: nothing of that name is
    made before it is sure to be removed.

    Args:
        path: the file.
        suffix: of the name meanwhile, for a writer that looks at it.
        tries: how often to try where another program holds the file, with a pause between two;
            more than one (`PATIENT_TRIES`) is not for Blender's main thread.

    Raises:
        OSError: the folder cannot be made, or the file cannot take its place.
    """
    unfinished = beside(path, suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        _replace(unfinished, path, tries)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def replacing_for_user(path: Path, *, suffix: str = UNFINISHED) -> Generator[Path]:
    """As `replacing`, with a sentence for a file that the user named.

    Raises:
        InputError: it cannot be written.
    """
    try:
        with replacing(path, suffix=suffix) as unfinished:
            yield unfinished
    except OSError as error:
        raise unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        InputError: it cannot; nothing is left behind but folders that were missing.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder and cannot be written; name a file in it.")
    trial = beside(path, UNFINISHED)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.open("xb").close()
        trial.unlink()
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        # Interrupted between the two.
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def beside(path: Path, suffix: str) -> Path:
    """A hidden name in the folder of `path` that nothing else has; nothing is made."""
    return path.with_name(f".{path.stem}-{os.urandom(RANDOM_BYTES).hex()}{suffix}")


def clear_unfinished(path: Path) -> None:
    """Remove what a process that was killed had written of a file.

    For who is alone in writing it: what somebody else is writing just now would go, too.
    """
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    # Blender itself writes to a name with an @ behind it first.
    ours = rf"\.{stem}-[0-9a-f]{{{2 * RANDOM_BYTES}}}({re.escape(UNFINISHED)}|{suffix}@?)"
    with suppress(OSError):
        for other in path.parent.iterdir():
            if re.fullmatch(ours, other.name):
                other.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> InputError:
    """The sentence for a file that the system does not let be written."""
    return InputError(f"{path} cannot be written: {error.strerror or error}; choose another place.")


def _replace(unfinished: Path, path: Path, tries: int) -> None:
    for _attempt in range(tries - 1):
        try:
            unfinished.replace(path)
        except PermissionError:
            time.sleep(REPLACE_WAIT_S)
        else:
            return
    unfinished.replace(path)
