# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: send takes to the service and put what comes back on an armature."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...errors import InputError, MyoSapiensError
from .. import (
    choices,
    compat,
    feedback,
    job_actions,
    live,
    paths,
    preferences,
    properties,
    scene_armatures,
)
from ..compat import current_scene

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ...jobs.spec import JobSpec
    from ..rows import Row


class MYOSAPIENS_OT_retarget(bpy.types.Operator):
    """Send the takes to the service; each result becomes an action on the target armature."""

    # Without REGISTER, so that neither Repeat Last nor Adjust Last Operation sends, and pays
    # for, a take a second time.
    bl_idname = "myosapiens.retarget"
    bl_label = "Retarget"

    c3d: StringProperty(
        name="Take",
        description="The C3D or TRC file; empty for the takes of the scene's list",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    markerset: StringProperty(
        name="Markerset",
        description="The markerset; empty for the scene's",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    armature: StringProperty(
        name="Armature",
        description="Name of the armature object; empty for the scene's choice",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """The way to the service must be open; in the sidebar, the choices must be complete.

        A script may name the take and the markerset itself.
        """
        in_sidebar = context.region is not None and context.region.type == "UI"
        return feedback.poll(cls, why_not_send() or (why_not_ready() if in_sidebar else ""))

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Send, and return at once: the session follows the jobs."""
        reason = why_not_ready() if not self.c3d else ""
        if reason:
            self.report({"ERROR"}, reason)
            return {"CANCELLED"}
        twice = self._sent_already()
        if twice:
            self.is_asked = True
            question = f"{twice} is being solved already. Send and pay for it again?"
            return feedback.ask(
                self, context, event, title="Retarget Again", text=question, confirm="Send Again"
            )
        return self._send_and_go_on()

    def _send_and_go_on(self) -> set[str]:
        rows = self._send()
        if not rows:
            return {"CANCELLED"}
        names = rows[0].name if len(rows) == 1 else f"{len(rows)} takes"
        self.report({"INFO"}, f"{names}: sent; go on working, the jobs are in the list.")
        return {"FINISHED"}

    def execute(self, context: Context) -> set[str]:
        """Send, and wait until the actions are there; not after a question in the window."""
        if getattr(self, "is_asked", False):
            return self._send_and_go_on()
        rows = self._send()
        live.session().wait(rows)
        return feedback.finish(self, rows)

    def _send(self) -> list[Row]:
        """The rows of the jobs that were begun; empty, with a report, when nothing was."""
        try:
            wanted = self._read()
            check_target(wanted)
            return send_all(wanted)
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return []

    def _sent_already(self) -> str:
        """The first take of those to be sent that is under way just so; empty for none."""
        try:
            wanted = self._read()
            specs = [spec for _take, spec in specs_of(wanted)]
        except MyoSapiensError:
            return ""
        rows = live.session().rows
        return next((row.name for row in rows if row.is_active and row.spec in specs), "")

    def _read(self) -> choices.Choices:
        scene = current_scene()
        if self.armature:
            wanted = choices.read(scene, target_name=self.armature)
        else:
            wanted = choices.read(scene)
        if self.c3d:
            wanted = replace(wanted, takes=(properties.absolute(self.c3d),))
        if self.markerset:
            wanted = replace(wanted, markerset=properties.absolute(self.markerset))
        if not wanted.takes:
            raise InputError("No take is chosen: add one or more C3D or TRC files.")
        return wanted


def why_not_send() -> str:
    """A sentence why nothing can be sent at all; empty when it can."""
    try:
        settings = preferences.read()
        settings.require_access()
        settings.require_key()
    except MyoSapiensError as error:
        return error.sentence
    return ""


def why_not_ready() -> str:
    """A sentence why the scene's takes cannot be sent yet; empty when they can."""
    group = properties.of_scene(current_scene())
    if not group.takes:
        return "No take is chosen: add one or more C3D or TRC files."
    if not group.markerset:
        return "No markerset is chosen: choose the one that the takes were recorded with."
    markerset = properties.absolute(group.markerset)
    for take in group.takes:
        summary = live.summaries().find(properties.absolute(take.filepath), markerset)
        if summary is not None and summary.errors:
            return f"{take.name}: {summary.errors[0]}"
    if group.target == "EXISTING":
        found = choices.why_no_target(current_scene())
        return found if isinstance(found, str) else scene_armatures.why_not_animate(found)
    return ""


def check_target(wanted: choices.Choices) -> None:
    """Refuse, before anything is paid, what takes cannot land on, or by.

    Raises:
        RigError: the armature cannot be animated, or it is not clear which of its bones follow
            what.
        InputError: a file is not there, or nothing could read what the service returns.
    """
    from .. import landing_checks

    found = wanted.target.find_armature() if wanted.target is not None else None
    landing_checks.check_options(wanted.landing)
    if found is not None:
        landing_checks.check_target(found, wanted.landing)
    landing_checks.check_outputs(preferences.read().base_url, wanted.landing, found)


def specs_of(wanted: choices.Choices) -> list[tuple[str, JobSpec]]:
    """Each take, and the job that solves it.

    Raises:
        InputError: no markerset is chosen.
    """
    tells = preferences.tells_names()
    return [(take, choices.spec_for(wanted, take, tell_names=tells)) for take in wanted.takes]


def send_all(wanted: choices.Choices) -> list[Row]:
    """One job per take, the first of them uppermost in the list."""
    session = live.session()
    rows: list[Row] = []
    for take, spec in reversed(specs_of(wanted)):
        name = paths.take_name(Path(take))
        plan = choices.plan_for(session, wanted, name=name)
        notes = choices.notes_for(plan)
        rows.insert(0, job_actions.send(session, spec, name=name, plan=plan, notes=notes))
    live.recent().use(wanted.markerset)
    return rows


classes = (MYOSAPIENS_OT_retarget,)
register, unregister = compat.registrars(classes)
