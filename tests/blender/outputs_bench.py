# SPDX-License-Identifier: GPL-3.0-or-later
"""Output files landed, and what Blender shows of them."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from myosapiens_addon.blender import (
    landing,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.motion.quaternion import angle_between
from tests.blender import posing
from tests.helpers.c3d_writer import C3DWriter
from tests.helpers.solved import Solved

NEAR_M, NEAR_DEG = 0.02e-3, 0.002


def land(*files: Path, name: str = "Take", **options: object) -> landing.Landing:
    given = {"rate": "capture", **options}
    return landing.land(files, name=name, options=LandingOptions(**given))


def moves_as(name: str, take: Solved, *, turned: float = NEAR_DEG) -> None:
    """Whether Blender shows the take's poses in every frame of the capture."""
    motion = take.motion()
    frames = 1 + take.times * bpy.context.scene.render.fps
    heads, rotations = posing.body_poses(name, frames, motion)
    assert np.linalg.norm(heads - motion.positions, axis=-1).max() < NEAR_M
    assert np.degrees(angle_between(rotations, motion.rotations)).max() < turned


def c3d(path: Path, *, frames: int, rate_hz: float) -> Path:
    points = np.zeros((frames, 3, 4))
    points[..., :3] = np.arange(frames)[:, None, None]
    return C3DWriter(points=points, rate_hz=rate_hz).write(path)
