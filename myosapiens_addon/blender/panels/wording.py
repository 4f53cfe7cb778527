# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in a narrow sidebar: broken into lines that fit, never cut."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import blf
import bpy

from .base import Icon, Layout

if TYPE_CHECKING:
    from bpy.types import Context

FONT = 0
# What lies left and right of a label, in units of the interface: the tabs and the margins of the
# sidebar, the margins of a box, and an icon with its gap. Measured on pictures of 4.3 and 5.2.
MARGIN = 70.0
BOX_MARGIN = 14.0
ICON = 21.0
FEWEST_LETTERS = 12


def sentence(
    layout: Layout,
    context: Context,
    text: str,
    *,
    icon: Icon = "NONE",
    alert: bool = False,
    boxed: bool = False,
) -> None:
    """Draw a text in as many lines as it needs.

    Args:
        layout: where.
        context: whose region gives the width.
        text: one or more sentences.
        icon: before the first line.
        alert: in red.
        boxed: whether the layout is a box, which is narrower.
    """
    scale = context.preferences.system.ui_scale
    units = context.region.width / scale - MARGIN - (BOX_MARGIN if boxed else 0.0)
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(_lines(text, units - (ICON if icon != "NONE" else 0.0), scale)):
        shown = icon if number == 0 else ("NONE" if icon == "NONE" else "BLANK1")
        column.label(text=line, icon=shown, translate=False)


def shortened(context: Context, text: str, *, units: float) -> str:
    """A name that may be long, its middle left out where it does not fit.

    Args:
        context: for the scale of the interface.
        text: the name.
        units: the room for it, in units of the interface.
    """
    return _shortened(text, units, context.preferences.system.ui_scale)


@lru_cache(maxsize=512)
def _lines(text: str, units: float, scale: float) -> tuple[str, ...]:
    lines: list[str] = []
    line = ""
    for word in _words(text, units, scale):
        longer = f"{line} {word}" if line else word
        if line and _width(longer, scale) > units:
            lines.append(line)
            line = word
        else:
            line = longer
    return (*lines, line)


def _words(text: str, units: float, scale: float) -> list[str]:
    """The words; one that is wider than a line (a path, an id) comes in pieces."""
    words: list[str] = []
    for long_word in text.split():
        word = long_word
        while _width(word, scale) > units and len(word) > FEWEST_LETTERS:
            cut = max(FEWEST_LETTERS, int(len(word) * units / _width(word, scale)) - 1)
            words.append(word[:cut])
            word = word[cut:]
        words.append(word)
    return words


@lru_cache(maxsize=512)
def _shortened(text: str, units: float, scale: float) -> str:
    if _width(text, scale) <= units:
        return text
    for kept in range(len(text) - 1, 4, -1):
        head = (kept + 1) // 2
        short = f"{text[:head]}…{text[len(text) - (kept - head) :]}"
        if _width(short, scale) <= units:
            return short
    return text[:4]


def _width(text: str, scale: float) -> float:
    """Width of a text in units of the interface, in the font of Blender's labels."""
    preferences: Any = bpy.context.preferences
    points = preferences.ui_styles[0].widget.points
    blf.size(FONT, points * scale)
    size: Any = blf.dimensions(FONT, text)
    return float(size[0]) / scale
