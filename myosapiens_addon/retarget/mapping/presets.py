# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: the bones of well-known kinds of rigs, as data (`../presets/*.json`).

Names are compared as people and exporters write them: letter case, the width of letters and
the kind of separator do not count, and a namespace or one of the preset's prefixes may precede
them all.
"""

from __future__ import annotations

import contextlib
import functools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

from ...errors import InputError, RigError
from . import files, roles
from .document import RIG_KEYS, Alternatives, Document
from .roles import RoleMap

FOLDER = Path(__file__).parent.parent / "presets"
# A preset of which fewer bones are there than this is not the armature's.
FEWEST = 4
# Bones that follow controls: no namespace, however much they look like one.
_MECHANISM = ("def_", "org_", "mch_", "vis_", "wgt_", "ik_", "fk_")
# Words of what a preset says of a rig, which are never bones.
_WORDS = frozenset(
    (*RIG_KEYS, "bone", "property", "value", "roles", "control", "pole", "toe", "shown")
)
# Roles whose bones show what precedes the names.
_ANCHORS = ("pelvis", "head", "hand.L", "shin.R")
_SEPARATORS = re.compile(r"[\s._:|]+")


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A preset that can be chosen.

    Attributes:
        id: short and stable.
        title: what to call it in front of people.
        document: what it says.
        path: its file, for a user's own or a studio's; None for a built-in one.
        is_shared: whether it is of the user's studio.
    """

    id: str
    title: str
    document: Document
    path: Path | None = None
    is_shared: bool = False


@dataclass(frozen=True, kw_only=True)
class Shelves:
    """Where presets are besides the built-in ones.

    Attributes:
        own: a user's folder.
        shared: those of the user's studio, read before.
        shared_first: whether one of the studio goes before one of the user that is called alike.
    """

    own: Path | None = None
    shared: tuple[Preset, ...] = ()
    shared_first: bool = False


Kept = Path | Shelves | None


def catalogue(kept: Kept = None) -> tuple[Preset, ...]:
    """The built-in presets, and those that a user keeps in a folder, or a studio for all.

    Files there that are no bone maps are left out; `find` says of one what is wrong with it.
    A file that is called like a built-in preset (`mixamo.json`) takes its place.
    """
    shelves = kept if isinstance(kept, Shelves) else Shelves(own=kept)
    own = in_folder(shelves.own) if shelves.own is not None else ()
    in_turn = (shelves.shared, own) if shelves.shared_first else (own, shelves.shared)
    found: dict[str, Preset] = {}
    for preset in (*in_turn[0], *in_turn[1]):
        found.setdefault(preset.id, preset)
    return (*(preset for preset in built_in() if preset.id not in found), *found.values())


@functools.cache
def built_in() -> tuple[Preset, ...]:
    """The presets that come with the extension, by title."""
    read = [files.load(path) for path in sorted(FOLDER.glob("*.json"))]
    presets = [Preset(id=one.preset, title=one.title, document=one) for one in read]
    return tuple(sorted(presets, key=lambda preset: preset.title.casefold()))


def in_folder(folder: Path, *, is_shared: bool = False) -> tuple[Preset, ...]:
    """The presets whose files lie in a folder; none where it cannot be read."""
    return tuple(replace(preset, is_shared=is_shared) for preset in _read_in(folder))


def _read_in(folder: Path) -> Iterator[Preset]:
    try:
        paths = sorted(folder.glob("*.json"))
    except OSError:
        return
    for path in paths:
        try:
            yield _of_file(path)
        except InputError:
            continue


def _of_file(path: Path) -> Preset:
    read = files.load(path)
    # A map that was kept after choosing a built-in preset is another one than that.
    is_own = read.preset and read.preset not in {preset.id for preset in built_in()}
    return Preset(
        id=read.preset if is_own else path.stem,
        title=read.title or path.stem,
        document=read,
        path=path,
    )


def find(text: str, kept: Kept = None) -> Preset:
    """The preset that a text means: its id, its title, or the path of a bone map.

    Raises:
        InputError: there is no such preset, or the file is no bone map.
    """
    wanted = text.strip()
    known = catalogue(kept)
    for preset in known:
        if wanted.casefold() in (preset.id.casefold(), preset.title.casefold()):
            return preset
    path = Path(wanted)
    with contextlib.suppress(RuntimeError):  # no such home; whoever reads it says it is not there
        path = path.expanduser()
    if wanted and (path.suffix.lower() == ".json" or len(path.parts) > 1):
        return _of_file(path)
    ids = ", ".join(preset.id for preset in known)
    raise InputError(f"There is no bone map {text!r}; choose one of {ids}, or a JSON file.")


def apply(preset: Preset, names: Iterable[str], rig: str = "") -> RoleMap:
    """Give the bones of these names the roles that a preset gives them.

    Raises:
        RigError: hardly any of the preset's bones is there.
    """
    found = match(preset.document, NameIndex(names))
    bones = found.bones
    if bones < min(FEWEST, sum(map(len, preset.document.bones.values()))):
        wanted = next(iter(preset.document.bones.values()))[0][0]
        where = f"The armature {rig!r}" if rig else "The armature"
        raise RigError(
            f"{where} has {bones or 'none'} of the bones of {preset.title!r} (such as "
            f"{wanted!r}); choose another bone map."
        )
    return role_map(preset, found)


def missing(preset: Preset, names: Iterable[str]) -> list[str]:
    """Bones of a preset that are not among these names, by the first name of each."""
    index = NameIndex(names)
    found = {bone for chain in match(preset.document, index).chains.values() for bone in chain}
    return [
        wanted[0]
        for chain in preset.document.bones.values()
        for wanted in chain
        if not found & set(wanted) and not any(index.find("", name) in found for name in wanted)
    ]


def role_map(preset: Preset, found: Match) -> RoleMap:
    """What was found of a preset."""
    return RoleMap(chains=found.chains, preset=preset.id, title=preset.title, rig=found.rig)


def key_of(name: str) -> str:
    """A name as it is compared."""
    return _SEPARATORS.sub("_", unicodedata.normalize("NFKC", name).casefold())


class NameIndex:
    """Bones by name, as written and as compared."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Collection[str] = frozenset(names)
        self.by_key: dict[str, str | None] = {}
        for name in sorted(self.names):
            key = key_of(name)
            # Two names that compare equal are found only as they are written.
            self.by_key[key] = None if key in self.by_key else name

    def find(self, prefix: str, wanted: str) -> str | None:
        """The bone of a name behind a prefix (as compared)."""
        if not prefix and wanted in self.names:
            return wanted
        return self.by_key.get(prefix + key_of(wanted))

    def has(self, pattern: str) -> bool:
        """Whether any name, as written, fits a pattern with `*`."""
        if "*" not in pattern:
            return pattern in self.names
        return any(fnmatchcase(name, pattern) for name in self.names)


@dataclass(frozen=True, kw_only=True)
class Match:
    """What of a preset is there.

    Attributes:
        chains: role → bones that are there.
        rig: what else the preset says, with bones called as they are here.
    """

    chains: Mapping[str, tuple[str, ...]]
    rig: Mapping[str, Any]

    @property
    def bones(self) -> int:
        """How many bones are there."""
        return sum(map(len, self.chains.values()))


def match(read: Document, index: NameIndex) -> Match:
    """What is there, with the prefix that fits most; nothing for a rig that is ruled out."""
    best = Match(chains={}, rig=read.rig)
    if not all(map(index.has, read.needs)) or any(map(index.has, read.unless)):
        return best
    for prefix in _prefixes(read, index):
        found = Match(
            chains=_with_prefix(read, index, prefix),
            rig=cast("Mapping[str, Any]", _renamed(read.rig, index, prefix)),
        )
        if found.bones > best.bones:
            best = found
    return best


def _renamed(value: object, index: NameIndex, prefix: str) -> object:
    """What a preset says of a rig, with its bones called as they are here."""
    if isinstance(value, str):
        # Roles are called like some bones, and stay roles.
        is_bone = value and value not in roles.ALL
        return (index.find(prefix, value) or value) if is_bone else value
    if isinstance(value, list):
        return [_renamed(item, index, prefix) for item in cast("list[object]", value)]
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {
            key if key in _WORDS else cast("str", _renamed(key, index, prefix)): (
                item if key == "property" else _renamed(item, index, prefix)
            )
            for key, item in items
        }
    return value


def _with_prefix(read: Document, index: NameIndex, prefix: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for role, chain in read.bones.items():
        bones = [bone for names in chain if (bone := _first(index, prefix, names)) is not None]
        # The root alone may stand without the prefix, or be it.
        if not bones and role == "root" and prefix:
            bones = [bone for names in chain if (bone := _first(index, "", names)) is not None]
        fresh = tuple(bone for bone in dict.fromkeys(bones) if bone not in taken)
        taken.update(fresh)
        if fresh:
            found[role] = fresh
    return found


def _first(index: NameIndex, prefix: str, names: Alternatives) -> str | None:
    return next((bone for name in names if (bone := index.find(prefix, name)) is not None), None)


def _prefixes(read: Document, index: NameIndex) -> list[str]:
    """What may precede the names here, as compared: nothing first."""
    patterns = [_pattern(prefix) for prefix in read.prefixes]
    found = {""}
    for role in _ANCHORS:
        for wanted in read.bones.get(role, ((),))[0]:
            end = key_of(wanted)
            for key in index.by_key:
                prefix = key[: -len(end)]
                if key.endswith(end) and _may_precede(prefix, patterns):
                    found.add(prefix)
    return sorted(found)


def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(re.escape(key_of(prefix)).replace(r"\#", r"\d*"))


def _may_precede(prefix: str, patterns: list[re.Pattern[str]]) -> bool:
    if any(pattern.search(prefix) and pattern.split(prefix)[-1] == "" for pattern in patterns):
        return True
    return prefix.endswith("_") and not prefix.endswith(_MECHANISM)
