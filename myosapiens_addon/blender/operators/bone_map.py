# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with an armature's bone map: find it out, correct it, keep it, share it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...errors import InputError, MyoSapiensError
from .. import choices, compat, feedback, map_properties, paths, properties, stored_map
from ..compat import current_scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpy.types import Context, Event

    from ...retarget.mapping.presets import Preset

ENDING = ".json"
SURE = 0.75


def why_not_map() -> str:
    """A sentence why the target's map cannot be changed; empty when it can."""
    if properties.of_scene(current_scene()).target == "NEW":
        return "A new armature needs no bone map: its bones are the character's own."
    found = choices.why_no_target(current_scene())
    if isinstance(found, str):
        return found
    if found.data.library is not None:
        return (
            f"The armature {found.name!r} belongs to the linked file "
            f"{Path(found.data.library.filepath).name}: change its bone map there."
        )
    return ""


def target() -> Any:  # noqa: ANN401 - an armature object
    """The armature object whose map is meant; `why_not_map` must be empty."""
    return choices.why_no_target(current_scene())


def target_group() -> Any:  # noqa: ANN401 - registered at run time
    """Its map."""
    return map_properties.of_armature(target().data)


class _OnMap:
    """An operator that changes the target's map."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """There must be a target whose map can be changed."""
        return feedback.poll(cls, why_not_map())

    def attempt(self: Any, act: Callable[[], str]) -> set[str]:
        """Act, and report what came of it."""
        try:
            sentence = act()
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        if sentence:
            self.report({"INFO"}, sentence)
        return {"FINISHED"}


class _OnRows(_OnMap):
    """An operator on a row that is there."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """The map must have rows."""
        reason = why_not_map()
        if not reason and not len(target_group().rows):
            reason = "The bone map is empty: press Detect or choose a preset."
        return feedback.poll(cls, reason)


class MYOSAPIENS_OT_map_detect(bpy.types.Operator, _OnMap):
    """Find out, by names and shape, which bone of the target follows what."""

    bl_idname = "myosapiens.map_detect"
    bl_label = "Detect"
    bl_options: Any = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> set[str]:
        """Find it out and keep it with the armature."""
        return self.attempt(self._detect)

    def _detect(self) -> str:
        from ...retarget.mapping import detect, presets
        from .. import rig_reader

        skeleton = rig_reader.read_rig(target()).skeleton
        found = detect.detect(skeleton, presets.catalogue(paths.bone_maps()))
        if not found.role_map.chains:
            raise InputError(
                f"The bones of {target().name!r} do not look like a human figure: choose a preset, "
                "or add rows by hand."
            )
        stored_map.write(target().data, found.role_map, found.state)
        doubt = "" if found.sure >= SURE else " Look it over before you use it."
        return f"{found.title}: {found.sure:.0%} sure.{doubt}"


def user_maps() -> Path:
    """The folder of the user's own presets."""
    return paths.user_directory("maps")


@lru_cache(maxsize=1)
def _preset_items() -> tuple[tuple[str, str, str], ...]:
    """Blender keeps no hold on an enumeration's texts, so we must; see `forget_presets`."""
    from ...retarget.mapping import presets

    return tuple(
        (entry.id, entry.title, _whose(entry)) for entry in presets.catalogue(paths.bone_maps())
    )


def _whose(preset: Preset) -> str:
    if preset.is_shared:
        return "A preset of your studio"
    return "Your own preset" if preset.path is not None else ""


def _offered(_self: object, _context: object) -> tuple[tuple[str, str, str], ...]:
    return _preset_items()


class MYOSAPIENS_OT_map_preset(bpy.types.Operator, _OnMap):
    """Take the bone map from a preset."""

    bl_idname = "myosapiens.map_preset"
    bl_label = "Bone Map Preset"
    bl_options: Any = {"REGISTER", "UNDO"}

    preset: EnumProperty(
        name="Preset",
        description="The kind of armature",
        items=_offered,
    )

    def execute(self, context: Context) -> set[str]:
        """Take it, for the bones that are there."""
        return self.attempt(self._apply)

    def _apply(self) -> str:
        from ...retarget.mapping import presets

        armature = target()
        chosen = presets.find(self.preset, paths.bone_maps())
        role_map = presets.apply(chosen, armature.data.bones.keys(), armature.name)
        stored_map.write(armature.data, role_map)
        return f"{role_map.title}: {sum(map(len, role_map.chains.values()))} bones."


def forget_presets() -> None:
    """There is a new preset."""
    _preset_items.cache_clear()


class MYOSAPIENS_OT_map_add(bpy.types.Operator, _OnMap):
    """Add a row to the bone map; in Pose Mode for the active bone."""

    bl_idname = "myosapiens.map_add"
    bl_label = "Add Row"
    bl_options: Any = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> set[str]:
        """Add it below the chosen one."""
        group = target_group()
        row = group.rows.add()
        active = context.active_pose_bone
        if active is not None and active.id_data == target():
            row.bone = active.name
        row.state = map_properties.EDITED
        place = min(group.row_index + 1, len(group.rows) - 1)
        group.rows.move(len(group.rows) - 1, place)
        group.row_index = place
        return {"FINISHED"}


class MYOSAPIENS_OT_map_remove(bpy.types.Operator, _OnRows):
    """Remove the chosen row; the bone then follows nothing."""

    bl_idname = "myosapiens.map_remove"
    bl_label = "Remove Row"
    bl_options: Any = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> set[str]:
        """Remove it."""
        group = target_group()
        group.rows.remove(group.row_index)
        group.row_index = max(min(group.row_index, len(group.rows) - 1), 0)
        return {"FINISHED"}


class MYOSAPIENS_OT_map_move(bpy.types.Operator, _OnRows):
    """Move the chosen row: bones of one body stand in the order of their chain."""

    bl_idname = "myosapiens.map_move"
    bl_label = "Move Row"
    bl_options: Any = {"REGISTER", "UNDO"}

    direction: EnumProperty(
        name="Direction", items=(("UP", "Up", "Towards the start"), ("DOWN", "Down", "On"))
    )

    def execute(self, context: Context) -> set[str]:
        """Move it."""
        group = target_group()
        place = group.row_index + (-1 if self.direction == "UP" else 1)
        if not 0 <= place < len(group.rows):
            return {"CANCELLED"}
        group.rows.move(group.row_index, place)
        group.row_index = place
        return {"FINISHED"}


class MYOSAPIENS_OT_map_clear(bpy.types.Operator, _OnRows):
    """Forget the bone map; it is then found out anew for each take."""

    bl_idname = "myosapiens.map_clear"
    bl_label = "Clear Bone Map"
    bl_options: Any = {"REGISTER", "UNDO"}

    def execute(self, context: Context) -> set[str]:
        """Forget it."""
        stored_map.clear(target().data)
        return {"FINISHED"}


class MYOSAPIENS_OT_map_save(bpy.types.Operator, _OnRows):
    """Keep the bone map as a preset of your own, for other armatures and files."""

    bl_idname = "myosapiens.map_save"
    bl_label = "Save Bone Map Preset"

    name: StringProperty(name="Name", description="What to call the preset")

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask for the name."""
        self.name = self.name or target().name
        manager: Any = context.window_manager
        answer: set[str] = manager.invoke_props_dialog(self)
        return answer

    def execute(self, context: Context) -> set[str]:
        """Write the file."""
        return self.attempt(self._save)

    def _save(self) -> str:
        name = self.name.strip()
        if not name:
            raise InputError("The preset has no name; give it one.")
        write_map(user_maps() / f"{paths.file_name(name)}{ENDING}", title=name)
        forget_presets()
        return f"The preset {name!r} is saved."


class _OnFile(_OnMap):
    """An operator that asks for a map's file."""

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=f"*{ENDING}", options={"HIDDEN"})

    def browse(self: Any, context: Context, *, writes: bool) -> set[str]:
        """Open the file browser."""
        if writes and not self.filepath:
            self.filepath = f"{paths.file_name(target().name)}{ENDING}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def chosen(self: Any) -> Path:
        """The file.

        Raises:
            InputError: none is named.
        """
        if not self.filepath.strip():
            raise InputError("No file is named; choose one.")
        path = Path(properties.absolute(self.filepath))
        return path if path.suffix.lower() == ENDING else path.with_name(path.name + ENDING)


class MYOSAPIENS_OT_map_export(bpy.types.Operator, _OnFile, _OnRows):
    """Write the bone map to a JSON file, for others and for the command line's --map."""

    bl_idname = "myosapiens.map_export"
    bl_label = "Export Bone Map"

    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask for the file."""
        return self.browse(context, writes=True)

    def execute(self, context: Context) -> set[str]:
        """Write it."""
        return self.attempt(self._export)

    def _export(self) -> str:
        write_map(self.chosen(), title=target_group().title or target().name)
        return f"The bone map is in {self.chosen()}."


class MYOSAPIENS_OT_map_import(bpy.types.Operator, _OnFile):
    """Read the bone map from a JSON file."""

    bl_idname = "myosapiens.map_import"
    bl_label = "Import Bone Map"
    bl_options: Any = {"REGISTER", "UNDO"}

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask for the file."""
        return self.browse(context, writes=False)

    def execute(self, context: Context) -> set[str]:
        """Read it."""
        return self.attempt(self._import)

    def _import(self) -> str:
        from ...retarget.mapping import files

        role_map = files.read(self.chosen())
        stored_map.write(target().data, role_map)
        return f"{role_map.title or self.chosen().stem}: read."


def write_map(path: Path, *, title: str) -> None:
    """Write the target's map to a file.

    Raises:
        InputError: the map is empty, or the file cannot be written.
    """
    from ...retarget.mapping import files

    role_map = stored_map.read(target().data)
    if role_map is None:
        raise InputError("The bone map is empty: press Detect or choose a preset.")
    files.write(path, stored_map.with_title(role_map, title))


classes = (
    MYOSAPIENS_OT_map_detect,
    MYOSAPIENS_OT_map_preset,
    MYOSAPIENS_OT_map_add,
    MYOSAPIENS_OT_map_remove,
    MYOSAPIENS_OT_map_move,
    MYOSAPIENS_OT_map_clear,
    MYOSAPIENS_OT_map_save,
    MYOSAPIENS_OT_map_export,
    MYOSAPIENS_OT_map_import,
)
register, unregister = compat.registrars(classes)
