# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside Blender: has the buttons of one operator or property drawn in red for a moment.

Panels and lists draw as always, but the layout they are given looks at what they ask for. So a
picture tells where the buttons are, and the mouse need not go over all there is to find them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from typing import Any

bpy: Any = importlib.import_module("bpy")
panels: Any = importlib.import_module("inside_panels")
widgets: Any = importlib.import_module("inside_widgets")

Steps = Generator[None, None, Any]
BlenderObject = Any
Draw = Callable[..., None]
Around = Callable[[BlenderObject], "Layout"]

BUTTONS = {
    "operator": ("operator", "operator_menu_enum"),
    "property": ("prop", "prop_search", "prop_menu_enum", "prop_with_popover"),
}
INSIDE = ("row", "column", "box", "split", "column_flow", "grid_flow")
UNDO: list[Callable[[], None]] = []


class Layout:
    """A layout, or a panel with one; what is wanted of it is put into a red row of its own."""

    def __init__(self, real: BlenderObject, kind: str, name: str, count: list[int]) -> None:
        self.__dict__.update(_real=real, _kind=kind, _name=name, _count=count)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._real, name, value)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        value = getattr(self._real, name)
        if name == "layout":
            return self._around(value)
        if name in INSIDE:
            return lambda *given, **more: self._around(value(*given, **more))
        if name in BUTTONS[self._kind]:
            return lambda *given, **more: self._button(name, given, more)
        return value

    def _around(self, real: BlenderObject) -> Layout:
        return Layout(real, self._kind, self._name, self._count)

    def _button(self, how: str, given: tuple[Any, ...], more: dict[str, Any]) -> Any:  # noqa: ANN401
        place = 0 if self._kind == "operator" else 1
        words = ("operator", "property")
        asked = given[place] if len(given) > place else more.get(words[place])
        into = self._real
        if asked == self._name:
            into = into.row(align=True)
            into.alert = True
            self._count[0] += 1
        return getattr(into, how)(*given, **more)


def mark(kind: str, name: str, tab: str, area: str) -> Steps:
    """Draw such buttons in red until `clear`; returns whether there are any."""
    count = [0]

    def around(layout: BlenderObject) -> Layout:
        return Layout(layout, kind, name, count)

    UNDO.extend(
        _replace(panel, "draw", _panel_draw(panel, around)) for panel in panels.of(tab, area)
    )
    UNDO.extend(
        _replace(listing, "draw_item", _list_draw(listing, around))
        for listing in bpy.types.UIList.__subclasses__()
        if "draw_item" in listing.__dict__
    )
    yield from widgets.redraw()
    return count[0] > 0


def clear() -> Steps:
    """Draw as before."""
    while UNDO:
        UNDO.pop()()
    yield from widgets.redraw()


# Blender gives a method as many arguments as it names.


def _panel_draw(panel: BlenderObject, around: Around) -> Draw:
    original = panel.draw

    def draw(self: BlenderObject, context: BlenderObject) -> None:
        original(around(self), context)

    return draw


def _list_draw(listing: BlenderObject, around: Around) -> Draw:
    original = listing.draw_item
    known = original.__code__.co_argcount

    def draw_item(
        self: BlenderObject,
        context: BlenderObject,
        layout: BlenderObject,
        data: BlenderObject,
        item: BlenderObject,
        icon: int,
        active_data: BlenderObject,
        active_property: str,
        index: int = 0,
        flags: int = 0,
    ) -> None:
        given = (self, context, around(layout), data, item, icon, active_data, active_property)
        original(*(*given, index, flags)[:known])

    return draw_item


def _replace(drawer: BlenderObject, method: str, draw: Draw) -> Callable[[], None]:
    """Have a panel or list drawn by another function; returns what undoes that."""
    own = drawer.__dict__.get(method)
    # What others appended to the panel is a list on its draw function.
    draw.__dict__.update(getattr(drawer, method).__dict__)
    setattr(drawer, method, draw)
    return lambda: setattr(drawer, method, own) if own is not None else delattr(drawer, method)
