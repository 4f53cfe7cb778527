# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures of many kinds, built in Blender, with the truth about their bones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import bpy
import numpy as np

from tests.helpers import likeness, rigs

Z_UP, Y_UP = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)
LEFT, RIGHT = (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)
FINGERS = ("index", "middle", "ring", "little")


@dataclass(frozen=True, kw_only=True)
class Built:
    """An armature object in the file.

    Attributes:
        name: the object's.
        chains: role → the bones that play it.
        up: which way is up in the armature's space.
        left: which way its left is, there.
    """

    name: str
    chains: Mapping[str, tuple[str, ...]]
    up: Sequence[float] = Z_UP
    left: Sequence[float] = LEFT

    @property
    def object(self) -> bpy.types.Object:
        return bpy.data.objects[self.name]

    def shown(
        self, frames: Iterable[float], others: Mapping[str, str] | None = None
    ) -> likeness.Shown:
        """What Blender makes of it at scene frames.

        Args:
            frames: which.
            others: bone → the bone to look at instead.
        """
        chains = {
            role: tuple((others or {}).get(bone, bone) for bone in bones)
            for role, bones in self.chains.items()
        }
        names = tuple(dict.fromkeys(bone for bones in chains.values() for bone in bones))
        bones = self.object.data.bones
        rests = np.array([bones[bone].matrix_local for bone in names], np.float64)
        return likeness.of_matrices(
            names, pose_matrices(self.name, frames, names), rests, chains, self.up, self.left
        )


def pose_matrices(name: str, frames: Iterable[float], bones: Sequence[str]) -> np.ndarray:
    """(K, N, 4, 4) of pose bones in the armature's space, from the dependency graph."""
    scene = bpy.context.scene
    before = scene.frame_current, scene.frame_subframe
    out = []
    for frame in frames:
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame) - whole)
        shown = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append([np.array(shown.pose.bones[bone].matrix, np.float64) for bone in bones])
    scene.frame_set(before[0], subframe=before[1])
    return np.array(out)


@dataclass(kw_only=True)
class Plan:
    """Bones to build.

    Attributes:
        rows: name, parent, head, tail and role (or an empty text) of each, parents first.
        connected: bones that are connected to their parents.
    """

    rows: list[tuple[str, str, np.ndarray, np.ndarray, str]] = field(default_factory=list)
    connected: set[str] = field(default_factory=set)

    def add(self, name: str, parent: str, head: object, tail: object, role: str = "") -> str:
        self.rows.append((name, parent, np.array(head, float), np.array(tail, float), role))
        return name

    @property
    def chains(self) -> dict[str, tuple[str, ...]]:
        out: dict[str, tuple[str, ...]] = {}
        for name, _, _, _, role in self.rows:
            if role:
                out[role] = (*out.get(role, ()), name)
        return out

    def turned(self, matrix: np.ndarray) -> Plan:
        """The same, turned and scaled."""
        rows = [(name, parent, matrix @ head, matrix @ tail, role)
                for name, parent, head, tail, role in self.rows]  # fmt: skip
        return Plan(rows=rows, connected=set(self.connected))


def known(kind: str) -> Plan:
    """One of the well-known kinds."""
    rig = rigs.read(kind)
    role_of = {bone: role for role, bones in rig.truth.items() for bone in bones}
    plan = Plan()
    for row, name in enumerate(rig.skeleton.names):
        above = int(rig.skeleton.parents[row])
        plan.add(
            name,
            rig.skeleton.names[above] if above >= 0 else "",
            rig.skeleton.heads[row],
            rig.skeleton.tails[row],
            role_of.get(name, ""),
        )
    return plan


def plain(
    *,
    spine: int = 3,
    neck: int = 1,
    arms: bool = True,
    legs: bool = True,
    toes: bool = True,
    fingers: bool = True,
    root: bool = True,
) -> Plan:
    """A figure in T-pose that faces −Y, in metres, its bones called after their roles."""
    plan = Plan()
    above = plan.add("root", "", (0, 0, 0), (0, 0.2, 0), "root") if root else ""
    plan.add("pelvis", above, (0, 0, 1.0), (0, 0, 1.08), "pelvis")
    spots = np.linspace(1.08, 1.48, spine + 1)
    last = "pelvis"
    for place, (low, high) in enumerate(pairwise(spots), start=1):
        last = plan.add(f"spine_{place}", last, (0, 0.01, low), (0, 0.01, high), "spine")
    top, spots = last, np.linspace(1.48, 1.58, neck + 1)
    for place, (low, high) in enumerate(pairwise(spots), start=1):
        last = plan.add(f"neck_{place}", last, (0, 0.01, low), (0, 0, high), "neck")
    plan.add("head", last, (0, 0, 1.58), (0, 0, 1.8), "head")
    for side, sign in ((".L", 1.0), (".R", -1.0)):
        if arms:
            _arm(plan, top, side, sign, fingers=fingers)
        if legs:
            _leg(plan, side, sign, toes=toes)
    return plan


def _arm(plan: Plan, top: str, side: str, sign: float, *, fingers: bool) -> None:
    joints = {
        "clavicle": (0.03, 0, 1.44), "upper_arm": (0.17, 0.01, 1.44),
        "forearm": (0.45, 0.015, 1.44), "hand": (0.70, 0, 1.44), "": (0.78, 0, 1.44),
    }  # fmt: skip
    spots = [np.array(spot) * (sign, 1, 1) for spot in joints.values()]
    last = top
    for role, head, tail in zip(joints, spots, spots[1:], strict=False):
        last = plan.add(f"{role}{side}", last, head, tail, f"{role}{side}")
    if not fingers:
        return
    for place, finger in enumerate(FINGERS):
        joint = np.array([0.79, -0.03 + 0.02 * place, 1.44])
        _finger(plan, f"{finger}{side}", last, joint, (0.035, 0, 0), sign)
    _finger(plan, f"thumb{side}", last, np.array([0.72, -0.03, 1.43]), (0.02, -0.02, -0.006), sign)


def _finger(
    plan: Plan, role: str, hand: str, joint: np.ndarray, step: Sequence[float], sign: float
) -> None:
    last, flip = hand, np.array([sign, 1, 1])
    for place in range(3):
        head = (joint + place * np.array(step)) * flip
        last = plan.add(f"{role}_{place + 1}", last, head, head + np.array(step) * flip, role)


def _leg(plan: Plan, side: str, sign: float, *, toes: bool) -> None:
    joints = {
        "thigh": (0.09, 0, 0.95), "shin": (0.09, -0.01, 0.52), "foot": (0.09, 0.02, 0.09),
        "toe": (0.1, -0.12, 0.02), "": (0.1, -0.19, 0.02),
    }  # fmt: skip
    spots = [np.array(spot) * (sign, 1, 1) for spot in joints.values()]
    last = "pelvis"
    for role, head, tail in zip(joints, spots, spots[1:], strict=False):
        if role != "toe" or toes:
            last = plan.add(f"{role}{side}", last, head, tail, f"{role}{side}")


def build(
    plan: Plan,
    *,
    name: str = "Rig",
    up: Sequence[float] = Z_UP,
    left: Sequence[float] = LEFT,
    rolls: int | None = None,
    modes: Sequence[str] = ("QUATERNION",),
) -> Built:
    """An armature object in the scene, in object mode, with nothing selected.

    Args:
        plan: the bones.
        name: of the object.
        up: which way is up in the plan.
        left: which way its left is.
        rolls: seed of random rolls; None for those that Blender gives.
        modes: rotation modes, one after the other.
    """
    data = bpy.data.armatures.new(name)
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    rng = np.random.default_rng(rolls)
    for bone_name, parent, head, tail, _ in plan.rows:
        bone = data.edit_bones.new(bone_name)
        bone.head, bone.tail = head, tail
        if rolls is not None:
            bone.roll = rng.uniform(-np.pi, np.pi)
        if parent:
            bone.parent = data.edit_bones[parent]
            bone.use_connect = bone_name in plan.connected
    bpy.ops.object.mode_set(mode="OBJECT")
    for place, bone in enumerate(made.pose.bones):
        bone.rotation_mode = modes[place % len(modes)]
    made.select_set(False)
    return Built(name=made.name, chains=plan.chains, up=up, left=left)


def map_file(path: Path, chains: Mapping[str, Sequence[str]], **more: object) -> str:
    """A bone map as people write it; returns its path."""
    bones = {role: list(names) for role, names in chains.items()}
    top = {"format": "bone-map", "version": 1, "title": "By hand", "bones": bones, **more}
    path.write_text(json.dumps(top), encoding="utf-8")
    return str(path)


def mixamo(*, prefix: str = "mixamorig:", name: str = "Armature") -> Built:
    """As its FBX comes: centimetres, Y up, facing +Z, stood up and made small by the object."""
    plan = known("mixamo")
    rename = {row[0]: row[0].replace("mixamorig:", prefix) for row in plan.rows} | {"": ""}
    plan.rows = [(rename[row[0]], rename[row[1]], *row[2:]) for row in plan.rows]
    built = build(plan, name=name, up=Y_UP)
    built.object.rotation_euler = (np.pi / 2, 0.0, 0.0)
    built.object.scale = (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    return built


def vroid(*, back: bool = False) -> Built:
    """In T-pose, facing −Y; or +Y, as importers that keep glTF's axes leave it."""
    plan = known("vroid")
    if back:
        plan = plan.turned(np.diag([-1.0, -1.0, 1.0]))
    return build(plan, name="Avatar", left=RIGHT if back else LEFT)


def unreal(kind: str = "ue5") -> Built:
    """In A-pose, centimetres, with twist bones."""
    built = build(known(kind), name="Mannequin")
    built.object.scale = (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    return built
