# SPDX-License-Identifier: GPL-3.0-or-later
"""UPLOADED → POSTED → STARTED: the job is started, once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TakeError
from ..service.errors import ServiceError, UnknownOutcomeError
from ..service.job_models import RetargetRequest
from ..service.retry import pause
from ..service.revisions import Revision, chosen_options
from ..service.texts import plain
from ..takes import take
from . import character
from .events import Started
from .lookup import TOKEN_KEY, find_job
from .record import Stage, now
from .run import Run
from .uploading import is_there

if TYPE_CHECKING:
    from ..service.job_models import Job

logger = logging.getLogger(__name__)

UNITS_PER_METRE = {"m": 1, "dm": 10, "cm": 100, "mm": 1000}
DEFAULT_MOCAP_SCALE = 1000
LONGEST_METADATA = 200


def start(run: Run) -> None:
    """UPLOADED: start the job; a record of an earlier version may have no character yet."""
    record = run.record
    if not (is_there(run, record.c3d_asset_id) and is_there(run, record.markerset_asset_id)):
        run.write(stage=Stage.CREATED)
        return
    character.settle(run)
    request = build_request(run)
    # Before it is sent: whoever finds the record from here on must look for the job.
    run.write(stage=Stage.POSTED, posted_at=now())
    _post(run, request)


def find_or_start(run: Run) -> None:
    """POSTED: an earlier run was cut off while it started the job."""
    job = _look(run)
    if job is None:
        _post(run, build_request(run))
    else:
        _adopt(run, job)


def build_request(run: Run) -> RetargetRequest:
    """The request of the record, with its token in the metadata.

    Raises:
        InputError: the record has no take.
    """
    record, spec = run.record, run.record.spec
    options, path = spec.options, spec.inputs()[0]
    return RetargetRequest(
        tracker_asset_id=record.c3d_asset_id or "",
        markerset_asset_id=record.markerset_asset_id or "",
        character_id=record.character_id or "",
        character_version=record.character_version or "",
        enable_scaling=spec.enable_scaling,
        subject_gender=spec.subject.gender,
        subject_height_m=spec.subject.height_m,
        subject_weight_kg=spec.subject.weight_kg,
        metadata={**_sendable(spec.metadata), TOKEN_KEY: record.token},
        mocap_scale=options.mocap_scale or _scale_of(path),
        rotation=options.rotation,
        clip_length=options.clip_length,
        chunk_size=options.chunk_size,
        disable_contacts=options.disable_contacts,
        n_frames_scaling=options.n_frames_scaling,
        take_name=path.name,
    )


def _sendable(metadata: Mapping[str, str]) -> dict[str, str]:
    """Values of any script, at most 200 characters each, without what cannot be stored."""
    return {name: plain(str(value)[:LONGEST_METADATA]) for name, value in metadata.items()}


def _scale_of(path: Path) -> int | None:
    """The take's units per metre, where it tells and they are not the service's default."""
    if not take.is_read_here(path):
        return None
    scale = UNITS_PER_METRE.get(take.read_info(path).units.lower())
    return None if scale == DEFAULT_MOCAP_SCALE else scale


def _post(run: Run, request: RetargetRequest) -> None:
    """Send the request; after a lost answer look for the job before sending it again."""
    for _again in range(run.settings.start_tries - 1):
        try:
            return _send(run, request)
        except UnknownOutcomeError as error:
            logger.warning("%s Looking for it.", error.sentence)
        job = _look(run)
        if job is not None:
            return _adopt(run, job)
    try:
        return _send(run, request)
    except UnknownOutcomeError:
        job = _look(run)
        if job is None:
            raise
        return _adopt(run, job)


def _send(run: Run, request: RetargetRequest) -> None:
    try:
        started = run.client.start_retarget(request=request)
    except UnknownOutcomeError:
        raise
    except (ServiceError, TakeError):
        # Refused, so there is no job to look for: the record is as before.
        run.write(stage=Stage.UPLOADED, posted_at=None)
        raise
    ticket = started.ticket
    run.is_fresh, run.estimated_wait_s = True, ticket.estimated_wait_s
    run.write(stage=Stage.STARTED, job_id=ticket.job_id, revision=int(started.revision))
    run.emit(
        Started(
            token=run.record.token, job_id=ticket.job_id, estimated_wait_s=ticket.estimated_wait_s
        )
    )
    ignored = chosen_options(request) if started.revision is Revision.ONE else {}
    if ignored:
        run.warn(f"The service does not know these options: {', '.join(sorted(ignored))}.")


def _look(run: Run) -> Job | None:
    """Look for the job a few times: the service may come to the request a moment later."""
    besides = run.jobs_of_others()
    for wait_s in run.settings.look_waits_s:
        pause(run.stop, wait_s)
        job = find_job(
            run.client,
            token=run.record.token,
            input_asset_id=run.record.c3d_asset_id or "",
            besides=besides,
        )
        if job is not None:
            return job
    return None


def _adopt(run: Run, job: Job) -> None:
    run.job = job
    run.write(stage=Stage.STARTED, job_id=job.job_id)
    run.emit(Started(token=run.record.token, job_id=job.job_id, found=True))
