# SPDX-License-Identifier: GPL-3.0-or-later
"""The character to solve on: chosen, and confirmed by the service, before anything is sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..errors import InputError
from ..service.errors import NotFoundError

if TYPE_CHECKING:
    from ..service.client import Client
    from .run import Run
    from .spec import JobSpec

logger = logging.getLogger(__name__)


def settle(run: Run) -> None:
    """Choose and check the character, and write it down; done already, nothing happens.

    Raises:
        InputError: it is not on the service, or not ready.
        ServiceError: the service cannot be asked.
    """
    if run.record.character_id is not None and run.record.character_version is not None:
        return
    sharing = run.settings.sharing
    if sharing is None:
        character_id, version = _confirmed(run)
    else:
        spec = run.record.spec
        wanted = (spec.character_id, spec.character_version)
        characters = sharing.characters
        # Whoever comes first asks, the others wait for the answer.
        with characters.guard:
            if wanted not in characters.settled:
                characters.settled[wanted] = _confirmed(run)
        character_id, version = characters.settled[wanted]
    run.write(character_id=character_id, character_version=version)


def _confirmed(run: Run) -> tuple[str, str]:
    character_id, version = choose(run.client, run.record.spec)
    check(run.client, character_id, version)
    return character_id, version


def choose(client: Client, spec: JobSpec) -> tuple[str, str]:
    """Id and version of the character to solve on: those asked for, or the first ready one.

    Raises:
        InputError: no character, or no version, is ready.
    """
    if spec.character_id and spec.character_version:
        return spec.character_id, spec.character_version
    if spec.character_id:
        return spec.character_id, _newest_version(client, spec.character_id)
    for character in client.iter_characters(has_ready_versions=True):
        version = client.get_character(character_id=character.character_id).newest_ready()
        if version is not None:
            logger.info("Character: %s %s.", character.name, version.version)
            return character.character_id, version.version
    raise InputError("The service has no character that is ready: ask its support for one.")


def check(client: Client, character_id: str, version: str) -> None:
    """Ask the service whether takes can be solved on a character's version.

    Raises:
        InputError: it does not have it, or it is not ready.
        ServiceError: the service cannot be asked.
    """
    try:
        report = client.validate_manifest(character_id=character_id, version=version)
    except NotFoundError as error:
        raise InputError(
            f"The service does not have version {version} of the character {character_id}: "
            "choose a character and version that it lists."
        ) from error
    if not report.is_ready:
        raise InputError(
            f"Version {version} of the character {character_id} is {report.status}, not READY: "
            "choose a version that is ready."
        )


def _newest_version(client: Client, character_id: str) -> str:
    try:
        details = client.get_character(character_id=character_id)
    except NotFoundError as error:
        raise InputError(
            f"The service does not have the character {character_id}: choose one that it lists."
        ) from error
    version = details.newest_ready()
    if version is None:
        raise InputError(
            f"The character {details.name or character_id} has no version that is ready: "
            "choose another character."
        )
    return version.version
