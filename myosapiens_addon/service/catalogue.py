# SPDX-License-Identifier: GPL-3.0-or-later
"""The characters of one service in short, and a file to keep them in.

A panel draws from this value, never from the network; the file lets it draw before the
service was asked in this session.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from ..files import replacing
from .errors import AnswerError, NotFoundError
from .parsing import Reader
from .texts import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from .client import Client
    from .models import Character, CharacterDetails

logger = logging.getLogger(__name__)

SCHEMA = 1
UNNAMED = "Character"
# So much of an id is shown behind a name that is not the only one.
ID_SHOWN = 8
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One character.

    Attributes:
        character_id: its id on the service.
        name: as the service tells it; may be empty, and two may have the same.
        label: the name to show, which no other entry of the catalogue has.
        description: a sentence or two; may be empty.
        versions: the ready versions, newest first; empty where takes cannot be solved on it.
        default_version: the one to use when none is asked for; None where none is ready.
    """

    character_id: str
    name: str
    label: str
    description: str = ""
    versions: tuple[str, ...] = ()
    default_version: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether takes can be solved on it."""
        return self.default_version is not None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """From one JSON object; the label is the catalogue's to give."""
        name = reader.optional_text("name") or ""
        versions = reader.texts("versions")
        default = reader.optional_text("default_version")
        if default is not None and default not in versions:
            raise reader.error("default_version is none of the versions")
        return cls(
            character_id=reader.text("character_id"),
            name=name,
            label=name,
            description=reader.optional_text("description") or "",
            versions=versions,
            default_version=default,
        )


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The characters of one service, in its order.

    Attributes:
        base_url: the service.
        entries: its characters, those without a ready version too.
    """

    base_url: str
    entries: tuple[CatalogueEntry, ...] = ()

    @classmethod
    def of(cls, base_url: str, entries: Sequence[CatalogueEntry]) -> Self:
        """A catalogue whose labels differ; an entry that comes twice is taken once."""
        single = tuple({entry.character_id: entry for entry in entries}.values())
        labels = _labels(single)
        named = zip(single, labels, strict=True)
        entries = [replace(entry, label=label) for entry, label in named]
        return cls(base_url=base_url, entries=tuple(entries))

    def find(self, character_id: str) -> CatalogueEntry | None:
        """The character of an id."""
        found = (entry for entry in self.entries if entry.character_id == character_id)
        return next(found, None)

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        entries = [asdict(entry) for entry in self.entries]
        return {"schema": SCHEMA, "base_url": self.base_url, "entries": entries}

    @classmethod
    def from_dict(cls, value: object) -> Self | None:
        """From `to_dict`; None where it is anything else."""
        try:
            reader = Reader(value, "the catalogue")
            if reader.integer("schema") != SCHEMA:
                return None
            entries = reader.items("entries", CatalogueEntry.read, required=True)
            return cls.of(reader.text("base_url"), entries)
        except AnswerError:
            return None

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """From a file that `save` wrote; None where it is missing, broken or something else."""
        try:
            content: object = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s is passed over: %s", path.name, type(error).__name__)
            return None
        return cls.from_dict(content)

    def save(self, path: Path) -> bool:
        """Write it to a file, which holds this or what it held before, never a part.

        Returns:
            Whether it was written; where not, the service is asked again, which does no harm.
        """
        text = json.dumps(self.to_dict(), indent=1)
        try:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except OSError as error:
            logger.warning("%s could not be written: %s", path.name, error.strerror)
            return False
        return True


def fetch_catalogue(client: Client) -> Catalogue:
    """Ask the service for all its characters and their versions: a request for each.

    Raises:
        ServiceError: the service cannot be asked.
        CancelledError: cancelled.
    """
    found = [_fetch_entry(client, character) for character in client.iter_characters()]
    return Catalogue.of(client.base_url, [entry for entry in found if entry is not None])


def _fetch_entry(client: Client, character: Character) -> CatalogueEntry | None:
    try:
        details = client.get_character(character_id=character.character_id)
    except NotFoundError:
        # Taken away between the list and the look at it.
        return None
    name = one_line(details.name or character.name)
    newest = details.newest_ready()
    return CatalogueEntry(
        character_id=character.character_id,
        name=name,
        label=name,
        description=one_line(details.description or character.description or ""),
        versions=_ready_versions(details),
        default_version=None if newest is None else newest.version,
    )


def _ready_versions(details: CharacterDetails) -> tuple[str, ...]:
    """Newest first: what `newest_ready` says, then by date, then as the service lists them."""
    newest = details.newest_ready()
    if newest is None:
        return ()
    dated = sorted(details.ready_versions, key=lambda one: one.created_at or LONG_AGO, reverse=True)
    return tuple(dict.fromkeys([newest.version, *(version.version for version in dated)]))


def _labels(entries: Sequence[CatalogueEntry]) -> list[str]:
    """Names, with as much of the id as it takes to tell two of one name apart."""
    labels = [entry.name or UNNAMED for entry in entries]
    for shown in (ID_SHOWN, None):
        count: Mapping[str, int] = Counter(labels)
        labels = [
            label
            if count[label] == 1
            else f"{entry.name or UNNAMED} ({entry.character_id[:shown]})"
            for entry, label in zip(entries, labels, strict=True)
        ]
    return labels
