# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a map makes sense for a skeleton: one sentence for each thing that does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from . import roles
from .roles import RoleMap, Skeleton

# Each of a limb is below the one before it, and all of them below the pelvis or what carries it.
LIMBS = (
    ("clavicle", "upper_arm", "forearm", "hand"),
    ("thigh", "shin", "foot", "toe"),
)


@dataclass(frozen=True, kw_only=True)
class Problems:
    """What is wrong with a map.

    Attributes:
        errors: nothing sensible can be done with it before these are put right.
        warnings: the rest of it can be used.
    """

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def problems(role_map: RoleMap, skeleton: Skeleton) -> list[str]:
    """All that is wrong, the worst first."""
    found = examine(role_map, skeleton)
    return [*found.errors, *found.warnings]


def examine(role_map: RoleMap, skeleton: Skeleton) -> Problems:
    """All that is wrong, by how bad it is."""
    if not any(role_map.chains.values()):
        return Problems(errors=("No bone has a role; choose a bone map, or assign bones.",))
    errors = [*_unknown_roles(role_map), *_twins(role_map), *_order(role_map, skeleton)]
    absent = list(_absent(role_map, skeleton))
    if not any(bone in skeleton.names for chain in role_map.chains.values() for bone in chain):
        return Problems(errors=("None of the bones of the bone map is there; choose another.",))
    pelvis = role_map.bone("pelvis")
    if pelvis is None:
        errors.append("No bone has the role 'pelvis', which carries the figure; assign one.")
    elif pelvis not in skeleton.names:
        errors.append(f"The bone {pelvis!r} (pelvis) is not there; assign another.")
    return Problems(errors=tuple(errors), warnings=(*absent, *_too_many(role_map)))


def _unknown_roles(role_map: RoleMap) -> Iterator[str]:
    for role in role_map.chains:
        if role not in roles.ALL:
            yield f"{role!r} is not a role; remove it."


def _absent(role_map: RoleMap, skeleton: Skeleton) -> Iterator[str]:
    present = set(skeleton.names)
    for role, chain in role_map.chains.items():
        for bone in chain:
            if bone not in present and role != "pelvis":
                yield f"The bone {bone!r} ({role}) is not there; it is left out."


def _twins(role_map: RoleMap) -> Iterator[str]:
    role_of: dict[str, str] = {}
    for role, chain in role_map.chains.items():
        for bone in chain:
            other = role_of.setdefault(bone, role)
            if other != role:
                yield f"The bone {bone!r} has two roles, {other!r} and {role!r}; remove one."
        for bone in dict.fromkeys(chain):
            if chain.count(bone) > 1:
                yield f"The bone {bone!r} is in the role {role!r} twice; remove one."


def _too_many(role_map: RoleMap) -> Iterator[str]:
    for role, chain in role_map.chains.items():
        most = roles.most_bones(role)
        if len(chain) > most:
            yield f"The role {role!r} has {len(chain)} bones, {most} at most; the rest is left out."


def _order(role_map: RoleMap, skeleton: Skeleton) -> Iterator[str]:
    """Bones that are above those which they should be below.

    Controls may hang on each other in any way; then the bones that they move are looked at.
    """
    place = {name: index for index, name in enumerate(skeleton.names)}
    moves = role_map.rig.get("moves", {})
    place |= {bone: place[moves[bone]] for bone in moves if moves[bone] in place}
    for line in lines(role_map):
        known = [(role, bone) for role, bone in line if bone in place]
        for (upper_role, upper), (role, bone) in pairwise(known):
            if is_above(skeleton, place[bone], place[upper]):
                yield (
                    f"The bone {bone!r} ({role}) is above {upper!r} ({upper_role}), which it "
                    "should be below; swap or remove them."
                )


def lines(role_map: RoleMap) -> Iterator[list[tuple[str, str]]]:
    """Roles with their bones, along each limb and up the spine, from the pelvis outwards."""
    chains = role_map.chains
    yield [(role, bone) for role in roles.MIDDLE[1:] for bone in chains.get(role, ())]
    for side in roles.SIDES:
        for limb in LIMBS:
            yield [
                (f"{word}{side}", bone) for word in limb for bone in chains.get(f"{word}{side}", ())
            ]
        for finger in roles.FINGERS:
            yield [(f"{finger}{side}", bone) for bone in chains.get(f"{finger}{side}", ())]


def is_above(skeleton: Skeleton, upper: int, lower: int) -> bool:
    """Whether one bone is among the parents of another."""
    parent = int(skeleton.parents[lower])
    for _ in range(len(skeleton.names)):
        if parent < 0 or parent == upper:
            return parent == upper
        parent = int(skeleton.parents[parent])
    return False
