# SPDX-License-Identifier: GPL-3.0-or-later
"""A static extension repository, as Blender reads it, with all its versions.

    REPO/index.json, index.html        what seats read: the newest version, other extensions
    REPO/myosapiens-0.2.0.zip          the newest version
    REPO/archive/0.2.0/                each version kept, a repository of its own (index.json …)
    REPO/archive/0.1.0/

Blender's index has no room for two versions of one extension: of several zips that fit, it shows
one and installs another. So older ones are kept apart. Everything is made in a hidden folder and
renamed into place: first the version's own folder, then the zips, then the index; what the old
index listed goes last. A publisher that was killed leaves a repository that is whole, and the
next one goes on.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import build
from publishing import packages, versions
from publishing.lock import held
from publishing.packages import Package
from publishing.refusal import RefusalError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

ARCHIVE = "archive"
LOCK = ".publish.lock"
TEMPORARY = ".publish-"
INDEX = ("index.json", "index.html")
SETTINGS = "blender_repo.toml"
LOCK_WAIT_S = 300.0
Kept = dict[str, list[Package]]


@dataclass(kw_only=True)
class Outcome:
    """What became of it.

    Attributes:
        version: the one that was given.
        added: whether it was not there before.
        changed: whether anything was.
        newest: the version that seats get.
        removed: versions that are no longer kept, oldest first.
        remarks: what Blender's tool says of other zips in the folder.
    """

    version: str
    newest: str
    added: bool = False
    changed: bool = False
    removed: list[str] = field(default_factory=list[str])
    remarks: list[str] = field(default_factory=list[str])


def publish(folder: Path, archives: Sequence[Path], *, keep: int | None = None) -> Outcome:
    """Add a version; nothing happens when it is there with the same content.

    Args:
        folder: the repository; made where it is missing.
        archives: the zips of one version, of one extension, each for other platforms.
        keep: how many versions stay, the newest ones; None for all.

    Raises:
        RefusalError: it cannot be added; the repository is as it was.
        OSError: the folder cannot be written.
    """
    given = [packages.read(path) for path in archives]
    packages.refuse_overlap(given)
    _make_folder(folder)
    with held(folder / LOCK, wait_s=LOCK_WAIT_S), _workspace(folder) as work:
        return _Publication(folder, work, given, keep).run()


class _Publication:
    """One version on its way into a repository that is locked."""

    def __init__(self, folder: Path, work: Path, given: list[Package], keep: int | None) -> None:
        self._folder = folder
        self._archive = folder / ARCHIVE
        self._work = work
        self._given = given
        self._keep = keep
        self._ours, self._others = _zips(folder, given[0].id)

    def run(self) -> Outcome:
        """Check everything, then change the repository step by step."""
        version = self._given[0].version
        kept = self._read_kept()
        loose = self._loose(kept)
        self._refuse(version, {**kept, **loose})
        order = sorted({*kept, *loose, version}, key=versions.precedence)
        outcome = Outcome(version=version, newest=order[-1])
        outcome.added = version not in kept and version not in loose
        new = {**loose, **({version: self._given} if outcome.added else {})}
        for name, zips in new.items():
            self._store(name, zips)
        outcome.changed = self._show(outcome) or bool(new)
        outcome.removed = order[: -self._keep] if self._keep else []
        for name in outcome.removed:
            (self._archive / name).rename(self._work / f"removed-{name}")
        return outcome

    def _read_kept(self) -> Kept:
        found = {
            path.name: [packages.read(archive) for archive in sorted(path.glob("*.zip"))]
            for path in self._archive.glob("*/")
            if versions.is_version(path.name)
        }
        for name, zips in found.items():
            for package in zips:
                self._refuse_strange(name, package)
        return {name: zips for name, zips in found.items() if zips}

    def _refuse_strange(self, version: str, package: Package) -> None:
        """What is in a version's folder is offered to seats, and deleted with it."""
        own_id = self._given[0].id
        if (package.id, package.version) != (own_id, version):
            raise RefusalError(
                f"{package.path} is {package.id} {package.version}, not {own_id} {version}: put "
                "it elsewhere."
            )

    def _loose(self, kept: Kept) -> Kept:
        """Versions at the top that somebody put there by hand."""
        loose: Kept = {}
        for package in self._ours:
            if package.version not in kept:
                loose.setdefault(package.version, []).append(package)
            elif package.content not in _contents(kept[package.version]):
                raise RefusalError(
                    f"{package.path} is not the {package.version} that is in "
                    f"{self._archive / package.version}: remove one of them."
                )
        for zips in loose.values():
            packages.refuse_overlap(zips)
        return loose

    def _refuse(self, version: str, there: Kept) -> None:
        if version in there and _contents(there[version]) != _contents(self._given):
            raise RefusalError(
                f"{self._folder} has {version} already, with another content: raise the version "
                "in blender_manifest.toml."
            )
        newer = [name for name in there if versions.precedence(name) > versions.precedence(version)]
        if self._keep and len(newer) >= self._keep:
            raise RefusalError(
                f"{self._folder} has {len(newer)} versions newer than {version}, which would not "
                f"stay with --keep {self._keep}."
            )

    def _store(self, version: str, zips: list[Package]) -> None:
        """Make a version's own folder; it appears at once, or not at all."""
        prepared = self._prepare(version, [package.path for package in zips])
        if not self._archive.exists():
            self._archive.mkdir()
            _make_readable(self._archive)
        prepared.rename(self._archive / version)

    def _show(self, outcome: Outcome) -> bool:
        """Make the newest version the one that seats get; False when it is already."""
        newest = sorted((self._archive / outcome.newest).glob("*.zip"))
        names = {path.name for path in newest}
        prepared = self._prepare("top", newest, self._beside(names), outcome.remarks)
        missing = [path.name for path in newest if not _is_copy(self._folder / path.name, path)]
        stale = [package.path for package in self._ours if package.path.name not in names]
        if not (missing or stale) and _same_index(prepared, self._folder):
            return False
        for name in [*missing, *INDEX]:
            (prepared / name).replace(self._folder / name)
        for path in stale:
            path.unlink()
        return True

    def _beside(self, names: set[str]) -> list[Path]:
        """What the index is made of besides our zips: other extensions, the blocklist."""
        settings = self._folder / SETTINGS
        others = [path for path in self._others if path.name not in names]
        return [*others, settings] if settings.exists() else others

    def _prepare(
        self,
        name: str,
        zips: Sequence[Path],
        beside: Sequence[Path] = (),
        remarks: list[str] | None = None,
    ) -> Path:
        """A folder with these files and Blender's index of them."""
        prepared = self._work / name
        prepared.mkdir()
        for path in zips:
            # Not a link: who overwrites one of two copies must not spoil the other.
            shutil.copyfile(path, prepared / path.name)
        for path in beside:
            _link(path, prepared / path.name)
        said = build.blender_tool("server-generate", "--repo-dir", str(prepared), "--html")
        if remarks is not None:
            remarks += _complaints(said, prepared)
        for made in (*(path.name for path in zips), *INDEX, "."):
            _make_readable(prepared / made)
        return prepared


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise RefusalError(f"{folder} is no folder: name the one that the server serves.")
    if not folder.exists():
        folder.mkdir(parents=True)
        _make_readable(folder)


@contextmanager
def _workspace(folder: Path) -> Generator[Path]:
    """A hidden folder on the same disk; those of publishers that were killed go with it."""
    try:
        yield Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
    finally:
        for path in folder.glob(f"{TEMPORARY}*/"):
            shutil.rmtree(path, ignore_errors=True)


def _zips(folder: Path, own_id: str) -> tuple[list[Package], list[Path]]:
    """The zips at the top of a repository: those of this extension, and all others."""
    found = [path for path in sorted(folder.glob("*.zip")) if not path.name.startswith(".")]
    ours = [path for path in found if packages.read_id(path) == own_id]
    others = [path for path in found if path not in ours and path.is_file()]
    return [packages.read(path) for path in ours], others


def _contents(zips: list[Package]) -> set[str]:
    return {package.content for package in zips}


def _link(source: Path, target: Path) -> None:
    """The same file for a moment; a copy where the disk cannot do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _is_copy(path: Path, original: Path) -> bool:
    return path.is_file() and filecmp.cmp(path, original, shallow=False)


def _make_readable(path: Path) -> None:
    """For everybody, whatever the umask: a web server is another user."""
    mode = path.stat().st_mode
    wanted = mode | (0o555 if path.is_dir() else 0o444)
    if wanted != mode:
        path.chmod(wanted)


def _same_index(one: Path, other: Path) -> bool:
    if not all((other / name).is_file() for name in INDEX):
        return False
    return _listing(one / INDEX[0]) == _listing(other / INDEX[0])


def _listing(index: Path) -> list[str]:
    """What an index says, in one order: the tool takes files as the disk lists them."""
    try:
        found = json.loads(index.read_text(encoding="utf-8"))
        rest = {name: value for name, value in found.items() if name != "data"}
        return sorted(json.dumps(entry, sort_keys=True) for entry in (*found["data"], rest))
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _complaints(said: str, prepared: Path) -> list[str]:
    """What the tool could not list, without the hidden folder's name."""
    rows = said.replace(f"{prepared}{os.sep}", "").splitlines()
    return [row.strip() for row in rows if "error" in row.lower() or "warn" in row.lower()]
