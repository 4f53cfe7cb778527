# SPDX-License-Identifier: GPL-3.0-or-later
"""The neutral middle: what every decoder makes and every consumer takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int32]
    IndexArray = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """World poses of the bodies of one character over one take.

    World axes: Z up, metres. Quaternions are unit, ordered w x y z. F frames, B bodies.
    A parent stands before its children, so one pass over the bodies visits the tree in order.

    Attributes:
        names: the B body names, each once.
        parents: (B,) int32, index of each body's parent, -1 for a root.
        rest_positions: (B, 3) float64, world position of each body's origin at rest, in m.
        rest_rotations: (B, 4) float64, world rotation of each body at rest.
        times: (F,) float64, seconds since the first frame of the take, strictly rising.
        positions: (F, B, 3) float64, world position of each body's origin, in m.
        rotations: (F, B, 4) float64, world rotation of each body.
    """

    names: tuple[str, ...]
    parents: IntArray
    rest_positions: FloatArray
    rest_rotations: FloatArray
    times: FloatArray
    positions: FloatArray
    rotations: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together.

        Raises:
            OutputError: a shape is wrong, a parent comes after its child, or times do not rise.
        """
        frames, bodies = len(self.times), len(self.names)
        if frames == 0 or bodies == 0:
            raise OutputError("The motion has no frames or no bodies; nothing can be animated.")
        shapes = {
            "parents": (self.parents.shape, (bodies,)),
            "rest_positions": (self.rest_positions.shape, (bodies, 3)),
            "rest_rotations": (self.rest_rotations.shape, (bodies, 4)),
            "positions": (self.positions.shape, (frames, bodies, 3)),
            "rotations": (self.rotations.shape, (frames, bodies, 4)),
        }
        for name, (found, wanted) in shapes.items():
            if found != wanted:
                raise OutputError(f"The motion's {name} have shape {found} instead of {wanted}.")
        if len(set(self.names)) != bodies:
            raise OutputError("The motion names a body twice; each body needs its own name.")
        if np.any(self.parents >= np.arange(bodies)) or np.any(self.parents < -1):
            raise OutputError("The motion's bodies are not in tree order, parents first.")
        if np.any(np.diff(self.times) <= 0.0):
            raise OutputError("The motion's times do not rise from frame to frame.")

    @property
    def frame_count(self) -> int:
        """Number of frames F."""
        return len(self.times)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last."""
        return float(self.times[-1] - self.times[0])

    @property
    def rate_hz(self) -> float:
        """Mean frames per second; 0 when there is one frame only."""
        return (self.frame_count - 1) / self.duration_s if self.frame_count > 1 else 0.0
