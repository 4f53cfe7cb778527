# SPDX-License-Identifier: GPL-3.0-or-later
"""On which line of a TOML text a key stands; the parser itself does not tell."""

from __future__ import annotations

import re

_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_NAME})\s*\]")
_KEY = re.compile(rf"\s*({_NAME})\s*=")
_LONG_TEXT = re.compile(r'"""|' + "'''")


def line_of(text: str, name: str) -> int | None:
    """The line (from 1) of a setting such as `service.base_url`, or of what it is part of.

    Args:
        text: a whole TOML document.
        name: the names of the tables and of the key, joined with dots.

    Returns:
        None where neither the key nor any of its tables stands in the text.
    """
    places = _places(text)
    wanted = name.split(".")
    for length in range(len(wanted), 0, -1):
        found = places.get(".".join(wanted[:length]))
        if found is not None:
            return found
    return None


def _places(text: str) -> dict[str, int]:
    """Each key and table with the line that it stands on first."""
    places: dict[str, int] = {}
    table = ""
    within_text = False
    for number, line in enumerate(text.splitlines(), start=1):
        was_within = within_text
        within_text ^= len(_LONG_TEXT.findall(line)) % 2 == 1
        if was_within:
            continue
        if header := _TABLE.match(line):
            table = _plain(header[1])
            places.setdefault(table, number)
        elif key := _KEY.match(line):
            full = f"{table}.{_plain(key[1])}" if table else _plain(key[1])
            places.setdefault(full, number)
    return places


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
