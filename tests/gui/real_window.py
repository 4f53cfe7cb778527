# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window whose buttons are found by what they do, then pressed by the mouse."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from tests.gui.places import places_to_try, reddened
from tests.gui.screen import Box, Screen

WHEEL_PIXELS = 40
TABS_PIXELS = 26
SIDEBAR = ("VIEW_3D", "UI")
# Where the sidebar's edge can be taken, from its left end; it differs between versions.
EDGE_OFFSETS = (4, 6, 2, 0, 8, -3)
# First where the open panel's content is: at its header a press that misses folds it.
EDGE_HEIGHTS = (60, 12)
# A disabled button's text is about half as bright as the theme's.
DISABLED_SHARE = 0.8

Place = tuple[str, str]
What = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Widget:
    """A button that was found: a place inside of it, and what it is for."""

    x: int
    y: int
    kind: str
    name: str
    detail: str


class RealWindow(Screen):
    """One Blender; `where` is always the type of an area and that of a region in it."""

    tab = ""

    def __init__(self, *arguments, **keywords) -> None:  # noqa: ANN002, ANN003
        super().__init__(*arguments, **keywords)
        self._last_places: dict[tuple[str, ...], tuple[int, int]] = {}

    # The sidebar

    def show_tab(self, tab: str) -> None:
        """Open the 3D view's sidebar at that tab."""
        if not self.eval(f"panels.show_tab({tab!r}, {SIDEBAR[0]!r})"):
            raise LookupError(f"the sidebar has no tab {tab!r}")
        self.tab = tab

    def region(self, where: Place = SIDEBAR) -> Box:
        """Left, top, right, bottom of a region."""
        left, top, right, bottom = self.eval(f"widgets.rectangle(*{where!r})")
        return left, top, right, bottom

    @property
    def sidebar_width(self) -> int:
        left, _, right, _ = self.region()
        return right - left

    def set_sidebar_width(self, width: int) -> None:
        """Drag the sidebar's edge until it is exactly that wide."""
        self.scroll_to_top()
        # Beside the first panels; where there is none, the edge cannot be taken.
        for offset, below in itertools.product(EDGE_OFFSETS, EDGE_HEIGHTS):
            left, top, right, _ = self.region()
            if right - left == width:
                return
            edge = (left + offset, top + below)
            self.move(edge[0] - 40, edge[1])
            self.drag(edge, (edge[0] + right - left - width, edge[1]))
        if self.sidebar_width != width:
            raise RuntimeError(f"the sidebar is {self.sidebar_width} px wide, not {width}")

    def scroll_sidebar(self, clicks: int) -> int:
        """Turn the wheel over the sidebar; returns how far it moved, in pixels."""
        left, top, _, _ = self.region()
        before = self._scrolled()
        # On the margin beside the first row: lists take the wheel for themselves, and below the
        # last row it goes to the view behind.
        self.scroll(left + 8, top + 12, clicks)
        return self._scrolled() - before

    def _scrolled(self) -> int:
        region = f"widgets.region_of(*{SIDEBAR!r})"
        return -round(self.eval(f"{region}.view2d.region_to_view(0, {region}.height)[1]"))

    def scroll_to_top(self) -> bool:
        """Turn the wheel until the sidebar's first row is to be seen; returns whether it moved."""
        before = self._scrolled()
        while self._scrolled() > 0 and self.scroll_sidebar(-15):
            pass
        return self._scrolled() != before

    # Buttons

    def find(self, operator: str, *, detail: str = "", where: Place = SIDEBAR) -> Widget:
        """The button of an operator such as `myosapiens.retarget`; scrolls to it when needed.

        Args:
            detail: a part of the arguments the button gives to its operator.
        """
        return self._find(("operator", operator, detail), where)

    def find_prop(self, name: str, *, detail: str = "", where: Place = SIDEBAR) -> Widget:
        """The field of a property; `detail` may be a part of its owner, path and index."""
        return self._find(("property", name, detail), where)

    def press(self, operator: str, *, detail: str = "", where: Place = SIDEBAR) -> Widget:
        """Find an operator's button and click it."""
        widget = self.find(operator, detail=detail, where=where)
        self.click(widget.x, widget.y)
        return widget

    def click_prop(self, name: str, *, detail: str = "", where: Place = SIDEBAR) -> Widget:
        """Find a property's field and click it: checkboxes, drop-downs, search fields."""
        widget = self.find_prop(name, detail=detail, where=where)
        self.click(widget.x, widget.y)
        return widget

    def enter(self, name: str, text: str, *, detail: str = "", where: Place = SIDEBAR) -> None:
        """Type a value into the field of a property."""
        widget = self.find_prop(name, detail=detail, where=where)
        self.click(widget.x, widget.y, double=True)
        self.key("ctrl+a")
        self.type_text(text)
        self.key("Return")

    def choose(self, name: str, number: int, *, detail: str = "", where: Place = SIDEBAR) -> None:
        """Open the drop-down of an enum and take its n-th item (from 1 to 10)."""
        self.click_prop(name, detail=detail, where=where)
        self.settle(20)
        self.key(str(number % 10))

    def search(self, name: str, text: str, *, detail: str = "", where: Place = SIDEBAR) -> None:
        """Open the search field of a property, type, and take the first of what is offered."""
        self.click_prop(name, detail=detail, where=where)
        self.settle(20)
        self.type_text(text)
        self.settle(20)
        self.key("Return")

    def is_visible(self, operator: str, *, detail: str = "", where: Place = SIDEBAR) -> bool:
        """Whether the button of an operator is on the screen now, without scrolling."""
        what = ("operator", operator, detail)
        return bool(self._find_again(what, where) or self._find_here(what, where, fine=True))

    def is_enabled(self, widget: Widget, *, where: Place = SIDEBAR) -> bool:
        """Whether a button can be pressed: its operator's poll, and whether it is greyed out."""
        if widget.kind == "operator" and not self.eval(
            f"widgets.poll({widget.name!r}, *{where!r})"
        ):
            return False
        what = (widget.kind, widget.name, widget.detail)
        place = [widget.x, widget.y]
        left, right = self.eval(f"widgets.width_of(*{what!r}, *{where!r}, {place!r})")
        self._park(where)
        text = self.pixels((left, widget.y - 7, right, widget.y + 7)).min(axis=2).max()
        theme = "bpy.context.preferences.themes[0].user_interface.wcol_tool.text"
        return float(text) > DISABLED_SHARE * 255.0 * min(self.eval(theme))

    def scan(self, where: Place = SIDEBAR) -> list[Widget]:
        """All buttons of a region that are on the screen, most of them more than once."""
        places = self._places(where, fine=True)
        return [Widget(**hit) for hit in self.eval(f"widgets.scan(*{where!r}, {places!r})")]

    def _find(self, what: What, where: Place) -> Widget:
        """Where it was the last time, or where it is red when marked.

        Else at wide buttons' places on all pages; else anywhere.
        """
        widget = (
            self._find_again(what, where)
            or self._find_marked(what, where)
            or self._find_on_pages(what, where, fine=False)
            or self._find_on_pages(what, where, fine=True)
        )
        if widget is None:
            raise LookupError(f"no button for {what} in {where}")
        return widget

    def _find_again(self, what: What, where: Place) -> Widget | None:
        last = self._last_places.get((*what, *where))
        return self._find_at(what, where, [last]) if last else None

    def _find_marked(self, what: What, where: Place) -> Widget | None:
        """Where the sidebar's own panels draw it, on the page that is shown or any other."""
        if where != SIDEBAR or not self.tab or not self._is_drawn(what):
            return None
        widget = self._find_red(what)
        if widget is not None:
            return widget
        widget = self._find_red(what) if self.scroll_to_top() else None
        while widget is None and self.scroll_sidebar(self._page()):
            widget = self._find_red(what)
        return widget

    def _is_drawn(self, what: What) -> bool:
        """Whether panels draw it at all; the marks are taken away again."""
        drawn = self._mark(what)
        self.eval("marks.clear()")
        return drawn

    def _mark(self, what: What) -> bool:
        kind, name, _ = what
        return self.eval(f"marks.mark({kind!r}, {name!r}, {self.tab!r}, {SIDEBAR[0]!r})")

    def _find_red(self, what: What) -> Widget | None:
        self._park()
        box = self.region()
        before = self.pixels(box)
        self._mark(what)
        try:
            after = self.pixels(box)
        finally:
            self.eval("marks.clear()")
        places = [(box[0] + x, box[1] + y) for x, y in reddened(before, after)]
        return self._find_at(what, SIDEBAR, places)

    def _page(self) -> int:
        """How many clicks of the wheel bring the next page, with a part of this one."""
        _, top, _, bottom = self.region()
        return max(1, int(0.8 * (bottom - top)) // WHEEL_PIXELS)

    def _find_on_pages(self, what: What, where: Place, *, fine: bool) -> Widget | None:
        widget = self._find_here(what, where, fine=fine)
        if widget is not None or where != SIDEBAR:
            return widget
        if self.scroll_to_top():
            widget = self._find_here(what, where, fine=fine)
        while widget is None and self.scroll_sidebar(self._page()):
            widget = self._find_here(what, where, fine=fine)
        return widget

    def _find_here(self, what: What, where: Place, *, fine: bool) -> Widget | None:
        return self._find_at(what, where, self._places(where, fine=fine))

    def _find_at(self, what: What, where: Place, places: list[tuple[int, int]]) -> Widget | None:
        hit = self.eval(f"widgets.find(*{what!r}, *{where!r}, {places!r})")
        if hit is None:
            return None
        self._last_places[*what, *where] = (hit["x"], hit["y"])
        return Widget(**hit)

    def _places(self, where: Place, *, fine: bool) -> list[tuple[int, int]]:
        """Where in the region there is anything, on a picture without the view behind it."""
        self._park(where)
        left, top, right, bottom = self.region(where)
        if where == SIDEBAR:
            right -= TABS_PIXELS
        self.exec("clean = widgets.hide_overlays(True)")
        try:
            picture = self.pixels((left, top, right, bottom))
        finally:
            self.exec("widgets.hide_overlays(False, clean)")
        return [(left + x, top + y) for x, y in places_to_try(picture, fine=fine)]

    def _park(self, where: Place = SIDEBAR) -> None:
        """Take the pointer off the buttons, which would be lit, and wait out any tooltip."""
        left, top, _, _ = self.region(where)
        self.move(left - 60, top + 200)

    # Panels

    def is_open(self, panel: str) -> bool:
        """Whether the content of a panel of the tab is drawn."""
        return panel in self.eval(f"panels.drawn({self.tab!r}, {SIDEBAR[0]!r})")

    def fold(self, panel: str) -> None:
        """Click the header of an open panel, which folds it."""
        if self.is_open(panel):
            self._toggle(panel)

    def unfold(self, panel: str) -> None:
        """Click the header of a folded panel, which opens it."""
        if not self.is_open(panel):
            self._toggle(panel)

    def _toggle(self, panel: str) -> None:
        was_open = self.is_open(panel)
        self.click(*self.find_header(panel))
        if self.is_open(panel) == was_open:
            raise RuntimeError(f"a click on the header of {panel} did nothing")

    def find_header(self, panel: str) -> tuple[int, int]:
        """A place on the title of a panel's header; scrolls to it when needed."""
        order = self.eval(f"panels.headers({self.tab!r}, {SIDEBAR[0]!r})")
        if panel not in order:
            raise LookupError(f"{panel} is not among the headers of {self.tab}: {order}")
        index = order.index(panel)
        self.scroll_to_top()
        titles = self._titles()
        if index < len(titles):
            return titles[index]
        while self.scroll_sidebar(15):
            pass
        titles = self._titles()
        if len(order) - index > len(titles):
            raise LookupError(f"{panel} is neither at the top nor at the end of {self.tab}")
        return titles[index - len(order)]

    def _titles(self) -> list[tuple[int, int]]:
        """Where the titles of headers stand, told by a colour that only they have for a moment."""
        self._park()
        left, top, right, bottom = self.region()
        colours = self.eval("panels.mark_titles()")
        try:
            picture = self.pixels((left, top, right - 60, bottom)).astype(int)
        finally:
            self.eval(f"panels.mark_titles({colours!r})")
        marked = np.minimum(picture[..., 0], picture[..., 2]) - picture[..., 1] > 80
        rows = np.flatnonzero(marked.any(axis=1))
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > 4) + 1) if len(rows) else []
        return [
            (left + int(np.median(np.flatnonzero(marked[run].any(axis=0)))), top + int(run.mean()))
            for run in runs
        ]
