# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes, their markerset, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat, live, properties
from .base import Layout, Panel
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context

    from ...takes.summary import TakeSummary

NAMED = 6
ROWS = 3


class MYOSAPIENS_UL_takes(bpy.types.UIList):
    """The chosen takes, each with what the service would make of it."""

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
        """One take."""
        summary = find_summary(data, item)
        row = layout.row(align=True)
        if summary is None:
            row.label(text=item.name, icon="SORTTIME", translate=False)
            return
        row.alert = bool(summary.errors)
        shown = "ERROR" if summary.errors else "INFO" if summary.warnings else "CHECKMARK"
        row.label(text=item.name, icon=shown, translate=False)
        if summary.score:
            end = row.row()
            end.alignment = "RIGHT"
            end.label(text=summary.score, translate=False)


def find_summary(group: Any, take: Any) -> TakeSummary | None:  # noqa: ANN401
    """What is known of a take of a scene's list."""
    markerset = properties.absolute(group.markerset)
    return live.summaries().find(properties.absolute(take.filepath), markerset)


class MYOSAPIENS_PT_take(bpy.types.Panel, Panel):
    """What is to be sent."""

    bl_label = "Take"
    bl_order = 1

    def draw(self, context: Context) -> None:
        """The list, the markerset, the summary."""
        group = properties.of_scene(context.scene)
        layout = self.layout
        if group.takes:
            _draw_list(layout, group)
        else:
            layout.operator("myosapiens.add_takes", text="Choose Takes (C3D, TRC) …", icon="ADD")
        row = layout.row(align=True)
        row.prop(group, "markerset", text="", placeholder="Markerset (XML)")
        row.menu("MYOSAPIENS_MT_markersets", text="", icon="DOWNARROW_HLT")
        if group.takes:
            take = group.takes[min(group.take_index, len(group.takes) - 1)]
            _draw_summary(layout, context, find_summary(group, take))


def _draw_list(layout: Layout, group: Any) -> None:  # noqa: ANN401
    row = layout.row()
    row.template_list(
        "MYOSAPIENS_UL_takes", "", group, "takes", group, "take_index", rows=ROWS, maxrows=8
    )
    side = row.column(align=True)
    side.operator("myosapiens.add_takes", text="", icon="ADD")
    side.operator("myosapiens.remove_take", text="", icon="REMOVE")
    side.separator()
    side.operator("myosapiens.read_again", text="", icon="FILE_REFRESH")


def _draw_summary(layout: Layout, context: Context, summary: TakeSummary | None) -> None:
    box = layout.box().column()
    if summary is None:
        box.label(text="Reading …", icon="SORTTIME")
        return
    if summary.frames:
        count = f"{summary.frames} frames at {summary.rate_hz:g} Hz, {summary.seconds:.1f} s"
        sentence(box, context, count, icon="TIME", boxed=True)
        sentence(box, context, _labels(summary), icon="EMPTY_AXIS", boxed=True)
    for name, markers in (("Missing", summary.missing), ("Doubled", summary.doubled)):
        if markers:
            sentence(box, context, f"{name}: {_some(markers)}", icon="BLANK1", boxed=True)
    for error in summary.errors:
        sentence(box, context, error, icon="ERROR", alert=True, boxed=True)
    for warning in _other_warnings(summary):
        sentence(box, context, warning, icon="INFO", boxed=True)


def _labels(summary: TakeSummary) -> str:
    if summary.markers is None:
        return f"{summary.labels} labels; no markerset to match them with"
    return f"{summary.labels} labels, {summary.score} markers matched"


def _other_warnings(summary: TakeSummary) -> list[str]:
    """Those that the list of missing markers does not say already."""
    return [text for text in summary.warnings if "no label" not in text]


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


classes = (MYOSAPIENS_UL_takes, MYOSAPIENS_PT_take)
register, unregister = compat.registrars(classes)
