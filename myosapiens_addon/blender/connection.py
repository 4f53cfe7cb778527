# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with the settings in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import paths

if TYPE_CHECKING:
    import threading

    from ..jobs.settings import Connect
    from ..service.client import Client
    from ..service.revisions import RevisionMemory
    from .preferences import Settings


@dataclass(frozen=True, kw_only=True)
class Access:
    """All that a thread needs to reach the service, so that it need not ask Blender."""

    base_url: str
    api_key: str = field(repr=False)
    revisions: RevisionMemory = field(repr=False)

    def client(self, cancel: threading.Event | None = None) -> Client:
        """A client; nothing is sent yet."""
        # Imported when it is used: `requests` takes longer than enabling the extension may.
        from ..service.client import Client

        return Client(
            base_url=self.base_url,
            api_key=self.api_key,
            cancel=cancel,
            revisions=self.revisions,
        )


def allowed(settings: Settings) -> Access:
    """The way to the service, if Blender and the key allow it. For the main thread.

    Raises:
        AuthenticationError: there is no key.
        InputError: the network may not be used.
    """
    settings.require_access()
    return Access(
        base_url=settings.base_url,
        api_key=settings.require_key(),
        revisions=paths.revision_memory(),
    )


def open_client(settings: Settings, cancel: threading.Event | None = None) -> Client:
    """A client; nothing is sent yet.

    Raises:
        AuthenticationError: there is no key.
        InputError: the network may not be used.
    """
    return allowed(settings).client(cancel)


def connector(settings: Settings) -> Connect:
    """Makes clients for a pipeline's thread, with these settings.

    Raises:
        AuthenticationError: there is no key.
        InputError: the network may not be used.
    """
    return allowed(settings).client
