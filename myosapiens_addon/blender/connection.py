# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients with the settings in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import InputError
from . import paths

if TYPE_CHECKING:
    import threading

    from ..jobs.settings import Connect
    from ..service.client import Client
    from ..service.network import Network
    from ..service.rate_gate import RateGate
    from ..service.retry import RetryPolicy
    from ..service.revisions import RevisionMemory
    from ..studio.parts import KeySource
    from .preferences import Settings


@dataclass(frozen=True, kw_only=True)
class Access:
    """All that a thread needs to reach the service, so that it need not ask Blender.

    Attributes:
        base_url: the service's address.
        api_key: the key; never shown.
        revisions: what is known of servers.
        gate: a rate limit that all clients share; None for each its own.
        retry: how often to try again; None for the usual.
    """

    base_url: str
    api_key: str = field(repr=False)
    revisions: RevisionMemory = field(repr=False)
    key_at: KeySource | None = None
    network: Network | None = None
    gate: RateGate | None = field(default=None, repr=False)
    retry: RetryPolicy | None = None

    def client(self, cancel: threading.Event | None = None) -> Client:
        """A client; nothing is sent yet."""
        # Imported when it is used: `requests` takes longer than enabling the extension may.
        from ..service.client import Client

        return Client(
            base_url=self.base_url,
            api_key=self.api_key or self._fetch_key(cancel),
            cancel=cancel,
            network=self.network,
            revisions=self.revisions,
            gate=self.gate,
            retry=self.retry,
        )

    def _fetch_key(self, cancel: threading.Event | None) -> str:
        """The key from where the studio keeps it, which may take as long as a vault does.

        Raises:
            AuthenticationError: it is not there.
            CancelledError: cancelled.
        """
        from ..service.errors import AuthenticationError
        from ..studio import keys

        if self.key_at is None:
            return ""
        try:
            return keys.fetch(self.key_at, cancel=cancel)
        except InputError as error:
            raise AuthenticationError(error.sentence) from error


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
        key_at=settings.key_at,
        network=settings.network,
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
