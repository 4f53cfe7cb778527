# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATED → UPLOADED: the take and the markerset go to the service."""

from __future__ import annotations

import time
from pathlib import Path

from ..service.errors import NotFoundError
from .events import Uploading
from .record import Stage
from .run import Run


def upload(run: Run) -> None:
    """Upload both files, but none that an earlier run uploaded."""
    begun = time.monotonic()
    spec = run.record.spec
    run.write(c3d_asset_id=_upload_one(run, run.record.c3d_asset_id, spec.c3d))
    run.write(
        markerset_asset_id=_upload_one(run, run.record.markerset_asset_id, spec.markerset),
        stage=Stage.UPLOADED,
    )
    run.write(seconds=run.spent("upload", begun))


def is_there(run: Run, asset_id: str | None) -> bool:
    """Whether an uploaded file is still on the service."""
    if asset_id is None:
        return False
    try:
        return run.client.get_asset(asset_id=asset_id).is_completed
    except NotFoundError:
        return False


def _upload_one(run: Run, asset_id: str | None, path: Path) -> str:
    if asset_id is not None and is_there(run, asset_id):
        return asset_id
    tell = run.progress(Uploading, path.name)
    return run.client.upload_asset(path=path, progress=tell).asset_id
