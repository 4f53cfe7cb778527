# SPDX-License-Identifier: GPL-3.0-or-later
"""The sizes of a subject as one vector: stature, segment scales, offsets of movable markers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .chain import Chain, Indices, Points
from .skeleton import PER_AXIS_GROUPS, group_of
from .tracker import Tracker

Array = NDArray[np.float64]
STATURE = 0  # the first value: the subject's stature over the skeleton's


class ScaleSpace:
    """Maps the vector of sizes to body scales and marker offsets, and gives its Jacobian.

    Attributes:
        names: The names of stature and scales, in the vector's order.
        size: Length of the vector.
        movable: Indices of the movable markers; their offsets (3 each) end the vector.
    """

    def __init__(self, chain: Chain, markers: Points, soles: Points, movable: Indices) -> None:
        self.names: list[str] = ["stature"]
        self._columns = self._assign(chain)
        self.movable = movable
        self.scale_count = len(self.names)
        self.size = self.scale_count + 3 * len(movable)
        self._marker_count = len(markers.bodies)
        self._points = markers + soles

    def _assign(self, chain: Chain) -> Indices:
        """(bodies, 3): which value scales each axis of each body; the world takes none (-1)."""
        columns = np.full((len(chain.parents), 3), -1, dtype=np.intp)
        for body, name in enumerate(chain.body_names):
            group = group_of(name)
            if body == 0:
                continue
            if group is None:
                columns[body] = columns[chain.parents[body]]
            elif group in PER_AXIS_GROUPS:
                columns[body] = [self._column(f"{group}_{axis}") for axis in "xyz"]
            else:
                columns[body] = self._column(group)
        return columns

    def _column(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def unscaled(self) -> Array:
        """The sizes of the skeleton itself."""
        values = np.zeros(self.size)
        values[: self.scale_count] = 1.0
        return values

    def unpack(self, values: Array) -> tuple[Array, Array]:
        """Body scales (bodies, 3) and marker offsets (markers, 3)."""
        scales = np.where(self._columns < 0, 1.0, values[self._columns])
        offsets = np.zeros((self._marker_count, 3))
        offsets[self.movable] = values[self.scale_count :].reshape(-1, 3)
        return scales, offsets

    def apply(self, values: Array, tracker: Tracker) -> None:
        """Give a tracker these sizes."""
        tracker.resize(*self.unpack(values))

    def jacobian(self, chain: Chain) -> Array:
        """(3 × points, size): how markers and soles move with the sizes in the chain's pose."""
        rotations = chain.rotations()
        # One column more than needed takes what belongs to the world (index -1).
        moved = np.zeros((len(chain.parents), 3, self.size + 1))
        for body in range(1, len(chain.parents)):
            parent = chain.parents[body]
            moved[body] = moved[parent]
            self._add(moved[body], rotations[parent], chain.offsets_m[body], int(parent))
        result = moved[self._points.bodies]
        for point, body in enumerate(self._points.bodies):
            self._add(result[point], rotations[body], self._points.local_m[point], int(body))
        for order, marker in enumerate(self.movable):
            first = self.scale_count + 3 * order
            result[marker, :, first : first + 3] = rotations[self._points.bodies[marker]]
        return result[:, :, :-1].reshape(-1, self.size)

    def _add(self, block: Array, rotation: Array, local_m: Array, body: int) -> None:
        for axis in range(3):
            block[:, self._columns[body, axis]] += rotation[:, axis] * local_m[axis]
