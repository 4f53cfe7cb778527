# SPDX-License-Identifier: GPL-3.0-or-later
"""`/v1/characters`: what can be solved on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from .errors import RefusedError
from .parameters import PagingPart, ServicePart
from .views import character_details_view, character_view, manifest_view

router = APIRouter(prefix="/v1/characters", tags=["characters"])


@router.get("")
def list_characters(
    service: ServicePart,
    paging: PagingPart,
    name_contains: str = "",
    has_ready_versions: bool | None = None,
) -> dict[str, Any]:
    """The characters; `has_ready_versions` picks those with, or those without a READY version."""
    found = [
        character
        for character in service.catalogue.characters
        if name_contains.lower() in character.name.lower()
        and has_ready_versions in (None, bool(character.ready_versions))
    ]
    page = found[paging.offset : paging.offset + paging.limit]
    return {
        "characters": [character_view(character) for character in page],
        "total": len(found),
        "limit": paging.limit,
        "offset": paging.offset,
    }


@router.get("/{character_id}")
def get_character(character_id: str, service: ServicePart) -> dict[str, Any]:
    """One character with all its versions."""
    return character_details_view(service.catalogue.get(character_id))


@router.post("/{character_id}/validate-manifest")
def validate_manifest(
    character_id: str, version: Annotated[str, Query()], service: ServicePart
) -> dict[str, Any]:
    """Check that a version's manifest is in the storage."""
    character, found = service.catalogue.get_version(character_id, version)
    if not service.catalogue.has_manifest(character, found):
        raise RefusedError(
            404, f"The manifest of {character.name} {version} is not in the storage."
        )
    return manifest_view(character, found)
