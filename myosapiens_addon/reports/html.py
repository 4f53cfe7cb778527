# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: what became of each take, on one page that needs nothing else.

The page asks nothing of the network, works without its script (which only sorts and filters),
and its policy lets no other script run.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import replacing_for_user
from ..service.errors import redact
from . import cells, summary
from .cells import Around
from .markup import Markup, element, joined
from .places import Places
from .rows import Row, row
from .style import SCRIPT, STYLE
from .thumbnails import Thumbnails
from .wording import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST_TITLE = 300


def write(
    path: Path,
    takes: Sequence[Mapping[str, Any]],
    *,
    title: str,
    folder: Path,
    version: str = "",
) -> None:
    """Write the page; what was there before is replaced once the new one is whole.

    Args:
        path: the page.
        takes: rows of the report, as `TakeReport.as_dict` gives them, with what else is known:
            `name`, `out`, `thumbnail` (PNG) and `coverage` (marker and share of frames, 0 to
            1, in any kind of pairs). Whatever is missing or odd in them is left out.
        title: of the page.
        folder: the batch's: relative paths are relative to it, files in it are linked, and of
            files elsewhere only the name is told.
        version: of the extension.

    Raises:
        InputError: the place cannot be written to.
    """
    places = Places(folder=folder, page=path.parent)
    rows = [row(take, number, hide=places.hidden) for number, take in enumerate(takes, 1)]
    heading = places.hidden(text(title, longest=LONGEST_TITLE)) or "Takes"
    with (
        replacing_for_user(path) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        for piece in _page(rows, places, heading, text(version)):
            stream.write(redact(piece))
            stream.write("\n")


def _page(rows: Sequence[Row], places: Places, title: str, version: str) -> Iterator[str]:
    """The page in pieces, so that it is never as a whole in memory with all its pictures."""
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield _head(title)
    yield "<body>"
    yield summary.header(rows, title=title, version=version, now=datetime.now().astimezone())
    yield "<main>"
    yield from _table(rows, places)
    yield "</main>"
    yield element("script", Markup(SCRIPT))
    yield "</body>"
    yield "</html>"


def _head(title: str) -> Markup:
    policy = (
        "default-src 'none'; img-src data: 'self' file:; base-uri 'none'; form-action 'none'; "
        f"style-src {_digest(STYLE)}; script-src {_digest(SCRIPT)}"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(STYLE)),
    )


def _digest(source: str) -> str:
    """How the policy names the one style and the one script that are ours."""
    digest = hashlib.sha256(source.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _table(rows: Sequence[Row], places: Places) -> Iterator[str]:
    if not rows:
        yield element("p", "There are no takes in this batch.")
        return
    columns = [one for one in cells.COLUMNS if any(one.is_filled(row) for row in rows)]
    around = Around(
        places=places,
        thumbnails=Thumbnails(places),
        longest_s=max(row.seconds for row in rows),
    )
    heads = [element("th", one.title, scope="col", class_=one.kind or None) for one in columns]
    yield "<table>"
    yield element("caption", "Takes, in the order of the batch")
    yield element("thead", element("tr", *heads))
    yield "<tbody>"
    for one in rows:
        yield cells.cells(one, columns, around)
    yield joined(Markup("</tbody>"), Markup("</table>"))
