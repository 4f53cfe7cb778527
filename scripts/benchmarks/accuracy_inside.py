# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Python with bpy: how far bones on a rig are from the bodies of a take, in degrees.

Everything is what Blender's own dependency graph shows. Prints one line of JSON.
"""

from __future__ import annotations

import dataclasses
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

from benchmarks import joints, long_take, rigs_inside, spines
from myosapiens_addon.blender.landing_options import CAPTURE_RATE, LandingOptions
from myosapiens_addon.motion import glb, quaternion, resample
from myosapiens_addon.retarget import choosing
from tests.helpers.targets import Look, posed, rig_like

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from myosapiens_addon.motion.motion import Motion
    from myosapiens_addon.retarget.mapping.roles import RoleMap
    from myosapiens_addon.retarget.rig import Rig

    Array = NDArray[np.float64]

AT_CAPTURE = LandingOptions(rate=CAPTURE_RATE, contacts=False)
AT_SCENE = LandingOptions(contacts=False)
A_POSE = Look(abduction_deg=45.0, roll_seed=7)
BENT = Look(abduction_deg=45.0, elbow_deg=40.0, knee_deg=40.0, roll_seed=7)
TWISTED = {
    "straight limbs": A_POSE,
    "straight limbs, no carrying angle": dataclasses.replace(A_POSE, no_carrying=True),
    "limbs bent by 40, no carrying angle": dataclasses.replace(BENT, no_carrying=True),
    "limbs bent by 40": BENT,
}
GROUPS = {
    "arms": ("upper_arm", "forearm"),
    "hands": ("hand",),
    "legs": ("thigh", "shin"),
    "feet": ("foot",),
}
# The body that carries the toes is the foot; the ankle's is a small bone above it.
CARRIES_TOES = "calcaneus"
MODES = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")
Y_UP = (float(np.sqrt(0.5)), -float(np.sqrt(0.5)), 0.0, 0.0)
CENTIMETRES = 100.0
SPINES = (12, 1)
STRIDE = 4


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The same rig in another shape.

    Attributes:
        look: how it differs as a figure.
        change: how its bones differ.
        place: how the object stands, and what it hangs on.
    """

    look: Look = A_POSE
    change: Callable[[Rig], Rig] | None = None
    place: Callable[[bpy.types.Object], None] | None = None


class Shown:
    """A take on a rig, as Blender shows it."""

    def __init__(
        self, motion: Motion, bones: RoleMap, made: bpy.types.Object, options: LandingOptions
    ) -> None:
        self.motion, self.bones, self.made = motion, bones, made
        rigs_inside.put_on(motion, made, bones, options)
        self.names = [bone.name for bone in made.pose.bones]
        self.rest = np.array([bone.bone.matrix_local for bone in made.pose.bones], np.float64)

    def at(self, times: Array) -> Array:
        """Matrices (F, N, 4, 4) in the armature's space."""
        return rigs_inside.evaluated(self.made, 1.0 + times * bpy.context.scene.render.fps)

    def row(self, role: str) -> int:
        """The last bone of a role."""
        return self.names.index(self.bones.chains[role][-1])


def main(walk: Path) -> dict[str, Any]:
    """All figures of this Blender."""
    motion = glb.read(walk / "motion_nomesh.glb")
    bodies = long_take.own_bones(choosing.roles_of_bodies(motion))
    return {
        "blender": bpy.app.version_string,
        "directions": directions(motion, bodies),
        "twists": {name: twists(motion, bodies, look) for name, look in TWISTED.items()},
        "palms": palms(motion, bodies),
        "variants": variants(motion, bodies),
        "spines": {count: spine(motion, bodies, count) for count in SPINES},
    }


def on_rig(
    motion: Motion, bodies: RoleMap, look: Look, options: LandingOptions = AT_CAPTURE
) -> Shown:
    """A take on a new rig in a new file."""
    rig, bones = rig_like(motion, bodies, look)
    rigs_inside.new_file()
    return Shown(motion, bones, rigs_inside.build(rig), options)


def directions(motion: Motion, bodies: RoleMap) -> dict[str, dict[str, float]]:
    """Mean and largest angle over all segments, from joint to joint."""
    out: dict[str, dict[str, float]] = {}
    shown = on_rig(motion, bodies, A_POSE)
    for where, times in _moments(motion.times).items():
        out[where] = _summary(_off(shown, bodies, resample.resample(motion, times), times))
    shown = on_rig(motion, bodies, A_POSE, AT_SCENE)
    rate = bpy.context.scene.render.fps
    keyed = resample.resample(motion, resample.sample_times(motion.duration_s, rate))
    for where, times in _moments(keyed.times).items():
        source = resample.resample(keyed, times)
        out[f"{where} at {rate} fps"] = _summary(_off(shown, bodies, source, times))
    return out


def _moments(keys: Array) -> dict[str, Array]:
    return {"on keys": keys, "between keys": 0.5 * (keys[1:] + keys[:-1])}


def _off(shown: Shown, bodies: RoleMap, source: Motion, times: Array) -> dict[str, Array]:
    """Segment → angles (F,) between bones and bodies, both from joint to joint."""
    ours = joints.segments(shown.bones.chains)
    theirs = joints.segments(bodies.chains)
    names = [name for name in ours if name in theirs]
    bone = [[shown.names.index(end) for end in ours[name]] for name in names]
    body = [[source.names.index(end) for end in theirs[name]] for name in names]
    angles = joints.degrees_between(
        joints.directions(shown.at(times)[:, :, :3, 3], bone),
        joints.directions(source.positions, body),
    )
    return {name: angles[:, column] for column, name in enumerate(names)}


def _summary(angles: dict[str, Array]) -> dict[str, float]:
    every = np.stack(list(angles.values()))
    return {"mean": float(every.mean()), "largest": float(every.max())}


def twists(motion: Motion, bodies: RoleMap, look: Look) -> dict[str, float]:
    """Largest twist between bones and bodies, by limb.

    A figure and the rig stand alike at rest, so what a bone has turned since then should be
    what its body has; of the difference, the part about the segment is the twist. The plane of
    the elbow would not do: with the forearm's sideways deviation it turns as the elbow bends.
    """
    shown = on_rig(motion, bodies, look)
    rest = posed(motion, bodies, look)[1]
    matrices = shown.at(motion.times)
    found: dict[str, float] = {}
    for group, words in GROUPS.items():
        found[group] = 0.0
        for role in (f"{word}{side}" for word in words for side in (".L", ".R")):
            body = _turning_body(motion, bodies, role)
            bone = shown.row(role)
            turned = matrices[:, bone, :3, :3] @ shown.rest[bone, :3, :3].T
            should = quaternion.to_matrix(
                quaternion.multiply(motion.rotations[:, body], quaternion.conjugate(rest[body]))
            )
            between = quaternion.from_matrix(turned @ np.swapaxes(should, 1, 2))
            axis = _segment(motion, bodies, role)
            angle = 2.0 * np.arctan2(np.sum(between[:, 1:] * axis, axis=1), between[:, 0])
            wrapped = (np.degrees(angle) + 180.0) % 360.0 - 180.0
            found[group] = max(found[group], float(np.abs(wrapped).max()))
    return found


def _turning_body(motion: Motion, bodies: RoleMap, role: str) -> int:
    if role.startswith("foot"):
        return motion.names.index(f"{CARRIES_TOES}_{role[-1].lower()}")
    return motion.names.index(bodies.chains[role][0])


def _segment(motion: Motion, bodies: RoleMap, role: str) -> Array:
    word, _, side = role.partition(".")
    ends = [bodies.chains[role][0], bodies.chains[f"{joints.ONWARD[word]}.{side}"][0]]
    rows = [motion.names.index(end) for end in ends]
    return joints.directions(motion.positions, [rows])[:, 0]


def palms(motion: Motion, bodies: RoleMap) -> float:
    """Largest angle between palms, each told by wrist and knuckles, over bent and straight."""
    worst = 0.0
    for look in TWISTED.values():
        shown = on_rig(motion, bodies, look)
        places = shown.at(motion.times)[:, :, :3, 3]
        for side in (".L", ".R"):
            ours = _palm(places, shown.names, shown.bones, side)
            theirs = _palm(motion.positions, list(motion.names), bodies, side)
            worst = max(worst, float(joints.degrees_between(ours, theirs).max()))
    return worst


def _palm(places: Array, names: list[str], roles: RoleMap, side: str) -> Array:
    """Unit normals (F, 3) of the palm."""
    hand, middle, index, little = (
        places[:, names.index(roles.chains[f"{word}{side}"][0])]
        for word in ("hand", "middle", "index", "little")
    )
    return joints.unit(np.cross(middle - hand, index - little))


def variants(motion: Motion, bodies: RoleMap) -> dict[str, float]:
    """Largest angle between a bone and the same bone of another shape of the rig, on keys."""
    base = _pointing(motion, bodies, Variant())
    return {
        name: max(
            float(joints.degrees_between(_pointing(motion, bodies, variant), base).max())
            for variant in shapes
        )
        for name, shapes in _shapes().items()
    }


def _shapes() -> dict[str, list[Variant]]:
    def look(**changes: Any) -> Variant:  # noqa: ANN401 - fields of a look
        return Variant(look=dataclasses.replace(A_POSE, **changes))

    return {
        "T-pose and arms down": [look(abduction_deg=90.0), look(abduction_deg=0.0)],
        "other rolls": [look(roll_seed=8), look(roll_seed=None)],
        "Euler orders and axis-angle": [look(modes=(mode,)) for mode in MODES],
        "rotated and scaled parent": [
            Variant(place=lambda made: _hang(made, (1.7, 1.7, 1.7))),
            Variant(place=lambda made: _hang(made, (2.0, 0.5, 1.3))),
        ],
        "Y up, scale 0.01": [
            Variant(
                look=dataclasses.replace(A_POSE, turn=Y_UP, size=CENTIMETRES), place=_as_imported
            )
        ],
        "no inherited rotation": [
            Variant(
                change=lambda rig: dataclasses.replace(
                    rig, inherits_rotation=np.zeros(len(rig.names), np.bool_)
                )
            )
        ],
        "connected bones": [Variant(change=_connected)],
    }


def _pointing(motion: Motion, bodies: RoleMap, variant: Variant) -> Array:
    """Directions (F, N, 3) of bones in the armature's space, turned back to Z up."""
    rig, bones = rig_like(motion, bodies, variant.look)
    rigs_inside.new_file()
    made = rigs_inside.build(variant.change(rig) if variant.change else rig)
    if variant.place:
        variant.place(made)
    shown = Shown(motion, bones, made, AT_CAPTURE)
    matrices = shown.at(motion.times[::STRIDE])
    back = quaternion.conjugate(np.array(variant.look.turn))
    return quaternion.rotate(back, joints.unit(matrices[:, :, :3, 1]))


def _hang(made: bpy.types.Object, scale: tuple[float, float, float]) -> None:
    """On a turned and scaled empty; the armature object is turned and moved too."""
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location, parent.rotation_euler, parent.scale = (1.0, -2.0, 0.5), (0.3, -0.5, 0.9), scale
    made.parent = parent
    made.location, made.rotation_euler = (0.2, 0.1, 0.0), (0.1, 0.2, -0.7)
    bpy.context.view_layer.update()


def _as_imported(made: bpy.types.Object) -> None:
    made.rotation_euler, made.scale = (np.pi / 2.0, 0.0, 0.0), (1.0 / CENTIMETRES,) * 3
    bpy.context.view_layer.update()


def _connected(rig: Rig) -> Rig:
    """Bones that begin where their parents end are connected to them."""
    gaps = np.linalg.norm(rig.rest_positions - rig.rest_tails[rig.parents], axis=1)
    return dataclasses.replace(rig, connected=(rig.parents >= 0) & (gaps < 1e-9))


def spine(motion: Motion, bodies: RoleMap, count: int) -> dict[str, float]:
    """Of a spine of so many bones: how far chest and head are turned, and arms point, off."""
    rig, bones = spines.with_spine(*rig_like(motion, bodies, A_POSE), count)
    rigs_inside.new_file()
    shown = Shown(motion, bones, rigs_inside.build(rig), AT_CAPTURE)
    matrices = shown.at(motion.times)
    turns: list[float] = []
    for role in ("spine", "head"):
        bone, body = shown.row(role), motion.names.index(bodies.chains[role][-1])
        turned = matrices[:, bone, :3, :3] @ shown.rest[bone, :3, :3].T
        should = quaternion.multiply(
            motion.rotations[:, body], quaternion.conjugate(motion.rest_rotations[body])
        )
        angles = quaternion.angle_between(quaternion.from_matrix(turned), should)
        turns.append(float(np.degrees(angles).max()))
    arms = {
        name: angles
        for name, angles in _off(shown, bodies, motion, motion.times).items()
        if name.startswith(("clavicle", "upper_arm", "forearm", "hand"))
    }
    return {"turns": max(turns), "arms": _summary(arms)["largest"]}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
    os._exit(0)
