# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's state in one SQLite file, used by all threads through one connection."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import StartError

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE assets (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    asset_id TEXT NOT NULL UNIQUE,
    purpose TEXT NOT NULL,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    expected_size_bytes INTEGER,
    size_bytes INTEGER NOT NULL,
    status TEXT NOT NULL,
    checksum_sha256 TEXT,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL,
    completed_at TEXT
);
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    options TEXT NOT NULL,
    metadata TEXT NOT NULL,
    message TEXT NOT NULL,
    error TEXT,
    diagnostics TEXT,
    processing_time_s REAL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT,
    failed_at TEXT,
    canceled_at TEXT
);
CREATE INDEX jobs_by_status ON jobs (status, seq);
CREATE TABLE job_assets (
    job_id TEXT NOT NULL REFERENCES jobs (job_id),
    asset_id TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('input', 'output')),
    role TEXT NOT NULL,
    PRIMARY KEY (job_id, direction, role)
);
CREATE INDEX job_assets_by_asset ON job_assets (asset_id);
"""


class Database:
    """One connection, one lock: statements of different threads never interleave.

    Raises:
        StartError: The file is in use by another service, or is not one of ours.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=0.5
        )
        self._connection.row_factory = sqlite3.Row
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StartError(_why_not_opened(path, error)) from error

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing, and nobody else in between. Must not be nested."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def read_meta(self, name: str, default: str) -> str:
        """A remembered value; the first time, `default` is remembered."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, default))
            row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            return str(row["value"])

    def close(self) -> None:
        """Write everything out and let go of the file."""
        with self._lock:
            self._connection.close()

    def _open(self) -> None:
        # The lock of this mode goes with the process, even killed: two services on one
        # folder would run each job twice.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            self._connection.executescript(
                f"BEGIN;{SCHEMA}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"its schema is version {version}")
        with self.transaction():
            pass  # takes the lock now, not at the first request


def _why_not_opened(path: Path, error: sqlite3.DatabaseError) -> str:
    if "locked" in str(error):
        return (
            f"The data folder {path.parent} is in use by another local service; "
            "stop that one or choose another folder with --data."
        )
    return (
        f"{path} cannot be read as the local service's state ({error}); "
        "choose another folder with --data."
    )
