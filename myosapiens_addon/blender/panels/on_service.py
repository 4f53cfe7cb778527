# SPDX-License-Identifier: GPL-3.0-or-later
"""The account's files on the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat, live, properties
from ..row_events import size
from .base import Layout, Panel
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context

ROWS = 3


class MYOSAPIENS_UL_assets(bpy.types.UIList):
    """Name and size of each file."""

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
        """One file."""
        assets = live.account().assets
        if item.place >= len(assets):
            return
        asset = assets[item.place]
        row = layout.row()
        row.label(text=asset.filename or asset.asset_id, icon="FILE", translate=False)
        end = row.row()
        end.alignment = "RIGHT"
        end.label(text=size(asset.size_bytes), translate=False)


class MYOSAPIENS_PT_on_service(bpy.types.Panel, Panel):
    """Files on the service."""

    bl_label = "Files on the Service"
    bl_order = 6
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """The list, and what can be done with a file."""
        group, account = properties.of_window(), live.account()
        layout = self.layout
        if account.assets:
            row = layout.row()
            row.template_list(
                "MYOSAPIENS_UL_assets", "", group, "assets", group, "asset_index", rows=ROWS
            )
            row.operator("myosapiens.delete_asset", text="", icon="TRASH")
        listing = account.assets_listing
        row = layout.row(align=True)
        text = "Fetching …" if listing.is_fetching else "Fetch List"
        row.operator("myosapiens.fetch_assets", text=text, icon="FILE_REFRESH")
        if listing.has_more:
            row.operator("myosapiens.fetch_assets", text="More").more = True
        if listing.sentence:
            sentence(layout, context, listing.sentence, icon="INFO", alert=listing.is_alert)


classes = (MYOSAPIENS_UL_assets, MYOSAPIENS_PT_on_service)
register, unregister = compat.registrars(classes)
