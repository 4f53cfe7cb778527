# SPDX-License-Identifier: GPL-3.0-or-later
"""The characters that jobs can be solved on."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from .assets import BUCKET
from .errors import RefusedError

LOCAL_CHARACTER_ID = "6c1f3f0e-5a0b-4d59-9a53-0d5f3c0b7e21"
MYOSKELETON_ID = "0199e278-06e6-7726-a6ba-9929f79005e8"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a character; only a READY one can be solved on."""

    version: str
    status: str
    created_at: str

    @property
    def is_ready(self) -> bool:
        """Whether jobs may use it."""
        return self.status == "READY"


@dataclass(frozen=True, kw_only=True)
class Character:
    """A character; its versions from the oldest to the newest.

    `solver_name` is what the solver calls it.
    """

    character_id: str
    name: str
    description: str
    created_at: str
    versions: tuple[Version, ...]
    solver_name: str

    @property
    def ready_versions(self) -> tuple[Version, ...]:
        """The versions that jobs may use."""
        return tuple(version for version in self.versions if version.is_ready)

    def version_id(self, version: Version) -> str:
        """The same id for the same version, always."""
        return str(uuid.uuid5(uuid.UUID(self.character_id), version.version))

    def manifest_key(self, version: Version) -> str:
        """Where the version's manifest is in the storage."""
        return f"characters/{self.character_id}/{version.version}/manifest.json"


LOCAL = Character(
    character_id=LOCAL_CHARACTER_ID,
    name="Local Human",
    description="A human skeleton from published anthropometry, solved on this machine.",
    created_at="2025-09-01T09:00:00.000000Z",
    versions=(
        Version(version="v0.9.0", status="DEPRECATED", created_at="2025-09-01T09:00:00.000000Z"),
        Version(version="v1.0.0", status="READY", created_at="2025-11-03T09:00:00.000000Z"),
    ),
    solver_name="local",
)
MYOSKELETON = Character(
    character_id=MYOSKELETON_ID,
    name="MyoSkeleton",
    description="The model of the package myo_model, solved on this machine.",
    created_at="2025-10-14T00:00:00.000000Z",
    versions=(Version(version="v1.0.0", status="READY", created_at="2025-10-14T00:00:00.000000Z"),),
    solver_name="myoskeleton",
)


class Catalogue:
    """The characters of one service, and their manifests in its storage."""

    def __init__(self, characters: tuple[Character, ...], data_dir: Path) -> None:
        self.characters = characters
        self._data_dir = data_dir
        for character in characters:
            for version in character.versions:
                self._write_manifest(character, version)

    def get(self, character_id: str) -> Character:
        """One character.

        Raises:
            RefusedError: 404, there is none of this id.
        """
        for character in self.characters:
            if character.character_id == character_id.lower():
                return character
        raise RefusedError(404, f"There is no character {character_id}.")

    def get_version(self, character_id: str, version_name: str) -> tuple[Character, Version]:
        """One version of a character.

        Raises:
            RefusedError: 404, the character or the version is unknown.
        """
        character = self.get(character_id)
        for version in character.versions:
            if version.version == version_name:
                return character, version
        known = ", ".join(version.version for version in character.versions)
        raise RefusedError(
            404, f"{character.name} has no version {version_name}; its versions are {known}."
        )

    def has_manifest(self, character: Character, version: Version) -> bool:
        """Whether the version's manifest is in the storage."""
        return self._manifest_path(character, version).is_file()

    def _manifest_path(self, character: Character, version: Version) -> Path:
        return self._data_dir / character.manifest_key(version)

    def _write_manifest(self, character: Character, version: Version) -> None:
        path = self._manifest_path(character, version)
        path.parent.mkdir(parents=True, exist_ok=True)
        manifest = {
            "character_id": character.character_id,
            "name": character.name,
            "version": version.version,
            "status": version.status,
        }
        path.write_text(json.dumps(manifest, indent=2) + "\n")


def storage_uri(key: str) -> str:
    """A key of this storage as an S3 URI."""
    return f"s3://{BUCKET}/{key}"
