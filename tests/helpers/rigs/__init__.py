# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs of well-known kinds with the truth about them, told independently of the presets.

Each `*.tsv` beside this file is one rig, a bone a line: name, parent, head, tail, and the role
that it plays, if any (`also:` before it: it may play that, but need not); columns are separated
by tabs, coordinates by spaces. Parents stand before children. Names and trees are what the
exporters and add-ons make; `rigify_metarig` and `rigify_fk` are measured on a rig that Blender's
add-on made (most of the face left out). Rest poses, units and axes are like those of files of
their kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from myosapiens_addon.retarget.mapping import roles
from myosapiens_addon.retarget.mapping.roles import Skeleton

FOLDER = Path(__file__).parent
# What detection is held against, in front of people.
TITLES = {
    "mixamo": "Mixamo",
    "ue4": "Unreal Engine 4",
    "ue5": "Unreal Engine 5",
    "rigify_metarig": "Rigify meta-rig",
    "rigify_fk": "Rigify, FK controls",
    "vroid": "VRoid",
    "daz_g8": "Daz Genesis 8",
    "cc4": "Character Creator 4",
    "auto_rig_pro": "Auto-Rig Pro",
    "biped": "3ds Max Biped",
    "smpl_x": "SMPL-X",
    "mmd": "MMD, Japanese",
    "mixamo_plain": "Mixamo, no prefix",
    "mmd_blender": "MMD, sides behind",
    "cmu_bvh": "CMU BVH",
    "bvh": "BVH, joint names",
    "unity": "Unity humanoid",
    "synty": "Synty",
}
# Made by hand, of no known kind.
OWN = {
    "handmade": "hand-made, English",
    "german": "hand-made, German",
    "spanish": "hand-made, Spanish",
    "french": "hand-made, French",
    "chinese": "hand-made, Chinese",
}
SPINE_WORTH = 3
BODY = (*roles.MIDDLE[1:], *(f"{word}{side}" for word in roles.LIMBS for side in roles.SIDES))


@dataclass(frozen=True, kw_only=True, eq=False)
class TruthRig:
    """A rig, and which bone of it plays which role."""

    name: str
    skeleton: Skeleton
    truth: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How a map compares with the truth, of 22 bones of a body.

    Attributes:
        right: 22 at most. The spine is worth 3 when its chain holds exactly the right bones
            (however many), else one for each right bone, 2 at most; every other role is worth 1
            when its chain holds right bones only and begins with the right one.
        wrong: bones that play a role of the body which is not theirs.
        notes: what was wrong or missing, for people.
    """

    right: int
    wrong: int
    notes: tuple[str, ...]


def read(name: str) -> TruthRig:
    """One of the rigs."""
    lines = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return of_rows(name, [line.split("\t") for line in lines])


def of_rows(name: str, rows: Sequence[Sequence[str]]) -> TruthRig:
    """A rig of rows of name, parent, head, tail and perhaps a role."""
    names = tuple(row[0] for row in rows)
    place = {bone: index for index, bone in enumerate(names)}
    truth: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if len(row) > 4:
            truth[row[4]] = (*truth.get(row[4], ()), row[0])
    skeleton = Skeleton(
        names=names,
        parents=np.array([place[row[1]] if row[1] else -1 for row in rows], dtype=np.int32),
        heads=np.array([row[2].split() for row in rows], dtype=np.float64),
        tails=np.array([row[3].split() for row in rows], dtype=np.float64),
    )
    return TruthRig(name=name, skeleton=skeleton, truth=truth)


def score(truth: Mapping[str, Sequence[str]], chains: Mapping[str, Sequence[str]]) -> Score:
    """Compare a map with the truth."""
    right = wrong = 0
    notes: list[str] = []
    for role in BODY:
        wanted, given = tuple(truth.get(role, ())), tuple(chains.get(role, ()))
        strangers = [
            bone for bone in given if bone not in (*wanted, *truth.get(f"also:{role}", ()))
        ]
        wrong += len(strangers)
        if role == "spine":
            right += SPINE_WORTH if given == wanted else min(2, len(set(given) & set(wanted)))
        else:
            right += bool(given) and not strangers and given[0] in wanted[:1]
        if given != wanted:
            notes.append(f"{role}: {' '.join(given) or '-'}, not {' '.join(wanted) or '-'}")
    return Score(right=right, wrong=wrong, notes=tuple(notes))
