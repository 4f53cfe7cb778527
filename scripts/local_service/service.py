# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the two origins share."""

from __future__ import annotations

import secrets
import tomllib
from dataclasses import dataclass

from . import clock
from .assets import BUCKET, Asset, AssetStore
from .characters import LOCAL, MYOSKELETON, Catalogue
from .database import Database
from .jobs import JobStore
from .scheduler import Scheduler
from .settings import ROOT, Endpoints, Settings
from .signing import Signer, presign_get
from .upload_policy import UploadTerms, make_fields
from .worker_process import WorkerSettings


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of one running service."""

    settings: Settings
    endpoints: Endpoints
    database: Database
    assets: AssetStore
    jobs: JobStore
    scheduler: Scheduler
    catalogue: Catalogue
    signer: Signer

    def download_url(self, asset: Asset, *, asked_host: str | None) -> str:
        """A fresh presigned URL of a completed asset."""
        url = f"{self.endpoints.storage_url(asked_host)}/{BUCKET}/{asset.key}"
        expires_s = self.settings.url_ttl_s
        return presign_get(self.signer, url, expires_s=expires_s, moment=clock.now())

    def upload_url(self, *, asked_host: str | None) -> str:
        """Where upload forms are posted to."""
        return f"{self.endpoints.storage_url(asked_host)}/{BUCKET}"

    def upload_fields(self, asset: Asset) -> dict[str, str]:
        """The presigned form fields for a pending asset."""
        expected = asset.expected_size_bytes
        terms = UploadTerms(
            bucket=BUCKET,
            key=asset.key,
            content_type=asset.content_type,
            max_bytes=self.settings.max_upload_bytes if expected is None else expected,
            expires_s=self.settings.url_ttl_s,
        )
        return make_fields(self.signer, terms, moment=clock.now())


def open_service(settings: Settings, endpoints: Endpoints) -> Service:
    """Open the data folder; nothing runs yet.

    Raises:
        StartError: The folder is in use, or holds something else.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.data_dir / "service.sqlite3")
    assets = AssetStore(database, settings.data_dir)
    assets.remove_leftovers()
    jobs = JobStore(database, credit_limit=settings.credits)
    characters = (LOCAL, MYOSKELETON) if settings.character == "myoskeleton" else (LOCAL,)
    return Service(
        settings=settings,
        endpoints=endpoints,
        database=database,
        assets=assets,
        jobs=jobs,
        scheduler=Scheduler(
            assets=assets,
            jobs=jobs,
            work_dir=settings.data_dir / "work",
            settings=WorkerSettings(
                solver=settings.solver,
                solve_delay_s=settings.solve_delay_s,
                backend_version=f"local-{_own_version()}",
            ),
            workers=settings.workers,
        ),
        catalogue=Catalogue(characters, settings.data_dir),
        # Kept, so that links handed out before a restart stay good.
        signer=Signer(
            access_key="AKIALOCALSERVICE",
            secret=database.read_meta("storage_secret", secrets.token_hex(20)),
        ),
    )


def _own_version() -> str:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    return str(manifest["version"])
