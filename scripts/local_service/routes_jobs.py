# SPDX-License-Identifier: GPL-3.0-or-later
"""`/v1/jobs`: how the work goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from . import clock
from .jobs import JobStatus
from .paging import Conditions
from .parameters import AskedHost, PagingPart, ServicePart
from .views import job_details_view, job_view

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Statuses = Annotated[list[JobStatus] | None, Query()]
Types = Annotated[list[Literal["retarget"]] | None, Query()]
_USED_BY = "job_id IN (SELECT job_id FROM job_assets WHERE direction = 'input' AND asset_id = ?)"


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """The filters of the list; each that is given must hold."""

    status: Statuses = None
    type: Types = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    run_id: str | None = None
    has_output: bool | None = None
    input_asset_id: UUID | None = None

    def conditions(self) -> Conditions:
        """What `JobStore.list_page` takes."""
        single: dict[str, Any] = {
            "created_at >= ?": self.created_after and clock.stamp(self.created_after),
            "created_at <= ?": self.created_before and clock.stamp(self.created_before),
            "run_id = ?": self.run_id,
            "(status = 'SUCCEEDED') = ?": self.has_output,
            _USED_BY: self.input_asset_id and str(self.input_asset_id),
        }
        found: dict[str, Sequence[Any]] = {
            text: (value,) for text, value in single.items() if value is not None
        }
        for column, values in (("status", self.status), ("type", self.type)):
            if values:
                found[f"{column} IN ({', '.join('?' for _ in values)})"] = values
        return found


@router.get("")
def list_jobs(
    service: ServicePart, paging: PagingPart, wanted: Annotated[JobFilter, Depends()]
) -> dict[str, Any]:
    """The jobs, newest first."""
    page = service.jobs.list_page(paging, wanted.conditions())
    return {
        "jobs": [job_view(service, job) for job in page.items],
        "total": page.total,
        "limit": paging.limit,
        "offset": paging.offset,
    }


@router.get("/{job_id}")
def get_job(job_id: str, service: ServicePart, asked_host: AskedHost) -> dict[str, Any]:
    """One job, with fresh download URLs of its outputs."""
    return job_details_view(service, service.jobs.get(job_id), asked_host)


@router.delete("/{job_id}")
def cancel_job(job_id: str, service: ServicePart) -> dict[str, Any]:
    """Cancel a queued or running job; its process is gone when the answer comes."""
    job = service.jobs.cancel(job_id)
    service.scheduler.kill(job_id)
    return {"job_id": job.job_id, "status": job.status, "message": job.message}
