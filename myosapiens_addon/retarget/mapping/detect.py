# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding which bones of any armature play which roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from . import check, plausible, presets, propose
from .presets import Match, NameIndex, Preset
from .roles import RoleMap, Skeleton

# Of what every human rig has, how much must be there for a preset to be taken at once, and how
# much for one to be taken if a proposal finds no more.
ENOUGH, SOME = 0.8, 0.55


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
    if found is not None and plausible.essential(found.role_map.chains) >= ENOUGH:
        return found
    other = _proposed(skeleton)
    if found is None or _found(other) > _found(found):
        return other
    return found


def _found(detection: Detection) -> int:
    return plausible.count(detection.role_map.chains)


def _of_preset(skeleton: Skeleton, known: Iterable[Preset]) -> Detection | None:
    index = NameIndex(skeleton.names)
    best: tuple[tuple[float, ...], Preset, Match] | None = None
    for preset in known:
        match = presets.match(preset.document, index)
        rank = _rank(preset, match)
        if plausible.essential(match.chains) >= SOME and (best is None or rank > best[0]):
            best = (rank, preset, match)
    if best is None:
        return None
    _, preset, match = best
    role_map = presets.role_map(preset, match)
    if any(check.examine(role_map, skeleton).errors):
        return None
    return _completed(skeleton, preset, role_map)


def _rank(preset: Preset, match: Match) -> tuple[float, ...]:
    """Most of the body, then most bones, then least missing, then names as they are written."""
    wanted = preset.document.bones
    as_written = {name for chain in wanted.values() for names in chain for name in names}
    exact = sum(bone in as_written for chain in match.chains.values() for bone in chain)
    missing = match.bones / max(1, sum(map(len, wanted.values())))
    return plausible.count(match.chains), match.bones, missing, exact


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
        sure=plausible.essential(chains) * plausible.posture(skeleton, chains),
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
