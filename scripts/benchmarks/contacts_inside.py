# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Python with bpy: how well planted feet stay on legs of other lengths.

Everything is what Blender's own dependency graph shows. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy
import numpy as np

from benchmarks import long_take, rigs_inside
from myosapiens_addon.blender.landing_options import CAPTURE_RATE, LandingOptions
from myosapiens_addon.motion import glb
from myosapiens_addon.retarget import choosing, feet, follow
from myosapiens_addon.retarget.figure import figure_of
from myosapiens_addon.retarget.mapping.roles import SIDES, Skeleton
from tests.helpers.targets import Look, rig_like

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from myosapiens_addon.motion.motion import Motion
    from myosapiens_addon.retarget.contacts import Contacts
    from myosapiens_addon.retarget.mapping.roles import RoleMap

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]

LEG_SCALES = (1.15, 0.85)
MM = 1000.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One armature over a take, as Blender shows it: heads, tails and axes of its bones."""

    names: list[str]
    bones: RoleMap
    matrices: Array
    heights: dict[str, float]
    lengths: Array

    def of(self, role: str) -> Array:
        """Matrices (F, 4, 4) of a role's first bone."""
        return self.matrices[:, self.names.index(self.bones.chains[role][0])]

    def head(self, role: str) -> Array:
        """Path (F, 3) of its head."""
        return self.of(role)[:, :3, 3]

    def tail(self, role: str) -> Array:
        """Path (F, 3) of its tail."""
        length = self.lengths[self.names.index(self.bones.chains[role][0])]
        return self.head(role) + length * self.of(role)[:, :3, 1]


def shown(motion: Motion, bodies: RoleMap, look: Look, *, contacts: bool) -> Shown:
    """A take on a new armature, on every captured frame."""
    rig, bones = rig_like(motion, bodies, look)
    rigs_inside.new_file(fps=round(motion.rate_hz))
    made = rigs_inside.build(rig)
    options = LandingOptions(rate=CAPTURE_RATE, contacts=contacts)
    rigs_inside.put_on(motion, made, bones, options)
    names = [bone.name for bone in made.pose.bones]
    heights = {}
    for side in SIDES:
        toe = made.data.bones[bones.chains[f"toe{side}"][0]]
        heights[f"ball{side}"] = float(toe.head_local[2])
        heights[f"tip{side}"] = float(toe.tail_local[2])
    return Shown(
        names=names,
        bones=bones,
        matrices=rigs_inside.evaluated(made, 1.0 + motion.times * round(motion.rate_hz)),
        heights=heights,
        lengths=np.array([bone.bone.length for bone in made.pose.bones]),
    )


def contacts_of(motion: Motion) -> dict[str, Contacts]:
    """Side → where the take's foot is planted."""
    bodies = choosing.roles_of_bodies(motion)
    skeleton = Skeleton(names=motion.names, parents=motion.parents, heads=motion.rest_positions)
    figure = figure_of(skeleton, bodies, up=follow.UP)
    return feet.find(follow.Source(motion=motion, figure=figure))


def slide(path: Array, times: Array, planted: Flags) -> Array:
    """Speeds in m/s between neighbouring frames that are both planted."""
    both = planted[1:] & planted[:-1]
    return (np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(times))[both]


def accelerations(above: Array, own: Array, times: Array) -> Array:
    """Sizes (F − 2,) in rad/s² of the angular acceleration of one bone against another."""
    turns = np.swapaxes(_axes(above), 1, 2) @ _axes(own)
    steps = np.swapaxes(turns[:-1], 1, 2) @ turns[1:]
    # In the axes of the bone above, in which velocities can be compared from frame to frame.
    velocity = np.einsum("fij,fj->fi", turns[:-1], _rotation_vectors(steps))
    velocity /= np.diff(times)[:, None]
    between = 0.5 * (times[2:] - times[:-2])
    return np.linalg.norm(np.diff(velocity, axis=0), axis=1) / between


def _axes(matrices: Array) -> Array:
    """The rotations (F, 3, 3) in matrices, scale left out."""
    part = matrices[:, :3, :3]
    return part / np.linalg.norm(part, axis=1, keepdims=True)


def _rotation_vectors(rotations: Array) -> Array:
    """Axis times angle (F, 3) of small rotations."""
    odd = 0.5 * (rotations - np.swapaxes(rotations, 1, 2))
    sine = np.stack([odd[:, 2, 1], odd[:, 0, 2], odd[:, 1, 0]], axis=-1)
    size = np.linalg.norm(sine, axis=-1, keepdims=True)
    angle = np.arctan2(size[:, 0], 0.5 * (np.trace(rotations, axis1=1, axis2=2) - 1.0))[:, None]
    return sine * np.where(size > 1e-12, angle / np.maximum(size, 1e-12), 1.0)


def measure(found: Shown, motion: Motion, contacts: dict[str, Contacts]) -> dict[str, Any]:
    """Sliding, sinking and the hardest turns of one result."""
    out: dict[str, Any] = {"slide": 0.0, "sink": 0.0, "hip": 0.0, "knee": 0.0, "planted": 0}
    for side, contact in contacts.items():
        ball, tip = found.head(f"toe{side}"), found.tail(f"toe{side}")
        speeds = slide(ball, motion.times, contact.toe)
        out["slide"] = max(out["slide"], float(speeds.max()) * MM)
        out["planted"] += int(contact.toe.sum())
        for name, path in (("ball", ball), ("tip", tip)):
            depth = (found.heights[f"{name}{side}"] - path[:, 2])[contact.toe]
            out["sink"] = max(out["sink"], float(depth.max()) * MM)
        for joint, above, own in (("hip", "pelvis", f"thigh{side}"),
                                  ("knee", f"thigh{side}", f"shin{side}")):  # fmt: skip
            hardest = accelerations(found.of(above), found.of(own), motion.times)
            out[joint] = max(out[joint], float(hardest.max()))
    return out


def main(walk: Path) -> dict[str, Any]:
    """All figures."""
    motion = glb.read(walk / "motion_nomesh.glb")
    bodies = long_take.own_bones(choosing.roles_of_bodies(motion))
    contacts = contacts_of(motion)
    out: dict[str, Any] = {"blender": bpy.app.version_string, "legs": {}}
    for scale in LEG_SCALES:
        look = Look(abduction_deg=45.0, roll_seed=7, leg_scale=scale)
        out["legs"][scale] = {
            word: measure(shown(motion, bodies, look, contacts=held), motion, contacts)
            for word, held in (("corrected", True), ("uncorrected", False))
        }
    return out


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
    os._exit(0)
