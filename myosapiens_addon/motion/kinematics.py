# SPDX-License-Identifier: GPL-3.0-or-later
"""From poses relative to the parent to world poses, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import quaternion

if TYPE_CHECKING:
    from .motion import FloatArray, IntArray


def world_from_local(
    parents: IntArray, translations: FloatArray, rotations: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Compose poses down the tree.

    Args:
        parents: (B,) index of the parent, -1 for a root; parents come first.
        translations: (…, B, 3) origin of each body in its parent's axes, in m.
        rotations: (…, B, 4) rotation of each body against its parent.

    Returns:
        World positions (…, B, 3) and rotations (…, B, 4).
    """
    positions = np.array(translations, dtype=np.float64)
    world = np.array(rotations, dtype=np.float64)
    for body, parent in enumerate(parents.tolist()):
        if parent < 0:
            continue
        turned = quaternion.rotate(world[..., parent, :], positions[..., body, :])
        positions[..., body, :] = positions[..., parent, :] + turned
        world[..., body, :] = quaternion.multiply(world[..., parent, :], world[..., body, :])
    return positions, world


def local_from_world(
    parents: IntArray, positions: FloatArray, rotations: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The inverse of `world_from_local`, with the same shapes."""
    has_parent = parents >= 0
    parent = parents[has_parent]
    back = quaternion.conjugate(rotations[..., parent, :])
    translations, local = positions.copy(), rotations.copy()
    offset = positions[..., has_parent, :] - positions[..., parent, :]
    translations[..., has_parent, :] = quaternion.rotate(back, offset)
    local[..., has_parent, :] = quaternion.multiply(back, rotations[..., has_parent, :])
    return translations, local
