# SPDX-License-Identifier: GPL-3.0-or-later
"""One retarget job from files to files: `upload → start → poll → download`.

::

    CREATED ─upload─► UPLOADED ─start─► POSTED ─► STARTED ─poll─► SOLVED ─download─► FINISHED
       ▲                  ▲               │        ▲  │
       └── asset gone ────┴── refused ────┘  adopt ┘  ├─► FAILED
                                                      └─► CANCELING ─► CANCELED

The character is chosen and confirmed by the service before the upload.
Each arrow is written to the journal before the next begins, so a pipeline that is stopped
anywhere, by whatever, goes on from there. It blocks: it runs in a worker's thread, or in a
script.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import CancelledError, InputError, MyoSapiensError
from ..service.address import normalise_base_url, segment
from ..service.errors import (
    AuthenticationError,
    CreditsError,
    JobCanceledError,
    JobFailedError,
    NotFoundError,
)
from .cancelling import cancel_remote
from .downloading import download
from .events import Canceled, Canceling, Detached, Event, Failed, Finished
from .faults import fault_of
from .journal import JournalError
from .polling import poll
from .record import JobRecord, Stage
from .run import Run
from .settings import Connect, Emit, PipelineSettings
from .starting import find_or_start, start
from .uploading import upload

if TYPE_CHECKING:
    from pathlib import Path

    from .journal import Journal
    from .spec import JobSpec

logger = logging.getLogger(__name__)


class WrongServiceError(InputError):
    """The job belongs to another service than the one that was given."""


# Where a job may exist on the service: only its own end, or its loss, ends the record there.
RESUMABLE = (Stage.POSTED, Stage.STARTED, Stage.SOLVED, Stage.CANCELING)
FINAL = (JobFailedError, JobCanceledError, NotFoundError)
# What a job that is resumed does not come to its end by: the next time may be better.
PASSING = (AuthenticationError, CreditsError, WrongServiceError)

STEPS: Mapping[Stage, Callable[[Run], None]] = {
    Stage.CREATED: upload,
    Stage.UPLOADED: start,
    Stage.POSTED: find_or_start,
    Stage.STARTED: poll,
    Stage.SOLVED: download,
}


class Pipeline:
    """One job's run. Made by `begin`, `adopt` or `resume`, run once by `run`.

    Attributes:
        token: the record's token, as in every event.
    """

    def __init__(
        self,
        record: JobRecord,
        *,
        journal: Journal,
        connect: Connect,
        settings: PipelineSettings | None,
        resumed: bool,
    ) -> None:
        """For `begin`, `adopt` and `resume`, which own the record in the journal."""
        self.token = record.token
        self._record = record
        self._journal = journal
        self._connect = connect
        self._settings = settings or PipelineSettings()
        self._resumed = resumed
        self._stop = threading.Event()
        self._detached = False
        self._run_now: Run | None = None

    @classmethod
    def begin(
        cls,
        spec: JobSpec,
        *,
        base_url: str,
        journal: Journal,
        connect: Connect,
        settings: PipelineSettings | None = None,
        landing: Mapping[str, Any] | None = None,
    ) -> Pipeline:
        """A new job, in the journal from now on; nothing is sent yet.

        Args:
            spec: what is to be done.
            base_url: the service's address, kept in the record.
            journal: where the job's state is kept.
            connect: makes a client for that service.
            settings: how to wait.
            landing: the caller's own notes (JSON), kept in the record.

        Raises:
            InputError: the address cannot be used, or the specification has no take.
            JournalError: the journal cannot be written.
        """
        normal = normalise_base_url(base_url)
        record = journal.create(spec, base_url=normal, landing=landing)
        return cls(record, journal=journal, connect=connect, settings=settings, resumed=False)

    @classmethod
    def adopt(
        cls,
        job_id: str,
        *,
        name: str,
        out_dir: Path,
        base_url: str,
        journal: Journal,
        connect: Connect,
        settings: PipelineSettings | None = None,
        landing: Mapping[str, Any] | None = None,
    ) -> Pipeline:
        """A job that was started elsewhere, in the journal from now on as one that is started.

        It is waited for and fetched like any; a cancel cancels it on the service.

        Args:
            job_id: its id on the service.
            name: what people know it by.
            out_dir: where its output files go.
            base_url: the service's address, kept in the record.
            journal: where the job's state is kept.
            connect: makes a client for that service.
            settings: how to wait.
            landing: the caller's own notes (JSON), kept in the record.

        Raises:
            InputError: the address or the id cannot be used, or the journal has the job
                already (`Journal.find_job`).
            JournalError: the journal cannot be written.
        """
        record = journal.adopt(
            segment(job_id),
            name=name,
            out_dir=out_dir,
            base_url=normalise_base_url(base_url),
            landing=landing,
        )
        return cls(record, journal=journal, connect=connect, settings=settings, resumed=False)

    @classmethod
    def resume(
        cls,
        token: str,
        *,
        journal: Journal,
        connect: Connect,
        settings: PipelineSettings | None = None,
    ) -> Pipeline:
        """A job of the journal, to go on from where it stands.

        Raises:
            JobBusyError: somebody else is at work on it.
            InputError: there is no such job.
        """
        record = journal.claim(token)
        return cls(record, journal=journal, connect=connect, settings=settings, resumed=True)

    @property
    def record(self) -> JobRecord:
        """The job as it stands in the journal, while it runs too. From any thread."""
        run = self._run_now
        return self._record if run is None else run.record

    def cancel(self) -> None:
        """Stop within 0.5 s, and tell the service to stop too. From any thread."""
        self._stop.set()

    def detach(self) -> None:
        """Stop within 0.5 s, but let the job go on on the service. From any thread."""
        self._detached = True
        self._stop.set()

    def abandon(self) -> None:
        """Give the record back, for a pipeline that is never run."""
        self._journal.release(self.token)

    def run(self, emit: Emit) -> Event:
        """Go all the way, and return the last event, which is emitted too.

        Args:
            emit: told of each event, from this thread or another, one at a time.
        """
        try:
            last = self._run(emit)
        finally:
            self._journal.release(self.token)
        emit(last)
        return last

    def _run(self, emit: Emit) -> Event:
        try:
            if self._record.stage is Stage.CANCELING:
                return self._cancel()
            return self._advance(emit)
        except CancelledError:
            return self._stopped(emit)
        except MyoSapiensError as error:
            return self._failed(error)

    def _advance(self, emit: Emit) -> Finished:
        with self._connect(self._stop) as client:
            if client.base_url != self._record.base_url:
                raise WrongServiceError(
                    f"This job belongs to {self._record.base_url}, not to {client.base_url}."
                )
            run = Run(
                self._record,
                client=client,
                journal=self._journal,
                settings=self._settings,
                emit=emit,
                stop=self._stop,
            )
            self._run_now = run
            try:
                self._go(run)
            finally:
                self._record, self._run_now = run.record, None
        record = self._record
        return Finished(token=self.token, files=record.files, job=run.job, record=record)

    def _go(self, run: Run) -> None:
        while run.record.stage is not Stage.FINISHED:
            step = STEPS.get(run.record.stage)
            if step is None:
                raise InputError(f"This job is at its end: {run.record.stage.value}.")
            step(run)

    def _stopped(self, emit: Emit) -> Event:
        if self._detached:
            return Detached(token=self.token)
        emit(Canceling(token=self.token))
        self._write(stage=Stage.CANCELING)
        return self._cancel()

    def _cancel(self) -> Canceled:
        """Tell the service; what could not be told stays in the journal, to be told later."""
        told = cancel_remote(self._record, self._connect, self._settings)
        if told:
            self._write(stage=Stage.CANCELED)
        return Canceled(token=self.token, remote_told=told)

    def _failed(self, error: MyoSapiensError) -> Failed:
        resumable = self._is_resumable(error)
        fault = fault_of(error)
        self._write(stage=self._record.stage if resumable else Stage.FAILED, fault=fault)
        return Failed(
            token=self.token,
            sentence=error.sentence,
            fault=fault,
            retryable=error.retryable,
            resumable=resumable,
            request_id=fault.request_id,
            error=error,
        )

    def _is_resumable(self, error: MyoSapiensError) -> bool:
        if isinstance(error, FINAL):
            return False
        if self._record.stage in RESUMABLE:
            return True
        return self._resumed and (error.retryable or isinstance(error, PASSING))

    def _write(self, **changes: Any) -> None:  # noqa: ANN401 - the record's fields
        """Write an end down; where the disk refuses, the end has come all the same."""
        try:
            self._record = self._journal.update(self._record, **changes)
        except JournalError as error:
            logger.warning("%s", error.sentence)
