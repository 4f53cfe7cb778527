# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as the service stores and shows it: UTC, ISO 8601, fixed width, so that text sorts."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """`2024-01-01T00:00:00.000000Z`; a time without a zone is taken as UTC.

    Args:
        moment: The time to write; None for the present.
    """
    moment = moment or now()
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
