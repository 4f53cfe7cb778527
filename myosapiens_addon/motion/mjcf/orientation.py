# SPDX-License-Identifier: GPL-3.0-or-later
"""The five ways in which an element may say how it is turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import quaternion
from .node import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..motion import FloatArray
    from .compiler import Settings
    from .node import Node

WIDTHS = {"quat": 4, "euler": 3, "axisangle": 4, "xyaxes": 6, "zaxis": 3}
# Vectors shorter than this have no direction that can be relied on.
SHORTEST = 1e-9


def rotation(node: Node, settings: Settings) -> FloatArray:
    """The unit quaternion (4,) of an element; none where it says nothing.

    Raises:
        CharacterError: it says so in two ways, or what it says has no direction.
    """
    given = [name for name in WIDTHS if node.text(name) is not None]
    if len(given) > 1:
        raise node.error(f"{node.title} has {' and '.join(given)}; only one may say how it turns.")
    values = node.numbers(given[0], WIDTHS[given[0]]) if given else None
    if values is None:
        return np.array([1.0, 0.0, 0.0, 0.0])
    if given[0] == "euler":
        return _from_euler(values, settings)
    found = _from_vectors(given[0], values, settings)
    if found is None:
        text = quoted(node.attributes[given[0]])
        raise node.error(f"{node.title} has {given[0]}={text}, which gives no direction.")
    return found


def unit(values: Sequence[float] | FloatArray) -> FloatArray | None:
    """A vector made of length one; None where it is too short."""
    vector = np.array(values, np.float64)
    length = float(np.linalg.norm(vector))
    return vector / length if length > SHORTEST else None


def _from_euler(values: Sequence[float], settings: Settings) -> FloatArray:
    turned = np.array([1.0, 0.0, 0.0, 0.0])
    for letter, value in zip(settings.euler_sequence, values, strict=True):
        axis = np.eye(3)["xyz".index(letter.lower())]
        turn = _about(axis, value * settings.radian_per_unit)
        # About the axis as it is by now, or as it stands outside.
        pair = (turned, turn) if letter.islower() else (turn, turned)
        turned = quaternion.multiply(*pair)
    return quaternion.normalised(turned)


def _from_vectors(kind: str, values: Sequence[float], settings: Settings) -> FloatArray | None:
    if kind == "quat":
        return unit(values)
    if kind == "axisangle":
        axis = unit(values[:3])
        return None if axis is None else _about(axis, values[3] * settings.radian_per_unit)
    return _from_xy(values[:3], values[3:]) if kind == "xyaxes" else _from_z(values)


def _about(axis: FloatArray, angle_rad: float) -> FloatArray:
    return np.concatenate([[np.cos(0.5 * angle_rad)], np.sin(0.5 * angle_rad) * axis])


def _from_xy(along_x: Sequence[float], near_y: Sequence[float]) -> FloatArray | None:
    """The frame whose X is given and whose Y is as near to the other as it can be."""
    x = unit(along_x)
    if x is None:
        return None
    y = unit(np.array(near_y) - x * float(np.dot(x, near_y)))
    if y is None:
        return None
    return quaternion.from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))


def _from_z(along_z: Sequence[float]) -> FloatArray | None:
    """The smallest turn that takes Z there; about X where Z is to be upside down."""
    z = unit(along_z)
    if z is None:
        return None
    sine = float(np.hypot(z[0], z[1]))
    axis = np.array([1.0, 0.0, 0.0]) if sine < SHORTEST else np.array([-z[1], z[0], 0.0]) / sine
    return _about(axis, float(np.arctan2(sine, z[2])))
