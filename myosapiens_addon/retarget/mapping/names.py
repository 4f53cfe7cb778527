# SPDX-License-Identifier: GPL-3.0-or-later
"""What the names of bones say: the part of the body, the side, the place in a chain."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import words
from .roles import FINGERS

_TOKEN = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_NUMBERED_FINGER = re.compile(r"(?:^|[ _])([LR])[ _]Finger(\d)(\d?)$")
_KANA_HELPERS = ("キャンセル", "ダミー")
_MMD_TOE = "足先EX"
_KANJI_SIDES = {"左": ".L", "右": ".R"}
# A token that so many bones have says nothing of any of them: what the character is called.
_COMMON = 0.6
_FEWEST_COMMON = 8


@dataclass(frozen=True, kw_only=True)
class Name:
    """What one name says.

    Attributes:
        roles: words of roles that it may mean, without a side; empty for none known.
        side: `.L`, `.R` or empty.
        numbers: the numbers in it, in order.
        helper: whether it says that the bone helps another, or is none of the body.
        twist: whether it says that the bone takes the twist of the part it names.
        metacarpal: whether it says that the bone lies in the palm.
        part: whether it names some part of a hand or foot, if it is not known which.
        fk: whether it says that it is a control of forward kinematics.
    """

    roles: frozenset[str] = frozenset()
    side: str = ""
    numbers: tuple[int, ...] = ()
    helper: bool = False
    twist: bool = False
    metacarpal: bool = False
    part: bool = False
    fk: bool = False

    @property
    def sure(self) -> str:
        """The one role that it can mean; empty for none, or more than one."""
        return next(iter(self.roles)) if len(self.roles) == 1 else ""


def read_all(names: Sequence[str]) -> list[Name]:
    """What each of a rig's names says."""
    split = [_tokens(name) for name in names]
    common = _common(split)
    # Where a foot is rigged so, つま先 is only its tip.
    if any(_MMD_TOE in unicodedata.normalize("NFKC", name) for name in names):
        split = [["end"] if "つま先" in "".join(tokens) else tokens for tokens in split]
    return [
        _numbered_finger(name) or _read(tokens, common)
        for name, tokens in zip(names, split, strict=True)
    ]


def _numbered_finger(name: str) -> Name | None:
    """What is said by `L Finger0`, `L Finger01`, …, `R Finger42`: the finger, then the bone."""
    found = _NUMBERED_FINGER.search(name)
    if found is None:
        return None
    side, finger, bone = found.groups()
    if int(finger) >= len(FINGERS):
        return None
    return Name(
        roles=frozenset({FINGERS[int(finger)]}),
        side=f".{side}",
        numbers=(int(bone or 0) + 1,),
    )


def _tokens(name: str) -> list[str]:
    """The words and numbers of a name, in lower case, without its namespace."""
    plain = unicodedata.normalize("NFKC", re.split(r"[:|]", name)[-1] or name)
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        found.extend(_split_side(token.lower()))
    return found


def _split_side(token: str) -> list[str]:
    """A side that is written together with what follows it, taken apart."""
    for kanji in _KANJI_SIDES:
        if kanji in token:
            rest = token.replace(kanji, "")
            return [kanji, rest] if rest else [kanji]
    for side in ("left", "right"):
        if token.startswith(side) and len(token) > len(side) + 2:
            return [side, token[len(side) :]]
        if token.endswith(side) and len(token) > len(side) + 2:
            return [side, token[: -len(side)]]
    return [token]


def _common(split: Sequence[list[str]]) -> frozenset[str]:
    if len(split) < _FEWEST_COMMON:
        return frozenset()
    counts = Counter(token for tokens in split for token in set(tokens))
    known = _known_tokens()
    return frozenset(
        token
        for token, count in counts.items()
        if count > _COMMON * len(split) and token not in known and not token.isdigit()
    )


def _read(tokens: Sequence[str], common: frozenset[str]) -> Name:
    numbers = tuple(int(token) for token in tokens if token.isdigit() and len(token) < 5)
    parts = [token for token in tokens if not token.isdigit() and token not in common]
    side, parts = _take_side(parts)
    twist = any(token in words.TWISTS or "捩" in token for token in parts)
    metacarpal = any(token in words.METACARPALS for token in parts)
    helper = any(token in words.HELPERS or token.endswith(_KANA_HELPERS) for token in parts)
    roles = _roles(parts, side)
    # The bones of the neck are called twists in some rigs, and carry the head.
    twist = twist and not roles
    if twist or metacarpal:
        rest = [t for t in parts if t not in words.TWISTS and t not in words.METACARPALS]
        roles = _roles([token.replace("捩", "") for token in rest], side)
    return Name(
        roles=roles if not helper else frozenset(),
        side=side,
        numbers=numbers,
        helper=helper,
        twist=twist,
        metacarpal=metacarpal,
        part=metacarpal or (not roles and any(token in words.PARTS for token in parts)),
        fk="fk" in parts,
    )


def _take_side(parts: list[str]) -> tuple[str, list[str]]:
    """The side, and what is left; the first token that can be one, long ones before letters."""
    for least in (2, 1):
        for place, token in enumerate(parts):
            side = _KANJI_SIDES.get(token) or _side_of(token)
            short = len(token) < 2 and token not in _KANJI_SIDES
            if not side or short != (least == 1):
                continue
            # French `d` and `g` stand last; elsewhere they are something else.
            if token in ("g", "d") and place != len(parts) - 1:
                continue
            return side, [*parts[:place], *parts[place + 1 :]]
    return "", parts


def _side_of(token: str) -> str:
    if token in words.LEFT:
        return ".L"
    return ".R" if token in words.RIGHT else ""


def _roles(parts: Sequence[str], side: str) -> frozenset[str]:
    # Letters behind Japanese and Chinese words tell bones apart that only help each other.
    plain = all(part < "\u3000" for part in parts)
    known = [part for part in parts if part not in words.NOISE] if plain else list(parts)
    segments = [part for part in known if part not in words.SEGMENTS]
    table = _table(bool(side))
    for candidate in (parts, known, segments):
        found = table.get("".join(candidate))
        if found:
            return found
    return frozenset()


@functools.cache
def _table(sided: bool) -> Mapping[str, frozenset[str]]:
    """Names run together → roles that they may mean."""
    found: dict[str, set[str]] = {}
    source = words.SIDED if sided else words.MIDDLE
    for role, text in source.items():
        for name in _split_list(text):
            for order in itertools.permutations(name.split()):
                found.setdefault("".join(order), set()).add(role)
    return {name: frozenset(meant) for name, meant in found.items()}


def _split_list(text: str) -> list[str]:
    return [" ".join(name.split()) for name in text.split(",")]


@functools.cache
def _known_tokens() -> frozenset[str]:
    texts = [*words.MIDDLE.values(), *words.SIDED.values()]
    listed = {token for text in texts for name in _split_list(text) for token in name.split()}
    return frozenset(
        listed | words.LEFT | words.RIGHT | words.HELPERS | words.TWISTS | words.METACARPALS
        | {*words.SEGMENTS, *_KANJI_SIDES, "fk", "finger", "upper", "lower"}
    )  # fmt: skip
