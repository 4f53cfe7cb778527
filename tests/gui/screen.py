# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouse, keyboard and pictures of a Blender's screen, in pixels from its upper left corner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.gui import blenders
from tests.gui.blender_process import BlenderProcess

PICTURES = blenders.ROOT / "out" / "gui"
# Blender takes two presses within 0.35 s as one double click.
PAUSE_S = "0.05"
WHEEL = {True: "5", False: "4"}

Box = tuple[int, int, int, int]


class Screen(BlenderProcess):
    """A Blender whose mouse and keyboard are real ones, as far as Blender can tell."""

    def move(self, x: int, y: int) -> None:
        """Move the pointer."""
        self.run("xdotool", "mousemove", str(x), str(y))
        self.settle()

    def click(self, x: int, y: int, *, button: int = 1, double: bool = False) -> None:
        """Press and release a mouse button there: 1 left, 2 middle, 3 right."""
        times = ["--repeat", "2", "--delay", "60"] if double else []
        there = ["mousemove", str(x), str(y), "sleep", PAUSE_S]
        self.run("xdotool", *there, "click", *times, str(button))
        self.settle()

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the left button at one place and release it at another."""
        middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
        # Each step when Blender has dealt with the one before: else a slow one takes the press
        # for one on what is beside, such as a header, which folds its panel.
        self.move(*start)
        self._button("mousedown")
        self.move(*middle)
        self.move(*end)
        self._button("mouseup")

    def _button(self, what: str) -> None:
        """Press or release the left button where the pointer is."""
        self.run("xdotool", what, "1")
        self.settle()

    def scroll(self, x: int, y: int, clicks: int) -> None:
        """Turn the wheel there: downwards, or upwards when negative."""
        if clicks:
            wheel = ["--repeat", str(abs(clicks)), "--delay", "15", WHEEL[clicks > 0]]
            there = ["mousemove", str(x), str(y), "sleep", PAUSE_S]
            self.run("xdotool", *there, "click", *wheel)
            self.settle()

    def key(self, *keys: str, at: tuple[int, int] | None = None) -> None:
        """Press keys such as `Return` or `ctrl+z`, for what is under the pointer or at a place."""
        if at is not None:
            self.move(*at)
        self.run("xdotool", "key", "--delay", "50", *keys)
        self.settle()

    def type_text(self, text: str) -> None:
        """Type a text."""
        self.run("xdotool", "type", "--delay", "20", text)
        self.settle()

    def settle(self, turns: int = 6) -> None:
        """Let Blender deal with what was pressed and draw what came of it."""
        self.eval(f"widgets.wait({turns})")

    def pixels(self, crop: Box | None = None) -> np.ndarray:
        """What is on the screen now: rows of pixels of red, green and blue."""
        path = self.profile / "screen.ppm"
        self._picture(path)
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB").crop(crop) if crop else picture.convert("RGB"))

    def shot(self, path: str | Path, crop: Box | None = None) -> Path:
        """Save a picture of the screen, or of a part of it: left, top, right, bottom.

        A path that is not absolute lies in out/gui/.
        """
        path = PICTURES / path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.pixels(crop)).save(path)
        return path

    def _picture(self, path: Path) -> None:
        self.eval("widgets.redraw()")
        self.run("import", "-silent", "-window", "root", "-depth", "8", f"ppm:{path}")
