# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a report in words; whatever is no value of the kind has none."""

from __future__ import annotations

import numbers
from pathlib import PurePath

from ..service.texts import one_line

LONGEST_NAME = 200
LARGEST = 1e12
LONGEST_SENTENCE = 1500
# Spaces are taken together, so more is looked at than is kept, and no more than that.
LOOKED_AT = 4
MINUTE_S, HOUR_S = 60, 3600
SHORT_S = 10.0
ROUGH_MM, FINEST_MM = 10.0, 0.001


def text(value: object, *, longest: int = LONGEST_NAME) -> str:
    """A name or a sentence in one line, or a number; empty for anything else.

    Args:
        value: what stands in the report.
        longest: characters at most; what is longer ends with an ellipsis.
    """
    if isinstance(value, str | PurePath):
        return one_line(str(value)[: longest * LOOKED_AT], longest=longest)
    found = number(value)
    return "" if found is None else f"{found:.15g}"


def number(value: object) -> float | None:
    """A number as a float; None for anything else: truth values, and more than there can be."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) <= LARGEST else None


def whole(value: object) -> int:
    """A number of things, 0 for anything that is none."""
    found = number(value)
    return 0 if found is None or found < 0 else round(found)


def seconds(value: float) -> str:
    """A time: `0.18 s`, `12.3 s`, `2 min 05 s`, `1 h 02 min`."""
    if round(value, 1) < MINUTE_S:
        return f"{value:.2f} s" if value < SHORT_S else f"{value:.1f} s"
    if round(value) < HOUR_S:
        minutes, rest = divmod(round(value), MINUTE_S)
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(value / MINUTE_S), MINUTE_S)
    return f"{hours} h {minutes:02d} min"


def percent(share: float) -> str:
    """A share (0 to 1): `100 %` only where it is all, `0 %` only where it is nothing."""
    if share <= 0.0:
        return "0 %"
    return "100 %" if share >= 1.0 else f"{min(max(round(100.0 * share), 1), 99)} %"


def millimetres(value: float) -> str:
    """A distance in two digits: `< 0.001 mm`, `0.42 mm`, `12 mm`."""
    if value < FINEST_MM:
        return f"< {FINEST_MM:g} mm"
    return f"{value:.2g} mm" if value < ROUGH_MM else f"{value:.0f} mm"


def counted(count: int, thing: str) -> str:
    """`1 warning`, `3 warnings`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
