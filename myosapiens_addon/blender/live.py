# SPDX-License-Identifier: GPL-3.0-or-later
"""All that lives in memory while the extension is enabled, in one place.

Made when the extension is enabled, ended when it is disabled; nothing heavy is imported.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .account import Account
from .recent import Recent
from .session import Session
from .summaries import Summaries

if TYPE_CHECKING:
    from ..service.catalogue import CatalogueEntry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Live:
    session: Session
    account: Account
    summaries: Summaries
    recent: Recent


_parts: list[_Live] = []


def _get() -> _Live:
    if not _parts:
        session = Session()
        _parts.append(
            _Live(
                session=session,
                account=Account(session),
                summaries=Summaries(session),
                recent=Recent(session),
            )
        )
    return _parts[0]


def session() -> Session:
    """Jobs, their threads and their landings."""
    return _get().session


def account() -> Account:
    """What is known of the account at the service."""
    return _get().account


def summaries() -> Summaries:
    """Summaries of the chosen takes."""
    return _get().summaries


def recent() -> Recent:
    """The markersets used last."""
    return _get().recent


def character_entry(label: str) -> CatalogueEntry | None:
    """The character of the catalogue that is shown under a label."""
    found = account().catalogue
    entries = found.entries if found is not None else ()
    return next((entry for entry in entries if entry.label == label), None)


def close() -> None:
    """End all threads: the extension is being disabled, or Blender ends."""
    if _parts:
        ended = _parts.pop()
        if not ended.session.close():
            logger.warning("A thread did not end in time; it is left behind.")


def register() -> None:
    """Nothing runs before it is needed."""


def unregister() -> None:
    """See `close`."""
    close()
