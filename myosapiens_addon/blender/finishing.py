# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be done with a finished action: an NLA strip of it, an asset for the library."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from . import asset_catalogs
from .compat import assign_strip_slot

if TYPE_CHECKING:
    from .landing_options import LandingOptions
    from .references import Reference


def finish(
    armature_object: bpy.types.Object,
    action: Reference,
    *,
    name: str,
    options: LandingOptions,
    library: Path | None = None,
) -> list[str]:
    """Do what the options ask for; returns warnings.

    Args:
        armature_object: what the action is on.
        action: the action.
        name: the take's name.
        options: what is asked for.
        library: folder that the .blend is saved in; None for the open file's.
    """
    found: bpy.types.Action = action.find_in(bpy.data.actions)
    warnings: list[str] = []
    if options.as_asset:
        if library is None and bpy.data.filepath:
            library = Path(bpy.data.filepath).parent
        warnings += mark_as_asset(found, name=name, catalog=options.catalog, library=library)
    if options.as_strip:
        push_down(armature_object, found)
    return warnings


def push_down(armature_object: bpy.types.Object, action: bpy.types.Action) -> None:
    """Make the action a strip of a new NLA track, and animate by that alone."""
    animation: Any = armature_object.animation_data
    track = animation.nla_tracks.new()
    track.name = action.name
    # A strip begins on a whole frame; the take keeps its own place on the time axis.
    ends: Any = action.frame_range
    first, last = ends
    strip = track.strips.new(action.name, int(first), action)
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start_ui, strip.frame_end_ui = first, last
    strip.extrapolation = "NOTHING"
    assign_strip_slot(strip, action)
    animation.action = None


def mark_as_asset(
    action: bpy.types.Action, *, name: str, catalog: str, library: Path | None
) -> list[str]:
    """Mark an action as an asset: by name, with the take and the date, in a catalogue."""
    marked: Any = action
    marked.asset_mark()
    data = marked.asset_data
    data.description = f"Take {name}, imported {date.today().isoformat()}"
    for tag in ("MyoSapiens", "mocap"):
        data.tags.new(tag, skip_if_exists=True)
    if not catalog.strip():
        return []
    if library is None:
        return [f"The file is not saved yet, so the catalogue {catalog!r} cannot be made."]
    uuid, warning = asset_catalogs.ensure(catalog, library)
    if uuid:
        data.catalog_id = uuid
    return [warning] if warning else []
