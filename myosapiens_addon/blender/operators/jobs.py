# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with one job of the list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, IntProperty

from ...errors import MyoSapiensError
from .. import choices, compat, feedback, job_actions, live, properties, support
from ..compat import current_scene
from ..rows import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpy.types import Context, Event

    from ..rows import LandingPlan, Row

# Blender's type stubs want sets of literals, which a mixin cannot promise.
Returned = Any


def chosen_row() -> Row | None:
    """The job that is chosen in the list."""
    group = properties.of_window()
    if not 0 <= group.job_index < len(group.jobs):
        return None
    return live.session().row(group.jobs[group.job_index].key)


class _OfJob:
    """An operator on the chosen job, or in a script on the one of a key."""

    key: IntProperty(
        name="Job",
        description="Key of the job's row; 0 for the one chosen in the list",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """The chosen job must be one that this can be done with; in the background, any."""
        if bpy.app.background:
            return any(not cls.why_not(row) for row in live.session().rows)
        row = chosen_row()
        return feedback.poll(cls, "No job is chosen." if row is None else cls.why_not(row))

    @classmethod
    def why_not(cls, _row: Row) -> str:
        """A sentence why this cannot be done with a job; empty when it can."""
        return ""

    def job(self: Any) -> Row | None:
        """The job; None, with a report, when there is none or it is not one for this."""
        row = live.session().row(self.key) if self.key else chosen_row()
        reason = "There is no such job." if row is None else self.why_not(row)
        if reason:
            self.report({"ERROR"}, reason)
            return None
        return row

    def attempt(self: Any, act: Callable[[], None]) -> bool:
        """Do it; False, with a report, when it cannot be begun."""
        try:
            act()
        except MyoSapiensError as error:
            self.report({"ERROR"}, error.sentence)
            return False
        return True


class _ToItsEnd(_OfJob):
    """An operator that begins something which ends in an action."""

    def act(self, _row: Row) -> None:
        """Begin it."""
        raise AssertionError("each operator says what it begins")

    def invoke(self, context: Context, event: Event) -> Returned:
        """Begin, and return at once."""
        return {"CANCELLED"} if self._begin() is None else {"FINISHED"}

    def execute(self: Any, context: Context) -> Returned:
        """Begin, and wait for the end."""
        row = self._begin()
        if row is None:
            return {"CANCELLED"}
        live.session().wait([row])
        return feedback.finish(self, [row])

    def _begin(self) -> Row | None:
        row = self.job()
        return row if row is not None and self.attempt(lambda: self.act(row)) else None


class MYOSAPIENS_OT_cancel_job(bpy.types.Operator, _OfJob):
    """Stop the job, here and on the service."""

    bl_idname = "myosapiens.cancel_job"
    bl_label = "Cancel Job"

    @classmethod
    def why_not(cls, row: Row) -> str:
        """It must be under way."""
        return row.why_not_cancel()

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask it to stop, and return at once."""
        row = self.job()
        done = row is not None and self.attempt(lambda: job_actions.cancel(live.session(), row))
        return {"FINISHED"} if done else {"CANCELLED"}

    def execute(self, context: Context) -> set[str]:
        """Stop it, and wait until it has."""
        row = self.job()
        if row is None or not self.attempt(lambda: job_actions.cancel(live.session(), row)):
            return {"CANCELLED"}
        live.session().wait([row])
        live.session().wait_for_errands()
        return {"FINISHED"}


class MYOSAPIENS_OT_retry_job(bpy.types.Operator, _ToItsEnd):
    """Go on with a job that broke off; a take whose job came to nothing is sent again."""

    # Without REGISTER, as Retarget: it may send, and pay for, a take again.
    bl_idname = "myosapiens.retry_job"
    bl_label = "Go On"

    @classmethod
    def why_not(cls, row: Row) -> str:
        """It must be at rest, without a result."""
        return row.why_not_retry()

    def act(self, row: Row) -> None:
        """Follow it to the target of this moment, if one is clear."""
        job_actions.retry(live.session(), row, _plan(row, silent=True))


class MYOSAPIENS_OT_import_job(bpy.types.Operator, _ToItsEnd):
    """Put the job's result on the armature that is chosen under Target, as a new action."""

    bl_idname = "myosapiens.import_job"
    bl_label = "Import"

    @classmethod
    def why_not(cls, row: Row) -> str:
        """It must have a result."""
        return row.why_not_import()

    def act(self, row: Row) -> None:
        """Take it to the target of this moment."""
        plan = _plan(row)
        if plan is not None:
            job_actions.import_result(live.session(), row, plan)


def _plan(row: Row, *, silent: bool = False) -> LandingPlan | None:
    """Where the result goes by the scene's choices of this moment.

    Raises:
        MyoSapiensError: they are not clear, and it is not `silent`.
    """
    try:
        wanted = choices.read(current_scene())
    except MyoSapiensError:
        if silent:
            return None
        raise
    return choices.plan_for(live.session(), wanted, name=row.name, knows_take=row.knows_take)


class MYOSAPIENS_OT_remove_job(bpy.types.Operator, _OfJob):
    """Take the job off the list; files that were fetched stay where they are."""

    bl_idname = "myosapiens.remove_job"
    bl_label = "Remove from List"

    everything: BoolProperty(
        name="All at Rest",
        description="All jobs that are done, failed or cancelled",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, row: Row) -> str:
        """It must be at rest."""
        return row.why_not_remove()

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask first where a job would be lost sight of that may still come to something."""
        row = self.job() if not self.everything else None
        if row is not None and (row.can_resume or row.state is State.READY):
            question = f"{row.name} was not imported, or is not finished. Remove it?"
            return feedback.ask(
                self, context, event, title="Remove from List", text=question, confirm="Remove"
            )
        return self.execute(context)

    def execute(self, context: Context) -> set[str]:
        """Remove it."""
        session = live.session()
        if self.everything:
            ended = (State.DONE, State.FAILED, State.CANCELED, State.REMOTE)
            rows = [row for row in session.rows if row.state in ended and not row.can_resume]
        else:
            row = self.job()
            rows = [row] if row is not None else []
        for row in rows:
            job_actions.remove(session, row)
        return {"FINISHED"} if rows else {"CANCELLED"}


class MYOSAPIENS_OT_copy_job_id(bpy.types.Operator, _OfJob):
    """Copy the job's id to the clipboard."""

    bl_idname = "myosapiens.copy_job_id"
    bl_label = "Copy Job ID"

    @classmethod
    def why_not(cls, row: Row) -> str:
        """It must have one."""
        return "" if row.job_id else "The job is not on the service yet."

    def execute(self, context: Context) -> set[str]:
        """Copy it."""
        row = self.job()
        if row is None:
            return {"CANCELLED"}
        context.window_manager.clipboard = row.job_id or ""
        self.report({"INFO"}, f"Copied {row.job_id}")
        return {"FINISHED"}


class MYOSAPIENS_OT_copy_details(bpy.types.Operator, _OfJob):
    """Copy all that the service's support needs to know of the job; keys are masked."""

    bl_idname = "myosapiens.copy_details"
    bl_label = "Copy Details"

    def execute(self, context: Context) -> set[str]:
        """Copy them."""
        row = self.job()
        if row is None:
            return {"CANCELLED"}
        context.window_manager.clipboard = support.details(row)
        self.report({"INFO"}, f"The details of {row.name} are in the clipboard")
        return {"FINISHED"}


class MYOSAPIENS_OT_open_job_folder(bpy.types.Operator, _OfJob):
    """Show the job's files in the file manager."""

    bl_idname = "myosapiens.open_job_folder"
    bl_label = "Open Folder"

    @classmethod
    def why_not(cls, row: Row) -> str:
        """They must be here."""
        return "" if row.files else "Nothing of this job has been fetched yet."

    def execute(self, context: Context) -> set[str]:
        """Show them."""
        row = self.job()
        if row is None:
            return {"CANCELLED"}
        folder = Path(row.files[0]).parent
        bpy.ops.wm.path_open(filepath=str(folder))
        return {"FINISHED"}


classes = (
    MYOSAPIENS_OT_cancel_job,
    MYOSAPIENS_OT_retry_job,
    MYOSAPIENS_OT_import_job,
    MYOSAPIENS_OT_remove_job,
    MYOSAPIENS_OT_copy_job_id,
    MYOSAPIENS_OT_copy_details,
    MYOSAPIENS_OT_open_job_folder,
)
register, unregister = compat.registrars(classes)
