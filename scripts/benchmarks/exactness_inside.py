# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by an interpreter with bpy: lands a take at capture rate and compares every pose.

Prints one line of JSON with the largest errors in mm and degrees.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy
import numpy as np

from myosapiens_addon.blender import landing as landings
from myosapiens_addon.motion import glb
from myosapiens_addon.motion.quaternion import angle_between
from tests.blender.posing import body_poses


def main(walk: Path) -> dict[str, Any]:
    """The largest errors of the decoded and of the evaluated poses."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    take = walk / "motion_nomesh.glb"
    motion = glb.read(take)
    names = json.loads((walk / "body_names.json").read_text())
    rows = [names.index(name) for name in motion.names]
    positions = np.load(walk / "golden_xpos.npy")[:, rows]
    rotations = np.load(walk / "golden_xquat.npy")[:, rows]
    options = landings.LandingOptions(new_armature=True, rate="capture")
    landing = landings.land([take], name="walk", options=options)
    frames = 1 + motion.times * landing.scene_rate_hz
    heads, turned = body_poses(landing.armature, frames, motion)
    return {
        "blender": bpy.app.version_string,
        "decoded": _errors(motion.positions - positions, motion.rotations, rotations),
        "evaluated": _errors(heads - positions, turned, rotations),
    }


def _errors(offsets: np.ndarray, found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    return {
        "position": float(np.linalg.norm(offsets, axis=-1).max() * 1e3),
        "rotation": float(np.degrees(angle_between(found, wanted)).max()),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
    os._exit(0)
