# SPDX-License-Identifier: GPL-3.0-or-later
"""What people choose in the panel: kept with the scene, and so in its file and its undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import character_choices, compat, live, map_properties, motion_choices, take_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGETS = (
    ("EXISTING", "Armature", "An armature of the scene takes the motion"),
    ("NEW", "New Armature", "Each take gets the character's own armature"),
)
ROTATIONS = (
    ("NONE", "Z Up", "The take's Z axis points up, as the service expects it"),
    ("yup_to_zup", "Y Up", "The take's Y axis points up"),
    ("ydown_to_zup", "Y Down", "The take's Y axis points down"),
)
UNITS = (
    ("AUTO", "As the File Says", "The unit that the take itself names; millimetres where none"),
    ("1000", "Millimetres", "The take's positions are millimetres"),
    ("100", "Centimetres", "The take's positions are centimetres"),
    ("10", "Decimetres", "The take's positions are decimetres"),
    ("1", "Metres", "The take's positions are metres"),
)


def _is_armature(self: MYOSAPIENS_PG_settings, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE" and candidate.name in self.id_data.objects


def _search_characters(
    _self: MYOSAPIENS_PG_settings, _context: bpy.types.Context, text: str
) -> Iterable[str]:
    found = live.account().catalogue
    entries = found.entries if found is not None else ()
    words = text.lower()
    return [entry.label for entry in entries if entry.is_ready and words in entry.label.lower()]


def _search_versions(
    self: MYOSAPIENS_PG_settings, _context: bpy.types.Context, text: str
) -> Iterable[str]:
    entry = live.character_entry(self.character)
    versions = entry.versions if entry is not None else ()
    return [version for version in versions if text.lower() in version.lower()]


def _character_changed(self: MYOSAPIENS_PG_settings, _context: bpy.types.Context) -> None:
    """Keep the id besides the name, which the service may change; a version is one's own."""
    entry = live.character_entry(self.character)
    self.character_id = entry.character_id if entry is not None else ""
    self.character_version = ""


class MYOSAPIENS_PG_take(bpy.types.PropertyGroup):
    """One chosen take."""

    filepath: StringProperty(
        name="Take",
        description="The C3D or TRC file",
        subtype="FILE_PATH",
        options=compat.PATH_OPTIONS,
    )


class MYOSAPIENS_PG_settings(
    bpy.types.PropertyGroup,
    take_defaults.TakeDefaults,
    motion_choices.MotionChoices,
    character_choices.CharacterChoices,
):
    """The choices of one scene."""

    takes: CollectionProperty(type=MYOSAPIENS_PG_take)
    take_index: IntProperty(name="Take", description="The take whose summary is shown")
    markerset: StringProperty(
        name="Markerset",
        description="XML file that says which marker sits where on which body",
        subtype="FILE_PATH",
        options=compat.PATH_OPTIONS,
    )
    character: StringProperty(
        name="Character",
        description="Character that the takes are solved on; empty for the service's first",
        search=_search_characters,
        update=_character_changed,
    )
    character_id: StringProperty(options={"HIDDEN"})
    character_version: StringProperty(
        name="Version",
        description="Ready version of the character; empty for the newest",
        search=_search_versions,
    )
    use_height: BoolProperty(name="Height", description="Tell the service the person's height")
    height_m: FloatProperty(
        name="Height (m)",
        description="Height of the recorded person in metres",
        default=1.75,
        min=0.3,
        max=2.8,
        step=1,
        precision=2,
    )
    use_weight: BoolProperty(name="Weight", description="Tell the service the person's weight")
    weight_kg: FloatProperty(
        name="Weight (kg)",
        description="Weight of the recorded person in kilograms",
        default=70.0,
        min=2.0,
        max=650.0,
        step=50,
        precision=1,
    )
    rotation: EnumProperty(
        name="Up Axis", description="Which axis of the take points up", items=ROTATIONS
    )
    units: EnumProperty(name="Units", description="Unit of the take's positions", items=UNITS)
    use_clip: BoolProperty(name="Clip", description="Solve the first frames of the take only")
    clip_length: IntProperty(
        name="Frames", description="So many frames are solved", default=240, min=1
    )
    use_contacts: BoolProperty(
        name="Ground Contacts", description="Solve with regard to the feet's contact with the floor"
    )
    scaling_frames: IntProperty(
        name="Scaling Frames",
        description="Frames on which the character is fitted to the recorded person",
        default=10,
        min=1,
        soft_max=200,
    )
    target: EnumProperty(name="Target", description="What takes the motion", items=TARGETS)
    armature: PointerProperty(
        name="Armature",
        description="Armature that takes the motion; empty for the active or the only one",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    start_frame: IntProperty(
        name="Start Frame", description="Scene frame of the take's first moment", default=1
    )
    action_name: StringProperty(
        name="Action", description="Name of the new action; empty for the take's name"
    )


class MYOSAPIENS_PG_job(bpy.types.PropertyGroup):
    """Stands for a row of the session in a list; what it shows is not stored in any file."""

    key: IntProperty()


class MYOSAPIENS_PG_asset(bpy.types.PropertyGroup):
    """Stands for a file on the service."""

    place: IntProperty()


class MYOSAPIENS_PG_window(bpy.types.PropertyGroup):
    """What the lists of the panel need."""

    jobs: CollectionProperty(type=MYOSAPIENS_PG_job)
    job_index: IntProperty(name="Job", description="The job whose details are shown")
    assets: CollectionProperty(type=MYOSAPIENS_PG_asset)
    asset_index: IntProperty(name="File", description="The chosen file on the service")


def of_scene(scene: bpy.types.Scene | None) -> Any:  # noqa: ANN401 - registered at run time
    """The scene's choices."""
    versioned: Any = scene
    return versioned.myosapiens


def of_window() -> Any:  # noqa: ANN401 - registered at run time
    """What the lists need."""
    manager: Any = bpy.context.window_manager
    return manager.myosapiens


def absolute(path: str) -> str:
    """A path of a property as an absolute one: `//` is the .blend's own folder."""
    return str(Path(bpy.path.abspath(path))) if path.strip() else ""


classes = (
    MYOSAPIENS_PG_take,
    MYOSAPIENS_PG_settings,
    MYOSAPIENS_PG_job,
    MYOSAPIENS_PG_asset,
    MYOSAPIENS_PG_window,
)
_register, _unregister = compat.registrars(classes)


def register() -> None:
    """Add the groups to scenes, to armatures and to the window manager."""
    _register()
    map_properties.register()
    scene_type: Any = bpy.types.Scene
    scene_type.myosapiens = PointerProperty(type=MYOSAPIENS_PG_settings)
    manager_type: Any = bpy.types.WindowManager
    manager_type.myosapiens = PointerProperty(type=MYOSAPIENS_PG_window)


def unregister() -> None:
    """Take them away again."""
    del bpy.types.WindowManager.myosapiens  # type: ignore[attr-defined]
    del bpy.types.Scene.myosapiens  # type: ignore[attr-defined]
    map_properties.unregister()
    _unregister()
