# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole rig's names say: which limbs it has, and which bones fill open roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from . import roles, topology
from .limbs import ARM, LEG
from .names import Name
from .topology import Body
from .tree import Tree

# A role's bone hangs on one of these, or on what they hang on.
_HANGS_ON = {
    "clavicle": ("spine", "pelvis"),
    "upper_arm": ("clavicle", "spine"),
    "forearm": ("upper_arm",),
    "hand": ("forearm", "upper_arm"),
    "thigh": ("pelvis",),
    "shin": ("thigh",),
    "foot": ("shin", "thigh"),
    "toe": ("foot",),
}
_SIDE_SIGNS = {".L": 1, ".R": -1, "": 0}
# Of the bones found, how many must be named for names to have said much.
_MUCH = 0.5
_FEWEST_ALONE = 8
_FEWEST_NAMED = 6

Chains = Mapping[str, tuple[str, ...]]


def body(tree: Tree) -> Body | None:
    """The figure whose limbs names tell; None unless they tell of both legs.

    The head is what names say, or else what stands furthest out above the arms.
    """
    legs = [_tip(tree, side, LEG) for side in roles.SIDES]
    arms = [_tip(tree, side, ARM) for side in roles.SIDES]
    if min(legs) < 0:
        return None
    pair = (arms[0], arms[1]) if min(arms) >= 0 else None
    head = next((bone for bone in tree.bones() if "head" in tree.said[bone].roles), -1)
    if head < 0 and pair is not None:
        head = _unnamed_head(tree, (legs[0], legs[1]), pair)
    return topology.assemble(tree, legs=(legs[0], legs[1]), arms=pair, head=head, matched=0.0)


def _unnamed_head(tree: Tree, legs: tuple[int, int], arms: tuple[int, int]) -> int:
    hips, chest = tree.meet(legs), tree.meet(arms)
    if hips < 0 or chest < 0 or hips == chest:
        return -1
    sided = {one for one in tree.bones() if tree.said[one].side}
    middle = [not sided & set(tree.up(bone)) for bone in range(len(tree.said))]
    return topology.top(tree, middle, hips, chest)


def contradicts(tree: Tree, found: Body) -> bool:
    """Whether names say of bones in arms that they are of legs, or the like."""
    arm, leg = {*ARM, *roles.FINGERS}, set(LEG)
    wrong = [
        *(tree.said[bone].sure in arm for path in found.legs for bone in path),
        *(tree.said[bone].sure in leg for path in found.arms for bone in path),
        *(bool(tree.said[bone].sure in (arm | leg)) for bone in found.trunk),
    ]
    return any(wrong)


def unnamed_limbs(tree: Tree, found: Body) -> bool:
    """Whether a rig whose limbs are named has limbs here of which no name says so."""
    limbs = {*ARM, *LEG}
    named = sum(bool(tree.said[bone].roles & limbs) for bone in tree.bones())
    if named < _FEWEST_NAMED:
        return False
    return any(
        path and not any(tree.said[bone].roles & limbs for bone in path)
        for path in (*found.legs, *found.arms)
    )


def _tip(tree: Tree, side: str, words: Sequence[str]) -> int:
    """The bone of a limb with most of it above it, by its name; -1 for none."""

    def named(bone: int) -> bool:
        said = tree.said[bone]
        return said.side == side and not said.metacarpal and bool(said.roles & set(words))

    def worth(bone: int) -> tuple[int, int, int]:
        above = [one for one in tree.up(bone) if named(one)]
        return len(above), sum(tree.said[one].fk for one in above), -bone

    tips = [bone for bone in tree.bones() if named(bone)]
    best = max(tips, key=worth, default=-1)
    # The limb goes on to where it ends: its last bones may be named otherwise, or not at all.
    return topology.furthest(tree, best) if best >= 0 and worth(best)[0] >= 2 else -1


def first_is_left(tree: Tree, found: Body) -> int:
    """1 if names say that the first side of a figure is its left, -1 for right, 0 for neither."""
    signs = [
        sum(_SIDE_SIGNS[tree.said[bone].side] for bone in path)
        for path in (*found.legs, *found.arms)
    ]
    first, second = sum(signs[::2]), sum(signs[1::2])
    if first * second >= 0:
        return 0
    return 1 if first > 0 else -1


def says_much(tree: Tree, chains: Chains) -> bool:
    """Whether names say the same of most bones that were found."""
    place = {name: bone for bone, name in enumerate(tree.skeleton.names)}
    agree = [
        part_of(role) in tree.said[place[bone]].roles
        for role, chain in chains.items()
        for bone in chain
    ]
    return sum(agree) >= _MUCH * max(1, len(agree))


def alone(tree: Tree) -> dict[str, tuple[str, ...]]:
    """What names say by themselves, where tree and rest pose say nothing.

    Only what one bone alone claims, and nothing unless a body is seen in it.
    """
    found: dict[str, tuple[str, ...]] = {}
    if tree.has_controls:
        return found
    names = tree.skeleton.names
    for role in ("pelvis", "neck", "head", *(f"{w}{s}" for s in roles.SIDES for w in roles.LIMBS)):
        claims = [bone for bone in tree.bones() if _claims(tree.said[bone], role)]
        if len(claims) == 1:
            found[role] = (names[claims[0]],)
    spine = [bone for bone in tree.bones() if tree.said[bone].sure == "spine"]
    if spine and all(one in tree.up(spine[-1]) for one in spine):
        found["spine"] = tuple(names[bone] for bone in spine)
    limbs = {role for role in found if roles.side_of(role)}
    has_pairs = all(role[:-2] + side in found for role in limbs for side in roles.SIDES)
    return found if "pelvis" in found and len(limbs) >= _FEWEST_ALONE and has_pairs else {}


def _claims(said: Name, role: str) -> bool:
    same = said.sure == roles.word_of(role) and said.side == roles.side_of(role)
    return same and not said.metacarpal


def fill(tree: Tree, chains: Chains) -> dict[str, tuple[str, ...]]:
    """Open roles that names fill: with bones that hang where they should and no other claims."""
    place = {name: bone for bone, name in enumerate(tree.skeleton.names)}
    known = {role: [place[one] for one in chain if one in place] for role, chain in chains.items()}
    taken = {bone for bones in known.values() for bone in bones}
    found: dict[str, list[int]] = {}
    for role in _open(chains):
        bones = [
            bone
            for bone in range(len(tree.said))
            if bone not in taken and _fills(tree, known | found, role, bone)
        ]
        chain = _in_one_line(tree, bones, role)
        if chain:
            found[role] = chain
            taken.update(chain)
    names = tree.skeleton.names
    return {role: tuple(names[bone] for bone in bones) for role, bones in found.items()}


def part_of(role: str) -> str:
    """The part of the body that a role's bone is named after."""
    return roles.word_of(role).removesuffix("_twist").removesuffix("_metacarpal")


def _open(chains: Chains) -> list[str]:
    return [role for role in roles.ALL if role not in chains and role not in roles.MIDDLE[:3]]


def _fills(tree: Tree, known: Mapping[str, Sequence[int]], role: str, bone: int) -> bool:
    said = tree.said[bone]
    word, side = roles.word_of(role), roles.side_of(role)
    if part_of(role) not in said.roles or (side and said.side != side) or said.helper:
        return False
    if said.twist != word.endswith("_twist") or said.metacarpal != word.endswith("_metacarpal"):
        return False
    if not (tree.kept[bone] or said.twist):
        return False
    return _hangs_well(tree, known, role, bone)


def _hangs_well(tree: Tree, known: Mapping[str, Sequence[int]], role: str, bone: int) -> bool:
    word, side = roles.word_of(role), roles.side_of(role)
    above = set(tree.up(tree.parents[bone]))
    if word == "neck":
        return bool(above & set(known.get("spine", ()))) and any(
            bone in tree.up(head) for head in known.get("head", ())
        )
    if word == "head":
        return bool(above & {*known.get("neck", ()), *known.get("spine", ())})
    if word.endswith("_twist"):
        wanted = (word.removesuffix("_twist"),)
    else:
        wanted = _HANGS_ON.get(word, ("hand",))
    carriers = [
        one for name in wanted for one in (*known.get(f"{name}{side}", ()), *known.get(name, ()))
    ]
    below = _next_of(known, word, side)
    return bool(above & set(carriers)) and not above & set(below)


def _next_of(known: Mapping[str, Sequence[int]], word: str, side: str) -> list[int]:
    """Bones that a role's own must not hang on: those further out on its limb."""
    base = word.removesuffix("_twist")
    for limb in (ARM, LEG):
        if base in limb:
            further = limb[limb.index(base) + 1 :]
            return [bone for name in further for bone in known.get(f"{name}{side}", ())]
    return []


def _in_one_line(tree: Tree, bones: list[int], role: str) -> list[int]:
    """Bones that may share a role: few enough, and each on the one before; else none."""
    most = roles.most_bones(role)
    if role.endswith(("_twist.L", "_twist.R")):
        return bones[:most]
    if len(bones) > most:
        return []
    line = all(one in tree.up(other) for one, other in pairwise(bones))
    return bones if line else []
