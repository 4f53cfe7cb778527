# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Python with bpy: how far bones on a rig are from the bodies of a take.

Everything is what Blender's own dependency graph shows. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy
import numpy as np

from benchmarks import joints, long_take, rigs_inside
from myosapiens_addon.blender.landing_options import CAPTURE_RATE, LandingOptions
from myosapiens_addon.motion import glb, resample
from myosapiens_addon.motion.motion import Motion
from myosapiens_addon.retarget import choosing
from myosapiens_addon.retarget.mapping.roles import RoleMap
from tests.helpers.targets import Look, rig_like

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OPTIONS = LandingOptions(rate=CAPTURE_RATE, contacts=False)
A_POSE = Look(abduction_deg=45.0, roll_seed=7)
BENT = Look(abduction_deg=45.0, elbow_deg=40.0, knee_deg=40.0, roll_seed=7)


class Shown:
    """A take on a rig, as Blender shows it at some moments."""

    def __init__(self, motion: Motion, bodies: RoleMap, look: Look, times: Array) -> None:
        self.motion, self.bodies, self.look = motion, bodies, look
        rig, self.bones = rig_like(motion, bodies, look)
        scene = rigs_inside.new_file()
        made = rigs_inside.build(rig)
        rigs_inside.put_on(motion, made, self.bones, OPTIONS)
        self.names = [bone.name for bone in made.pose.bones]
        self.matrices = rigs_inside.evaluated(made, 1.0 + times * scene.render.fps)
        self.rest = np.array([bone.bone.matrix_local for bone in made.pose.bones], np.float64)
        self.source = resample.resample(motion, times)

    def directions_deg(self) -> dict[str, Array]:
        """Segment → angles (F,) between the bone and the body, joint to joint."""
        ours = joints.segments(self.bones.chains)
        theirs = joints.segments(self.bodies.chains)
        names = [name for name in ours if name in theirs]
        bone = [tuple(self.names.index(end) for end in ours[name]) for name in names]
        body = [tuple(self.motion.names.index(end) for end in theirs[name]) for name in names]
        found = joints.directions(self.matrices[:, :, :3, 3], bone)
        wanted = joints.directions(self.source.positions, body)
        angles = joints.degrees_between(found, wanted)
        return {name: angles[:, column] for column, name in enumerate(names)}


def main(walk: Path) -> dict[str, Any]:
    """All figures of this Blender, in degrees."""
    motion = glb.read(walk / "motion_nomesh.glb")
    bodies = long_take.own_bones(choosing.roles_of_bodies(motion))
    out: dict[str, Any] = {"blender": bpy.app.version_string}
    for where, times in (
        ("on keys", motion.times),
        ("between keys", 0.5 * (motion.times[1:] + motion.times[:-1])),
    ):
        angles = Shown(motion, bodies, A_POSE, times).directions_deg()
        every = np.stack(list(angles.values()))
        worst = max(angles, key=lambda name: angles[name].max())
        out[where] = {"mean": every.mean(), "largest": every.max(), "worst": worst}
    return out


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
    os._exit(0)
