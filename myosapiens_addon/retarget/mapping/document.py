# SPDX-License-Identifier: GPL-3.0-or-later
"""A bone map as a document: what presets and the maps that users keep have in common.

::

    {
      "format": "bone-map", "version": 1,
      "id": "mixamo", "title": "Mixamo",
      "sides": {"{side}": ["Left", "Right"]},     what a placeholder stands for: left, right
      "prefixes": ["mixamorig#:"],                may precede every name; # is any digits or none
      "needs": ["MCH-*"], "unless": ["DEF-*"],    bones that must, or must not, be in the rig
      "complete": true,                           nothing is to be added to it by guessing
      "switches": …, "hangs_on": …, "moves": …, "also": …, "carrier": …, "ik": …,
                                                  for rigs of this kind (see `retarget.extras`)
      "bones": {"pelvis": "Hips", "spine": ["Spine", "Spine1"], "forearm": "{side}ForeArm"}
    }

Under `bones` stands a role with its bone, or with a list where several share it; an entry of
that list may itself be a list, of names of which the first that a rig has is meant. A role of
those that come in pairs stands for both sides if it is written without a side, and placeholders
are then filled in; `forearm.L` stands for itself.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, cast

from ...errors import InputError
from . import roles
from .placeholders import NO_SIDES, Sides, both_sides, fill

FORMAT = "bone-map"
VERSION = 1
# Kept for whoever poses rigs of this kind, with placeholders filled in.
RIG_KEYS = ("switches", "hangs_on", "moves", "also", "carrier", "ik")
_LISTS = ("prefixes", "needs", "unless")
_KEYS = ("format", "version", "id", "title", "sides", "complete", "bones", *_LISTS, *RIG_KEYS)
Alternatives = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """One bone map as it is written down.

    Attributes:
        preset: its id.
        title: what to call it in front of people.
        bones: role → the bones that share it, each by the names it may have.
        prefixes: what may precede every name; `#` stands for any digits or none.
        needs: patterns of names of which the rig must have each.
        unless: patterns of names of which the rig must have none.
        complete: whether what it leaves open is to stay open.
        rig: those of `RIG_KEYS` that it has, as written, for both sides.
    """

    preset: str = ""
    title: str = ""
    bones: Mapping[str, tuple[Alternatives, ...]]
    prefixes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    complete: bool = False
    rig: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A text and what to call it when something is wrong with it."""

    name: str
    text: str

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise an InputError that names the line on which a key stands."""
        place = self.text.find(json.dumps(key, ensure_ascii=False))
        line = f", line {self.text.count(chr(10), 0, place) + 1}" if place >= 0 else ""
        raise InputError(f"{self.name}{line}: {problem}")


def parse(text: str, name: str) -> Document:
    """Read a document; `name` is what to call the file in errors.

    Raises:
        InputError: it is no bone map, or something in it is wrong.
    """
    if not text.strip():
        raise InputError(f"{name} is empty; choose a bone map (JSON).")
    source = _Source(name=name, text=text)
    top = _load(source)
    _check_head(source, top)
    sides = _sides(source, top.get("sides"))
    return Document(
        preset=_word(source, top, "id"),
        title=_word(source, top, "title"),
        bones=_bones(source, top.get("bones"), sides),
        prefixes=_names(source, top, "prefixes"),
        needs=_names(source, top, "needs"),
        unless=_names(source, top, "unless"),
        complete=top.get("complete") is True,
        rig=MappingProxyType({key: both_sides(top[key], sides) for key in RIG_KEYS if key in top}),
    )


def _load(source: _Source) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        for key, _ in pairs if len(found) < len(pairs) else ():
            if sum(key == other for other, _ in pairs) > 1:
                source.refuse(key, f"{key!r} stands there twice; remove one.")
        return found

    try:
        top: object = json.loads(source.text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source.name} is not JSON: {error.msg} in line {error.lineno}, column "
            f"{error.colno}; choose a bone map (JSON)."
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{source.name} is no bone map: nested too deep or too large.") from error
    if not isinstance(top, dict):
        raise InputError(f"{source.name} is no bone map: it holds no object; choose another file.")
    return cast("dict[str, Any]", top)


def _check_head(source: _Source, top: dict[str, Any]) -> None:
    if top.get("format") != FORMAT:
        raise InputError(
            f'{source.name} is no bone map: its "format" is not {FORMAT!r}; choose another file.'
        )
    if top.get("version") != VERSION:
        source.refuse(
            "version",
            f"the bone map is of version {top.get('version')!r}, this extension reads version "
            f"{VERSION}; update the extension or save the map anew.",
        )
    for key in top:
        if key not in _KEYS:
            source.refuse(key, f"{key!r} is not known here{_nearest(key, _KEYS)}.")


def _word(source: _Source, top: dict[str, Any], key: str) -> str:
    value = top.get(key, "")
    if not isinstance(value, str):
        source.refuse(key, f"{key!r} must be a text.")
    return value.strip()


def _names(source: _Source, top: dict[str, Any], key: str) -> tuple[str, ...]:
    value = top.get(key, [])
    if not _is_list_of_names(value):
        source.refuse(key, f"{key!r} must be a list of names.")
    return tuple(cast("list[str]", value))


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) and item for item in cast("list[object]", value)
    )


def _sides(source: _Source, value: object) -> Sides:
    if value is None:
        return NO_SIDES
    if not isinstance(value, dict):
        source.refuse("sides", "'sides' must be an object of placeholders.")
    found: dict[str, tuple[str, str]] = {}
    for placeholder, words in cast("dict[str, object]", value).items():
        if not _is_list_of_names(words) or len(cast("list[str]", words)) != 2:
            source.refuse(placeholder, f"{placeholder!r} must be a list of two: left, right.")
        left, right = cast("list[str]", words)
        found[placeholder] = (left, right)
    return found


def _bones(source: _Source, value: object, sides: Sides) -> Mapping[str, tuple[Alternatives, ...]]:
    if not isinstance(value, dict) or not value:
        source.refuse("bones", "'bones' must be an object with at least one role and its bone.")
    found: dict[str, tuple[Alternatives, ...]] = {}
    for role, entry in cast("dict[str, object]", value).items():
        for one, chain in _of_role(role, _chain(source, role, entry), sides):
            if one not in roles.ALL:
                nearest = _nearest(role, (*roles.ALL, *roles.SIDED))
                source.refuse(role, f"{role!r} is not a role{nearest}.")
            if one in found:
                source.refuse(role, f"the role {one!r} is given twice; remove one.")
            if len(chain) > roles.most_bones(one):
                most = roles.most_bones(one)
                source.refuse(role, f"the role {one!r} has {len(chain)} bones, {most} at most.")
            found[one] = chain
    _refuse_twins(source, found)
    return MappingProxyType(found)


def _chain(source: _Source, role: str, entry: object) -> tuple[Alternatives, ...]:
    items = cast("list[object]", entry) if isinstance(entry, list) else [entry]
    chain: list[Alternatives] = []
    for item in items:
        names = cast("list[object]", item) if isinstance(item, list) else [item]
        if not names or not _is_list_of_names(names):
            source.refuse(role, f"the role {role!r} must have a bone's name, or a list of them.")
        chain.append(tuple(cast("list[str]", names)))
    if not chain:
        source.refuse(role, f"the role {role!r} has no bone; name one or remove the role.")
    return tuple(chain)


def _of_role(
    role: str, chain: tuple[Alternatives, ...], sides: Sides
) -> Iterator[tuple[str, tuple[Alternatives, ...]]]:
    if role not in roles.SIDED:
        yield role, chain
        return
    for right, side in enumerate(roles.SIDES):
        yield (
            f"{role}{side}",
            tuple(tuple(fill(name, sides, bool(right)) for name in names) for names in chain),
        )


def _refuse_twins(source: _Source, found: Mapping[str, tuple[Alternatives, ...]]) -> None:
    role_of: dict[str, str] = {}
    for role, chain in found.items():
        for names in chain:
            other = role_of.setdefault(names[0], role)
            if other != role or sum(names[0] == twin[0] for twin in chain) > 1:
                source.refuse(
                    names[0],
                    f"the bone {names[0]!r} plays two parts, {other!r} and {role!r}; "
                    "each bone has one role, so remove one.",
                )


def _nearest(text: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(text, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known[:6])}, …"
