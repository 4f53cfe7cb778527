# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs as the list shows them: plain values in memory, nothing of Blender's data."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ..jobs.record import Fault, JobRecord
    from ..jobs.spec import JobSpec
    from ..jobs.worker import Handle
    from .landing_options import LandingOptions
    from .references import Reference


class State(Enum):
    """Where a job stands, as far as the person at the window is concerned."""

    PREPARING = "Preparing"
    WAITING = "Waiting for its turn"
    UPLOADING = "Sending"
    STARTING = "Starting"
    QUEUED = "In the queue"
    RUNNING = "Solving"
    DOWNLOADING = "Fetching"
    READY = "Ready to import"
    IMPORTING = "Importing"
    DONE = "Done"
    FAILED = "Failed"
    CANCELING = "Cancelling"
    CANCELED = "Cancelled"
    OFFERED = "Not finished"
    ELSEWHERE = "In another Blender"
    REMOTE = "On the service"


ICONS: dict[Any, Any] = {
    State.PREPARING: "SORTTIME",
    State.WAITING: "SORTTIME",
    State.UPLOADING: "EXPORT",
    State.STARTING: "SORTTIME",
    State.QUEUED: "SORTTIME",
    State.RUNNING: "PLAY",
    State.DOWNLOADING: "IMPORT",
    State.READY: "INFO",
    State.IMPORTING: "ARMATURE_DATA",
    State.DONE: "CHECKMARK",
    State.FAILED: "ERROR",
    State.CANCELING: "CANCEL",
    State.CANCELED: "CANCEL",
    State.OFFERED: "PAUSE",
    State.ELSEWHERE: "LINKED",
    State.REMOTE: "URL",
}
# At work here: something will come of it without a click.
ACTIVE = {
    State.PREPARING,
    State.WAITING,
    State.UPLOADING,
    State.STARTING,
    State.QUEUED,
    State.RUNNING,
    State.DOWNLOADING,
    State.IMPORTING,
    State.CANCELING,
}


@dataclass(frozen=True, kw_only=True)
class LandingPlan:
    """Where the result of a job is to go when it is here.

    Attributes:
        name: of the action, and of a new armature.
        options: as the journal keeps them.
        target: the armature object; None for a new one.
        scene: whose rate and range count.
        file_number: which of the files opened since Blender started it is meant for.
    """

    name: str
    options: LandingOptions
    target: Reference | None
    scene: Reference
    file_number: int


@dataclass(kw_only=True, eq=False)
class Row:
    """One job.

    Attributes:
        key: number of the row within this start of Blender.
        name: the take's name.
        token: the record's in the journal, once there is one.
        job_id: the job's on the service, once it is there.
        share: how much of the present step is done, 0 to 1; None where that is not known.
        note: a few words on the present step.
        sentence: what to know or to do, for the row's details.
        is_alert: whether the sentence tells of something wrong.
        plan: where the result goes by itself; None to wait for a click.
        spec: what was sent, to send it again.
        files: the output files, once they are here.
        handle: what runs for it in a thread.
        base_url: the service it belongs to.
        created_at: when the job was made, where that is known.
        cancel_wanted: the user asked to cancel before there was anything to cancel.
        finished: moments keyed and where, for a row that is done.
    """

    name: str
    base_url: str
    state: State = State.PREPARING
    key: int = field(default_factory=itertools.count(1).__next__)
    token: str | None = None
    job_id: str | None = None
    share: float | None = None
    note: str = ""
    sentence: str = ""
    is_alert: bool = False
    warnings: tuple[str, ...] = ()
    fault: Fault | None = None
    record: JobRecord | None = None
    plan: LandingPlan | None = None
    spec: JobSpec | None = None
    files: tuple[Path, ...] = ()
    handle: Handle | None = None
    created_at: datetime | None = None
    cancel_wanted: bool = False
    is_remote_running: bool = False
    can_resume: bool = False
    finished: str = ""

    @property
    def job_spec(self) -> JobSpec | None:
        """What was sent, as far as that is known here."""
        return self.spec or (self.record.spec if self.record is not None else None)

    @property
    def knows_take(self) -> bool:
        """Whether the take that it was solved from is known, if not still there."""
        return self.job_spec is not None and self.job_spec.c3d is not None

    @property
    def is_active(self) -> bool:
        """Whether it is at work here."""
        return self.state in ACTIVE

    @property
    def status(self) -> str:
        """State and progress in a few words, for the list."""
        words = self.note or self.state.value
        return words.removesuffix(",") if self.share is None else f"{words} {self.share:.0%}"

    def set(self, state: State, *, note: str = "", share: float | None = None) -> None:
        """Go on to a state, or within it."""
        self.state, self.note, self.share = state, note, share

    def say(self, sentence: str, *, alert: bool = False) -> None:
        """Replace what the details tell."""
        self.sentence, self.is_alert = sentence, alert

    def why_not_cancel(self) -> str:
        """A sentence why it cannot be cancelled; empty when it can."""
        if self.state is State.CANCELING:
            return "It is being cancelled."
        if self.state is State.ELSEWHERE:
            return "Another Blender works on this job; cancel it there."
        untold = self.state is State.CANCELED and self.can_resume
        if self.is_active or self.state is State.OFFERED or self.is_remote_running or untold:
            return ""
        return "The job is at its end; there is nothing to cancel."

    def why_not_retry(self) -> str:
        """A sentence why it cannot go on or be sent again; empty when it can."""
        if self.is_active:
            return "The job is still at work."
        if self.state is State.ELSEWHERE:
            return "Another Blender works on this job."
        if self.state in (State.READY, State.DONE):
            return "The job succeeded; import its result, or send the take again with Retarget."
        if self.can_resume or (self.spec is not None and self.spec.c3d is not None):
            return ""
        return "This job was started elsewhere; send the take again from there."

    def why_not_import(self) -> str:
        """A sentence why there is nothing to import; empty when there is."""
        if self.state in (State.READY, State.DONE) or (
            self.state is State.REMOTE and not self.is_alert
        ):
            return ""
        if self.is_active or self.state in (State.OFFERED, State.ELSEWHERE):
            return "The job has no result yet."
        return "The job came to nothing; there is no result to import."

    def why_not_remove(self) -> str:
        """A sentence why it must stay in the list; empty when it can go."""
        if self.is_active:
            return "The job is still at work; cancel it first."
        if self.state is State.ELSEWHERE:
            return "Another Blender works on this job."
        return ""
