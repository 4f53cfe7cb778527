# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes the bone map that an armature holds."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from ..retarget.mapping.roles import RoleMap
from . import map_properties

if TYPE_CHECKING:
    from collections.abc import Mapping


def read(armature: Any) -> RoleMap | None:  # noqa: ANN401 - an armature's data
    """The map that an armature's data holds; None when there is none."""
    group = map_properties.of_armature(armature)
    if group is None or not len(group.rows):
        return None
    chains: dict[str, list[str]] = {}
    for row in group.rows:
        if row.bone:
            chains.setdefault(row.role, []).append(row.bone)
    return RoleMap(
        chains={role: tuple(bones) for role, bones in chains.items()},
        preset=group.preset,
        title=group.title or "the armature's map",
        rig=_extras(group.extras),
    )


def _extras(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:  # somebody's script wrote it: what it says is looked at later, if it is JSON
        return {}
    return found if isinstance(found, dict) else {}


def write(
    armature: Any,  # noqa: ANN401
    role_map: RoleMap,
    states: Mapping[str, str] | None = None,
) -> None:
    """Replace the map.

    Args:
        armature: the armature's data; not one of a linked library.
        role_map: the map.
        states: role → how it was found.
    """
    group = map_properties.of_armature(armature)
    group.rows.clear()
    group.preset, group.title = role_map.preset, role_map.title
    group.extras = json.dumps(dict(role_map.rig), ensure_ascii=False) if role_map.rig else ""
    for role, bones in role_map.chains.items():
        for bone in bones:
            row = group.rows.add()
            row.bone, row.role = bone, role
            row.state = (states or {}).get(role, "preset")
    group.row_index = 0


def clear(armature: Any) -> None:  # noqa: ANN401
    """Forget the map: it is found out anew for each take."""
    group = map_properties.of_armature(armature)
    group.rows.clear()
    group.preset = group.title = group.extras = ""


def with_title(role_map: RoleMap, title: str) -> RoleMap:
    """The same map under another title."""
    return dataclasses.replace(role_map, title=title)
