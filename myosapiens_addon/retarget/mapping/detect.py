# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding which bones of any armature play which roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from . import check, presets, propose, roles
from .presets import NameIndex, Preset
from .roles import RoleMap, Skeleton

# The bones of a human body without fingers; `spine` counts as up to three.
BODY = (
    "pelvis", "spine", "neck", "head",
    *(f"{word}{side}" for side in roles.SIDES for word in roles.LIMBS),
)  # fmt: skip
MOST_SPINE = 3
# Without these a rig is not of a preset's kind: what every preset has.
ESSENTIAL = tuple(
    role for role in BODY if roles.word_of(role) not in ("neck", "clavicle", "toe", "spine")
)
# Of the essential roles, how many must be there for a preset to be taken.
ENOUGH = 0.8


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What was found out about an armature.

    Attributes:
        role_map: who plays which role.
        preset: id of the preset; empty when the map is a proposal.
        title: what to call it in front of people.
        sure: 0 to 1; below a half, a person should look at it.
        state: role → what it rests on: "preset", "name" or "topology".
    """

    role_map: RoleMap
    preset: str = ""
    title: str = ""
    sure: float = 0.0
    state: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def detect(skeleton: Skeleton, known: Iterable[Preset] | None = None) -> Detection:
    """The best preset if one fits, else a proposal from names and tree.

    `known` are the presets to choose from; the built-in ones unless given.
    """
    found = _of_preset(skeleton, presets.built_in() if known is None else known)
    return found if found is not None else _proposed(skeleton)


def count(chains: Mapping[str, tuple[str, ...]]) -> int:
    """How many of the 22 bones of a body have been found."""
    return sum(
        min(MOST_SPINE, len(chains.get("spine", ()))) if role == "spine" else role in chains
        for role in BODY
    )


def _of_preset(skeleton: Skeleton, known: Iterable[Preset]) -> Detection | None:
    index = NameIndex(skeleton.names)
    best: tuple[tuple[float, ...], Preset, Mapping[str, tuple[str, ...]]] | None = None
    for preset in known:
        chains = presets.match(preset.document, index)
        rank = _rank(preset, chains)
        if chains and _essential(chains) >= ENOUGH and (best is None or rank > best[0]):
            best = (rank, preset, chains)
    if best is None:
        return None
    _, preset, chains = best
    role_map = presets.role_map(preset, chains)
    if check.examine(role_map, skeleton).errors:
        return None
    return _completed(skeleton, preset, role_map)


def _essential(chains: Mapping[str, tuple[str, ...]]) -> float:
    return sum(role in chains for role in ESSENTIAL) / len(ESSENTIAL)


def _rank(preset: Preset, chains: Mapping[str, tuple[str, ...]]) -> tuple[float, ...]:
    """Most of the body, then most bones, then least missing, then names as they are written."""
    wanted = preset.document.bones
    bones = sum(map(len, chains.values()))
    as_written = {name for chain in wanted.values() for names in chain for name in names}
    exact = sum(bone in as_written for chain in chains.values() for bone in chain)
    return count(chains), bones, bones / max(1, sum(map(len, wanted.values()))), exact


def _completed(skeleton: Skeleton, preset: Preset, role_map: RoleMap) -> Detection:
    """What a preset gives, and what names say of the roles that it leaves open."""
    chains = dict(role_map.chains)
    state = dict.fromkeys(chains, "preset")
    if not preset.document.complete:
        for role, chain in propose.by_names(skeleton, chains).items():
            chains[role] = chain
            state[role] = "name"
    whole = RoleMap(chains=chains, preset=role_map.preset, title=role_map.title, rig=role_map.rig)
    return Detection(
        role_map=whole,
        preset=preset.id,
        title=preset.title,
        sure=_essential(chains),
        state=MappingProxyType(state),
    )


def _proposed(skeleton: Skeleton) -> Detection:
    found = propose.propose(skeleton)
    return Detection(
        role_map=RoleMap(chains=found.chains, title=propose.TITLE if found.chains else ""),
        title=propose.TITLE if found.chains else "",
        sure=found.sure,
        state=found.state,
    )
