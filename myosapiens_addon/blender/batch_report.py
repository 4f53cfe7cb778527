# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch, `report.json` and `report.html`, and one of several put together."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MyoSapiensError
from ..files import replacing_for_user
from .answer import Answer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

LARGEST_REPORT_BYTES = 512_000_000
SECONDS = "seconds"

logger = logging.getLogger(__name__)


def summary(takes: Sequence[dict[str, Any]], **more: object) -> dict[str, Any]:
    """How many takes ended in which way."""
    statuses = [take.get("status") for take in takes]
    before = sum(bool(take.get("before")) for take in takes if take.get("status") == "done")
    return {
        "takes": len(takes),
        "done": statuses.count("done"),
        "done_before": before,
        "failed": sum(status not in ("done", "cancelled") for status in statuses),
        "cancelled": statuses.count("cancelled"),
        **more,
    }


def sentence(found: dict[str, Any]) -> str:
    """The summary in one sentence."""
    parts = [f"{found['done']} of {found['takes']} takes done"]
    if found["done_before"]:
        parts[0] += f" ({found['done_before']} before)"
    parts += [f"{found[name]} {name}" for name in ("failed", "cancelled") if found[name]]
    spent = f" in {found[SECONDS]:.1f} s" if SECONDS in found else ""
    return f"{', '.join(parts)}{spent}."


def write(
    path: Path, takes: Sequence[dict[str, Any]], found: dict[str, Any], *, title: str, folder: Path
) -> Path:
    """Write the report as JSON, and as a page beside it.

    Returns:
        The page.

    Raises:
        InputError: the place cannot be written to.
    """
    from . import report_html

    text = json.dumps({"takes": list(takes), "summary": found}, indent=2) + "\n"
    with replacing_for_user(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    page = path.with_suffix(".html")
    report_html.write(page, list(takes), title=title, folder=folder)
    return page


def merge(options: argparse.Namespace) -> Answer:
    """Put the reports of a batch's parts together."""
    takes: list[dict[str, Any]] = []
    spent_s = 0.0
    for path in options.reports:
        found, seconds = _read(path)
        takes += found
        spent_s += seconds
    merged = _once(takes)
    told = summary(merged, reports=len(options.reports), seconds=round(spent_s, 3))
    report = options.out / "report.json"
    page = write(report, merged, told, title=options.out.absolute().name, folder=options.out)
    code = 1 if told["failed"] or told["cancelled"] else 0
    data = {"summary": told, "report": str(report), "page": str(page)}
    return Answer(data=data, text=f"{sentence(told)} {page}", exit_code=code)


def _read(path: Path) -> tuple[list[dict[str, Any]], float]:
    try:
        if path.stat().st_size > LARGEST_REPORT_BYTES:
            raise InputError(f"{path} is too large for a report.")
        content = json.loads(path.read_bytes())
        takes = content["takes"]
        if not all(isinstance(take, dict) for take in takes):
            raise TypeError
        spent_s = float(content.get("summary", {}).get(SECONDS, 0.0))
    except OSError as error:
        raise InputError(f"The report {path} cannot be read: {error.strerror}.") from error
    except MyoSapiensError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is no report of a batch; give report.json files.") from None
    return takes, spent_s


def _once(takes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each take once, in the order of the table: a part that was run again tells it twice."""
    found: dict[str, dict[str, Any]] = {}
    for place, take in enumerate(takes):
        key = str(take.get("out") or place)
        known = found.get(key)
        if known is None or known.get("status") != "done" or take.get("status") == "done":
            found[key] = take
    rows = list(found.values())
    numbers = [row.get("number") for row in rows]
    if all(isinstance(number, int) for number in numbers):
        rows.sort(key=lambda row: row["number"])
    return rows
