# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the account at the service: connection, characters, jobs, files.

Asked for in threads and kept here, for the panels to draw from.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MyoSapiensError
from ..service.errors import AuthenticationError, ConflictError, ServiceError, UnreachableError
from . import connection, job_actions, paths, preferences, studio

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..service.catalogue import Catalogue
    from ..service.job_models import JobPage
    from ..service.models import Asset, AssetPage
    from .connection import Access
    from .session import Session

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
KEY_SHOWN = 4


class Link(Enum):
    """How the connection stands."""

    UNKNOWN = "Not tested yet"
    CHECKING = "Connecting"
    CONNECTED = "Connected"
    NO_KEY = "No API key"
    REFUSED = "Key refused"
    OFFLINE = "Offline"
    UNREACHABLE = "Unreachable"
    FAILED = "Not working"


@dataclass(kw_only=True)
class Listing:
    """A list of the account, as far as it has been fetched.

    Attributes:
        fetched: how many were asked for so far.
        total: how many there are; None before the first answer.
    """

    fetched: int = 0
    total: int | None = None
    is_fetching: bool = False
    sentence: str = ""
    is_alert: bool = False

    @property
    def has_more(self) -> bool:
        """Whether another page is there."""
        return self.total is not None and self.fetched < self.total


class Account:
    """See the module's docstring.

    Attributes:
        link: how the connection stands.
        sentence: what is wrong with it, and what to do.
        catalogue: the characters; None before the first answer.
        assets: the files on the service.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.forget()

    def forget(self) -> None:
        """The service or the key is another one: nothing is known any more."""
        self.link = Link.UNKNOWN
        self.sentence = ""
        self.key_tail = ""
        self.catalogue: Catalogue | None = None
        self.assets: list[Asset] = []
        self.jobs_listing = Listing()
        self.assets_listing = Listing()
        self._generation = getattr(self, "_generation", 0) + 1
        self._session.touch()

    def check(self) -> None:
        """Find out how the connection stands, and which characters there are."""
        access = self._access()
        if access is None:
            return
        studio.forget_keys()
        self.link, self.sentence = Link.CHECKING, ""
        self.key_tail = access.api_key[-KEY_SHOWN:] if len(access.api_key) > KEY_SHOWN * 3 else ""
        store = self._store(access.base_url)
        self._ask(_fetch_catalogue, access, store, then=self._connected, failed=self._unconnected)

    def recall_characters(self) -> None:
        """Bring back the characters as they were known when Blender last ran."""
        try:
            store = self._store(preferences.read().base_url)
        except MyoSapiensError:
            return

        def recalled(found: Catalogue | None) -> None:
            if self.catalogue is None:
                self.catalogue = found

        self._ask(_load_catalogue, store, then=recalled, failed=_ignore)

    def fetch_jobs(self, *, more: bool = False) -> None:
        """Bring the newest jobs of the account, or the next older ones, into the list."""
        access = self._require_access()
        listing = self.jobs_listing
        offset = listing.fetched if more else 0
        _start(listing)
        job_actions.list_journal(self._session)

        def arrived(page: JobPage) -> None:
            listing.is_fetching = False
            listing.fetched, listing.total = offset + len(page.jobs), page.total
            added = job_actions.list_remote(self._session, page.jobs, access.base_url)
            listing.sentence = f"{added} added, {listing.fetched} of {page.total} seen."

        self._ask(_list_jobs, access, offset, then=arrived, failed=_failing(listing))

    def fetch_assets(self, *, more: bool = False) -> None:
        """Bring the account's files, or the next of them, into the list."""
        access = self._require_access()
        listing = self.assets_listing
        offset = listing.fetched if more else 0
        _start(listing)

        def arrived(page: AssetPage) -> None:
            listing.is_fetching = False
            self.assets = [*self.assets, *page.assets] if more else list(page.assets)
            listing.fetched, listing.total = offset + len(page.assets), page.total
            listing.sentence = f"{listing.fetched} of {page.total} files."

        self._ask(_list_assets, access, offset, then=arrived, failed=_failing(listing))

    def delete_asset(self, asset_id: str) -> None:
        """Delete one file on the service."""
        access = self._require_access()
        listing = self.assets_listing
        _start(listing)

        def gone(_nothing: object) -> None:
            listing.is_fetching = False
            before = len(self.assets)
            self.assets = [asset for asset in self.assets if asset.asset_id != asset_id]
            removed = before - len(self.assets)
            listing.fetched -= removed
            listing.total = None if listing.total is None else listing.total - removed
            listing.sentence = "The file is deleted."

        def refused(error: MyoSapiensError) -> None:
            if isinstance(error, ConflictError):
                error = ServiceError(_why_kept(self.assets, asset_id))
            _failing(listing)(error)

        self._ask(_delete_asset, access, asset_id, then=gone, failed=refused)

    @property
    def key_shown(self) -> str:
        """Which key is in use, without telling it."""
        return f"key …{self.key_tail}" if self.key_tail else "your key"

    def note_locally(self) -> None:
        """What can be told from memory alone: no key, or offline."""
        self._settings()

    def _access(self) -> Access | None:
        settings = self._settings()
        return connection.allowed(settings) if settings is not None else None

    def _settings(self) -> preferences.Settings | None:
        """The settings, if they allow to ask the service; else the link says why not."""
        try:
            settings = preferences.read()
            settings.require_access()
            settings.require_key()
        except AuthenticationError as error:
            self._set(Link.NO_KEY, error.sentence)
        except InputError as error:
            offline = not preferences.may_leave()
            self._set(Link.OFFLINE if offline else Link.FAILED, error.sentence)
        else:
            return settings
        return None

    def _require_access(self) -> Access:
        return connection.allowed(preferences.read())

    def _store(self, base_url: str) -> Path:
        return paths.user_directory("service") / f"characters-{paths.file_name(base_url)}.json"

    def _ask(
        self,
        function: Callable[..., Any],
        *arguments: object,
        then: Callable[[Any], None],
        failed: Callable[[MyoSapiensError], None],
    ) -> None:
        """An errand whose answer counts only while service and key are the same."""
        generation = self._generation

        def current(act: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: act(value) if generation == self._generation else None

        self._session.touch()
        self._session.call(
            function, *arguments, then=current(then), failed=current(failed), errand=True
        )

    def _connected(self, found: Catalogue) -> None:
        self.catalogue = found
        self._set(Link.CONNECTED, "")

    def _unconnected(self, error: MyoSapiensError) -> None:
        link = Link.FAILED
        if isinstance(error, AuthenticationError):
            link = Link.REFUSED
        elif isinstance(error, UnreachableError):
            link = Link.UNREACHABLE
        self._set(link, error.sentence)

    def _set(self, link: Link, sentence: str) -> None:
        if (self.link, self.sentence) != (link, sentence):
            self.link, self.sentence = link, sentence
            self._session.touch()


def _start(listing: Listing) -> None:
    listing.is_fetching, listing.sentence, listing.is_alert = True, "", False


def _failing(listing: Listing) -> Callable[[MyoSapiensError], None]:
    def failed(error: MyoSapiensError) -> None:
        listing.is_fetching, listing.sentence, listing.is_alert = False, error.sentence, True

    return failed


def _why_kept(assets: list[Asset], asset_id: str) -> str:
    names = [asset.filename for asset in assets if asset.asset_id == asset_id and asset.filename]
    name = names[0] if names else "The file"
    return f"{name} stays: a job of the account still refers to it. Only unused files can go."


def _ignore(error: MyoSapiensError) -> None:
    logger.debug("%s", error.sentence)


# What follows runs in threads.


def _load_catalogue(store: Path) -> Catalogue | None:
    from ..service.catalogue import Catalogue

    return Catalogue.load(store)


def _fetch_catalogue(access: Access, store: Path) -> Catalogue:
    from ..service.catalogue import fetch_catalogue

    with access.client() as client:
        found = fetch_catalogue(client)
    found.save(store)
    return found


def _list_jobs(access: Access, offset: int) -> JobPage:
    from ..service.history import fetch_jobs

    with access.client() as client:
        return fetch_jobs(client, offset=offset, limit=PAGE_SIZE)


def _list_assets(access: Access, offset: int) -> AssetPage:
    with access.client() as client:
        return client.list_assets(limit=PAGE_SIZE, offset=offset)


def _delete_asset(access: Access, asset_id: str) -> None:
    with access.client() as client:
        client.delete_asset(asset_id=asset_id)
