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

import numpy as np

from benchmarks import long_take, rigs_inside
from myosapiens_addon.blender.landing_options import CAPTURE_RATE, SCENE_RATE, LandingOptions
from myosapiens_addon.motion import glb
from myosapiens_addon.retarget import choosing, feet, follow
from myosapiens_addon.retarget.figure import figure_of
from myosapiens_addon.retarget.mapping.roles import SIDES, Skeleton
from tests.helpers.targets import Look, posed, rig_like

if TYPE_CHECKING:
    import bpy
    from numpy.typing import NDArray

    from myosapiens_addon.motion.motion import Motion
    from myosapiens_addon.retarget.contacts import Contacts
    from myosapiens_addon.retarget.mapping.roles import RoleMap

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]

LEG_SCALES = (1.15, 0.85)
MM = 1000.0
# A toe joint certainly stands when it is this slow (m/s) and this near (m) its lowest place.
STANDS = (0.1, 0.015)
# So far (s) from any contact no blend may reach.
AWAY_S = 1.0
WALKWAY_M_S = 1.5
HEELS = {".L": "calcaneus_l", ".R": "calcaneus_r"}
LEG = ("thigh", "shin", "foot", "toe")
QUARTERS = 4


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One armature over a take, as Blender shows it.

    Attributes:
        names: its N bones.
        bones: their roles.
        matrices: (F, N, 4, 4) in the armature's space.
        rest: (N, 4, 4) at rest.
        heels: side → (3,) where the heel bone of a person of that size is at rest.
        tips: side → (3,) where the toes end at rest.
    """

    names: list[str]
    bones: RoleMap
    matrices: Array
    rest: Array
    heels: dict[str, Array]
    tips: dict[str, Array]

    def of(self, role: str) -> Array:
        """Matrices (F, 4, 4) of a role's first bone."""
        return self.matrices[:, self.names.index(self.bones.chains[role][0])]

    def head(self, role: str) -> Array:
        """Path (F, 3) of its head."""
        return self.of(role)[:, :3, 3]

    def depths(self, role: str, point: Array) -> Array:
        """How far (F,) a point that is fixed to a bone is below where it is at rest."""
        rest = self.rest[self.names.index(self.bones.chains[role][0])]
        own = np.linalg.inv(rest) @ np.append(point, 1.0)
        return point[2] - (self.of(role) @ own)[:, 2]


def shown(
    motion: Motion,
    bodies: RoleMap,
    look: Look,
    *,
    contacts: bool,
    fps: int = 0,
    times: Array | None = None,
) -> Shown:
    """A take on a new armature.

    Args:
        motion: the take.
        bodies: the roles of its bodies.
        look: what the armature is like.
        contacts: whether feet are held.
        fps: of a scene in which it has a key on each frame; 0 for the capture's own.
        times: when to look, s; the captured moments unless given.
    """
    rig, bones = rig_like(motion, bodies, look)
    rate = fps or round(motion.rate_hz)
    rigs_inside.new_file(fps=rate)
    made = rigs_inside.build(rig)
    options = LandingOptions(rate=SCENE_RATE if fps else CAPTURE_RATE, contacts=contacts)
    rigs_inside.put_on(motion, made, bones, options)
    names = [bone.name for bone in made.pose.bones]
    places = posed(motion, bodies, look)[0]
    return Shown(
        names=names,
        bones=bones,
        matrices=rigs_inside.evaluated(
            made, 1.0 + (motion.times if times is None else times) * rate
        ),
        rest=np.array([bone.bone.matrix_local for bone in made.pose.bones], np.float64),
        tips={side: _tip(made, bones.chains[f"toe{side}"][0]) for side in SIDES},
        heels={side: places[motion.names.index(HEELS[side])] for side in SIDES},
    )


def _tip(made: bpy.types.Object, bone: str) -> Array:
    return np.array(made.data.bones[bone].tail_local, np.float64)


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
        speeds = slide(found.head(f"toe{side}"), motion.times, contact.toe)
        out["slide"] = max(out["slide"], float(speeds.max()) * MM)
        out["planted"] += int(contact.toe.sum())
        toe = found.rest[found.names.index(found.bones.chains[f"toe{side}"][0])]
        for role, point, planted in (
            (f"toe{side}", toe[:3, 3], contact.toe),
            (f"toe{side}", found.tips[side], contact.toe),
            (f"foot{side}", found.heels[side], contact.heel),
        ):
            deepest = float(found.depths(role, point)[planted].max()) * MM
            out["sink"] = max(out["sink"], deepest)
        for joint, above, own in (("hip", "pelvis", f"thigh{side}"),
                                  ("knee", f"thigh{side}", f"shin{side}")):  # fmt: skip
            hardest = accelerations(found.of(above), found.of(own), motion.times)
            out[joint] = max(out[joint], float(hardest.max()))
    return out


def missed(motion: Motion, bodies: RoleMap, contacts: dict[str, Contacts]) -> float:
    """Of the moments in which a toe joint certainly stands, the share that no contact covers."""
    standing = covered = 0
    for side, contact in contacts.items():
        path = motion.positions[:, motion.names.index(bodies.chains[f"toe{side}"][0])]
        speeds = np.linalg.norm(np.gradient(path, motion.times, axis=0), axis=1)
        stands = (speeds < STANDS[0]) & (path[:, 2] < path[:, 2].min() + STANDS[1])
        standing += int(stands.sum())
        covered += int((stands & contact.toe).sum())
    return 1.0 - covered / standing


def strays(motion: Motion, bodies: RoleMap, look: Look, contacts: dict[str, Contacts]) -> float:
    """How far in mm planted toes are from their mean place, between a scene's keys too."""
    fps = rigs_inside.new_file().render.fps
    times = np.arange(int(motion.duration_s * fps) * QUARTERS + 1) / (QUARTERS * fps)
    found = shown(motion, bodies, look, contacts=True, fps=fps, times=times)
    worst = 0.0
    for side, contact in contacts.items():
        path = found.head(f"toe{side}")
        for first, end in contact.toe_intervals:
            # Whole frames of the scene within the contact, and what is between them.
            low = int(np.ceil(motion.times[first] * fps)) * QUARTERS
            high = int(np.floor(motion.times[end - 1] * fps)) * QUARTERS
            stand = path[low : min(high, len(path) - 1) + 1]
            if len(stand):
                off = np.linalg.norm(stand - stand[::QUARTERS].mean(axis=0), axis=1)
                worst = max(worst, float(off.max()) * MM)
    return worst


def untouched(motion: Motion, bodies: RoleMap, look: Look) -> dict[str, float]:
    """Largest differences with the uncorrected motion where it should be left alone."""
    long = long_take.there_and_back(motion, 4 * motion.frame_count)
    # Carried sideways in the midst of the take, so that no foot is ever at rest there.
    lasts = long.duration_s
    pace = np.clip(4.0 * np.minimum(long.times / lasts - 0.2, 0.8 - long.times / lasts), 0.0, 1.0)
    way = np.zeros((len(long.times), 3))
    way[:, 1] = np.cumsum(WALKWAY_M_S * pace) / motion.rate_hz
    long = long_take.carried(long, way)
    planted = np.any([side.heel | side.toe for side in contacts_of(long).values()], axis=0)
    near = np.convolve(planted, np.ones(2 * round(AWAY_S * motion.rate_hz) + 1), mode="same") > 0
    held = shown(long, bodies, look, contacts=True)
    free = shown(long, bodies, look, contacts=False)
    legs = {held.bones.chains[f"{word}{side}"][0] for word in LEG for side in SIDES}
    others = [row for row, name in enumerate(held.names) if name not in legs]
    away = np.flatnonzero(~near)
    turned = _apart_deg(held.matrices[away], free.matrices[away])
    moved = held.matrices[away][..., :3, 3] - free.matrices[away][..., :3, 3]
    return {
        "frames": len(away),
        "degrees": float(turned.max()),
        "mm": float(np.linalg.norm(moved, axis=-1).max()) * MM,
        "others": float(_apart_deg(held.matrices[:, others], free.matrices[:, others]).max()),
    }


def _apart_deg(a: Array, b: Array) -> Array:
    """Angles between rotations (…) in matrices (…, 4, 4), by how far the axes' ends are apart."""
    apart = np.linalg.norm(a[..., :3, :3] - b[..., :3, :3], axis=(-2, -1))
    return np.degrees(2.0 * np.arcsin(np.clip(apart / np.sqrt(8.0), 0.0, 1.0)))


def main(walk: Path) -> dict[str, Any]:
    """All figures."""
    motion = glb.read(walk / "motion_nomesh.glb")
    bodies = long_take.own_bones(choosing.roles_of_bodies(motion))
    contacts = contacts_of(motion)
    out: dict[str, Any] = {"missed": missed(motion, bodies, contacts), "legs": {}}
    for scale in LEG_SCALES:
        look = Look(abduction_deg=45.0, roll_seed=7, leg_scale=scale)
        out["legs"][scale] = {
            "corrected": measure(shown(motion, bodies, look, contacts=True), motion, contacts),
            "uncorrected": measure(shown(motion, bodies, look, contacts=False), motion, contacts),
            "strays": strays(motion, bodies, look, contacts),
            "untouched": untouched(motion, bodies, look),
        }
    return out


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
    os._exit(0)
