# SPDX-License-Identifier: GPL-3.0-or-later
"""Which moments of a motion the preview shows, where the figures stand, and the view on them.

Plain numpy. World axes are Blender's: Z up, any length unit (sizes are relative to the figure).
Joint clouds are the heads and tails of an armature's bones, shape (moments, points, 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# All relative to the height of the figure.
_NEEDED_STEP = 0.45  # between neighbours, so that their legs do not cross
_WIDEST_STEP = 0.9  # beyond this the figures get too small to see
_LEAST_TRAVEL = 0.5  # less than this is standing, not walking
_GAP = 0.12  # air between figures that are spread out

_FRONT_ANGLE = np.radians(26.0)  # how far the camera goes from the side to the front
_ELEVATION = np.radians(7.0)
_MARGIN = 1.06


@dataclass(frozen=True, kw_only=True)
class View:
    """A perspective camera.

    Attributes:
        position: (3,) world position.
        axes: (3, 3) columns are the camera's right, up and backward in the world.
        distance: from the camera to the middle of what it sees.
    """

    position: Array
    axes: Array
    distance: float


def choose_moments(clouds: Array, count: int) -> Indices:
    """Evenly spaced samples in which the poses differ most from each other.

    Spacing by a whole stride would show the same pose again and again; so every start and
    spacing is tried, and the closest pair of poses decides. Travel between neighbours counts
    too, up to the step that keeps the figures apart.

    Args:
        clouds: (samples, points, 3), evenly spaced in time.
        count: how many moments are wanted.

    Returns:
        (min(count, samples),) ascending sample indices.
    """
    samples = len(clouds)
    count = min(count, samples)
    if count < 2:
        return np.zeros(count, dtype=np.int64)
    centres = clouds.mean(axis=1)
    poses = (clouds - centres[:, None]).reshape(samples, -1)
    apart = _distances(poses)
    steps = _distances(centres[:, :2]) / height(clouds)
    best, best_score = np.arange(count, dtype=np.int64), -1.0
    for spacing in range(1, (samples - 1) // (count - 1) + 1):
        for start in range(samples - spacing * (count - 1)):
            picked = start + spacing * np.arange(count, dtype=np.int64)
            score = _variety(apart, picked) + _separation(steps, picked)
            if score >= best_score:  # of equals, the longer spacing
                best, best_score = picked, score
    return best


def _distances(rows: Array) -> Array:
    squares = np.sum(rows**2, axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * rows @ rows.T, 0.0))


def _variety(apart: Array, picked: Indices) -> float:
    """How far apart the two most alike of the picked poses are; 0 same, 1 as far as can be."""
    block = apart[np.ix_(picked, picked)]
    closest = block[~np.eye(len(picked), dtype=bool)].min()
    return float(closest / max(apart.max(), 1e-9))


def _separation(steps: Array, picked: Indices) -> float:
    step = float(steps[picked[:-1], picked[1:]].min())
    return min(1.0, step / _NEEDED_STEP)


def height(clouds: Array) -> float:
    """The figure's typical size: how high it stands, or half its diagonal when it lies."""
    extents = np.ptp(clouds, axis=1)
    sizes = np.maximum(extents[:, 2], 0.5 * np.linalg.norm(extents, axis=1))
    return max(float(np.median(sizes)), 1e-6)


def picture_direction(clouds: Array, *, left: Indices, right: Indices) -> Array:
    """(3,) horizontal unit vector that runs from left to right through the picture.

    The way from the first to the last place; for a figure that stays, from its right to its
    left side, so that it is seen from the front; +X when there are no sides either.

    Args:
        clouds: (moments, points, 3).
        left: indices of the points of the left side.
        right: indices of the points of the right side.
    """
    way = clouds[-1].mean(axis=0) - clouds[0].mean(axis=0)
    if np.linalg.norm(way[:2]) < _LEAST_TRAVEL * height(clouds):
        way = np.array([1.0, 0.0, 0.0])
        if len(left) and len(right):
            way = clouds[0, left].mean(axis=0) - clouds[0, right].mean(axis=0)
    way[2] = 0.0
    length = float(np.linalg.norm(way))
    return np.asarray(way / length) if length > 1e-9 else np.array([1.0, 0.0, 0.0])


def line_up(clouds: Array, direction: Array) -> Array:
    """Offsets that put the figures side by side along `direction`.

    True places are kept where no figures overlap and none is far off; otherwise the figures
    are spread out evenly, in order of time.

    Args:
        clouds: (moments, points, 3).
        direction: (3,) horizontal unit vector.

    Returns:
        (moments, 3) what to add to every point of a moment.
    """
    along = clouds @ direction
    low, high = along.min(axis=1), along.max(axis=1)
    steps = np.diff(along.mean(axis=1)) / height(clouds)
    if np.all(low[1:] > high[:-1]) and np.all(steps < _WIDEST_STEP):
        return np.zeros((len(clouds), 3))
    centres = clouds.mean(axis=1)
    centres[:, 2] = 0.0
    pitch = float(np.max(high - low)) + _GAP * height(clouds)
    return np.arange(len(clouds))[:, None] * pitch * direction - centres


def look_at(points: Array, direction: Array, *, half_tangents: tuple[float, float]) -> View:
    """A camera beside the figures, turned to their front, that just holds all the points.

    The four planes of the view pyramid are pushed against the points, which gives the nearest
    position in closed form.

    Args:
        points: (n, 3) everything that must be seen.
        direction: (3,) horizontal unit vector, left to right through the picture.
        half_tangents: tangents of half the horizontal and half the vertical angle of view.
    """
    beside = np.cross(direction, [0.0, 0.0, 1.0])
    flat = np.cos(_FRONT_ANGLE) * beside + np.sin(_FRONT_ANGLE) * direction
    axes = _camera_axes(np.cos(_ELEVATION) * flat + np.sin(_ELEVATION) * np.array([0, 0, 1.0]))
    x, y, z = (points @ axes).T
    tan_x, tan_y = half_tangents[0] / _MARGIN, half_tangents[1] / _MARGIN
    right, left = np.max(x + z * tan_x), np.max(-x + z * tan_x)
    top, bottom = np.max(y + z * tan_y), np.max(-y + z * tan_y)
    depth = max((right + left) / (2 * tan_x), (top + bottom) / (2 * tan_y))
    local = np.array([(right - left) / 2, (top - bottom) / 2, depth])
    return View(position=axes @ local, axes=axes, distance=float(depth - z.mean()))


def _camera_axes(backward: Array) -> Array:
    right = np.cross([0.0, 0.0, 1.0], backward)
    right /= np.linalg.norm(right)
    return np.column_stack([right, np.cross(backward, right), backward])


def light_turn() -> Array:
    """(3, 3) from the camera's axes to a light's that shines from above its left shoulder.

    A light shines along its own −Z, like a camera looks.
    """
    swing, lift = np.radians(-38.0), np.radians(-42.0)
    about_up = np.array(
        [[np.cos(swing), 0, np.sin(swing)], [0, 1, 0], [-np.sin(swing), 0, np.cos(swing)]]
    )
    about_right = np.array(
        [[1, 0, 0], [0, np.cos(lift), -np.sin(lift)], [0, np.sin(lift), np.cos(lift)]]
    )
    return np.asarray(about_up @ about_right)
