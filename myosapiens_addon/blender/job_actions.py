# SPDX-License-Identifier: GPL-3.0-or-later
"""What people can do with jobs: send, follow, cancel, repeat, import, forget.

All of it returns at once. Disk and network are for the threads; the session pumps.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MyoSapiensError
from . import connection, paths, preferences, row_events
from .landing_options import LandingNotes
from .rows import LandingPlan, Row, State

if TYPE_CHECKING:
    from ..jobs.journal import Journal
    from ..jobs.pipeline import Pipeline
    from ..jobs.record import JobRecord
    from ..jobs.settings import Connect, PipelineSettings
    from ..jobs.spec import JobSpec
    from ..service.job_models import Job
    from .connection import Access
    from .session import Session

logger = logging.getLogger(__name__)

MOST_LISTED = 200


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All that a thread needs to run a job, worked out on the main thread.

    Attributes:
        downloads: the folder in which each job gets a folder of its own.
    """

    base_url: str
    downloads: Path
    journal: Journal
    connect: Connect
    pipeline: PipelineSettings


def setting(session: Session) -> Setting:
    """With the preferences in force.

    Raises:
        AuthenticationError: there is no key.
        InputError: the network may not be used, or a folder cannot be made.
    """
    from ..jobs.settings import PipelineSettings

    settings = preferences.read()
    return Setting(
        base_url=settings.base_url,
        downloads=preferences.download_directory(),
        journal=session.journal,
        connect=connection.connector(settings),
        pipeline=PipelineSettings(poll_interval_s=settings.poll_interval_s),
    )


def send(
    session: Session, spec: JobSpec, *, name: str, plan: LandingPlan, notes: LandingNotes
) -> Row:
    """Send a take and follow its job.

    Raises:
        MyoSapiensError: as for `setting`; nothing was begun.
    """
    place = setting(session)
    row = Row(name=name, base_url=place.base_url, spec=spec, plan=plan)
    session.rows.insert(0, row)
    _begin_with(session, row, _begin, place, spec, name, notes)
    return row


def go_on(session: Session, row: Row, plan: LandingPlan | None) -> None:
    """Follow a job of the journal from where it stands.

    Raises:
        MyoSapiensError: as for `setting`.
    """
    place = setting(session)
    row.plan = plan or row.plan
    _begin_with(session, row, _resume, place, row.token)


def retry(session: Session, row: Row, plan: LandingPlan | None) -> None:
    """Go on with a job that broke off; send the take again where it came to an end.

    Raises:
        MyoSapiensError: as for `setting`.
    """
    if row.can_resume and row.token is not None:
        go_on(session, row, plan)
        return
    place = setting(session)
    row.plan = plan
    row.base_url = place.base_url
    row.job_id = row.fault = None
    row.warnings = ()
    notes = _notes_of(row, plan)
    _begin_with(session, row, _begin, place, row.spec, row.name, notes)


def import_result(session: Session, row: Row, plan: LandingPlan) -> None:
    """Put a result on an armature; one that is not here is fetched first.

    Raises:
        MyoSapiensError: as for `setting`.
    """
    row.plan = plan
    if row.files:
        row.set(State.IMPORTING, note="Reading the result")
        session.call(
            _are_here,
            row.files,
            then=lambda here: session.land(row, plan) if here else _fetch(session, row),
            failed=lambda error: _failed(session, row, error),
        )
        session.touch()
        return
    _fetch(session, row, raises=True)


def cancel(session: Session, row: Row) -> None:
    """Stop what is done for a row, and tell the service.

    Raises:
        MyoSapiensError: as for `setting`.
    """
    row.cancel_wanted = True
    session.touch()
    if row.state is State.IMPORTING:
        row.cancel_wanted = False
        session.stop_landing(row)
    elif row.handle is not None:
        row.set(State.CANCELING)
        row.handle.cancel()
    elif row.can_resume and row.token is not None:
        # A run that is cancelled before its first step only tells the service.
        _begin_with(session, row, _resume, setting(session), row.token)
    elif row.is_remote_running:
        _cancel_elsewhere(session, row)


def remove(session: Session, row: Row) -> None:
    """Take a job out of the list and out of the journal; files that were fetched stay."""
    session.rows.remove(row)
    session.touch()
    if row.token is not None:
        session.call(
            session.journal.forget,
            row.token,
            then=lambda _nothing: None,
            failed=lambda error: logger.warning("%s", error.sentence),
        )


def list_journal(session: Session) -> None:
    """Bring the jobs that the journal knows into the list, newest first."""
    session.call(
        _read_journal,
        session.journal,
        then=lambda rows: _add_known(session, rows),
        failed=lambda error: logger.warning("%s", error.sentence),
    )


def list_remote(session: Session, jobs: tuple[Job, ...], base_url: str) -> int:
    """Bring jobs of the account into the list; returns how many were not in it."""
    from ..service.history import job_name

    known = {row.job_id: row for row in session.rows if row.job_id}
    added = 0
    for job in jobs:
        row = known.get(job.job_id)
        if row is None:
            row = Row(name=job_name(job), base_url=base_url, job_id=job.job_id)
            row.created_at = job.created_at
            session.rows.append(row)
            added += 1
        elif row.state is not State.REMOTE:
            continue
        _describe_remote(row, job)
    session.touch()
    return added


def _describe_remote(row: Row, job: Job) -> None:
    status = job.status
    row.is_remote_running = not status.is_final
    failure = (job.error and job.error.message) or job.message or ""
    succeeded = status.value == "SUCCEEDED"
    row.set(State.REMOTE, note=f"On the service: {status.value.capitalize()}")
    if row.is_remote_running:
        row.say("Started elsewhere. Import waits for its end and fetches the result.")
    elif succeeded:
        row.say("Started elsewhere: choose a target and press Import to fetch it.")
    else:
        row.say(failure or f"The job is {status.value.lower()}.", alert=True)


def _begin_with(session: Session, row: Row, make: Any, *arguments: object) -> None:  # noqa: ANN401
    """Have a thread make the row's pipeline, then run it."""
    row.set(State.CANCELING if row.cancel_wanted else State.PREPARING)
    row.say("")
    session.touch()
    session.call(
        make,
        *arguments,
        then=lambda pipeline: _made(session, row, pipeline),
        failed=lambda error: _failed(session, row, error),
    )


def _made(session: Session, row: Row, pipeline: Pipeline) -> None:
    row.job_id = pipeline.record.job_id
    session.run_pipeline(row, pipeline)
    row.cancel_wanted = False
    session.touch()


def _failed(session: Session, row: Row, error: MyoSapiensError) -> None:
    row.cancel_wanted = False
    row.set(State.FAILED)
    row.say(error.sentence, alert=True)
    session.touch()


def _fetch(session: Session, row: Row, *, raises: bool = False) -> None:
    """Fetch a result that is on the service only."""
    try:
        if row.job_id is None:
            raise MyoSapiensError("The result's files are gone; send the take again.")
        place = setting(session)
    except MyoSapiensError as error:
        if raises:
            raise
        _failed(session, row, error)
        return
    _begin_with(session, row, _adopt, place, row.job_id, row.name, _notes_of(row, row.plan))


def _notes_of(row: Row, plan: LandingPlan | None) -> LandingNotes:
    if plan is None:
        stored = row.record.landing if row.record is not None else {}
        return LandingNotes.from_dict(stored, name=row.name)
    return LandingNotes(name=plan.name, options=plan.options)


def _cancel_elsewhere(session: Session, row: Row) -> None:
    def done(_nothing: object) -> None:
        row.cancel_wanted = row.is_remote_running = False
        row.set(State.CANCELED)
        row.say("")

    def failed(error: MyoSapiensError) -> None:
        row.cancel_wanted = False
        row.say(error.sentence, alert=True)

    access = connection.allowed(preferences.read())
    session.call(_cancel_job, access, row.job_id, then=done, failed=failed, errand=True)


def _add_known(session: Session, rows: list[Row]) -> None:
    """What others worked on may have come to rest since; what is at work here is known best."""
    fresh = {row.token: row for row in rows}
    by_job = {row.job_id: row for row in rows if row.job_id}
    for place, row in enumerate(session.rows):
        newer = fresh.pop(row.token, None)
        if row.state is State.REMOTE and row.job_id in by_job:
            newer = fresh.pop(by_job[row.job_id].token, None)
        if newer is not None and row.state in (State.ELSEWHERE, State.REMOTE):
            newer.key = row.key
            session.rows[place] = newer
    session.rows += fresh.values()
    session.touch()


# What follows runs in threads.


def _begin(place: Setting, spec: JobSpec, name: str, notes: LandingNotes) -> Pipeline:
    from ..jobs.pipeline import Pipeline

    folder = paths.new_directory(place.downloads, paths.file_name(name))
    return Pipeline.begin(
        replace(spec, out_dir=folder),
        base_url=place.base_url,
        journal=place.journal,
        connect=place.connect,
        settings=place.pipeline,
        landing=notes.as_dict(),
    )


def _resume(place: Setting, token: str) -> Pipeline:
    from ..jobs.pipeline import Pipeline

    return Pipeline.resume(
        token, journal=place.journal, connect=place.connect, settings=place.pipeline
    )


def _adopt(place: Setting, job_id: str, name: str, notes: LandingNotes) -> Pipeline:
    """A pipeline for a job that is known by its id; one the journal follows is gone on with."""
    from ..jobs.pipeline import Pipeline

    known = place.journal.find_job(job_id)
    if known is not None and not known.stage.is_final:
        return _resume(place, known.token)
    if known is not None:
        # Its files are gone, or it came to nothing here: fetched anew.
        place.journal.forget(known.token)
    return Pipeline.adopt(
        job_id,
        name=name,
        out_dir=paths.new_directory(place.downloads, paths.file_name(name)),
        base_url=place.base_url,
        journal=place.journal,
        connect=place.connect,
        settings=place.pipeline,
        landing=notes.as_dict(),
    )


def _are_here(files: tuple[Path, ...]) -> bool:
    return all(path.is_file() for path in files)


def _cancel_job(access: Access, job_id: str) -> None:
    with access.client() as client:
        client.cancel_job(job_id=job_id)


def _import_what_is_heavy() -> None:
    """Import in this thread what the main thread would have to wait for, half a second in all.

    The first press of Retarget, and the first import of a result, find it here.
    """
    from ..jobs import pipeline, settings  # noqa: F401
    from . import (  # noqa: F401
        animation,
        extras,
        finishing,
        fitting,
        landed,
        landing,
        landing_checks,
        report,
        self_check,
    )


def _read_journal(journal: Journal) -> list[Row]:
    _import_what_is_heavy()
    records: list[JobRecord] = journal.load_all()[-MOST_LISTED:]
    return [
        row_events.from_record(record, is_free=journal.is_free(record.token))
        for record in reversed(records)
    ]
