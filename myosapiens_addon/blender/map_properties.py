# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature's bone map, kept with the armature's data: in its file, its undo, its copies."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from ..retarget.mapping import roles
from . import compat

if TYPE_CHECKING:
    from collections.abc import Iterator

EDITED = "edited"
PLACE = "myosapiens_map"
WORDS = {
    ".L": "Left",
    ".R": "Right",
}


def label(role: str) -> str:
    """A role in front of people: `Left Upper Arm`."""
    words = roles.word_of(role).replace("_", " ").title()
    return f"{WORDS[side]} {words}" if (side := roles.side_of(role)) else words


# Numbers of an enumeration's items are what a file holds: new roles go to the end.
ITEMS = tuple(
    (role, label(role), f"The bone is the {label(role).lower()} of the figure", "NONE", number)
    for number, role in enumerate(roles.ALL, start=1)
)


def _edited(self: MYOSAPIENS_PG_bone_role, _context: bpy.types.Context) -> None:
    self.state = EDITED


class MYOSAPIENS_PG_bone_role(bpy.types.PropertyGroup):
    """One bone and the role it plays; bones of one role stand in the order of their chain."""

    bone: StringProperty(name="Bone", description="The bone that follows", update=_edited)
    role: EnumProperty(
        name="Body",
        description="What of the recorded figure the bone follows",
        items=ITEMS,
        update=_edited,
    )
    state: StringProperty(options={"HIDDEN"})


class MYOSAPIENS_PG_bone_map(bpy.types.PropertyGroup):
    """The map of one armature; without rows it is found out anew for each take."""

    rows: CollectionProperty(type=MYOSAPIENS_PG_bone_role)
    row_index: IntProperty(name="Bone", description="The chosen row of the bone map")
    preset: StringProperty(options={"HIDDEN"})
    title: StringProperty(options={"HIDDEN"})
    # What the map says of rigs of its kind besides their bones, as JSON: see `retarget.extras`.
    extras: StringProperty(options={"HIDDEN"})


classes = (MYOSAPIENS_PG_bone_role, MYOSAPIENS_PG_bone_map)
_register, _unregister = compat.registrars(classes)


def of_armature(armature: Any) -> Any:  # noqa: ANN401 - registered at run time
    """The map's properties; None where they are not registered."""
    return getattr(armature, PLACE, None)


def register() -> None:
    """Add the map to armatures."""
    _register()
    setattr(bpy.types.Armature, PLACE, PointerProperty(type=MYOSAPIENS_PG_bone_map))


def unregister() -> None:
    """Take it away again; what files hold stays in them."""
    delattr(bpy.types.Armature, PLACE)
    _unregister()


@contextmanager
def available() -> Iterator[None]:
    """Maps in files can be read, also where the extension is not enabled."""
    if hasattr(bpy.types.Armature, PLACE):
        yield
        return
    register()
    try:
        yield
    finally:
        unregister()
