# SPDX-License-Identifier: GPL-3.0-or-later
"""How the connection to the service stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import compat, live, preferences
from ..account import Account, Link
from .base import Layout, Panel
from .studio import draw_state
from .wording import sentence

if TYPE_CHECKING:
    from bpy.types import Context

ICONS: dict[Any, Any] = {
    Link.UNKNOWN: "QUESTION",
    Link.CHECKING: "SORTTIME",
    Link.CONNECTED: "CHECKMARK",
    Link.NO_KEY: "LOCKED",
    Link.REFUSED: "ERROR",
    Link.OFFLINE: "INTERNET_OFFLINE",
    Link.UNREACHABLE: "ERROR",
    Link.FAILED: "ERROR",
}
ALERTS = (Link.REFUSED, Link.UNREACHABLE, Link.FAILED)


class MYOSAPIENS_PT_connection(bpy.types.Panel, Panel):
    """State at a glance, a test, and the way to the settings."""

    bl_label = "Connection"
    bl_order = 0

    def draw_header_preset(self, context: Context) -> None:
        """The state in the header, so that it can be seen when the panel is folded."""
        link = live.account().link
        self.layout.label(text="", icon=ICONS[link])

    def draw(self, context: Context) -> None:
        """The state in words."""
        account = live.account()
        _draw_state(self.layout.column(), context, account)
        row = self.layout.row(align=True)
        row.operator("myosapiens.test_connection", icon="URL")
        row.operator("myosapiens.open_preferences", text="", icon="PREFERENCES")
        draw_state(self.layout.column(), context)


def _draw_state(column: Layout, context: Context, account: Account) -> None:
    link = account.link
    if link is Link.CONNECTED:
        origin = preferences.key_origin()
        text = f"Connected as {account.key_shown}, from the {origin}"
        sentence(column, context, text, icon=ICONS[link])
        return
    text = link.value if link in (Link.UNKNOWN, Link.CHECKING) else account.sentence
    sentence(column, context, text, icon=ICONS[link], alert=link in ALERTS)
    if link is Link.OFFLINE:
        entry = column.operator(
            "myosapiens.open_preferences", text="Allow Online Access …", icon="INTERNET"
        )
        entry.section = "SYSTEM"
    elif link in (Link.NO_KEY, Link.REFUSED):
        column.operator("myosapiens.open_preferences", text="Enter API Key …", icon="KEYINGSET")


classes = (MYOSAPIENS_PT_connection,)
register, unregister = compat.registrars(classes)
