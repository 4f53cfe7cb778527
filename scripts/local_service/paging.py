# SPDX-License-Identifier: GPL-3.0-or-later
"""One page of a list, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Conditions = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Which part of a list is wanted: `limit` items after the first `offset`."""

    limit: int
    offset: int

    def select(
        self, db: sqlite3.Connection, select: str, conditions: Conditions
    ) -> tuple[list[sqlite3.Row], int]:
        """The page's rows and the number of rows on all pages.

        Args:
            db: The connection, inside a transaction.
            select: The query without conditions; must yield `seq`.
            conditions: Each condition's text to the values of its placeholders.
        """
        values = [one for value in conditions.values() for one in value]
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        source = f"FROM ({select}) {where}"
        # The texts are this service's own; what clients send goes through the placeholders.
        total = db.execute(f"SELECT count(*) {source}", values).fetchone()[0]
        rows = db.execute(
            f"SELECT * {source} ORDER BY seq DESC LIMIT ? OFFSET ?",
            [*values, self.limit, self.offset],
        ).fetchall()
        return rows, int(total)


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item]):
    """The items of one page."""

    items: list[Item]
    total: int
    paging: Paging
