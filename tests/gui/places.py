# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in a picture buttons may be: few places, and none of them between two buttons."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Shares of the width at which rows are tried first: most buttons are wide.
COLUMNS = (0.5, 0.12, 0.8, 0.3, 0.65)
# Less than a button is wide or high (20), so that none lies between two places.
GRID_PIXELS = 16
ROW_PIXELS = 26
# The edge of a panel, not a row.
THIN_PIXELS = 4
PATCH_PIXELS = 9
# The edge of a disabled button is some 8 steps of brightness from what is around it.
FLAT_STEPS = 3
# The margin beside the buttons, with the edges of panels in it.
BORDER_PIXELS = 10
# How much redder a marked button is, and how small none is.
RED_STEPS = 12
SMALL_PIXELS = 8


def places_to_try(picture: np.ndarray, *, fine: bool) -> list[tuple[int, int]]:
    """Places with something near them, from a picture of rows of pixels of colours.

    Column by column, each from the top down; those of a fine grid come after the coarse ones.
    """
    _, width, _ = picture.shape
    columns = [int(width * share) for share in COLUMNS]
    if fine:
        columns += range(GRID_PIXELS, width - GRID_PIXELS // 2, GRID_PIXELS)
    rows = [y for top, bottom in _bands(picture) for y in _rows_of(top, bottom)]
    return [(x, y) for x in columns for y in rows if not _is_flat(picture, x, y)]


def reddened(before: np.ndarray, after: np.ndarray) -> list[tuple[int, int]]:
    """The middles of what has become red, in the order in which rows and columns are tried."""
    found: np.ndarray = ndimage.label(_redness(after) - _redness(before) > RED_STEPS)[0]  # pyright: ignore
    boxes = [
        (down, across)
        for down, across in ndimage.find_objects(found)
        if min(down.stop - down.start, across.stop - across.start) >= SMALL_PIXELS
    ]
    columns = [int(before.shape[1] * share) for share in COLUMNS]

    def turn(box: tuple[slice, slice]) -> tuple[int, int, int]:
        down, across = box
        crossed = (n for n, x in enumerate(columns) if across.start <= x < across.stop)
        return next(crossed, len(columns)), down.start, across.start

    return [
        ((across.start + across.stop) // 2, (down.start + down.stop) // 2)
        for down, across in sorted(boxes, key=turn)
    ]


def _redness(picture: np.ndarray) -> np.ndarray:
    colours = picture.astype(int)
    return colours[..., 0] - colours[..., 1:].max(axis=-1)


def _bands(picture: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of pixels of each stripe that is not of one colour from side to side."""
    inner = picture[:, BORDER_PIXELS:-BORDER_PIXELS].astype(int)
    busy = np.flatnonzero((inner.max(axis=1) - inner.min(axis=1)).max(axis=1) > FLAT_STEPS)
    if not len(busy):
        return []
    runs = np.split(busy, np.flatnonzero(np.diff(busy) > 1) + 1)
    return [(int(run[0]), int(run[-1])) for run in runs if len(run) >= THIN_PIXELS]


def _rows_of(top: int, bottom: int) -> list[int]:
    """One row of buttons is tried in its middle; a stripe of several, at every so many pixels."""
    if bottom - top < ROW_PIXELS:
        return [(top + bottom) // 2]
    return list(range(top + GRID_PIXELS // 2, bottom, GRID_PIXELS))


def _is_flat(picture: np.ndarray, x: int, y: int) -> bool:
    rows = slice(max(0, y - PATCH_PIXELS), y + PATCH_PIXELS + 1)
    columns = slice(max(0, x - PATCH_PIXELS), x + PATCH_PIXELS + 1)
    patch = picture[rows, columns].reshape(-1, 3).astype(int)
    return bool((patch.max(axis=0) - patch.min(axis=0)).max() <= FLAT_STEPS)
