# SPDX-License-Identifier: GPL-3.0-or-later
"""`/v1/assets`: files up and down."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from . import clock
from .assets import NewAsset
from .bodies import InitiateBody
from .parameters import AskedHost, PagingPart, ServicePart
from .views import asset_details_view, asset_view

router = APIRouter(prefix="/v1/assets", tags=["assets"])

ReferenceCount = Annotated[int | None, Query(ge=0, le=2**31)]


@router.post("/initiate", status_code=201)
def initiate(body: InitiateBody, service: ServicePart, asked_host: AskedHost) -> dict[str, Any]:
    """Announce a file; the answer says where and how to upload it."""
    moment = clock.now()
    asset = service.assets.create(NewAsset(**body.model_dump()))
    return {
        "asset_id": asset.asset_id,
        "upload_url": service.upload_url(asked_host=asked_host),
        "fields": service.upload_fields(asset),
        "expires_at": clock.stamp(moment + timedelta(seconds=service.settings.url_ttl_s)),
    }


@router.post("/{asset_id}/complete")
def complete(asset_id: str, service: ServicePart) -> dict[str, Any]:
    """Say that the file is uploaded; the answer has its checksum."""
    asset = service.assets.complete(asset_id)
    return {
        "asset_id": asset.asset_id,
        "verified": True,
        "size_bytes": asset.size_bytes,
        "checksum_sha256": asset.checksum_sha256,
        "message": "Asset upload completed and verified",
    }


@router.get("")
def list_assets(
    service: ServicePart,
    paging: PagingPart,
    purpose: Literal["retarget", "retarget_output"] | None = None,
    reference_count: ReferenceCount = None,
) -> dict[str, Any]:
    """The assets, newest first."""
    page = service.assets.list_page(paging, purpose=purpose, reference_count=reference_count)
    return {
        "assets": [asset_view(asset) for asset in page.items],
        "total": page.total,
        "limit": paging.limit,
        "offset": paging.offset,
    }


@router.get("/{asset_id}")
def get_asset(asset_id: str, service: ServicePart, asked_host: AskedHost) -> dict[str, Any]:
    """One asset, with a fresh download URL."""
    return asset_details_view(service, service.assets.get(asset_id), asked_host)


@router.delete("/{asset_id}", status_code=204)
def delete_asset(asset_id: str, service: ServicePart) -> None:
    """Delete an asset that no job refers to."""
    service.assets.delete(asset_id)
