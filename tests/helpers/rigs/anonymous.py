# SPDX-License-Identifier: GPL-3.0-or-later
"""Human rigs whose names say nothing: any build, pose, facing, axes, unit, and order of bones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myosapiens_addon.retarget.mapping.roles import Skeleton

from . import TruthRig

Vector = NDArray[np.float64]
SIDES = ((".L", 1.0), (".R", -1.0))


@dataclass(kw_only=True)
class _Bone:
    parent: str
    head: Vector
    tail: Vector
    role: str = ""


@dataclass(kw_only=True)
class _Plan:
    """A figure while it is made, in metres: Z up, facing -Y, its left along +X."""

    chance: random.Random
    bones: dict[str, _Bone] = field(default_factory=dict[str, _Bone])

    def add(self, key: str, parent: str, head: Vector, tail: Vector, role: str = "") -> str:
        self.bones[key] = _Bone(parent=parent, head=head, tail=tail, role=role)
        return key

    def chain(self, key: str, parent: str, points: Sequence[Vector], role: str = "") -> str:
        """Bones from point to point; the key of the last."""
        for index in range(len(points) - 1):
            parent = self.add(f"{key}{index}", parent, points[index], points[index + 1], role)
        return parent


def _at(x: float, y: float, z: float) -> Vector:
    return np.array([x, y, z], dtype=np.float64)


def make(seed: int, *, sided_names: bool = False, clutter: bool = False) -> TruthRig:
    """One rig; the same for the same seed.

    Args:
        seed: of all that is left to chance.
        sided_names: whether names end with the side.
        clutter: whether it has bones that are none of the body: twists, controls, hair, a
            skirt, a weapon.
    """
    chance = random.Random(seed)
    plan = _Plan(chance=chance)
    height = chance.uniform(1.5, 1.95)
    hip = height * chance.uniform(0.47, 0.54)
    root = ""
    if chance.random() < 0.5:
        root = plan.add("root", "", _at(0, 0, 0), _at(0, 0.2, 0), "")
    shoulder_height = hip + height * chance.uniform(0.27, 0.31)
    pelvis_head = _at(0, chance.uniform(-0.01, 0.02), hip + height * chance.uniform(-0.02, 0.03))
    count = chance.randint(2, 6)
    spine = [
        pelvis_head
        + (_at(0, 0.02, shoulder_height - 0.02) - pelvis_head) * (index + 1) / (count + 1)
        for index in range(count + 1)
    ]
    pelvis = plan.add("pelvis", root, pelvis_head, spine[0], "pelvis")
    chest = plan.chain("spine", pelvis, spine, "spine")
    _head(plan, chest, spine[-1], height)
    leg = _leg_plan(chance, height)
    for side, sign in SIDES:
        _leg(plan, pelvis, side, sign, hip, height, leg)
    arm = _arm_plan(chance)
    for side, sign in SIDES:
        _arm(plan, chest, side, sign, shoulder_height, height, arm)
    if clutter:
        _clutter(plan, root)
    return _anonymous(plan, seed, sided_names)


def _clutter(plan: _Plan, root: str) -> None:
    chance, bones = plan.chance, plan.bones
    for side, sign in SIDES:
        for limb in ("upper", "lower", "thigh"):
            bone = bones[f"{limb}{side}"]
            middle = (bone.head + bone.tail) / 2.0
            plan.add(f"twist {limb}{side}", f"{limb}{side}", middle, bone.tail)
        for limb in ("hand", "foot"):
            bone = bones[f"{limb}{side}"]
            plan.add(f"control {limb}{side}", root, bone.head, bone.tail)
        hips = bones["pelvis"].head
        hem = [hips + _at(sign * (0.12 + 0.03 * i), -0.05, -0.02 - 0.15 * i) for i in range(4)]
        plan.chain(f"skirt{side} ", "pelvis", hem)
    crown = bones["head"].tail
    plan.chain("hair", "head", [crown + _at(0, 0.05 + 0.03 * i, -0.12 * i) for i in range(5)])
    grip = bones["hand.R"].tail
    reach = chance.uniform(0.2, 0.6)
    plan.add("weapon", "hand.R", grip, grip + _at(0, -reach, 0))


def _head(plan: _Plan, chest: str, base: Vector, height: float) -> None:
    chance = plan.chance
    necks = chance.randint(1, 2)
    start = base + _at(0, 0.005, 0.02)
    end = _at(0, -0.005, height * chance.uniform(0.885, 0.905))
    points = [start + (end - start) * index / necks for index in range(necks + 1)]
    neck = plan.chain("neck", chest, points, "neck")
    crown = end + _at(0, 0, height * 0.11)
    head = plan.add("head", neck, end, crown, "head")
    if chance.random() < 0.4:
        plan.add("eye.L", head, end + _at(0.03, -0.09, 0.06), end + _at(0.03, -0.11, 0.06))
        plan.add("eye.R", head, end + _at(-0.03, -0.09, 0.06), end + _at(-0.03, -0.11, 0.06))
        if chance.random() < 0.5:
            plan.add("jaw", head, end + _at(0, -0.02, 0.01), end + _at(0, -0.1, -0.01))
    elif chance.random() < 0.5:
        plan.add("crown", head, crown, crown + _at(0, 0, 0.01))


@dataclass(frozen=True, kw_only=True)
class _Leg:
    wide: float
    part: float
    ankle: float
    spread: float
    bend: float
    toe: bool
    tip: bool


def _leg_plan(chance: random.Random, height: float) -> _Leg:
    return _Leg(
        wide=height * chance.uniform(0.045, 0.065),
        part=chance.uniform(0.48, 0.53),
        ankle=height * chance.uniform(0.045, 0.055),
        spread=chance.uniform(0.0, 0.05),
        bend=chance.uniform(0.004, 0.02),
        toe=chance.random() < 0.85,
        tip=chance.random() < 0.3,
    )


def _leg(
    plan: _Plan, pelvis: str, side: str, sign: float, hip: float, height: float, leg: _Leg
) -> None:
    top = _at(sign * leg.wide, 0.0, hip - 0.01)
    low = _at(sign * (leg.wide + leg.spread), 0.03, leg.ankle)
    knee = top + (low - top) * leg.part + _at(0, -leg.bend, 0)
    ball = low + _at(sign * 0.006, -0.075 * height, -leg.ankle + 0.02)
    tip = ball + _at(0, -0.045 * height, -0.005)
    thigh = plan.add(f"thigh{side}", pelvis, top, knee, f"thigh{side}")
    shin = plan.add(f"shin{side}", thigh, knee, low, f"shin{side}")
    foot = plan.add(f"foot{side}", shin, low, ball, f"foot{side}")
    if leg.toe:
        toe = plan.add(f"toe{side}", foot, ball, tip, f"toe{side}")
        if leg.tip:
            plan.add(f"tip{side}", toe, tip, tip + _at(0, -0.01, 0))


@dataclass(frozen=True, kw_only=True)
class _Arm:
    drop: float
    bend: float
    wide: float
    upper: float
    fore: float
    fingers: int
    tip: bool


def _arm_plan(chance: random.Random) -> _Arm:
    return _Arm(
        drop=np.radians(chance.choice([0.0, 0.0, 30.0, 45.0, 60.0, 80.0])),
        bend=np.radians(chance.uniform(1.0, 15.0)),
        wide=chance.uniform(0.085, 0.11),
        upper=chance.uniform(0.155, 0.175),
        fore=chance.uniform(0.135, 0.155),
        fingers=chance.choice([0, 0, 4, 5, 5]),
        tip=chance.random() < 0.3,
    )


def _arm(
    plan: _Plan, chest: str, side: str, sign: float, level: float, height: float, arm: _Arm
) -> None:
    inner = _at(sign * 0.02, 0.0, level + 0.01)
    shoulder = _at(sign * arm.wide * height, 0.02, level)
    along = _at(sign * np.cos(arm.drop), 0, -np.sin(arm.drop))
    ahead = _at(0, -1, 0)
    elbow = shoulder + along * arm.upper * height
    fore = along * np.cos(arm.bend) + ahead * np.sin(arm.bend)
    wrist = elbow + fore * arm.fore * height
    palm = wrist + fore * 0.05 * height
    clavicle = plan.add(f"clavicle{side}", chest, inner, shoulder, f"clavicle{side}")
    upper = plan.add(f"upper{side}", clavicle, shoulder, elbow, f"upper_arm{side}")
    lower = plan.add(f"lower{side}", upper, elbow, wrist, f"forearm{side}")
    hand = plan.add(f"hand{side}", lower, wrist, palm, f"hand{side}")
    for finger in range(arm.fingers):
        base = palm + ahead * (0.03 - 0.02 * finger)
        if finger == 4:
            base = wrist + ahead * 0.03 + fore * 0.03
        points = [base + fore * height * 0.022 * index for index in range(4)]
        plan.chain(f"finger{finger}{side}", hand, points)
    if not arm.fingers and arm.tip:
        plan.add(f"palm{side}", hand, palm, palm + fore * 0.02)


def _anonymous(plan: _Plan, seed: int, sided_names: bool) -> TruthRig:
    chance = plan.chance
    keys = _shuffled(plan)
    numbers = list(range(1, len(keys) + 1))
    chance.shuffle(numbers)
    names = {key: f"Bone.{number:03d}" for key, number in zip(keys, numbers, strict=True)}
    if sided_names:
        names = {k: n + (k[-2:] if k.endswith((".L", ".R")) else "") for k, n in names.items()}
    turn = _turn(chance) * chance.choice([0.01, 1.0, 1.0, 39.37, 100.0])
    shift = np.array([chance.uniform(-2, 2) for _ in range(3)])
    place = {key: index for index, key in enumerate(keys)}
    bones = [plan.bones[key] for key in keys]
    truth: dict[str, tuple[str, ...]] = {}
    for key, bone in plan.bones.items():
        if bone.role:
            truth[bone.role] = (*truth.get(bone.role, ()), names[key])
    return TruthRig(
        name=f"anonymous {seed}",
        skeleton=Skeleton(
            names=tuple(names[key] for key in keys),
            parents=np.array([place.get(bone.parent, -1) for bone in bones], dtype=np.int32),
            heads=np.array([bone.head + shift for bone in bones]) @ turn,
            tails=np.array([bone.tail + shift for bone in bones]) @ turn,
        ),
        truth=truth,
    )


def _shuffled(plan: _Plan) -> list[str]:
    """Keys in an order of chance with parents before children."""
    left = list(plan.bones)
    plan.chance.shuffle(left)
    found: list[str] = []
    while left:
        ready = [key for key in left if plan.bones[key].parent in ("", *found)]
        found.append(ready[0])
        left.remove(ready[0])
    return found


def _turn(chance: random.Random) -> Vector:
    """Any facing about the vertical, then any axis up."""
    yaw = chance.choice([0.0, 90.0, 180.0, 270.0, chance.uniform(0, 360)])
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    about = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    cycle = np.roll(np.eye(3), chance.randint(0, 2), axis=0)
    return about @ cycle
