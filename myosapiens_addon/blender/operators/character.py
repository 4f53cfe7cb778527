# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters, result files at hand, and joint angles as tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, StringProperty

from ...errors import MyoSapiensError, RigError
from .. import character_choices, choices, compat, feedback, live, properties
from .. import session as sessions
from ..compat import current_scene
from ..rows import Row, State
from .jobs import chosen_row

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ...motion.character import Character
    from ...motion.joint_angles import JointAngles

HIDDEN = {"HIDDEN", "SKIP_SAVE"}
PATH = compat.PATH_OPTIONS
RESULTS = (".glb", ".npz", ".parquet")


class MYOSAPIENS_OT_new_character_armature(bpy.types.Operator):
    """Build an armature from the character's definition, its joints on its bones."""

    bl_idname = "myosapiens.new_character_armature"
    bl_label = "New Armature from Definition"
    bl_options: Any = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="Definition",
        description="MJCF XML; empty for the scene's",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | PATH,
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """A definition must be chosen; a script may name one."""
        reason = ""
        if not bpy.app.background and not properties.of_scene(context.scene).model.strip():
            reason = "Choose the character's definition (MJCF XML) first."
        return feedback.poll(cls, reason)

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Read the file in a thread, and return at once."""
        session = live.session()
        path = self._path()
        limits = properties.of_scene(context.scene).use_limits

        def built(character: Character) -> None:
            reason = sessions.why_not_write()
            try:
                if reason:
                    raise RigError(f"The armature was not built. {reason}: then press it again.")
                session.tell("INFO", _build(character, limits=limits))
            except MyoSapiensError as error:
                session.tell("WARNING", error.sentence)
            else:
                sessions.push_undo("New Character Armature")

        session.call(
            _read_model,
            path,
            then=built,
            failed=lambda error: session.tell("WARNING", error.sentence),
        )
        return {"FINISHED"}

    def execute(self, context: Context) -> set[str]:
        """Read the file and build the armature."""
        limits = properties.of_scene(context.scene).use_limits
        try:
            sentence = _build(_read_model(self._path()), limits=limits)
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        self.report({"INFO"}, sentence)
        return {"FINISHED"}

    def _path(self) -> str:
        return properties.absolute(self.filepath or properties.of_scene(current_scene()).model)


class MYOSAPIENS_OT_import_results(bpy.types.Operator):
    """Import result files of the service that are already here; nothing is sent."""

    bl_idname = "myosapiens.import_results"
    bl_label = "Import Result Files"
    bl_options: Any = {"REGISTER"}

    filepath: StringProperty(name="Result", subtype="FILE_PATH", options=HIDDEN | PATH)
    directory: StringProperty(subtype="DIR_PATH", options=HIDDEN | PATH)
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options=HIDDEN)
    filter_glob: StringProperty(default="*.glb;*.npz;*.parquet", options={"HIDDEN"})

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Show a file browser."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Put them on the target; in a window this returns at once."""
        row = self._begin()
        if row is None:
            return {"CANCELLED"}
        if not bpy.app.background:
            return {"FINISHED"}
        live.session().wait([row])
        return feedback.finish(self, [row])

    def _begin(self) -> Row | None:
        paths = self._chosen()
        unfit = next((path.name for path in paths if path.suffix.lower() not in RESULTS), "")
        reason = f"{unfit} is no result of the service." if unfit else ""
        if not paths:
            reason = "No file was chosen: choose motion.glb, qpos.parquet or output.npz."
        if reason:
            self.report({"ERROR"}, reason)
            return None
        session = live.session()
        try:
            wanted = choices.read(current_scene())
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return None
        name = paths[0].parent.name if len(paths) > 1 else paths[0].stem
        row = Row(name=name[:60] or "take", base_url="", state=State.READY, files=tuple(paths))
        session.rows.insert(0, row)
        plan = choices.plan_for(session, wanted, name=row.name, knows_take=False)
        session.land(row, plan)
        return row

    def _chosen(self) -> list[Path]:
        names = [entry.name for entry in self.files if entry.name]
        if names:
            folder = Path(properties.absolute(self.directory))
            return [folder / name for name in names]
        is_file = self.filepath and not self.filepath.endswith("/")
        return [Path(properties.absolute(self.filepath))] if is_file else []


class MYOSAPIENS_OT_export_angles(bpy.types.Operator):
    """Write the chosen job's joint angles to a table, in degrees by time in seconds."""

    bl_idname = "myosapiens.export_angles"
    bl_label = "Export Joint Angles"
    bl_options: Any = {"REGISTER"}

    filepath: StringProperty(name="Table", subtype="FILE_PATH", options={"SKIP_SAVE"} | PATH)
    filter_glob: StringProperty(default="*.csv;*.parquet", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: Context) -> bool:
        """The chosen job's files must be here."""
        row = chosen_row()
        reason = "" if row is not None and row.files else "No job with a result is chosen."
        return feedback.poll(cls, "" if bpy.app.background else reason)

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask for a name."""
        row = chosen_row()
        if not self.filepath and row is not None:
            self.filepath = f"{row.name} angles.csv"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Have a thread read and write; a script waits for it."""
        from .. import angle_tables

        row = chosen_row() or next((one for one in live.session().rows if one.files), None)
        path = Path(properties.absolute(self.filepath))
        if row is None:
            self.report({"ERROR"}, "No job with a result is chosen.")
            return {"CANCELLED"}
        try:
            angle_tables.check_name(path)
            work = _angles_of(row)
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return {"CANCELLED"}
        session = live.session()
        told: list[tuple[str, str]] = []

        def tell(kind: str, sentence: str) -> None:
            told.append((kind, sentence))
            session.tell(kind, sentence)

        session.call(
            _write_angles,
            work,
            path,
            then=lambda found: tell("INFO", f"{path.name}: {len(found.names)} joint angles."),
            failed=lambda error: tell("ERROR", error.sentence),
        )
        if bpy.app.background:
            session.wait_for_errands()
            for kind, sentence in told:
                self.report({kind}, sentence)  # type: ignore[arg-type]
            return {"CANCELLED"} if any(kind == "ERROR" for kind, _ in told) else {"FINISHED"}
        return {"FINISHED"}


def _angles_of(row: Row) -> Any:  # noqa: ANN401 - a `reading.Wanted`; imported when it is needed
    """What a thread needs to read a row's joint angles."""
    from .. import reading

    scene = current_scene()
    found = choices.why_no_target(scene)
    target = None if isinstance(found, str) else found
    rate = None if row.knows_take else character_choices.told_rate(properties.of_scene(scene))
    options = replace(choices.landing_of(scene, target), with_angles=True, capture_rate_hz=rate)
    return reading.wanted(row.files, options, target=target, spec=row.job_spec)


def _write_angles(work: Any, path: Path) -> JointAngles:  # noqa: ANN401 - a `reading.Wanted`
    from .. import angle_tables

    angle_tables.check(path)
    found: JointAngles = work.angles()
    angle_tables.write(path, found)
    return found


def _read_model(path: str) -> Character:
    from ...errors import InputError
    from ...motion import mjcf

    if not path:
        raise InputError("No definition is chosen: choose the character's MJCF (XML).")
    return mjcf.read(Path(path))


def _build(character: Character, *, limits: bool) -> str:
    """Build the armature in the scene; what was done, in a sentence."""
    from .. import armature, character_armature, extras

    made = character_armature.make(character, name=character.title)
    warnings = extras.add_limits(made, character) if limits else []
    armature.place(made, current_scene())
    done = f"{made.name}: {len(character.names)} bones, {len(character.joints)} joints."
    return " ".join([done, *warnings])


classes = (
    MYOSAPIENS_OT_new_character_armature,
    MYOSAPIENS_OT_import_results,
    MYOSAPIENS_OT_export_angles,
)
register, unregister = compat.registrars(classes)
