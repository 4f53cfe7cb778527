# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known while one take goes onto one armature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .extras import Extras
    from .follow import Source, Target
    from .posing import Tree

NAMED = 6


@dataclass(frozen=True, kw_only=True)
class RetargetOptions:
    """How a take goes onto an armature.

    Attributes:
        path_scale: how the way across the ground is scaled: None by leg length, else times
            this (1 for the recorded metres).
        in_place: leave the way over the ground out; the swaying of steps stays.
        carrier: what the way over the ground is keyed on: `pelvis`, `root` or `object`.
        contacts: hold planted feet in place.
        use_ik: key controls for inverse kinematics, where the bone map's preset knows them.
    """

    path_scale: float | None = None
    in_place: bool = False
    carrier: str = "pelvis"
    contacts: bool = True
    use_ik: bool = False


@dataclass(kw_only=True)
class Notes:
    """What people should know of a retarget.

    Attributes:
        warnings: sentences.
        planted: feet that were held in place at some time.
    """

    warnings: list[str] = field(default_factory=list[str])
    planted: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """One take and one armature.

    Attributes:
        source: the take.
        target: the armature.
        tree: what hangs on what in it.
        extra: what its bone map says besides roles.
        options: how.
        notes: what to tell in the end.
    """

    source: Source
    target: Target
    tree: Tree
    extra: Extras
    options: RetargetOptions
    notes: Notes


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many."""
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{rest}"
