# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside Blender: the sidebar's tabs, and which panels of a tab are drawn, in what order."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

bpy: Any = importlib.import_module("bpy")
widgets: Any = importlib.import_module("inside_widgets")

Steps = Generator[None, None, Any]
BlenderObject = Any

# A region that was not there before is drawn within two or three.
TRIES = 10
# No colour of the theme is near it.
MARK = (1.0, 0.0, 1.0, 1.0)


def settle_preferences() -> None:
    """Exact pixels, and nothing that opens a window of its own."""
    preferences = bpy.context.preferences
    preferences.view.ui_scale /= preferences.system.ui_scale
    preferences.view.show_splash = False
    preferences.view.filebrowser_display_type = "SCREEN"
    preferences.view.render_display_type = "NONE"


def show_tab(tab: str, area: str) -> Steps:
    """Open the sidebar at that tab; returns whether it is there."""
    space = widgets.area_of(area).spaces.active
    space.show_region_ui = True
    for _ in range(TRIES):
        region = widgets.region_of(area, "UI")
        found = region.width > 1 and _set_category(region, tab)
        yield from widgets.redraw()
        if found:
            return True
    return False


def _set_category(region: BlenderObject, tab: str) -> bool:
    """A region knows its tabs only once it has been drawn; before, they cannot be written."""
    try:
        region.active_panel_category = tab
    except (AttributeError, TypeError):
        return False
    return region.active_panel_category == tab


def drawn(tab: str, area: str) -> Steps:
    """The panels of the tab whose content is drawn now, in the order they stand in."""
    order: list[str] = []
    undo = [_watch(panel, order) for panel in of(tab, area)]
    try:
        yield from widgets.redraw()
    finally:
        for restore in undo:
            restore()
    return list(dict.fromkeys(order))


def _watch(panel: BlenderObject, order: list[str]) -> Callable[[], None]:
    """Have the panel say when it draws; returns what undoes that."""
    own = panel.__dict__.get("draw")
    original = panel.draw
    name = _name(panel)

    def draw(self: BlenderObject, context: BlenderObject) -> None:
        order.append(name)
        original(self, context)

    # What others appended to the panel is a list on its draw function.
    draw.__dict__.update(original.__dict__)
    panel.draw = draw
    return lambda: setattr(panel, "draw", own) if own is not None else delattr(panel, "draw")


def headers(tab: str, area: str) -> Steps:
    """The panels of the tab that have a header to be seen, from the top down."""
    open_panels = yield from drawn(tab, area)
    panels = [panel for panel in of(tab, area) if _shown(panel, area)]
    panels.sort(key=lambda panel: getattr(panel, "bl_order", 0))
    children: dict[str, list[Any]] = {}
    for panel in panels:
        children.setdefault(getattr(panel, "bl_parent_id", ""), []).append(panel)

    def below(parent: str) -> Iterator[str]:
        for panel in children.get(parent, []):
            name = _name(panel)
            if "HIDE_HEADER" not in getattr(panel, "bl_options", ()):
                yield name
            if name in open_panels:
                yield from below(name)

    return list(below(""))


def of(tab: str, area: str) -> list[Any]:
    """The registered panels of the tab and theirs below; a sub-panel need not name the tab."""
    here = [
        panel
        for panel in _subclasses(bpy.types.Panel)
        if panel.is_registered
        and getattr(panel, "bl_space_type", "") == area
        and getattr(panel, "bl_region_type", "") == "UI"
    ]
    found: list[Any] = []
    names: set[str] = set()
    for _ in range(4):
        for panel in here:
            parent = getattr(panel, "bl_parent_id", "")
            in_tab = parent in names if parent else getattr(panel, "bl_category", "") == tab
            if in_tab and panel not in found:
                found.append(panel)
                names.add(_name(panel))
    return found


def _subclasses(base: BlenderObject) -> Iterator[Any]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _name(panel: BlenderObject) -> str:
    return getattr(panel, "bl_idname", "") or panel.__name__


def _shown(panel: BlenderObject, area: str) -> bool:
    there = {
        "window": widgets.window(),
        "area": widgets.area_of(area),
        "region": widgets.region_of(area, "UI"),
    }
    with bpy.context.temp_override(**there):
        return not hasattr(panel, "poll") or bool(panel.poll(bpy.context))


def mark_titles(before: list[list[float]] | None = None) -> Steps:
    """Draw the titles of panels in a colour of no other thing, or as they were before."""
    theme = bpy.context.preferences.themes[0]
    places = [
        (owner, name)
        for owner, name in (
            (theme.user_interface, "panel_title"),  # Blender 5
            (theme.view_3d.space, "button_title"),  # Blender 4
        )
        if hasattr(owner, name)
    ]
    found = [list(getattr(owner, name)) for owner, name in places]
    for (owner, name), old, new in zip(places, found, before or [MARK] * 2, strict=False):
        setattr(owner, name, new[: len(old)])
    yield from widgets.redraw()
    return found
