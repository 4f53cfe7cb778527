# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets, characters and jobs as the API shows them."""

from __future__ import annotations

from typing import Any

from .assets import Asset
from .characters import Character, Version, storage_uri
from .jobs import Job
from .service import Service


def asset_view(asset: Asset) -> dict[str, Any]:
    """An asset in a list."""
    return {
        "asset_id": asset.asset_id,
        "purpose": asset.purpose,
        "filename": asset.filename,
        "content_type": asset.content_type,
        "size_bytes": asset.size_bytes,
        "status": asset.status,
        "checksum_sha256": asset.checksum_sha256,
        "reference_count": asset.reference_count,
        "metadata": asset.metadata,
        "created_at": asset.created_at,
    }


def asset_details_view(service: Service, asset: Asset, asked_host: str | None) -> dict[str, Any]:
    """An asset by itself: with a fresh download URL once its bytes are here."""
    url = service.download_url(asset, asked_host=asked_host) if asset.is_completed else None
    return {**asset_view(asset), "download_url": url}


def character_view(character: Character) -> dict[str, Any]:
    """A character in a list."""
    return {
        "character_id": character.character_id,
        "name": character.name,
        "description": character.description,
        "version_count": len(character.versions),
        "latest_version": character.versions[-1].version,
    }


def character_details_view(character: Character) -> dict[str, Any]:
    """A character by itself, newest version first."""
    versions = [_version_view(character, version) for version in reversed(character.versions)]
    ready = [version for version in versions if version["status"] == "READY"]
    return {
        "character_id": character.character_id,
        "name": character.name,
        "description": character.description,
        "created_at": character.created_at,
        "versions": versions,
        "latest_version": versions[0],
        "ready_versions": ready,
        "total_versions": len(versions),
        "ready_version_count": len(ready),
    }


def manifest_view(character: Character, version: Version) -> dict[str, Any]:
    """The report on a manifest that is in the storage."""
    return {
        "version_id": character.version_id(version),
        "character_id": character.character_id,
        "version": version.version,
        "status": version.status,
        "created_at": version.created_at,
        "manifest_s3_key": storage_uri(character.manifest_key(version)),
        "updated_at": version.created_at,
    }


def job_view(service: Service, job: Job) -> dict[str, Any]:
    """A job in a list."""
    workers = service.settings.workers
    return {
        "job_id": job.job_id,
        "run_id": job.run_id,
        "type": job.type,
        "status": job.status,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
        "failed_at": job.failed_at,
        "canceled_at": job.canceled_at,
        "message": job.message,
        "queue_position": service.jobs.queue_position(job),
        "estimated_wait_time_seconds": service.jobs.estimate_wait_s(job, workers=workers),
        "credits_charged": _credits(job),
        "metadata": job.metadata,
        "output": _output_view(job),
        "error": job.error,
    }


def job_details_view(service: Service, job: Job, asked_host: str | None) -> dict[str, Any]:
    """A job by itself: with fresh download URLs of its outputs."""
    urls = {
        role: service.download_url(service.assets.get(asset_id), asked_host=asked_host)
        for role, asset_id in job.outputs.items()
    }
    return {**job_view(service, job), "download_urls": urls or None}


def _version_view(character: Character, version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "status": version.status,
        "created_at": version.created_at,
        "manifest_s3": storage_uri(character.manifest_key(version)),
    }


def _output_view(job: Job) -> dict[str, Any] | None:
    if job.status != "SUCCEEDED":
        return None
    if job.revision == 1:
        return {"retarget_output_asset_id": job.outputs["retarget_output"]}
    return {
        "retarget_output_asset_ids": job.outputs,
        "processing_time_seconds": job.processing_time_s,
        "diagnostics": job.diagnostics,
    }


def _credits(job: Job) -> int | None:
    if job.status in ("QUEUED", "RUNNING"):
        return None
    return 1 if job.status == "SUCCEEDED" else 0
