# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of semantic versions.

Blender offers whatever version an index lists, an older one too; which one is the newest has
to be known before.
"""

from __future__ import annotations

import re

SEMANTIC = re.compile(
    r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
Part = tuple[int, int, str]
Precedence = tuple[int, int, int, bool, tuple[Part, ...], str]


def is_version(text: str) -> bool:
    """Whether a text is a semantic version (`1.2.3`, `1.2.3-rc.1`)."""
    return SEMANTIC.fullmatch(text) is not None


def precedence(version: str) -> Precedence:
    """What versions are sorted by: `0.9.0` < `0.10.0-rc.2` < `0.10.0-rc.10` < `0.10.0`.

    Raises:
        ValueError: it is no semantic version.
    """
    found = SEMANTIC.fullmatch(version)
    if found is None:
        raise ValueError(f"{version!r} is no semantic version.")
    major, minor, patch = (int(found[index]) for index in (1, 2, 3))
    before = found[4]
    parts = tuple(_part(word) for word in before.split(".")) if before else ()
    return major, minor, patch, not before, parts, version


def _part(word: str) -> Part:
    """Numbers are less than words, and compared as numbers."""
    return (0, int(word), "") if word.isdecimal() else (1, 0, word)
