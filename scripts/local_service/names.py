# SPDX-License-Identifier: GPL-3.0-or-later
"""File names from clients, made harmless."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
MAX_NAME = 100


def last_component(name: str) -> str:
    """The name without folders, on either kind of slash, and without control characters.

    Empty where nothing is left that could be a file's name.
    """
    name = "".join(letter for letter in name if letter.isprintable())
    name = name.replace("\\", "/").rpartition("/")[2].strip()
    return "" if name in (".", "..") else name


def safe_name(name: str) -> str:
    """A name that any file system, URL and S3 key takes: letters, digits, `.`, `_`, `-`."""
    safe = _UNSAFE.sub("_", last_component(name)).lstrip(".")
    suffix = safe_suffix(safe)
    stem = safe[: len(safe) - len(suffix)] if suffix else safe
    return (stem[: MAX_NAME - len(suffix)] or "file") + suffix


def safe_suffix(name: str) -> str:
    """The name's suffix with its dot, in lower case; empty where it is unusual."""
    suffix = PurePosixPath(last_component(name)).suffix
    return suffix.lower() if _SUFFIX.fullmatch(suffix) else ""
