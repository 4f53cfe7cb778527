# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATED → UPLOADED: all is checked, then the take and the markerset go to the service."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import TakeError
from ..service.errors import NotFoundError
from ..service.revisions import check_take
from ..takes import preflight
from ..takes.take import UNREAD
from . import character
from .events import Checked, Uploading
from .lookup import jobs_of
from .record import Stage
from .run import Run


def upload(run: Run) -> None:
    """Check both files and the character, and upload the files unless an earlier run did.

    Raises:
        TakeError, MarkersetError: the job would fail, as far as is known; nothing was sent.
        InputError: the character cannot be solved on, or the record has no take; neither.
        ServiceError: the service refuses, or cannot be reached.
    """
    take, markerset = run.record.spec.inputs()
    check_take(take.name, run.client.revisions.recall(run.client.base_url))
    if run.settings.preflight and run.record.c3d_asset_id is None:
        _check(run, take, markerset)
    character.settle(run)
    begun = time.monotonic()
    take_id, earlier = _upload_take(run, take)
    run.write(c3d_asset_id=take_id, earlier_jobs=earlier)
    run.write(
        markerset_asset_id=_upload_one(run, run.record.markerset_asset_id, markerset)[0],
        stage=Stage.UPLOADED,
    )
    run.write(seconds=run.spent("upload", begun))


def is_there(run: Run, asset_id: str | None) -> bool:
    """Whether an uploaded file is still on the service."""
    if asset_id is None:
        return False
    if asset_id in run.fresh_assets:
        return True
    try:
        return run.client.get_asset(asset_id=asset_id).is_completed
    except NotFoundError:
        if run.settings.sharing is not None:
            run.settings.sharing.uploads.forget(asset_id)
        return False


def _check(run: Run, take: Path, markerset: Path) -> None:
    if take.suffix.lower() in UNREAD:
        return
    found = preflight.check(take, markerset)
    run.emit(Checked(token=run.record.token, found=found))
    if found.errors:
        raise TakeError(" ".join(found.errors))
    for sentence in found.warnings:
        run.warn(sentence)


def _upload_take(run: Run, take: Path) -> tuple[str, tuple[str, ...]]:
    """The take's asset, and the jobs that have used it, none of which is this record's."""
    asset_id, was_there = _upload_one(run, run.record.c3d_asset_id, take)
    if not was_there:
        return asset_id, run.record.earlier_jobs
    return asset_id, jobs_of(run.client, asset_id)


def _upload_one(run: Run, asset_id: str | None, path: Path) -> tuple[str, bool]:
    """The asset of a file, and whether others may have used it before."""
    if asset_id is not None and is_there(run, asset_id):
        return asset_id, False

    def send() -> str:
        tell = run.progress(Uploading, path.name)
        return run.client.upload_asset(path=path, progress=tell).asset_id

    sharing = run.settings.sharing
    found, was_there = (
        (send(), False) if sharing is None else sharing.uploads.get(run.client, path, send)
    )
    run.fresh_assets.add(found)
    return found, was_there
