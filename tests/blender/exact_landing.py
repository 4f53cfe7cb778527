# SPDX-License-Identifier: GPL-3.0-or-later
"""One output file on an armature of its own at capture rate, and how far that is from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myosapiens_addon.blender import landing as landings
from myosapiens_addon.blender import reading
from myosapiens_addon.blender.landed import Landing
from myosapiens_addon.motion.motion import Motion
from tests.blender.posing import body_poses
from tests.helpers.exact_truth import Truth


@dataclass(frozen=True, kw_only=True, eq=False)
class Landed:
    """What Blender evaluates at every frame of the capture.

    Attributes:
        landing: what was done.
        motion: what was decoded, F frames of B bodies.
        heads: (F, B, 3) where bones begin, in m.
        rotations: (F, B, 4) the rotations that their bodies have.
    """

    landing: Landing
    motion: Motion
    heads: np.ndarray
    rotations: np.ndarray

    def errors(self, truth: Truth) -> dict[str, float]:
        """Of the evaluated poses, in mm and degrees."""
        return truth.errors(self.motion.names, self.motion.parents, self.heads, self.rotations)

    def decoded_errors(self, truth: Truth) -> dict[str, float]:
        """Of the decoded poses, in mm and degrees."""
        motion = self.motion
        return truth.errors(motion.names, motion.parents, motion.positions, motion.rotations)


def land(output: Path, *, model: str = "", rate_hz: float | None = None) -> Landed:
    """Land an output file in the open file, from scene frame 1."""
    options = landings.LandingOptions(
        new_armature=True,
        rate="capture",
        start_frame=1,
        model=model,
        capture_rate_hz=rate_hz,
    )
    landing = landings.land([output], name="walk", options=options)
    motion = reading.wanted([output], options, target=None).decode().motion
    frames = 1 + motion.times * landing.scene_rate_hz
    heads, rotations = body_poses(landing.armature, frames, motion)
    return Landed(landing=landing, motion=motion, heads=heads, rotations=rotations)
