# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on disk: one JSON file each, so that no crash, kill or power cut loses a paid job."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import InputError, MyoSapiensError
from ..files import PATIENT_TRIES, replacing
from .lock import FileLock
from .record import SCHEMA, JobRecord, Stage, now
from .spec import JobSpec

logger = logging.getLogger(__name__)

ENDING = ".json"
CLAIM_TRIES = 4
CLAIM_WAIT_S = 0.05


class JobBusyError(MyoSapiensError):
    """Somebody else is at work on this job."""

    retryable = True


class JournalError(MyoSapiensError):
    """The journal cannot be written."""


class Journal:
    """The jobs in one directory. Several processes and threads may use it at once.

    A record is worked on by one owner at a time: `create` and `claim` make the caller its
    owner until `release`, or until the process ends, however it ends.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._guard = threading.Lock()
        self._owned: dict[str, FileLock] = {}

    def create(
        self, spec: JobSpec, *, base_url: str, landing: Mapping[str, Any] | None = None
    ) -> JobRecord:
        """A new record, owned by the caller and on disk.

        Args:
            spec: what is to be done.
            base_url: the service it is for.
            landing: the caller's own notes (JSON), for when the output is there.

        Raises:
            InputError: the specification has no take.
            JournalError: it cannot be written.
        """
        name = spec.inputs()[0].stem
        return self._add(_new_record(spec, base_url, name, landing))

    def adopt(
        self,
        job_id: str,
        *,
        name: str,
        out_dir: Path,
        base_url: str,
        landing: Mapping[str, Any] | None = None,
    ) -> JobRecord:
        """A new record of a job that was started elsewhere, owned by the caller and on disk.

        Args:
            job_id: its id on the service.
            name: what people know it by.
            out_dir: where its output is to go.
            base_url: the service it is on.
            landing: the caller's own notes (JSON), for when the output is there.

        Raises:
            InputError: the journal has that job already.
            JournalError: it cannot be written.
        """
        if self.find_job(job_id) is not None:
            raise InputError(f"The job {job_id} is among the jobs here already: go on with it.")
        spec = JobSpec(c3d=None, markerset=None, out_dir=out_dir)
        record = _new_record(spec, base_url, name, landing)
        return self._add(replace(record, stage=Stage.STARTED, job_id=job_id, adopted=True))

    def find_job(self, job_id: str) -> JobRecord | None:
        """The record of a job of the service, whatever its stage, if there is one.

        Where there are several, one that is not at its end comes first, then the newest.
        """
        found = [record for record in self.load_all() if record.job_id == job_id]
        return max(found, key=lambda one: (not one.stage.is_final, one.created_at), default=None)

    def _add(self, record: JobRecord) -> JobRecord:
        self._own(record.token)
        try:
            self._write(record)
        except JournalError:
            self.release(record.token)
            raise
        return record

    def claim(self, token: str) -> JobRecord:
        """Become the owner of a record, and read it as it stands now.

        Raises:
            JobBusyError: somebody else is, here or in another process.
            InputError: there is no such record.
        """
        self._own_soon(token)
        record = self._read(self._path(token))
        if record is None:
            self.release(token)
            raise InputError(f"The journal has no job {token}.")
        return record

    def release(self, token: str) -> None:
        """Be its owner no more."""
        with self._guard:
            lock = self._owned.pop(token, None)
        if lock is not None:
            lock.release()

    def update(self, record: JobRecord, **changes: Any) -> JobRecord:  # noqa: ANN401 - its fields
        """The record with changes, on disk before this returns.

        Raises:
            JournalError: it cannot be written.
        """
        changed = replace(record, updated_at=now(), **changes)
        self._write(changed)
        return changed

    def load_all(self, *, besides: Container[str] = ()) -> list[JobRecord]:
        """Every record, oldest first; a file that is none is set aside, with a warning.

        Args:
            besides: tokens of records that are known already and not read again.
        """
        try:
            # Names, not paths: a batch asks before each take, and a journal grows large.
            names = os.listdir(self.directory)  # noqa: PTH208
        except FileNotFoundError:
            return []
        except OSError as error:
            logger.warning("The journal cannot be read: %s", error.strerror)
            return []
        ours = [name for name in names if name.endswith(ENDING)]
        new = sorted(name for name in ours if name.removesuffix(ENDING) not in besides)
        found = [self._read(self.directory / name) for name in new]
        records = [record for record in found if record is not None]
        return sorted(records, key=lambda record: record.created_at)

    def unfinished(self) -> list[JobRecord]:
        """The records that are not at their end and that nobody works on: those to offer again."""
        open_records = [record for record in self.load_all() if not record.stage.is_final]
        return [record for record in open_records if self.is_free(record.token)]

    def unlanded(self) -> list[JobRecord]:
        """The records whose output is here but has not been used yet."""
        return [
            record
            for record in self.load_all()
            if record.stage is Stage.FINISHED and not record.landed and self.is_free(record.token)
        ]

    def is_free(self, token: str) -> bool:
        """Whether nobody works on a record at this moment."""
        try:
            self._own(token)
        except JobBusyError:
            return False
        self.release(token)
        return True

    def forget(self, token: str) -> None:
        """Remove a record, which nobody else may be at work on.

        Raises:
            JobBusyError: somebody is.
        """
        with self._guard:
            owned = token in self._owned
        if not owned:
            self._own(token)
        try:
            self._path(token).unlink(missing_ok=True)
        except OSError as error:
            raise JournalError(f"The journal cannot be written: {error.strerror}.") from error
        finally:
            self.release(token)

    def _own_soon(self, token: str) -> None:
        """Own it, also when somebody is looking just now whether it is free."""
        for _attempt in range(CLAIM_TRIES - 1):
            try:
                return self._own(token)
            except JobBusyError:
                time.sleep(CLAIM_WAIT_S)
        return self._own(token)

    def _own(self, token: str) -> None:
        path = self._path(token).with_suffix(".lock")
        with self._guard:
            try:
                self.directory.mkdir(parents=True, exist_ok=True)
                lock = FileLock(path)
                acquired = token not in self._owned and lock.acquire()
            except OSError as error:
                raise JournalError(f"The journal cannot be written: {error.strerror}.") from error
            if not acquired:
                raise JobBusyError(f"The job {token} is being worked on by somebody else.")
            self._owned[token] = lock

    def _path(self, token: str) -> Path:
        # A token is a UUID: nothing else becomes part of a path.
        try:
            return self.directory / f"{uuid.UUID(token)}.json"
        except ValueError:
            raise InputError(f"{token!r} is no token of a job.") from None

    def _write(self, record: JobRecord) -> None:
        path = self._path(record.token)
        text = json.dumps(record.as_dict(), indent=1)
        try:
            with replacing(path, tries=PATIENT_TRIES) as temporary:
                _write_durably(temporary, text)
            _sync_directory(self.directory)
        except OSError as error:
            raise JournalError(f"The journal cannot be written: {error.strerror}.") from error

    def _read(self, path: Path) -> JobRecord | None:
        """A record, or None: it is not there, not ours, or was set aside."""
        try:
            content = json.loads(path.read_bytes())
            if content["schema"] != SCHEMA:
                logger.warning("%s was written by another version; left alone.", path.name)
                return None
            record = JobRecord.from_dict(content)
            if record.token != path.stem:
                raise ValueError("the token is not the file's name")
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("%s cannot be read: %s", path.name, error.strerror)
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError):
            _set_aside(path)
            return None
        return record


def _new_record(
    spec: JobSpec, base_url: str, name: str, landing: Mapping[str, Any] | None
) -> JobRecord:
    moment = now()
    return JobRecord(
        token=str(uuid.uuid4()),
        base_url=base_url,
        spec=spec,
        name=name,
        created_at=moment,
        updated_at=moment,
        landing=MappingProxyType(dict(landing or {})),
    )


def _set_aside(path: Path) -> None:
    aside = path.with_name(f"{path.name}.{time.time_ns()}.bad")
    logger.warning("%s is no job's record; it was set aside as %s.", path.name, aside.name)
    with contextlib.suppress(OSError):
        path.replace(aside)


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(directory: Path) -> None:
    """Make the new name itself durable; Windows has no way to, and needs none."""
    if os.name == "nt":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems refuse; the file itself is written.
        logger.debug("The journal's directory was not synced: %s", error.strerror)
    finally:
        os.close(handle)
