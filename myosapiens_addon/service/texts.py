# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts from elsewhere, made fit to be shown in one line and to be sent."""

from __future__ import annotations

import unicodedata

# Control characters, and the halves that Python makes of what is no text in a file's name:
# windows, servers and their databases refuse them.
UNFIT = ("Cc", "Cs")


def plain(text: str) -> str:
    """A text of any script with spaces in the place of what is no character to read."""
    return "".join(" " if unicodedata.category(c) in UNFIT else c for c in text)


def one_line(text: str, *, longest: int | None = None) -> str:
    """The same in one line, its words apart by one space.

    Args:
        text: any.
        longest: characters at most; what is longer ends with an ellipsis.
    """
    line = " ".join(plain(text).split())
    return line if longest is None or len(line) <= longest else f"{line[: longest - 1]}…"
