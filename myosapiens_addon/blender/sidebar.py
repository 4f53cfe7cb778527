# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab in the sidebar as a whole: is it in sight, what does it need, when is it redrawn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import bpy

from . import job_actions, live, properties
from .account import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

CATEGORY = "MyoSapiens"
# Redrawing more often costs more than anybody can see.
REDRAW_INTERVAL_S = 0.1
_seen: dict[str, float] = {"revision": -1, "filled": False, "redrawn": 0.0}


def regions() -> Iterator[bpy.types.Region]:
    """The sidebars, in all windows, that show the tab."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                yield from (entry for entry in area.regions if _shows_tab(entry))


def _shows_tab(region: bpy.types.Region) -> bool:
    return region.type == "UI" and region.width > 1 and region.active_panel_category == CATEGORY


def show_changes() -> None:
    """Redraw the tab, and only it, when something in it has changed."""
    session = live.session()
    moment = time.monotonic()
    too_soon = session.is_busy and moment - _seen["redrawn"] < REDRAW_INTERVAL_S
    if too_soon or _seen["revision"] == session.revision:
        return
    _seen.update(revision=session.revision, redrawn=moment)
    fill_lists()
    for region in regions():
        region.tag_redraw()


def fill_lists() -> None:
    """Bring the lists that Blender draws in line with what is in memory."""
    group = properties.of_window()
    keys = [row.key for row in live.session().rows]
    before = [entry.key for entry in group.jobs]
    if before != keys:
        chosen = before[group.job_index] if group.job_index < len(before) else None
        group.jobs.clear()
        for key in keys:
            group.jobs.add().key = key
        # A new job is chosen; else what was chosen stays so, wherever it has moved.
        is_new = bool(before) and bool(keys) and keys[0] not in before
        group.job_index = keys.index(chosen) if chosen in keys and not is_new else 0
    count = len(live.account().assets)
    if len(group.assets) != count:
        group.assets.clear()
        for place in range(count):
            group.assets.add().place = place
        group.asset_index = min(group.asset_index, max(count - 1, 0))


def forget_lists() -> None:
    """Another file brings other lists along."""
    _seen["revision"] = -1


def look_after(scene: bpy.types.Scene) -> None:
    """Have in memory what the tab shows; asks the service only once the tab is in sight."""
    account, session = live.account(), live.session()
    if not _seen["filled"]:
        _seen["filled"] = True
        job_actions.list_journal(session)
        account.recall_characters()
        live.recent().load()
    group = properties.of_scene(scene)
    markerset = properties.absolute(group.markerset)
    for take in group.takes:
        if take.filepath:
            live.summaries().want(properties.absolute(take.filepath), markerset)
    if not any(True for _region in regions()):
        return
    if account.link in (Link.UNKNOWN, Link.NO_KEY, Link.OFFLINE):
        account.check()
    elif account.link is not Link.CHECKING:
        account.note_locally()


def reset() -> None:
    """The extension is enabled: nothing was seen yet."""
    _seen.update(revision=-1, filled=False)


def register() -> None:
    """See `reset`."""
    reset()


def unregister() -> None:
    """Nothing is left behind."""
