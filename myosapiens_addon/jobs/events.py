# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline tells while it runs; one of `TERMINAL` comes last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..errors import MyoSapiensError
    from ..service.job_models import Job
    from ..takes.preflight import Preflight
    from .record import Fault, JobRecord


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all.

    Attributes:
        token: the record's token: which job this is about.
    """

    token: str


@dataclass(frozen=True, kw_only=True)
class Checked(Event):
    """The take was looked at, before anything is sent."""

    found: Preflight


@dataclass(frozen=True, kw_only=True)
class Uploading(Event):
    """A file is being sent: its name, and bytes done of bytes in all."""

    name: str
    bytes_done: int
    bytes_total: int | None


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """The job is on the service.

    Attributes:
        job_id: its id there.
        found: whether it had been started before and was found again.
    """

    job_id: str
    estimated_wait_s: float | None = None
    found: bool = False


@dataclass(frozen=True, kw_only=True)
class Queued(Event):
    """The job waits, behind so many others where the service tells."""

    position: int | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Running(Event):
    """The service works on it, since so many seconds."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Downloading(Event):
    """An output is being fetched: its name, and bytes done of bytes in all."""

    name: str
    bytes_done: int
    bytes_total: int | None


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something to know; the job goes on."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Canceling(Event):
    """The wish to cancel was heard; the service is being told."""


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The output files are here: output's name to path."""

    files: Mapping[str, Path]
    job: Job | None
    record: JobRecord


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """It came to nothing.

    Attributes:
        sentence: what is wrong, where, and what to do.
        fault: the same with what the service itself said, for its support.
        retryable: whether the same may succeed later.
        resumable: whether the record stays in the journal, to go on from where it stands.
        request_id: for the service's support.
        error: the error itself; None for one that nobody foresaw.
    """

    sentence: str
    fault: Fault
    retryable: bool = False
    resumable: bool = False
    request_id: str | None = None
    error: MyoSapiensError | None = None


@dataclass(frozen=True, kw_only=True)
class Canceled(Event):
    """It was cancelled.

    Attributes:
        remote_told: whether the service knows (or never had the job). False: it could not be
            told in time; the record stays in the journal, to tell it later.
    """

    remote_told: bool = True


@dataclass(frozen=True, kw_only=True)
class Detached(Event):
    """It was let go of here; on the service it goes on, and the journal has it."""


TERMINAL = (Finished, Failed, Canceled, Detached)
