# SPDX-License-Identifier: GPL-3.0-or-later
"""`POST /v1/runs/retarget`, in the revision that the service speaks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from .assets import BUCKET, INPUT_PURPOSE, Asset
from .bodies import RetargetBody, RetargetBody1, RetargetBody2
from .errors import RefusedError
from .jobs import NewJob
from .parameters import ServicePart
from .service import Service
from .settings import Revision

ROLE_NAMES = {"c3d": "motion capture file", "markerset": "markerset"}


def make_router(revision: Revision) -> APIRouter:
    """The routes for one revision."""
    router = APIRouter(prefix="/v1/runs", tags=["runs"])
    endpoint = _start_retarget_1 if revision == 1 else _start_retarget_2
    router.post("/retarget", status_code=201, name="start_retarget")(endpoint)
    return router


def _start_retarget_1(body: RetargetBody1, service: ServicePart) -> dict[str, Any]:
    """Start a retarget job (revision 1)."""
    return _start(service, body)


def _start_retarget_2(body: RetargetBody2, service: ServicePart) -> dict[str, Any]:
    """Start a retarget job (revision 2)."""
    return _start(service, body)


def _start(service: Service, body: RetargetBody) -> dict[str, Any]:
    options = body.solve_options()
    options["revision"] = service.settings.revision
    options["character"] = _solver_name(service, body)
    if isinstance(body, RetargetBody1):
        options["mocap_scale"] = None  # revision 1 goes by the file's own unit
    inputs = {
        role: _find_input(service, body, prefix=prefix, role=role)
        for role, prefix in body.sources().items()
    }
    job = service.jobs.create(
        NewJob(
            revision=service.settings.revision,
            options=options,
            metadata=body.metadata,
            inputs=inputs,
        )
    )
    service.scheduler.notify()
    return {
        "job_id": job.job_id,
        "type": job.type,
        "status": job.status,
        "message": "Retarget job created successfully",
        "estimated_wait_time_seconds": service.jobs.estimate_wait_s(
            job, workers=service.settings.workers
        ),
    }


def _solver_name(service: Service, body: RetargetBody) -> str:
    character, version = service.catalogue.get_version(
        str(body.character_id), body.character_version
    )
    if not version.is_ready:
        raise RefusedError(
            400,
            f"Version {version.version} of {character.name} is {version.status}, not READY; "
            "choose a version that is.",
        )
    return character.solver_name


def _find_input(service: Service, body: RetargetBody, *, prefix: str, role: str) -> str:
    asset_id: UUID | None = getattr(body, f"{prefix}_asset_id")
    reference: str | None = getattr(body, f"{prefix}_s3")
    if asset_id is not None:
        asset = service.assets.get(str(asset_id))
    else:
        asset = _find_by_reference(service, reference or "", field=f"{prefix}_s3")
    name = ROLE_NAMES[role]
    if not asset.is_completed:
        raise RefusedError(
            400, f"The {name} (asset {asset.asset_id}) is not completely uploaded yet."
        )
    if asset.purpose != INPUT_PURPOSE:
        raise RefusedError(
            400, f"The {name} (asset {asset.asset_id}) was not uploaded for the purpose retarget."
        )
    return asset.asset_id


def _find_by_reference(service: Service, reference: str, *, field: str) -> Asset:
    prefix = f"s3://{BUCKET}/"
    if not reference.startswith(prefix):
        raise RefusedError(
            400, f"{field} must begin with {prefix}: other storages are not reached."
        )
    asset = service.assets.find_by_key(reference.removeprefix(prefix))
    if asset is None:
        raise RefusedError(404, f"{field} refers to {reference}, which does not exist.")
    return asset
