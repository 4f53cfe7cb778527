# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the studio's file is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .settings import VARIABLE

FILE_NAME = "myosapiens.toml"


def find(environ: Mapping[str, str], script_folders: Iterable[str]) -> Path | None:
    """The file that the environment names, else the first beside the studio's own scripts.

    A file that is named is the one, whether it is there or not: who names one wants it in force.

    Args:
        environ: the environment.
        script_folders: the folders of BLENDER_SYSTEM_SCRIPTS.
    """
    named = environ.get(VARIABLE, "").strip()
    if named:
        return _expanded(named).absolute()
    beside = (_expanded(folder) / FILE_NAME for folder in script_folders)
    return next((path.absolute() for path in beside if _is_there(path)), None)


def _expanded(text: str) -> Path:
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        # No such home here: whoever reads the file tells that it is not there.
        return path


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        # It may be there, and then must not pass unseen: who reads it tells what is wrong.
        return True
    return True
