# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bone map says of rigs of its kind besides roles, read from its plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

from ..errors import RigError
from .curves import Setting

if TYPE_CHECKING:
    from .mapping.roles import RoleMap

LIMB_ROLES = 3


@dataclass(frozen=True, kw_only=True)
class Limb:
    """A limb that controls for inverse kinematics can hold.

    Attributes:
        roles: its three roles, from the trunk out.
        control: the bone that moves its end.
        pole: the bone that its knee or elbow follows.
        toe: the bone that turns the toes; empty for none.
        shown: role → the bone that shows the pose then.
        switches: what makes these controls drive.
    """

    roles: tuple[str, ...]
    control: str
    pole: str
    toe: str
    shown: Mapping[str, str]
    switches: tuple[Setting, ...]


@dataclass(frozen=True, kw_only=True)
class Extras:
    """See the module's docstring.

    Attributes:
        hangs_on: bone → the bone it goes with instead of its parent.
        moves: control → the bone whose place it controls.
        also: bone → a role that it follows besides the role's own bone.
        carrier: the bone whose location moves the pelvis; empty for the pelvis itself.
        switches: properties of pose bones that make the keyed controls drive.
        limbs: controls for inverse kinematics.
    """

    hangs_on: Mapping[str, str]
    moves: Mapping[str, str]
    also: Mapping[str, str]
    carrier: str
    switches: tuple[Setting, ...]
    limbs: tuple[Limb, ...]


def of_map(role_map: RoleMap) -> Extras:
    """The extras of a map.

    Raises:
        RigError: something of them is not of the form that it must have.
    """
    read = _Reader(role_map)
    top = role_map.rig
    return Extras(
        hangs_on=read.names(top.get("hangs_on", {}), "hangs_on"),
        moves=read.names(top.get("moves", {}), "moves"),
        also=read.names(top.get("also", {}), "also"),
        carrier=read.name(top.get("carrier", ""), "carrier"),
        switches=read.switches(top.get("switches", []), "switches"),
        limbs=tuple(read.limb(row) for row in read.rows(top.get("ik", []), "ik")),
    )


class _Reader:
    """Checks while it reads: files of maps are written by people too."""

    def __init__(self, role_map: RoleMap) -> None:
        self._title = role_map.title or "bone map"

    def _refuse(self, key: str, wanted: str) -> NoReturn:
        raise RigError(f"In the bone map {self._title!r}, {key!r} must be {wanted}; correct it.")

    def name(self, value: object, key: str) -> str:
        if not isinstance(value, str):
            self._refuse(key, "the name of a bone")
        return value

    def names(self, value: object, key: str) -> Mapping[str, str]:
        if not isinstance(value, Mapping):
            self._refuse(key, "an object of names")
        found = cast("Mapping[str, object]", value)
        return {bone: self.name(other, key) for bone, other in found.items()}

    def rows(self, value: object, key: str) -> list[Mapping[str, Any]]:
        rows = cast("list[object]", value) if isinstance(value, list) else None
        if rows is None or not all(isinstance(row, Mapping) for row in rows):
            self._refuse(key, "a list of objects")
        return cast("list[Mapping[str, Any]]", rows)

    def switches(self, value: object, key: str) -> tuple[Setting, ...]:
        return tuple(self._switch(row, key) for row in self.rows(value, key))

    def _switch(self, row: Mapping[str, Any], key: str) -> Setting:
        number = row.get("value")
        if not isinstance(number, int | float):
            self._refuse(key, "objects with a bone, a property and a number as its value")
        name = self.name(row.get("property"), key)
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        # A custom property, or, after a dot, one that every pose bone has.
        path = name if name.startswith(".") else f'["{escaped}"]'
        return Setting(bone=self.name(row.get("bone"), key), path=path, value=float(number))

    def limb(self, row: Mapping[str, Any]) -> Limb:
        roles = row.get("roles")
        if not isinstance(roles, list) or len(cast("list[object]", roles)) != LIMB_ROLES:
            self._refuse("roles", "a list of three roles, from the trunk out")
        return Limb(
            roles=tuple(self.name(role, "roles") for role in cast("list[object]", roles)),
            control=self.name(row.get("control"), "control"),
            pole=self.name(row.get("pole"), "pole"),
            toe=self.name(row.get("toe", ""), "toe"),
            shown=self.names(row.get("shown", {}), "shown"),
            switches=self.switches(row.get("switches", []), "ik"),
        )
