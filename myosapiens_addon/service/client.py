# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST API: one method per endpoint, typed in and out.

A `Client` is cheap and belongs to one thread. Whatever it does stops within 0.5 s of its
cancel event with `CancelledError`; every other failure is one of `service/errors.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from . import assets
from .address import segment
from .errors import NotFoundError, RequestError, ServerError, UnreachableError
from .job_models import Job, JobFilter, JobPage, RetargetRequest
from .models import (
    Asset,
    AssetPage,
    Character,
    CharacterDetails,
    CharacterPage,
    ManifestReport,
    Page,
    UploadReceipt,
    UploadTicket,
)
from .retry import RetryPolicy, with_retry
from .revisions import RevisionMemory
from .session import Session, build_query
from .starting import StartedJob, start_retarget
from .transfer import Digest, Progress
from .wire import Timeouts

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from .models import JobStatus
    from .network import Network
    from .rate_gate import RateGate

PURPOSE = "retarget"
PAGE_SIZE = 50
LARGEST_PAGE = 100

AnyPage = TypeVar("AnyPage", bound=Page)
Item = TypeVar("Item")


def no_progress(_done_bytes: int, _total_bytes: int | None) -> None:
    """For who does not want to know."""


class Client:
    """Talks to one service with one key.

    Attributes:
        base_url: the service's address, without a trailing slash.
        revisions: which revision of the API each server speaks.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        cancel: threading.Event | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        revisions: RevisionMemory | None = None,
        user_agent: str = "MyoSapiens-Blender",
        transport: BaseAdapter | None = None,
        network: Network | None = None,
        gate: RateGate | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            base_url: https, or http on this machine.
            api_key: goes to `base_url` alone, in a header.
            cancel: set from any thread, stops all that this client does.
            timeouts: how long to wait for the network.
            retry: how often to try again.
            revisions: what is known of servers; shared between clients.
            user_agent: how this client calls itself.
            transport: a requests adapter in the place of the network, for tests.
            network: proxy and certificates besides those of the environment.
            gate: a rate limit that is shared with other clients of the service.

        Raises:
            InputError: the address cannot be used.
            AuthenticationError: the key is empty or cannot be a key.
        """
        self._session = Session(
            base_url=base_url,
            api_key=api_key,
            cancel=cancel or threading.Event(),
            timeouts=timeouts or Timeouts(),
            policy=retry or RetryPolicy(),
            user_agent=user_agent,
            transport=transport,
            network=network,
            gate=gate,
        )
        self.base_url = self._session.base_url
        self.revisions = revisions or RevisionMemory()

    def __repr__(self) -> str:
        return f"Client(base_url={self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._session.wire.close()

    @property
    def is_cancelled(self) -> bool:
        """Whether the cancel event was set."""
        return self._session.cancel.is_set()

    # Assets

    def list_assets(
        self,
        *,
        purpose: str | None = None,
        reference_count: int | None = None,
        limit: int = PAGE_SIZE,
        offset: int = 0,
    ) -> AssetPage:
        """GET /v1/assets: one page of the files on the service."""
        query = build_query(
            purpose=purpose, reference_count=reference_count, limit=limit, offset=offset
        )
        return AssetPage.from_json(*self._session.get("/v1/assets", query))

    def iter_assets(
        self, *, purpose: str | None = None, reference_count: int | None = None
    ) -> Iterator[Asset]:
        """All files on the service, asked for page by page."""

        def fetch(offset: int) -> AssetPage:
            return self.list_assets(
                purpose=purpose, reference_count=reference_count, limit=LARGEST_PAGE, offset=offset
            )

        return _through_pages(fetch, lambda page: page.assets)

    def get_asset(self, *, asset_id: str) -> Asset:
        """GET /v1/assets/{asset_id}: one file, with a fresh download address."""
        return assets.get_asset(self._session, asset_id)

    def delete_asset(self, *, asset_id: str) -> None:
        """DELETE /v1/assets/{asset_id}.

        Raises:
            ConflictError: a job still refers to it.
        """
        assets.delete_asset(self._session, asset_id)

    def initiate_upload(self, *, path: Path, purpose: str = PURPOSE) -> UploadTicket:
        """POST /v1/assets/initiate: the first step of an upload."""
        return assets.initiate_upload(self._session, path=path, purpose=purpose)

    def complete_upload(self, *, asset_id: str) -> UploadReceipt:
        """POST /v1/assets/{asset_id}/complete: the last step of an upload."""
        return assets.complete_upload(self._session, asset_id)

    def upload_asset(
        self, *, path: Path, purpose: str = PURPOSE, progress: Progress = no_progress
    ) -> UploadReceipt:
        """All three steps of an upload; the checksum is compared.

        Args:
            path: the file.
            purpose: what it is for.
            progress: told of the file's bytes, from another thread; never goes back.

        Raises:
            InputError: the file cannot be read.
            TransferError: the storage refuses it, or it arrived damaged.
        """
        return assets.upload_asset(self._session, path, purpose=purpose, progress=progress)

    def download_asset(
        self, *, asset_id: str, target: Path, progress: Progress = no_progress
    ) -> Digest:
        """Fetch a file to `target`, which is there whole afterwards or as it was before.

        Args:
            asset_id: which.
            target: where it goes; its folder is made.
            progress: told of the file's bytes, from another thread; never goes back.

        Raises:
            TransferError: it is gone, came damaged, or cannot be written.
        """
        return assets.download_asset(self._session, asset_id, target=target, progress=progress)

    # Characters

    def list_characters(
        self,
        *,
        name_contains: str | None = None,
        has_ready_versions: bool | None = None,
        limit: int = PAGE_SIZE,
        offset: int = 0,
    ) -> CharacterPage:
        """GET /v1/characters: one page of the characters."""
        query = build_query(
            name_contains=name_contains,
            has_ready_versions=has_ready_versions,
            limit=limit,
            offset=offset,
        )
        return CharacterPage.from_json(*self._session.get("/v1/characters", query))

    def iter_characters(
        self, *, name_contains: str | None = None, has_ready_versions: bool | None = None
    ) -> Iterator[Character]:
        """All characters, asked for page by page."""

        def fetch(offset: int) -> CharacterPage:
            return self.list_characters(
                name_contains=name_contains,
                has_ready_versions=has_ready_versions,
                limit=LARGEST_PAGE,
                offset=offset,
            )

        return _through_pages(fetch, lambda page: page.characters)

    def get_character(self, *, character_id: str) -> CharacterDetails:
        """GET /v1/characters/{character_id}: one character with its versions."""
        path = f"/v1/characters/{segment(character_id)}"
        return CharacterDetails.from_json(*self._session.get(path))

    def validate_manifest(self, *, character_id: str, version: str) -> ManifestReport:
        """POST /v1/characters/{character_id}/validate-manifest."""
        path = f"/v1/characters/{segment(character_id)}/validate-manifest"
        content = self._session.send("POST", path, query=build_query(version=version))
        return ManifestReport.from_json(*content)

    # Jobs

    def start_retarget(self, *, request: RetargetRequest) -> StartedJob:
        """POST /v1/runs/retarget, in the revision that the server speaks.

        Raises:
            UnknownOutcomeError: it was sent and may or may not have started a job; look for
                it with `list_jobs` before starting another.
            TakeError: the server does not read such a take; no job was started.
            ServiceError: it was refused; no job was started.
        """
        return start_retarget(self._session, request, self.revisions)

    def get_job(self, *, job_id: str) -> Job:
        """GET /v1/jobs/{job_id}."""
        return Job.from_json(*self._session.get(f"/v1/jobs/{segment(job_id)}"))

    def list_jobs(
        self, *, only: JobFilter | None = None, limit: int = PAGE_SIZE, offset: int = 0
    ) -> JobPage:
        """GET /v1/jobs: one page of the jobs that pass the filter."""
        query = (only or JobFilter()).as_query() + build_query(limit=limit, offset=offset)
        return JobPage.from_json(*self._session.get("/v1/jobs", query))

    def iter_jobs(self, *, only: JobFilter | None = None) -> Iterator[Job]:
        """All jobs that pass the filter, asked for page by page."""
        return _through_pages(
            lambda offset: self.list_jobs(only=only, limit=LARGEST_PAGE, offset=offset),
            lambda page: page.jobs,
        )

    def cancel_job(self, *, job_id: str) -> JobStatus:
        """DELETE /v1/jobs/{job_id}: what became of the job.

        A job that came to its end before is no failure: its status is returned.
        """
        path = f"/v1/jobs/{segment(job_id)}"
        lost = False

        def attempt() -> None:
            nonlocal lost
            try:
                self._session.once("DELETE", path)
            except (UnreachableError, ServerError):
                lost = True
                raise
            except NotFoundError:
                raise
            except RequestError:
                if not (lost or self.get_job(job_id=job_id).status.is_final):
                    raise

        with_retry(attempt, policy=self._session.policy, cancel=self._session.cancel)
        return self.get_job(job_id=job_id).status


def _through_pages(
    fetch: Callable[[int], AnyPage], read: Callable[[AnyPage], Sequence[Item]]
) -> Iterator[Item]:
    """Every item of every page; ends also where a server's total is wrong."""
    offset = 0
    while True:
        page = fetch(offset)
        items = read(page)
        yield from items
        offset += len(items)
        if not items or offset >= page.total:
            return
