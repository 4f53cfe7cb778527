# SPDX-License-Identifier: GPL-3.0-or-later
"""Which takes of a batch were begun before, and how far they came: the journal by take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..jobs.journal import JobBusyError, JournalError
from ..jobs.lock import FileLock
from ..jobs.record import Stage

if TYPE_CHECKING:
    from ..jobs.journal import Journal
    from ..jobs.record import JobRecord

# A record of one of these is at its end without a result: the take is begun anew.
WITHOUT_RESULT = (Stage.FAILED, Stage.CANCELED, Stage.CANCELING)
FURTHEST_FIRST = (
    Stage.FINISHED,
    Stage.SOLVED,
    Stage.STARTED,
    Stage.POSTED,
    Stage.UPLOADED,
    Stage.CREATED,
)
# Under this name the row of the report stands in the notes of a take that has landed.
ROW = "row"


class Ledger:
    """The records of takes by their keys, and who is at work on which take.

    Two processes that are given the same table do not both begin a take: each has a lock,
    which the system frees when its process is gone.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._tokens: set[str] = set()
        self._by_key: dict[str, dict[str, JobRecord]] = {}
        self._locks: dict[str, FileLock] = {}

    def own(self, key: str) -> None:
        """Be the one who works on a take, until `release`.

        Raises:
            JobBusyError: somebody else is.
            JournalError: the lock cannot be made.
        """
        if key in self._locks:
            return
        lock = FileLock(self.journal.directory / f"batch-{key[:32]}.lock")
        try:
            self.journal.directory.mkdir(parents=True, exist_ok=True)
            acquired = lock.acquire()
        except OSError as error:
            raise JournalError(f"The journal cannot be written: {error.strerror}.") from error
        if not acquired:
            raise JobBusyError("Another batch is at work on this take; let it finish.")
        self._locks[key] = lock

    def release(self, key: str) -> None:
        """Work on a take no more."""
        lock = self._locks.pop(key, None)
        if lock is not None:
            lock.release()

    def find(self, key: str) -> JobRecord | None:
        """The record of a take that came furthest, if it was begun and has not failed."""
        self._look()
        records = self._by_key.get(key, {})
        current = [self._current(record) for record in records.values()]
        alive = [one for one in current if one and one.stage not in WITHOUT_RESULT]
        return min(alive, key=lambda one: FURTHEST_FIRST.index(one.stage), default=None)

    def change(self, record: JobRecord, **changes: Any) -> JobRecord:  # noqa: ANN401
        """A record with changes, which nobody else may be at work on.

        Raises:
            JobBusyError: somebody is.
        """
        current = self.journal.claim(record.token)
        try:
            return self.journal.update(current, **changes)
        finally:
            self.journal.release(record.token)

    def _look(self) -> None:
        """Read the records that are new since the last time."""
        for record in self.journal.load_all(besides=self._tokens):
            self._tokens.add(record.token)
            key = record.landing.get("batch")
            if isinstance(key, str) and key:
                self._by_key.setdefault(key, {})[record.token] = record

    def _current(self, record: JobRecord) -> JobRecord | None:
        """The record as it stands now; None where it was removed.

        As it was read, where somebody else is at work on it.
        """
        try:
            current = self.journal.claim(record.token)
        except JobBusyError:
            return record
        except InputError:
            return None
        self.journal.release(record.token)
        return current
