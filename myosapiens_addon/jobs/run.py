# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of one run share: the record, the client, who is told of events."""

from __future__ import annotations

import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .events import Downloading, Uploading, Warned
from .record import JobRecord

if TYPE_CHECKING:
    from ..service.client import Client
    from ..service.job_models import Job
    from ..service.transfer import Progress
    from .journal import Journal
    from .settings import Emit, PipelineSettings


class Run:
    """One run of a pipeline over a record.

    Attributes:
        record: as it stands in the journal.
        client: talks to the record's service.
        settings: how to wait.
        emit: is told of events.
        stop: set to stop the run.
        job: as the service last told it.
        fresh_assets: ids that are known to be on the service, so that they need no second look.
        is_fresh: whether the job was started by this run.
        estimated_wait_s: how long the service thought that the job would wait for its turn.
    """

    def __init__(
        self,
        record: JobRecord,
        *,
        client: Client,
        journal: Journal,
        settings: PipelineSettings,
        emit: Emit,
        stop: threading.Event,
    ) -> None:
        self.record = record
        self.client = client
        self.settings = settings
        self.emit = emit
        self.stop = stop
        self.job: Job | None = None
        self.fresh_assets: set[str] = set()
        self.is_fresh = False
        self.estimated_wait_s: float | None = None
        self._journal = journal

    def write(self, **changes: Any) -> None:  # noqa: ANN401 - the record's fields
        """Change the record, on disk before this returns."""
        self.record = self._journal.update(self.record, **changes)

    def warn(self, sentence: str) -> None:
        """Tell of something to know; it is kept in the record, once."""
        if sentence not in self.record.warnings:
            self.write(warnings=(*self.record.warnings, sentence))
        self.emit(Warned(token=self.record.token, sentence=sentence))

    def jobs_of_others(self) -> frozenset[str]:
        """Ids of the jobs that are known not to be this record's."""
        others = (one for one in self._journal.load_all() if one.token != self.record.token)
        ids = (one.job_id for one in others)
        return frozenset([*(one for one in ids if one), *self.record.earlier_jobs])

    def spent(self, name: str, since: float) -> MappingProxyType[str, float]:
        """The record's times in seconds, with what one step took since then added."""
        total = self.record.seconds.get(name, 0.0) + time.monotonic() - since
        return MappingProxyType({**self.record.seconds, name: round(total, 3)})

    def progress(self, kind: type[Uploading | Downloading], name: str) -> Progress:
        """Bytes to events: the first, the last, and between them not too many."""
        due = 0.0

        def tell(done: int, total: int | None) -> None:
            nonlocal due
            moment = time.monotonic()
            if moment >= due or done == total:
                due = moment + self.settings.progress_interval_s
                self.emit(
                    kind(token=self.record.token, name=name, bytes_done=done, bytes_total=total)
                )

        return tell
