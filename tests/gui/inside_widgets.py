# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside Blender: finds buttons by moving the mouse over them.

A button under the pointer is the "active" one: `context.property` says which property it shows,
and Blender's own Copy Python Command, which operator it runs with what arguments. So nothing is
clicked to find it, and disabled buttons are found too. Long work is a generator: one step in each
turn of Blender's loop, so that a move of the mouse has been dealt with after two of them.

Positions are those of the screen: from its upper left corner, downwards.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from typing import Any

bpy: Any = importlib.import_module("bpy")

Steps = Generator[None, None, Any]
Hit = dict[str, Any]
BlenderObject = Any

EDGE_PIXELS = 4
LARGEST_PIXELS = 200
# Without a 3D view on the screen, so long is waited.
TURNS_TO_DRAW = 40
DRAWS: list[None] = []


def window() -> BlenderObject:
    return bpy.context.window_manager.windows[0]


def area_of(kind: str) -> BlenderObject:
    """The largest area of that kind."""
    areas = [area for area in window().screen.areas if area.type == kind]
    if not areas:
        raise LookupError(f"no area of type {kind} is on the screen")
    return max(areas, key=lambda area: area.width * area.height)


def region_of(area: str, region: str) -> BlenderObject:
    """The region of that kind in the largest area of that kind."""
    return next(found for found in area_of(area).regions if found.type == region)


def rectangle(area: str, region: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a region on the screen; the area's when it has no such one."""
    found = region_of(area, region)
    top = window().height - found.y - found.height
    return found.x, top, found.x + found.width, top + found.height


def hide_overlays(hidden: bool, before: list[bool] | None = None) -> list[bool]:
    """Hide what 3D views draw over their scenes, or show it as before; returns what was shown."""
    overlays = [
        area.spaces.active.overlay for area in window().screen.areas if area.type == "VIEW_3D"
    ]
    shown = [overlay.show_overlays for overlay in overlays]
    for overlay, old in zip(overlays, before or shown, strict=True):
        overlay.show_overlays = old and not hidden
    return shown


def wait(turns: int) -> Steps:
    """Let Blender's loop go round."""
    for _ in range(turns):
        yield


def redraw(turns: int = 4) -> Steps:
    """Have everything drawn anew; a 3D view tells when it has been."""
    for area in window().screen.areas:
        area.tag_redraw()
        for region in area.regions:
            region.tag_redraw()
    before = len(DRAWS)
    for _ in range(TURNS_TO_DRAW):
        yield
        if len(DRAWS) > before:
            break
    yield from wait(turns)


def count_draws() -> None:
    """Have 3D views tell when they are drawn; this outlives the loading of other files."""
    view = bpy.types.SpaceView3D
    view.draw_handler_add(lambda: DRAWS.append(None), (), "WINDOW", "POST_PIXEL")


def hover(x: int, y: int, area: str, region: str, *, turns: int = 2) -> Steps:
    """Move the mouse there; returns what button is under it, if it is known what it is for."""
    window().cursor_warp(x, window().height - y - 1)
    yield from wait(turns)
    there = {"window": window(), "area": area_of(area), "region": region_of(area, region)}
    with bpy.context.temp_override(**there):
        return _property_under_pointer() or _operator_under_pointer()


def _property_under_pointer() -> Hit | None:
    found = bpy.context.property
    if found is None:
        return None
    owner, path, index = found
    name = path.rpartition(".")[2]  # Blender 4.3 gives no more than this
    return {"kind": "property", "name": name, "detail": f"{owner!r} {path} {index}"}


def _operator_under_pointer() -> Hit | None:
    """What Blender's Copy Python Command gives, the clipboard being left as it was."""
    if not bpy.ops.ui.copy_python_command_button.poll():
        return None
    manager = bpy.context.window_manager
    before = manager.clipboard
    bpy.ops.ui.copy_python_command_button()
    command = manager.clipboard
    manager.clipboard = before
    name, _, arguments = command.removeprefix("bpy.ops.").partition("(")
    return {"kind": "operator", "name": name, "detail": arguments.rstrip(")")}


class Rows:
    """What was met on each row, so that the inside of a wide button is not tried again."""

    def __init__(self) -> None:
        self.met: dict[int, dict[int, Hit | None]] = {}

    def put(self, x: int, y: int, hit: Hit | None) -> None:
        self.met.setdefault(y, {})[x] = hit

    def know(self, x: int, y: int) -> bool:
        """Whether the nearest places to the left and to the right are of one button."""
        row = self.met.get(y, {})
        left = max((other for other in row if other < x), default=None)
        right = min((other for other in row if other > x), default=None)
        if x in row or left is None or right is None:
            return x in row
        return row[left] is not None and row[left] == row[right]


def scan(area: str, region: str, places: list[list[int]]) -> Steps:
    """The buttons that are known at these places."""
    rows = Rows()
    for x, y in places:
        if not rows.know(x, y):
            rows.put(x, y, (yield from hover(x, y, area, region)))
    return [
        {**hit, "x": x, "y": y}
        for y, row in sorted(rows.met.items())
        for x, hit in sorted(row.items())
        if hit is not None
    ]


def find(
    kind: str, name: str, detail: str, area: str, region: str, places: list[list[int]]
) -> Steps:
    """Where that button is, at one of these places: well inside of it. None when it is not."""
    wanted = (kind, name, detail)
    rows = Rows()
    for x, y in places:
        if rows.know(x, y):
            continue
        hit = yield from hover(x, y, area, region)
        rows.put(x, y, hit)
        if _is(hit, wanted):
            middle = yield from _middle(x, y, wanted, area, region)
            hit = yield from hover(x, middle, area, region, turns=5)
            if _is(hit, wanted):
                return {**hit, "x": x, "y": middle}
    return None


def _is(hit: Hit | None, wanted: tuple[str, str, str]) -> bool:
    kind, name, detail = wanted
    return (
        hit is not None and (hit["kind"], hit["name"]) == (kind, name) and detail in hit["detail"]
    )


def _middle(x: int, y: int, wanted: tuple[str, str, str], area: str, region: str) -> Steps:
    """The height of the middle of the button at this place, as far as it can be seen."""
    _, top, _, bottom = rectangle(area, region)
    ends = []
    for step in (-EDGE_PIXELS, EDGE_PIXELS):
        end = y
        while abs(end - y) < LARGEST_PIXELS and top < end + step < bottom:
            hit = yield from hover(x, end + step, area, region)
            if not _is(hit, wanted):
                break
            end += step
        ends.append(end)
    return sum(ends) // 2


def width_of(kind: str, name: str, detail: str, area: str, region: str, place: list[int]) -> Steps:
    """The left and right end of the button at this place."""
    left, _, right, _ = rectangle(area, region)
    x, y = place
    ends = []
    for step in (-2 * EDGE_PIXELS, 2 * EDGE_PIXELS):
        end = x
        while left < end + step < right:
            hit = yield from hover(end + step, y, area, region)
            if not _is(hit, (kind, name, detail)):
                break
            end += step
        ends.append(end)
    return ends


def poll(operator: str, area: str, region: str) -> bool:
    """Whether the operator can run there."""
    group, _, name = operator.partition(".")
    there = {"window": window(), "area": area_of(area), "region": region_of(area, region)}
    with bpy.context.temp_override(**there):
        return getattr(getattr(bpy.ops, group), name).poll()
