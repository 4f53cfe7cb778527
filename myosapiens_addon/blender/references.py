# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-blocks kept over a longer time: found again by their session uid, never by pointer.

A pointer kept from one tick of a timer to the next may point to nothing: people undo, delete
and purge meanwhile. A session uid survives renaming, undo and redo, and ends with the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import bpy

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One data-block of the open file.

    Attributes:
        uid: its session uid.
        name: what it was called when it was referred to, for messages.
    """

    uid: int
    name: str

    @classmethod
    def to(cls, block: bpy.types.ID) -> Self:
        """Refer to a data-block."""
        return cls(uid=block.session_uid, name=block.name)

    def find_in(self, blocks: Iterable[Any]) -> Any:  # noqa: ANN401 - what the collection holds
        """The data-block in a collection of `bpy.data`; None when it is gone."""
        return next((block for block in blocks if block.session_uid == self.uid), None)

    def find_armature(self) -> bpy.types.Object | None:
        """The armature object; None when it is gone or in no scene any more.

        A deleted object that something still points to stays in the file, but in no scene.
        """
        found = self.find_in(bpy.data.objects)
        in_use = found is not None and found.type == "ARMATURE" and bool(found.users_scene)
        return found if in_use else None
