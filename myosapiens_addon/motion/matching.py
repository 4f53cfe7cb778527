# SPDX-License-Identifier: GPL-3.0-or-later
"""Coordinates in the making: what a file says is filled in, the rest stays at its reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from . import forward
from .character import Character, JointKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .character import Joint
    from .motion import FloatArray

NAMED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Matched:
    """Coordinates of a character, and what did not fit.

    Attributes:
        coordinates: (F, N) in model order: rad, m, quaternions w x y z.
        missing: names of joints that the file says nothing of; they stay at their reference.
        unused: names in the file that the character does not know.
        sentences: what to tell people, one thing each.
    """

    coordinates: FloatArray
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(kw_only=True)
class Filling:
    """Coordinates in the making: at reference until something is known.

    Attributes:
        character: whose they are.
        coordinates: (F, N).
        known: names of joints that have been filled in.
        used: names in the file that have been used.
    """

    character: Character
    coordinates: FloatArray
    known: set[str] = field(default_factory=set[str])
    used: set[str] = field(default_factory=set[str])

    def put(self, joint: Joint, values: FloatArray, names: Sequence[str]) -> None:
        """Fill in a joint by values (F, width) that stand under some names in the file."""
        start = self.character.starts[joint.name]
        self.coordinates[:, start : start + joint.width] = values
        self.known.add(joint.name)
        self.used.update(names)

    def open(self, kind: JointKind | None = None) -> list[Joint]:
        """Joints (of a kind) that nothing is known of yet."""
        return [
            joint
            for joint in self.character.joints
            if joint.name not in self.known and kind in (None, joint.kind)
        ]

    def matched(self, names: Sequence[str], sentences: Sequence[str]) -> Matched:
        """The result; `names` are all names in the file."""
        return Matched(
            coordinates=self.coordinates,
            missing=tuple(joint.name for joint in self.open()),
            unused=tuple(name for name in names if name not in self.used),
            sentences=tuple(sentences),
        )


def start_filling(character: Character, frames: int) -> Filling:
    """All coordinates at their reference."""
    reference = forward.reference_coordinates(character)
    return Filling(character=character, coordinates=np.tile(reference, (frames, 1)))


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many."""
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(name[:60] for name in names[:NAMED])}{rest}"


def on_missing(name: str, filling: Filling) -> list[str]:
    """One sentence on the joints that a file says nothing of; none where it has them all."""
    roots = filling.open(JointKind.FREE)
    others = [joint.name for joint in filling.open() if joint.kind is not JointKind.FREE]
    parts: list[str] = []
    if roots:
        parts.append("has no root, so the character stays in place")
    if others:
        total = len(filling.character.joints)
        said = f"says nothing of {len(others)} of {total} joints, which stay at rest"
        parts.append(f"{said} ({listed(others)})")
    return [f"{name} {', and '.join(parts)}."] if parts else []


def on_unused(name: str, filling: Filling, names: Sequence[str]) -> list[str]:
    """A sentence on those names in a file that the character does not know; none for none."""
    unused = [each for each in names if each not in filling.used]
    if not unused:
        return []
    return [
        f"{filling.character.title} does not know {len(unused)} of the names in {name} "
        f"({listed(unused)}); they were left out."
    ]
