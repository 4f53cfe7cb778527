# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholders in bone maps: what is written once and meant for both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from . import roles

Sides = Mapping[str, tuple[str, str]]
# What a map means that does not say what its placeholders stand for.
NO_SIDES: Sides = MappingProxyType({"{side}": ("L", "R")})


def fill(text: str, sides: Sides, right: bool) -> str:
    """A text with its placeholders filled in for one side."""
    for placeholder, words in sides.items():
        text = text.replace(placeholder, words[right])
    return text


def both_sides(value: object, sides: Sides) -> object:
    """What is written, with each entry that has a placeholder made into two.

    The key of such an entry, where it is a role of those that come in pairs, gets its side.
    """
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_filled(item, sides, right) for item in items for right in _wanted(item, sides)]
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {
            _key(key, item, sides, right): _filled(item, sides, right)
            for key, item in pairs
            for right in _wanted([key, item], sides)
        }
    return value


def _wanted(value: object, sides: Sides) -> tuple[bool, ...]:
    return (False, True) if _has_placeholder(value, sides) else (False,)


def _has_placeholder(value: object, sides: Sides) -> bool:
    written = json.dumps(value, ensure_ascii=False)
    return any(placeholder in written for placeholder in sides)


def _key(key: str, value: object, sides: Sides, right: bool) -> str:
    if key in roles.SIDED and _has_placeholder(value, sides):
        return f"{key}{roles.SIDES[right]}"
    return fill(key, sides, right)


def _filled(value: object, sides: Sides, right: bool) -> object:
    if isinstance(value, str):
        return fill(value, sides, right)
    if isinstance(value, list):
        return [_filled(item, sides, right) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {fill(key, sides, right): _filled(item, sides, right) for key, item in items}
    return value
