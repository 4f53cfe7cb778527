# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service tells, as frozen values. Times are aware, durations in seconds, sizes in bytes.

`from_json(value, endpoint)` of each raises `AnswerError` for what cannot be understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Self

from .parsing import Reader

EMPTY: Mapping[str, object] = MappingProxyType({})


class JobStatus(Enum):
    """Where a job stands on the service."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Whether the job will change no more."""
        return self not in {JobStatus.QUEUED, JobStatus.RUNNING}


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file on the service."""

    asset_id: str
    purpose: str | None = None
    filename: str | None = None
    size_bytes: int | None = None
    status: str | None = None
    created_at: datetime | None = None
    # A presigned address is a key of its own: it stays out of logs.
    download_url: str | None = field(default=None, repr=False)
    checksum_sha256: str | None = None
    reference_count: int | None = None

    @property
    def is_completed(self) -> bool:
        """Whether the upload was finished and verified."""
        return (self.status or "").lower() == "completed"

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """From one JSON object."""
        return cls(
            asset_id=reader.text("asset_id", "id"),
            purpose=reader.optional_text("purpose"),
            filename=reader.optional_text("filename"),
            size_bytes=reader.integer("size_bytes"),
            status=reader.optional_text("status"),
            created_at=reader.time("created_at"),
            download_url=reader.optional_text("download_url"),
            checksum_sha256=reader.optional_text("checksum_sha256"),
            reference_count=reader.integer("reference_count"),
        )

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        return cls.read(Reader(value, endpoint))


@dataclass(frozen=True, kw_only=True)
class Page:
    """Where a page stands in the whole list."""

    total: int
    limit: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class AssetPage(Page):
    """One page of assets."""

    assets: tuple[Asset, ...]

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        assets = tuple(reader.items("assets", Asset.read, required=True))
        return cls(assets=assets, **read_page(reader, len(assets)))


@dataclass(frozen=True, kw_only=True)
class UploadTicket:
    """Where and with which form fields to upload a file; good until `expires_at`."""

    asset_id: str
    upload_url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    expires_at: datetime | None = None

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        return cls(
            asset_id=reader.text("asset_id"),
            upload_url=reader.text("upload_url"),
            fields=MappingProxyType(reader.text_mapping("fields")),
            expires_at=reader.time("expires_at"),
        )


@dataclass(frozen=True, kw_only=True)
class UploadReceipt:
    """What the service made of an upload."""

    asset_id: str
    verified: bool = True
    size_bytes: int | None = None
    checksum_sha256: str | None = None
    message: str | None = None

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        return cls(
            asset_id=reader.text("asset_id"),
            verified=reader.flag("verified") is not False,
            size_bytes=reader.integer("size_bytes"),
            checksum_sha256=reader.optional_text("checksum_sha256"),
            message=reader.optional_text("message"),
        )


@dataclass(frozen=True, kw_only=True)
class Character:
    """A character that takes can be solved on, in short."""

    character_id: str
    name: str
    description: str | None = None
    version_count: int | None = None
    latest_version: str | None = None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """From one JSON object."""
        return cls(
            character_id=reader.text("character_id", "id"),
            name=reader.optional_text("name") or "",
            description=reader.optional_text("description"),
            version_count=reader.integer("version_count"),
            latest_version=reader.optional_text("latest_version"),
        )


@dataclass(frozen=True, kw_only=True)
class CharacterPage(Page):
    """One page of characters."""

    characters: tuple[Character, ...]

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        found = tuple(reader.items("characters", Character.read, required=True))
        return cls(characters=found, **read_page(reader, len(found)))


@dataclass(frozen=True, kw_only=True)
class CharacterVersion:
    """One version of a character; only a READY one can be used."""

    version: str
    status: str
    created_at: datetime | None = None
    manifest_s3: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether takes can be solved on it."""
        return self.status.upper() == "READY"

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """From one JSON object."""
        return cls(
            version=reader.text("version"),
            status=reader.optional_text("status") or "",
            created_at=reader.time("created_at"),
            manifest_s3=reader.optional_text("manifest_s3"),
        )


@dataclass(frozen=True, kw_only=True)
class CharacterDetails:
    """A character with its versions."""

    character_id: str
    name: str
    description: str | None = None
    created_at: datetime | None = None
    versions: tuple[CharacterVersion, ...] = ()
    ready_versions: tuple[CharacterVersion, ...] = ()
    latest_version: CharacterVersion | None = None

    def newest_ready(self) -> CharacterVersion | None:
        """What to use when no version is asked for: the latest if ready, else the newest ready."""
        if self.latest_version is not None and self.latest_version.is_ready:
            return self.latest_version
        dated = [version for version in self.ready_versions if version.created_at is not None]
        if dated:
            return max(dated, key=lambda version: version.created_at or datetime.min)
        return self.ready_versions[-1] if self.ready_versions else None

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        versions = tuple(reader.items("versions", CharacterVersion.read, required=False))
        latest = reader.object("latest_version")
        ready = tuple(reader.items("ready_versions", CharacterVersion.read, required=False))
        return cls(
            character_id=reader.text("character_id", "id"),
            name=reader.optional_text("name") or "",
            description=reader.optional_text("description"),
            created_at=reader.time("created_at"),
            versions=versions,
            ready_versions=ready or tuple(version for version in versions if version.is_ready),
            latest_version=None if latest is None else CharacterVersion.read(latest),
        )


@dataclass(frozen=True, kw_only=True)
class ManifestReport:
    """That the manifest of a character's version exists, and its state."""

    version_id: str | None
    character_id: str
    version: str
    status: str
    manifest_s3_key: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Whether takes can be solved on it; so it is taken where no state is told."""
        return self.status.upper() in {"", "READY"}

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        return cls(
            version_id=reader.optional_text("version_id"),
            character_id=reader.text("character_id"),
            version=reader.text("version"),
            status=reader.optional_text("status") or "",
            manifest_s3_key=reader.optional_text("manifest_s3_key"),
            created_at=reader.time("created_at"),
            updated_at=reader.time("updated_at"),
        )


def read_page(reader: Reader, found: int) -> dict[str, int]:
    """The paging of a list; one that is not told is taken as all there is."""
    offset = reader.count("offset", 0)
    return {
        "total": reader.count("total", offset + found),
        "limit": reader.count("limit", found),
        "offset": offset,
    }
