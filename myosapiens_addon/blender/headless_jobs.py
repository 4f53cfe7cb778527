# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows jobs to their end on the command line, and goes on with unfinished ones."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import bpy

from ..errors import CancelledError, InputError, MyoSapiensError
from ..jobs import events
from ..jobs.journal import Journal
from ..jobs.pipeline import Pipeline
from ..jobs.settings import PipelineSettings
from ..jobs.worker import Worker
from . import batch_ledger, paths, preferences, report
from .answer import Answer
from .compat import runs_as_module
from .connection import connector
from .landing_options import LandingNotes

if TYPE_CHECKING:
    import argparse

    from ..jobs.record import JobRecord

LOOK_INTERVAL_S = 0.05
LEAVE_LIMIT_S = 3.0
PROGRESS_STEP = 0.25

logger = logging.getLogger(__name__)


def pipeline_settings(settings: preferences.Settings) -> PipelineSettings:
    """How a pipeline waits, with these settings."""
    return PipelineSettings(poll_interval_s=settings.poll_interval_s)


def follow(pipeline: Pipeline, row: report.TakeReport) -> events.Finished:
    """Run a pipeline to its end, and tell of it on the log.

    Raises:
        MyoSapiensError: it failed; the error says why.
        KeyboardInterrupt: the user stopped here; the job itself goes on on the service.
    """
    worker = Worker(most_jobs=1)
    handle = worker.submit(pipeline)
    teller = _Teller()
    try:
        while not handle.is_done:
            time.sleep(LOOK_INTERVAL_S)
            for _handle, message in worker.drain(budget_s=1.0):
                teller.tell(message)
    except KeyboardInterrupt:
        worker.shutdown(timeout_s=LEAVE_LIMIT_S)
        _say_how_to_go_on(pipeline)
        raise
    for _handle, message in worker.drain(budget_s=1.0):
        teller.tell(message)
    row.job_id = pipeline.record.job_id or ""
    row.seconds |= pipeline.record.seconds
    # The pipeline checks the take again and may say the same once more.
    row.warnings = list(dict.fromkeys([*row.warnings, *pipeline.record.warnings]))
    return _finished(handle.last, row)


def _finished(last: object, row: report.TakeReport) -> events.Finished:
    if isinstance(last, events.Finished):
        row.output_files = [str(path) for path in last.files.values()]
        return last
    if isinstance(last, events.Failed):
        raise last.error or MyoSapiensError(last.sentence)
    raise CancelledError


def _say_how_to_go_on(pipeline: Pipeline) -> None:
    job_id = pipeline.record.job_id
    if job_id:
        logger.info("Job %s goes on: `resume` fetches it, `cancel %s` stops it.", job_id, job_id)
    else:
        logger.info("Stopped before the job was started; `resume` goes on with it.")


class _Teller:
    """Says what a job does, once for each thing worth saying."""

    def __init__(self) -> None:
        self._said = ""

    def tell(self, message: object) -> None:
        sentence = _sentence(message)
        if sentence and sentence != self._said:
            self._said = sentence
            logger.info("%s", sentence)


def _sentence(message: object) -> str:
    match message:
        case events.Uploading() | events.Downloading():
            verb = "Sending" if isinstance(message, events.Uploading) else "Fetching"
            return f"{verb} {message.name}{_share(message.bytes_done, message.bytes_total)}"
        case events.Started():
            found = " (it had been started before)" if message.found else ""
            return f"Job {message.job_id} is on the service{found}"
        case events.Queued():
            return f"Waiting, place {message.position}" if message.position else "Waiting"
        case events.Running():
            return "Solving"
        case _:
            return ""


def _share(done: int, total: int | None) -> str:
    if not total:
        return ""
    steps = int(done / total / PROGRESS_STEP)
    return f": {steps * PROGRESS_STEP:.0%} of {total:,} bytes"


def mark_landed(journal: Journal, token: str, row: report.TakeReport | None = None) -> None:
    """Write down that a job's result has been used.

    Args:
        journal: where it is written down.
        token: of the record.
        row: of the report, for the batch that the job is of.
    """
    record = journal.claim(token)
    kept = {} if row is None else {batch_ledger.ROW: row.as_dict()}
    try:
        landing = MappingProxyType({**record.landing, **kept})
        journal.update(record, landed=True, landing=landing)
    finally:
        journal.release(token)


def resume(options: argparse.Namespace) -> Answer:
    """Go on with the unfinished jobs of this service, and land what was asked for."""
    settings = preferences.read(base_url=options.base_url)
    settings.require_access()
    settings.require_key()
    journal = Journal(paths.user_directory("jobs"))
    records = [*journal.unfinished(), *journal.unlanded()]
    mine = [record for record in records if record.base_url == settings.base_url]
    others = {record.base_url for record in records} - {settings.base_url}
    for base_url in sorted(others):
        logger.info("There are jobs of %s too: `resume --base-url %s`", base_url, base_url)
    rows = [_resume_one(record, journal, settings) for record in mine]
    failed = sum(row.status != "done" for row in rows)
    text = f"{len(rows) - failed} job(s) done, {failed} failed." if rows else "Nothing to resume."
    data = {"takes": [row.as_dict() for row in rows]}
    return Answer(data=data, text=text, exit_code=1 if failed else 0)


def _resume_one(
    record: JobRecord, journal: Journal, settings: preferences.Settings
) -> report.TakeReport:
    row = report.TakeReport(
        c3d=str(record.spec.c3d or ""), markerset=str(record.spec.markerset or "")
    )
    try:
        pipeline = Pipeline.resume(
            record.token,
            journal=journal,
            connect=connector(settings),
            settings=pipeline_settings(settings),
        )
        finished = follow(pipeline, row)
        if _land_as_asked(row, list(finished.files.values()), record):
            mark_landed(journal, record.token, row if record.landing.get("batch") else None)
    except MyoSapiensError as error:
        row.error = error.sentence
        logger.error("%s: %s", record.take_name, error.sentence)
    return row


def _land_as_asked(row: report.TakeReport, files: list[Path], record: JobRecord) -> bool:
    """Land a take in the file, and into the file, that it was started for; whether it was."""
    from . import headless_takes

    notes = LandingNotes.from_dict(record.landing, name=record.take_name)
    if not notes.out:
        # Nobody said where to: a job of the window, which offers it there.
        row.status = "done"
        return False
    if notes.blend:
        if not Path(notes.blend).is_file():
            raise InputError(f"{notes.blend} is gone; apply the files with `import`.")
        bpy.ops.wm.open_mainfile(filepath=notes.blend)
    else:
        bpy.ops.wm.read_homefile(use_empty=runs_as_module())
    headless_takes.land_and_save(
        row,
        files,
        name=notes.name,
        options=notes.options,
        out=Path(notes.out),
        spec=record.spec,
    )
    return True
