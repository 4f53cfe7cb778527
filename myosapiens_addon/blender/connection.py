# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..service.client import Client
from . import paths

if TYPE_CHECKING:
    import threading

    from .preferences import Settings


def open_client(settings: Settings, cancel: threading.Event | None = None) -> Client:
    """A client; nothing is sent yet.

    Raises:
        AuthenticationError: there is no key.
        InputError: the network may not be used.
    """
    settings.require_access()
    return Client(
        base_url=settings.base_url,
        api_key=settings.require_key(),
        cancel=cancel,
        revisions=paths.revision_memory(),
    )
