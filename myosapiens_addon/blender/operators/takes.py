# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing takes and their markerset: by a file browser, from File > Import, by dropping files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import CollectionProperty, StringProperty

from .. import compat, live, preferences, properties, take_defaults
from ..compat import current_scene

if TYPE_CHECKING:
    from bpy.types import Context, Event

TAKE_ENDINGS = (".c3d", ".trc")
HIDDEN = {"HIDDEN", "SKIP_SAVE"}


class MYOSAPIENS_OT_add_takes(bpy.types.Operator):
    """Choose optical motion capture takes (C3D or TRC); each becomes a job and an action."""

    bl_idname = "myosapiens.add_takes"
    bl_label = "Add Takes"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Take", subtype="FILE_PATH", options=HIDDEN)
    directory: StringProperty(subtype="DIR_PATH", options=HIDDEN)
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options=HIDDEN)
    filter_glob: StringProperty(default="*.c3d;*.trc", options={"HIDDEN"})

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Take what was dropped, else show a file browser."""
        if self.directory and self.files:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Add the files to the scene's takes."""
        paths = self._chosen()
        if not paths:
            self.report({"ERROR"}, "No take was chosen: choose one or more C3D or TRC files.")
            return {"CANCELLED"}
        other = [path.name for path in paths if path.suffix.lower() not in TAKE_ENDINGS]
        if other:
            self.report({"ERROR"}, f"{other[0]} is no take: choose C3D or TRC files.")
            return {"CANCELLED"}
        add_takes(current_scene(), paths)
        return {"FINISHED"}

    def _chosen(self) -> list[Path]:
        names = [entry.name for entry in self.files if entry.name]
        if names:
            return [Path(self.directory) / name for name in names]
        return [Path(self.filepath)] if self.filepath and not self.filepath.endswith("/") else []


def add_takes(scene: bpy.types.Scene, paths: list[Path]) -> None:
    """Add takes that are not chosen yet; the first of them is shown."""
    group = properties.of_scene(scene)
    if not group.takes:
        _begin_with_defaults(group)
    known = {properties.absolute(take.filepath) for take in group.takes}
    for path in paths:
        if str(path) not in known:
            known.add(str(path))
            take = group.takes.add()
            take.name, take.filepath = path.name, str(path)
            group.take_index = len(group.takes) - 1
    recent = live.recent().markersets
    if not group.markerset and recent:
        group.markerset = recent[0]
    live.summaries().forget()


def _begin_with_defaults(group: bpy.types.PropertyGroup) -> None:
    """The preferences' or the studio's choices, where this scene has none of its own."""
    kept = preferences.stored()
    for name in take_defaults.NAMES:
        value = take_defaults.first(kept, name)
        if value is not None and not group.is_property_set(name):
            setattr(group, name, value)


class MYOSAPIENS_OT_remove_take(bpy.types.Operator):
    """Take the chosen take off the list; its file is left alone."""

    bl_idname = "myosapiens.remove_take"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """There must be one."""
        if not properties.of_scene(context.scene).takes:
            cls.poll_message_set("No take is chosen.")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        """Remove it."""
        group = properties.of_scene(context.scene)
        group.takes.remove(min(group.take_index, len(group.takes) - 1))
        group.take_index = max(0, min(group.take_index, len(group.takes) - 1))
        live.session().touch()
        return {"FINISHED"}


class MYOSAPIENS_OT_clear_takes(bpy.types.Operator):
    """Take all takes off the list; their files are left alone."""

    bl_idname = "myosapiens.clear_takes"
    bl_label = "Remove All Takes"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """There must be one."""
        return bool(MYOSAPIENS_OT_remove_take.poll(context))

    def execute(self, context: Context) -> set[str]:
        """Remove them."""
        properties.of_scene(context.scene).takes.clear()
        live.session().touch()
        return {"FINISHED"}


class MYOSAPIENS_OT_read_again(bpy.types.Operator):
    """Read takes and markerset again, after their files have changed."""

    bl_idname = "myosapiens.read_again"
    bl_label = "Read Files Again"

    def execute(self, context: Context) -> set[str]:
        """Forget what was read."""
        live.summaries().forget()
        return {"FINISHED"}


class MYOSAPIENS_OT_choose_markerset(bpy.types.Operator):
    """Choose the markerset (XML) that the takes were recorded with."""

    bl_idname = "myosapiens.choose_markerset"
    bl_label = "Choose Markerset"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Markerset", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.xml", options={"HIDDEN"})

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Take what was dropped, else show a file browser."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Use it for the scene's takes."""
        if Path(self.filepath).suffix.lower() != ".xml":
            self.report({"ERROR"}, "No markerset was chosen: choose an XML file.")
            return {"CANCELLED"}
        properties.of_scene(context.scene).markerset = self.filepath
        live.summaries().forget()
        return {"FINISHED"}


class MYOSAPIENS_MT_markersets(bpy.types.Menu):
    """The markersets used last."""

    bl_idname = "MYOSAPIENS_MT_markersets"
    bl_label = "Markersets Used Last"

    def draw(self, context: Context) -> None:
        """Offer them."""
        layout = self.layout
        known = live.recent().markersets
        for path in known:
            name = f"{Path(path).name}  ({Path(path).parent.name})"
            layout.operator("myosapiens.choose_markerset", text=name).filepath = path
        if not known:
            layout.label(text="None was used yet")


class MYOSAPIENS_FH_takes(bpy.types.FileHandler):
    """Takes dropped on the viewport."""

    bl_idname = "MYOSAPIENS_FH_takes"
    bl_label = "MyoSapiens Takes"
    bl_import_operator = "myosapiens.add_takes"
    bl_file_extensions = ";".join(TAKE_ENDINGS)

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        """Only there."""
        return context.area is not None and context.area.type == "VIEW_3D"


class MYOSAPIENS_FH_markerset(bpy.types.FileHandler):
    """A markerset dropped on the viewport."""

    bl_idname = "MYOSAPIENS_FH_markerset"
    bl_label = "MyoSapiens Markerset"
    bl_import_operator = "myosapiens.choose_markerset"
    bl_file_extensions = ".xml"

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        """Only there."""
        return context.area is not None and context.area.type == "VIEW_3D"


def _draw_import_entry(menu: bpy.types.Menu, _context: Context) -> None:
    menu.layout.operator("myosapiens.add_takes", text="MyoSapiens Takes (.c3d, .trc)")


classes = (
    MYOSAPIENS_OT_add_takes,
    MYOSAPIENS_OT_remove_take,
    MYOSAPIENS_OT_clear_takes,
    MYOSAPIENS_OT_read_again,
    MYOSAPIENS_OT_choose_markerset,
    MYOSAPIENS_MT_markersets,
    MYOSAPIENS_FH_takes,
    MYOSAPIENS_FH_markerset,
)
_register, _unregister = compat.registrars(classes)


def register() -> None:
    """Add the operators, and an entry in File > Import."""
    _register()
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.append(_draw_import_entry)


def unregister() -> None:
    """Take them away again."""
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.remove(_draw_import_entry)
    _unregister()
