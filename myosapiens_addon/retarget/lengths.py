# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a character's own armature has the lengths of a take's subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import choosing

if TYPE_CHECKING:
    from ..motion.motion import Motion
    from .rig import Rig

# Differences that nobody sees; the lengths of one subject are the same to a rounding error.
SAME_M = 0.002


def difference_m(motion: Motion, rig: Rig) -> float | None:
    """How much the lengths of an armature differ at most from those of a take's subject, in m.

    A length is how far a body's origin is from its parent's at rest. An object may be scaled:
    what counts is its bones as they are shown, or as they are, whichever is nearer. None where
    the armature is not the character's own.
    """
    pairs = choosing.own_bones(rig, motion)
    if pairs is None:
        return None
    body_of = dict(zip(pairs.bones, pairs.bodies, strict=True))
    ours, theirs = [0.0], [0.0]
    for bone, body in body_of.items():
        parent = int(rig.parents[bone])
        while parent >= 0 and parent not in body_of:  # bones that somebody put in between
            parent = int(rig.parents[parent])
        if parent < 0:
            continue
        ours.append(float(np.linalg.norm(rig.rest_positions[bone] - rig.rest_positions[parent])))
        above = motion.rest_positions[body_of[parent]]
        theirs.append(float(np.linalg.norm(motion.rest_positions[body] - above)))
    units = (1.0, rig.place.world_scale)
    return min(float(np.max(np.abs(np.array(ours) * unit - theirs))) for unit in units)
