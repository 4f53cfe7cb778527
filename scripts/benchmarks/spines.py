# SPDX-License-Identifier: GPL-3.0-or-later
"""The same rig with another number of spine bones."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from myosapiens_addon.motion import quaternion
from myosapiens_addon.retarget.mapping.roles import RoleMap

if TYPE_CHECKING:
    from myosapiens_addon.motion.motion import FloatArray
    from myosapiens_addon.retarget.rig import Rig

ALONG = np.array([0.0, 1.0, 0.0])


def with_spine(rig: Rig, bones: RoleMap, count: int) -> tuple[Rig, RoleMap]:
    """A rig whose spine has `count` bones of one length, along the same line.

    Args:
        rig: the rig, whose spine goes over into its neck.
        bones: its roles.
        count: how many spine bones it shall have.
    """
    old = [rig.names.index(name) for name in bones.chains["spine"]]
    neck = rig.names.index(bones.chains["neck"][0])
    points = _shared_out(rig.rest_positions[[*old, neck]], count)
    before = [row for row in range(old[0]) if row not in old]
    after = [row for row in range(old[0], len(rig.names)) if row not in old]
    last = len(before) + count - 1
    place = {row: index for index, row in enumerate(before)}
    place |= {row: last + 1 + index for index, row in enumerate(after)}
    place |= dict.fromkeys(old, last) | {-1: -1}

    def spliced(values: FloatArray, new: FloatArray) -> FloatArray:
        return np.concatenate([values[before], new, values[after]])

    names = tuple(f"s{index}" for index in range(count))
    chain = [place[int(rig.parents[old[0]])], *range(len(before), last)]
    parents = [*(place[int(rig.parents[row])] for row in before), *chain]
    parents += [place[int(rig.parents[row])] for row in after]
    spans = np.diff(points, axis=0)
    directions = spans / np.linalg.norm(spans, axis=1, keepdims=True)
    axes = quaternion.from_two_vectors(np.broadcast_to(ALONG, directions.shape), directions)
    total = len(parents)
    made = dataclasses.replace(
        rig,
        names=(*(rig.names[row] for row in before), *names, *(rig.names[row] for row in after)),
        parents=np.array(parents, np.int32),
        rest_positions=spliced(rig.rest_positions, points[:-1]),
        rest_tails=spliced(rig.rest_tails, points[1:]),
        rest_rotations=spliced(rig.rest_rotations, axes),
        body_rest_rotations=np.full((total, 4), np.nan),
        rotation_modes=("QUATERNION",) * total,
        inherits_rotation=np.ones(total, np.bool_),
        local_location=np.ones(total, np.bool_),
        connected=np.zeros(total, np.bool_),
    )
    return made, RoleMap(chains={**bones.chains, "spine": names})


def _shared_out(line: FloatArray, count: int) -> FloatArray:
    """Points (count + 1, 3) at equal distances along a line of points."""
    along = np.zeros(len(line))
    along[1:] = np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))
    wanted = np.arange(count + 1) * (along[-1] / count)
    found = np.empty((count + 1, 3))
    for axis in range(3):
        found[:, axis] = np.interp(wanted, along, line[:, axis])
    return found
