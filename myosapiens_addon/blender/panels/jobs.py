# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs: what they are at, and what can be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat, live, properties
from ..operators.jobs import chosen_row
from ..rows import ICONS, State
from .base import Layout, Panel
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context

    from ..rows import Row

ROWS = 4
WARNINGS_SHOWN = 2
NAME_FACTOR = 0.42


class MYOSAPIENS_UL_jobs(bpy.types.UIList):
    """Name, state and progress of each job."""

    def draw_item(
        self,
        context: Context,
        layout: Layout,
        data: Any,  # noqa: ANN401
        item: Any,  # noqa: ANN401
        icon: int | None,
        active_data: Any,  # noqa: ANN401
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        """One job."""
        row = live.session().row(item.key)
        if row is None:
            return
        split = layout.split(factor=NAME_FACTOR)
        split.label(text=row.name, icon=ICONS[row.state], translate=False)
        right = split.row()
        right.alert = row.state is State.FAILED
        if row.share is not None:
            right.progress(factor=row.share, text=short_status(row))
        else:
            right.label(text=short_status(row), translate=False)


def short_status(row: Row) -> str:
    """The state in a list that has no room for names of files."""
    if row.share is not None:
        return f"{row.state.value} {row.share:.0%}"
    if row.state in (State.UPLOADING, State.DOWNLOADING, State.IMPORTING):
        return row.state.value
    return row.status


class MYOSAPIENS_PT_jobs(bpy.types.Panel, Panel):
    """The list, and the chosen job."""

    bl_label = "Jobs"
    bl_order = 5

    def draw(self, context: Context) -> None:
        """The list, then the chosen job's details."""
        group = properties.of_window()
        layout = self.layout
        row = layout.row()
        row.template_list(
            "MYOSAPIENS_UL_jobs", "", group, "jobs", group, "job_index", rows=ROWS, maxrows=10
        )
        side = row.column(align=True)
        side.operator("myosapiens.import_job", text="", icon="IMPORT")
        side.operator("myosapiens.retry_job", text="", icon="PLAY")
        side.operator("myosapiens.cancel_job", text="", icon="CANCEL")
        side.operator("myosapiens.remove_job", text="", icon="TRASH")
        chosen = chosen_row()
        if chosen is not None:
            _draw_chosen(layout, context, chosen)
        _draw_fetch(layout, context)


def _draw_chosen(layout: Layout, context: Context, row: Row) -> None:
    box = layout.box().column()
    sentence(box, context, f"{row.name}: {row.status}", icon=ICONS[row.state], boxed=True)
    if row.sentence:
        sentence(box, context, row.sentence, icon="BLANK1", alert=row.is_alert, boxed=True)
    for warning in row.warnings[:WARNINGS_SHOWN]:
        sentence(box, context, warning, icon="INFO", boxed=True)
    if len(row.warnings) > WARNINGS_SHOWN:
        more = f"{len(row.warnings) - WARNINGS_SHOWN} more warnings: Copy Details has them all."
        sentence(box, context, more, icon="BLANK1", boxed=True)
    _draw_actions(box, row)
    header, body = box.panel("myosapiens_job_details", default_closed=True)
    header.label(text="Details")
    if body is not None:
        _draw_details(body, context, row)


def _draw_actions(box: Layout, row: Row) -> None:
    """What is likely wanted next, in words; the icons beside the list have the rest."""
    buttons = box.row(align=True)
    if not row.why_not_cancel():
        buttons.operator("myosapiens.cancel_job", text="Cancel", icon="CANCEL")
    if not row.why_not_import():
        again = row.state is State.DONE
        buttons.operator(
            "myosapiens.import_job", text="Import Again" if again else "Import", icon="IMPORT"
        )
    if not row.why_not_retry():
        text = "Go On" if row.can_resume else "Retry"
        buttons.operator("myosapiens.retry_job", text=text, icon="PLAY")


def _draw_details(body: Layout, context: Context, row: Row) -> None:
    facts = [
        ("Job", row.job_id or "not on the service yet"),
        ("Created", f"{row.created_at:%Y-%m-%d %H:%M}" if row.created_at else ""),
        ("Request", (row.fault and row.fault.request_id) or ""),
        ("Status", str(row.fault.status) if row.fault and row.fault.status else ""),
        ("The service said", (row.fault and row.fault.detail) or ""),
    ]
    for name, text in facts:
        if text:
            sentence(body, context, f"{name}: {text}", boxed=True)
    column = body.column(align=True)
    column.operator("myosapiens.copy_job_id", icon="COPYDOWN")
    column.operator("myosapiens.copy_details", icon="COPYDOWN")
    column.operator("myosapiens.open_job_folder", icon="FILE_FOLDER")
    column.operator("myosapiens.export_angles", icon="GRAPH")


def _draw_fetch(layout: Layout, context: Context) -> None:
    listing = live.account().jobs_listing
    row = layout.row(align=True)
    text = "Fetching …" if listing.is_fetching else "Jobs of the Account"
    row.operator("myosapiens.fetch_jobs", text=text, icon="FILE_REFRESH")
    if listing.has_more:
        row.operator("myosapiens.fetch_jobs", text="More").more = True
    if listing.sentence:
        sentence(layout, context, listing.sentence, icon="INFO", alert=listing.is_alert)


classes = (MYOSAPIENS_UL_jobs, MYOSAPIENS_PT_jobs)
register, unregister = compat.registrars(classes)
