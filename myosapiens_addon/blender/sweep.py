# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what an undo brings back from the midst of an import: half an action, half an armature.

The user's own undo steps between two slices of an import hold what was there at that moment.
"""

from __future__ import annotations

from typing import Any

import bpy

from .compat import UNFINISHED


def sweep() -> None:
    """Remove every unfinished action and armature of the file. No import may be under way."""
    kinds: tuple[Any, ...] = (bpy.data.actions, bpy.data.objects, bpy.data.armatures)
    for blocks in kinds:
        for block in [entry for entry in blocks if entry.get(UNFINISHED)]:
            blocks.remove(block)
