# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands above the table: how many takes, what they took, which to look at first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import cells, pictures
from .markup import Markup, element, joined
from .rows import FAILED, STATUSES, Row
from .wording import counted, seconds

if TYPE_CHECKING:
    from datetime import datetime

PRODUCT = "MyoSapiens for Blender"
MOST_STATUSES = 8
SLOWEST, FAILURES = 5, 12


def header(rows: Sequence[Row], *, title: str, version: str, now: datetime) -> Markup:
    """The head of the page.

    Args:
        rows: the takes.
        title: of the page.
        version: of the extension, or empty.
        now: with its time zone.
    """
    moment = element(
        "time", f"{now:%Y-%m-%d %H:%M %Z}".strip(), datetime=now.isoformat("T", "minutes")
    )
    made_by = f" by {PRODUCT} {version}".rstrip()
    parts = [_counts(rows), _times(rows), _slowest(rows), _failures(rows)]
    return element(
        "header",
        element("h1", title),
        element("p", counted(len(rows), "take"), ", written ", moment, made_by, class_="small"),
        element("div", *parts, class_="summary"),
    )


def _counts(rows: Sequence[Row]) -> Markup:
    found = Counter(row.status for row in rows)
    others = sorted(found.keys() - set(STATUSES))[:MOST_STATUSES]
    lines = [
        element("li", element("b", str(found[kind])), " ", cells.status(kind))
        for kind in (*STATUSES, *others)
    ]
    warned = sum(1 for row in rows if row.warning_count)
    lines.append(element("li", element("b", str(warned)), " with warnings"))
    return _section("Takes", element("ul", *lines, class_="counts"))


def _times(rows: Sequence[Row]) -> Markup:
    """All takes together by stage, which is also the legend of the small bars."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(dict(row.spent))
    if not total:
        return Markup("")
    known = [stage for stage in pictures.STAGES if stage in total]
    others = [stage for stage in total if stage not in pictures.STAGES]
    lines = [
        element("li", pictures.swatch(stage), f" {stage} ", element("b", seconds(total[stage])))
        for stage in (*known, *others[: pictures.OTHER_STAGE])
    ]
    whole = element("p", "all takes together ", element("b", seconds(math.fsum(total.values()))))
    return _section("Time", whole, element("ul", *lines, class_="legend"))


def _failures(rows: Sequence[Row]) -> Markup:
    failed = [row for row in rows if row.status == FAILED]
    if not failed:
        return Markup("")
    lines = [element("li", _to(row)) for row in failed[:FAILURES]]
    if len(failed) > FAILURES:
        lines.append(element("li", f"and {len(failed) - FAILURES} more"))
    return _section("Failed", element("ul", *lines, class_="links"))


def _slowest(rows: Sequence[Row]) -> Markup:
    timed = sorted((row for row in rows if row.spent), key=lambda row: -row.seconds)
    if len(timed) < len(("this", "another")):
        return Markup("")
    lines = [element("li", _to(row), f" {seconds(row.seconds)}") for row in timed[:SLOWEST]]
    return _section("Slowest", element("ol", *lines))


def _to(row: Row) -> Markup:
    return element("a", cells.name(row.name), href=f"#{cells.row_id(row)}")


def _section(title: str, *content: Markup) -> Markup:
    return element("section", element("h2", title), joined(*content))
