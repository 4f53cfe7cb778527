# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the extension keeps its files, and names for them."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..errors import InputError
from ..service.revisions import RevisionMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = __package__.rpartition(".")[0]
APART = "myosapiens"


def user_directory(part: str) -> Path:
    """A folder of ours that lasts (`jobs`, `downloads`), made when it is missing.

    Raises:
        InputError: it cannot be made.
    """
    try:
        if PACKAGE.startswith("bl_ext."):
            return Path(bpy.utils.extension_path_user(PACKAGE, path=part, create=True))
        # Run from a checkout there is no extension, and so no folder of its own.
        home = Path(bpy.utils.user_resource("CONFIG", path=APART)) / part
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder for the extension's own files cannot be made: {error}."
        ) from error
    return home


def take_name(path: Path) -> str:
    """The name of a take: its file's name without the ending, at most as Blender takes."""
    return path.stem[:60] or "take"


def file_name(text: str) -> str:
    """A text as part of a file name that every system accepts."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "unnamed"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; it takes its place when all went well.

    Raises:
        InputError: the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} cannot be written: {reason}; choose another place.") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def revision_memory() -> RevisionMemory:
    """What is known of servers, kept between starts."""
    return RevisionMemory(user_directory("service") / "revisions.json")
