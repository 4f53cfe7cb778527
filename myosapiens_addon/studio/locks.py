# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings a seat cannot change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from . import settings, values
from .values import WrongValueError


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What is locked, and what is wrong with how that is said."""

    names: frozenset[str]
    faults: tuple[str, ...] = ()


def read_lock(value: object, *, present: Collection[str], misplaced: bool) -> Lock:
    """The settings that a lock names; a table's name stands for all that the file sets in it.

    A lock that is wrong may have meant any setting: it locks all that the file sets.

    Args:
        value: what stands behind `lock`; None where it is missing.
        present: settings that the file sets, rightly or not; a table that is no table too.
        misplaced: whether it stands where no lock belongs.
    """
    if value is None:
        return Lock(names=frozenset())
    everything = frozenset(name for name in settings.NAMES if _is_present(name, present))
    try:
        wanted = values.as_texts(value)
    except WrongValueError as wrong:
        return Lock(names=everything, faults=(f"lock {wrong}; all of this file is locked.",))
    unknown = [name for name in wanted if not _meant(name)]
    names = frozenset(
        name
        for word in wanted
        for name in _meant(word)
        # A whole table: what of it the file leaves alone stays the seat's.
        if word in settings.NAMES or _is_present(name, present)
    )
    faults = tuple(
        f"lock names {name!r}, which is no setting; all of this file is locked." for name in unknown
    )
    return Lock(names=names | everything if unknown or misplaced else names, faults=faults)


def _is_present(name: str, present: Collection[str]) -> bool:
    return name in present or name.partition(".")[0] in present


def _meant(word: str) -> tuple[str, ...]:
    if word in settings.NAMES:
        return (word,)
    if word.startswith("key."):
        return (settings.KEY,)
    return tuple(name for name in settings.NAMES if name.partition(".")[0] == word)
