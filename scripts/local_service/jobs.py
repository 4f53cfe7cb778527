# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the service, and the ways from one status to the next.

QUEUED → RUNNING → SUCCEEDED | FAILED; QUEUED and RUNNING → CANCELED. Every step is one
transaction that looks at the status it leaves, so that two threads never both take it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from . import clock
from .assets import FileFacts, add_output
from .database import Database
from .errors import RefusedError
from .paging import Conditions, Page, Paging

JobStatus = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]
FIRST_GUESS_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One retarget job.

    `inputs` and `outputs` are asset ids by role; `options` is what the solver is given.
    """

    seq: int
    job_id: str
    run_id: str
    type: str
    status: JobStatus
    revision: int
    options: dict[str, Any]
    metadata: dict[str, Any]
    message: str
    error: dict[str, Any] | None
    diagnostics: dict[str, Any] | None
    processing_time_s: float | None
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None
    failed_at: str | None
    canceled_at: str | None
    inputs: dict[str, str]
    outputs: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A checked request for a job."""

    revision: int
    options: dict[str, Any]
    metadata: dict[str, Any]
    inputs: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Output:
    """A file that a job has made and the service has adopted."""

    role: str
    asset_id: str
    filename: str
    facts: FileFacts


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What a successful solve leaves besides its files."""

    outputs: list[Output]
    diagnostics: dict[str, Any]
    processing_time_s: float


class JobStore:
    """Jobs by id, and the queue.

    Args:
        database: The service's state.
        credit_limit: How many jobs may run to success in all; None for no limit.
    """

    def __init__(self, database: Database, *, credit_limit: int | None) -> None:
        self._database = database
        self._credit_limit = credit_limit

    def requeue_interrupted(self) -> None:
        """Put the jobs that ran when the last service ended back into the queue."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE jobs SET status = 'QUEUED', started_at = NULL, updated_at = ?,"
                " message = 'Queued again after a restart of the service'"
                " WHERE status = 'RUNNING'",
                (clock.stamp(),),
            )

    def create(self, new: NewJob) -> Job:
        """Queue a job.

        Raises:
            RefusedError: 402 the credits are used up, 404 an input was deleted meanwhile.
        """
        job_id, moment = str(uuid.uuid4()), clock.stamp()
        with self._database.transaction() as db:
            self._check_credits(db)
            _check_inputs(db, new.inputs)
            db.execute(
                "INSERT INTO jobs (job_id, run_id, type, status, revision, options, metadata,"
                " message, created_at, updated_at)"
                " VALUES (?, ?, 'retarget', 'QUEUED', ?, ?, ?, 'Job is queued', ?, ?)",
                (
                    job_id,
                    str(uuid.uuid4()),
                    new.revision,
                    json.dumps(new.options),
                    json.dumps(new.metadata),
                    moment,
                    moment,
                ),
            )
            _link(db, job_id, "input", new.inputs)
            return _find(db, job_id)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            RefusedError: 404, there is none of this id.
        """
        with self._database.transaction() as db:
            return _find(db, job_id)

    def list_page(self, paging: Paging, conditions: Conditions) -> Page[Job]:
        """The jobs that meet all conditions (see `Paging.select`), newest first."""
        with self._database.transaction() as db:
            rows, total = paging.select(db, "SELECT * FROM jobs", conditions)
            return Page(items=[_read(db, row) for row in rows], total=total, paging=paging)

    def queue_position(self, job: Job) -> int | None:
        """1 for the job that starts next; None for one that does not wait."""
        if job.status != "QUEUED":
            return None
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT count(*) FROM jobs WHERE status = 'QUEUED' AND seq <= ?", (job.seq,)
            ).fetchone()
        return int(row[0])

    def estimate_wait_s(self, job: Job, *, workers: int) -> int | None:
        """How long a queued job will wait, from what the last jobs took."""
        position = self.queue_position(job)
        if position is None:
            return None
        with self._database.transaction() as db:
            running = db.execute("SELECT count(*) FROM jobs WHERE status = 'RUNNING'").fetchone()
            mean = db.execute(
                "SELECT avg(processing_time_s) FROM (SELECT processing_time_s FROM jobs"
                " WHERE status = 'SUCCEEDED' ORDER BY seq DESC LIMIT 5)"
            ).fetchone()
        each_s = FIRST_GUESS_S if mean[0] is None else float(mean[0])
        ahead = position - 1 + int(running[0])
        return round(each_s * (ahead // workers + (ahead % workers > 0)))

    def claim(self) -> Job | None:
        """Start the oldest queued job; None where none waits."""
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT job_id FROM jobs WHERE status = 'QUEUED' ORDER BY seq LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            moment = clock.stamp()
            _move(db, row["job_id"], ("QUEUED",), "RUNNING", "Job is running", "started_at", moment)
            return _find(db, row["job_id"])

    def succeed(self, job_id: str, finish: Finish) -> bool:
        """Finish a running job with its outputs; False where it runs no more."""
        with self._database.transaction() as db:
            message = "Job completed successfully"
            if not _move(db, job_id, ("RUNNING",), "SUCCEEDED", message, "completed_at"):
                return False
            db.execute(
                "UPDATE jobs SET diagnostics = ?, processing_time_s = ? WHERE job_id = ?",
                (json.dumps(finish.diagnostics), finish.processing_time_s, job_id),
            )
            for output in finish.outputs:
                add_output(db, output.asset_id, output.filename, output.facts)
            _link(db, job_id, "output", {one.role: one.asset_id for one in finish.outputs})
            return True

    def fail(self, job_id: str, *, error_type: str, error_message: str) -> bool:
        """Finish a running job without outputs; False where it runs no more."""
        error = {"error_type": error_type, "error_message": error_message}
        with self._database.transaction() as db:
            moved = _move(
                db, job_id, ("RUNNING",), "FAILED", f"Job failed: {error_message}", "failed_at"
            )
            if moved:
                db.execute(
                    "UPDATE jobs SET error = ? WHERE job_id = ?", (json.dumps(error), job_id)
                )
            return moved

    def cancel(self, job_id: str) -> Job:
        """Cancel a queued or running job.

        Raises:
            RefusedError: 404 no such job, 409 it is already over.
        """
        with self._database.transaction() as db:
            job = _find(db, job_id)
            message = "Job canceled successfully"
            if not _move(db, job_id, ("QUEUED", "RUNNING"), "CANCELED", message, "canceled_at"):
                raise RefusedError(
                    409, f"Job {job_id} is already {job.status}; it cannot be canceled."
                )
            return _find(db, job_id)

    def _check_credits(self, db: sqlite3.Connection) -> None:
        if self._credit_limit is None:
            return
        row = db.execute(
            "SELECT count(*) FROM jobs WHERE status IN ('QUEUED', 'RUNNING', 'SUCCEEDED')"
        ).fetchone()
        if int(row[0]) >= self._credit_limit:
            raise RefusedError(
                402,
                f"Out of credits: all {self._credit_limit} are used; add credits and try again.",
            )


def _check_inputs(db: sqlite3.Connection, inputs: Mapping[str, str]) -> None:
    for asset_id in inputs.values():
        row = db.execute("SELECT 1 FROM assets WHERE asset_id = ?", (asset_id,)).fetchone()
        if row is None:
            raise RefusedError(404, f"There is no asset {asset_id}.")


def _move(
    db: sqlite3.Connection,
    job_id: str,
    sources: tuple[JobStatus, ...],
    target: JobStatus,
    message: str,
    moment_column: str,
    moment: str | None = None,
) -> bool:
    moment = moment or clock.stamp()
    marks = ", ".join("?" for _ in sources)
    cursor = db.execute(
        f"UPDATE jobs SET status = ?, message = ?, updated_at = ?, {moment_column} = ?"  # noqa: S608
        f" WHERE job_id = ? AND status IN ({marks})",
        (target, message, moment, moment, job_id, *sources),
    )
    return cursor.rowcount == 1


def _link(db: sqlite3.Connection, job_id: str, direction: str, assets: Mapping[str, str]) -> None:
    db.executemany(
        "INSERT INTO job_assets (job_id, asset_id, direction, role) VALUES (?, ?, ?, ?)",
        [(job_id, asset_id, direction, role) for role, asset_id in assets.items()],
    )


def _find(db: sqlite3.Connection, job_id: str) -> Job:
    row = db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise RefusedError(404, f"There is no job {job_id}.")
    return _read(db, row)


def _read(db: sqlite3.Connection, row: sqlite3.Row) -> Job:
    links: dict[str, dict[str, str]] = {"input": {}, "output": {}}
    for link in db.execute("SELECT * FROM job_assets WHERE job_id = ?", (row["job_id"],)):
        links[link["direction"]][link["role"]] = link["asset_id"]
    values = dict(zip(row.keys(), row, strict=True))
    for name in ("options", "metadata", "error", "diagnostics"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Job(**values, inputs=links["input"], outputs=links["output"])
