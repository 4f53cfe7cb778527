# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposal of roles for a rig of no known kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .roles import Skeleton

TITLE = "Proposal"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Roles proposed."""

    chains: Mapping[str, tuple[str, ...]]
    state: Mapping[str, str]
    sure: float


def propose(skeleton: Skeleton) -> Proposal:
    """Roles from names and from the tree."""
    return Proposal(chains={}, state={}, sure=0.0)


def by_names(
    skeleton: Skeleton, chains: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Roles left open that names fill."""
    return {}
