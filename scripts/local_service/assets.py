# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the service: rows in the database, bytes under `files/`."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import clock
from .database import Database
from .errors import RefusedError
from .names import last_component, safe_name, safe_suffix
from .paging import Page, Paging

BUCKET = "local"
INPUT_PURPOSE = "retarget"
OUTPUT_PURPOSE = "retarget_output"
# A failed or cancelled job needs its files no more; every other one refers to them.
REFERENCES = """
    (SELECT count(DISTINCT job_assets.job_id) FROM job_assets JOIN jobs USING (job_id)
     WHERE job_assets.asset_id = assets.asset_id
     AND jobs.status IN ('QUEUED', 'RUNNING', 'SUCCEEDED'))
"""
_SELECT = f"SELECT assets.*, {REFERENCES} AS reference_count FROM assets"  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file and what is known of it."""

    asset_id: str
    purpose: str
    filename: str
    content_type: str
    expected_size_bytes: int | None
    size_bytes: int
    status: str
    checksum_sha256: str | None
    metadata: dict[str, Any]
    created_at: str
    reference_count: int

    @property
    def key(self) -> str:
        """The file's key in the storage's bucket."""
        return f"assets/{self.asset_id}/{safe_name(self.filename)}"

    @property
    def is_completed(self) -> bool:
        """Whether its bytes are here and checked."""
        return self.status == "completed"


@dataclass(frozen=True, kw_only=True)
class NewAsset:
    """What a client says of a file that it is about to upload."""

    purpose: str
    filename: str
    content_type: str
    expected_size_bytes: int | None
    metadata: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """A file's size and checksum."""

    size_bytes: int
    sha256: str


class AssetStore:
    """Assets by id and by storage key."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._files = data_dir / "files"
        self._incoming = data_dir / "incoming"
        for folder in (self._files, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def remove_leftovers(self) -> None:
        """Remove what a killed service left behind: half uploads, files that no asset owns."""
        for path in self._incoming.iterdir():
            path.unlink()
        with self._database.transaction() as db:
            known = {row["asset_id"] for row in db.execute("SELECT asset_id FROM assets")}
        for path in self._files.iterdir():
            if path.stem not in known:
                path.unlink()

    def create(self, new: NewAsset) -> Asset:
        """A pending asset, waiting for its bytes.

        Raises:
            RefusedError: The file name is none.
        """
        filename = last_component(new.filename)
        if not filename:
            raise RefusedError(400, f"The file name {new.filename!r} names no file.")
        asset_id = str(uuid.uuid4())
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO assets (asset_id, purpose, filename, content_type,"
                " expected_size_bytes, size_bytes, status, metadata, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
                (
                    asset_id,
                    new.purpose,
                    filename,
                    new.content_type,
                    new.expected_size_bytes,
                    new.expected_size_bytes or 0,
                    json.dumps(new.metadata),
                    clock.stamp(),
                ),
            )
            return _find(db, asset_id)

    def get(self, asset_id: str) -> Asset:
        """One asset.

        Raises:
            RefusedError: 404, there is none of this id.
        """
        with self._database.transaction() as db:
            return _find(db, asset_id)

    def find_by_key(self, key: str) -> Asset | None:
        """The asset with this storage key."""
        parts = key.split("/")
        if len(parts) != 3:
            return None
        try:
            asset = self.get(parts[1])
        except RefusedError:
            return None
        return asset if asset.key == key else None

    def list_page(
        self, paging: Paging, *, purpose: str | None = None, reference_count: int | None = None
    ) -> Page[Asset]:
        """The assets, newest first."""
        conditions = {"purpose = ?": purpose, "reference_count = ?": reference_count}
        used = {text: (value,) for text, value in conditions.items() if value is not None}
        with self._database.transaction() as db:
            rows, total = paging.select(db, _SELECT, used)
        return Page(items=[_read(row) for row in rows], total=total, paging=paging)

    def path(self, asset: Asset) -> Path:
        """Where the asset's bytes are, once they are here."""
        return self._files / (asset.asset_id + safe_suffix(asset.filename))

    def new_incoming(self) -> Path:
        """A name for an upload while it comes in."""
        return self._incoming / f"{uuid.uuid4()}.part"

    def receive(self, asset: Asset, uploaded: Path) -> bool:
        """Take an upload over; False where the asset does not wait for one (any more)."""
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT 1 FROM assets WHERE asset_id = ? AND status = 'pending'", (asset.asset_id,)
            ).fetchone()
            if row is not None:
                uploaded.replace(self.path(asset))
            return row is not None

    def complete(self, asset_id: str) -> Asset:
        """Check an upload's size, take its checksum, and make the asset usable.

        Doing it twice is no error: a client whose first answer got lost asks again.

        Raises:
            RefusedError: 404 no such asset, 409 nothing was uploaded, or again meanwhile, 400 the
                size differs.
        """
        asset = self.get(asset_id)
        if asset.is_completed:
            return asset
        path = self.path(asset)
        try:
            identity = _identity(path)
            facts = measure_file(path)
        except FileNotFoundError as error:
            sentence = f"Nothing was uploaded for asset {asset_id}; send the file first."
            raise RefusedError(409, sentence) from error
        expected = asset.expected_size_bytes
        if expected is not None and expected != facts.size_bytes:
            raise RefusedError(
                400,
                f"The uploaded file has {facts.size_bytes} bytes, but {expected} were announced; "
                "upload it again.",
            )
        with self._database.transaction() as db:
            if _identity(path) != identity:
                raise RefusedError(
                    409, f"Asset {asset_id} was uploaded again meanwhile; complete it once more."
                )
            db.execute(
                "UPDATE assets SET status = 'completed', size_bytes = ?, checksum_sha256 = ?,"
                " completed_at = ? WHERE asset_id = ? AND status = 'pending'",
                (facts.size_bytes, facts.sha256, clock.stamp(), asset_id),
            )
            return _find(db, asset_id)

    def delete(self, asset_id: str) -> None:
        """Remove an asset and its bytes.

        Raises:
            RefusedError: 404 no such asset, 409 a job refers to it.
        """
        with self._database.transaction() as db:
            asset = _find(db, asset_id)
            if asset.reference_count:
                jobs = "1 job refers" if asset.reference_count == 1 else "jobs refer"
                raise RefusedError(409, f"Asset {asset_id} cannot be deleted: {jobs} to it.")
            db.execute("DELETE FROM assets WHERE asset_id = ?", (asset_id,))
        self.path(asset).unlink(missing_ok=True)

    def adopt(self, path: Path, asset_id: str) -> FileFacts:
        """Move a job's output file in under a new asset's id; the row is added separately."""
        facts = measure_file(path)
        path.replace(self._files / (asset_id + safe_suffix(path.name)))
        return facts

    def discard(self, asset_id: str, filename: str) -> None:
        """Remove an adopted file whose row was never added."""
        (self._files / (asset_id + safe_suffix(filename))).unlink(missing_ok=True)


def add_output(db: sqlite3.Connection, asset_id: str, filename: str, facts: FileFacts) -> None:
    """Add the row of an adopted file, inside the transaction that finishes its job."""
    moment = clock.stamp()
    db.execute(
        "INSERT INTO assets (asset_id, purpose, filename, content_type, size_bytes, status,"
        " checksum_sha256, metadata, created_at, completed_at)"
        " VALUES (?, ?, ?, ?, ?, 'completed', ?, '{}', ?, ?)",
        (
            asset_id,
            OUTPUT_PURPOSE,
            filename,
            "application/octet-stream",
            facts.size_bytes,
            facts.sha256,
            moment,
            moment,
        ),
    )


def measure_file(path: Path) -> FileFacts:
    """Size and checksum of a file, in constant memory."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256")
        return FileFacts(size_bytes=source.tell(), sha256=digest.hexdigest())


def _identity(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _find(db: sqlite3.Connection, asset_id: str) -> Asset:
    row = db.execute(f"{_SELECT} WHERE asset_id = ?", (asset_id,)).fetchone()
    if row is None:
        raise RefusedError(404, f"There is no asset {asset_id}.")
    return _read(row)


def _read(row: sqlite3.Row) -> Asset:
    names = Asset.__dataclass_fields__
    values = {name: row[name] for name in names if name != "metadata"}
    return Asset(**values, metadata=json.loads(row["metadata"]))
