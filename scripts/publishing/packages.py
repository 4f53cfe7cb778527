# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an extension's zip."""

from __future__ import annotations

import hashlib
import itertools
import tomllib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publishing import versions
from publishing.refusal import RefusalError

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "blender_manifest.toml"
UNREADABLE = (OSError, zipfile.BadZipFile, KeyError, ValueError, NotImplementedError)


@dataclass(frozen=True, kw_only=True)
class Package:
    """An extension's zip.

    Attributes:
        path: where it is.
        id: the extension's.
        version: a semantic one.
        platforms: Blender's names of those it is for; empty for all.
        content: a digest of names and bytes of what is in it, whatever the times.
    """

    path: Path
    id: str
    version: str
    platforms: tuple[str, ...]
    content: str


def read(path: Path) -> Package:
    """Look into a zip.

    Raises:
        RefusalError: it is no extension's zip, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive)
            versions.precedence(str(manifest["version"]))
            return Package(
                path=path,
                id=str(manifest["id"]),
                version=str(manifest["version"]),
                platforms=tuple(map(str, manifest.get("platforms", ()))),
                content=_digest(archive),
            )
    except UNREADABLE as error:
        raise RefusalError(
            f"{path} cannot be read as an extension's zip ({error}): remove it, or bring it back."
        ) from error


def read_id(path: Path) -> str:
    """The extension that a zip is of; empty where it is none's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return str(_manifest(archive)["id"])
    except UNREADABLE:
        return ""


def refuse_overlap(packages: list[Package]) -> None:
    """An index can offer a seat only one zip of an extension: Blender takes any of several.

    Raises:
        RefusalError: there are two for the same platform.
    """
    for first, second in itertools.combinations(packages, 2):
        both = set(first.platforms) & set(second.platforms)
        if both or not (first.platforms and second.platforms):
            raise RefusalError(
                f"{first.path.name} and {second.path.name} are both for "
                f"{', '.join(sorted(both)) or 'one platform'}: an index can offer a seat only one."
            )


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """At the top, or in the one folder that holds everything."""
    names = archive.namelist()
    if MANIFEST in names:
        return tomllib.loads(archive.read(MANIFEST).decode())
    inner = [name for name in names if name.endswith(f"/{MANIFEST}") and name.count("/") == 1]
    if len(inner) != 1:
        raise ValueError(f"no {MANIFEST} in it")
    return tomllib.loads(archive.read(inner[0]).decode())


def _digest(archive: zipfile.ZipFile) -> str:
    whole = hashlib.sha256()
    for name in sorted(archive.namelist()):
        whole.update(f"{name}\n{hashlib.sha256(archive.read(name)).hexdigest()}\n".encode())
    return whole.hexdigest()
