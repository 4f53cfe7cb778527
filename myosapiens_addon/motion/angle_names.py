# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service's numeric outputs call things: angles of balls, rotations, slides, the root."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .character import SUFFIXES, JointKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .motion import FloatArray

AXES = {"X": (1.0, 0.0, 0.0), "Y": (0.0, 1.0, 0.0), "Z": (0.0, 0.0, 1.0)}
ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
# Balls whose three angles have names of their own in `output.npz`, without the side: what turns
# about X, about Y and about Z, one after the other. Other balls have `<joint>_x`, `_y` and `_z`.
BALL_ANGLES = {"shoulder": ("shoulder_abdu", "humerus_arot", "shoulder_flex")}
BALL_ORDER = "XYZ"
SIDE = re.compile(r"_[rl]$")
BALL_SUFFIXES = SUFFIXES[JointKind.BALL]
SLIDE = re.compile(r"_t[xyz](_|$)")
ROOT = re.compile(r"root.*?_?t?([xyz]|q[wxyz])$", re.IGNORECASE)
ROOT_PARTS = ("x", "y", "z", "qw", "qx", "qy", "qz")


def axes_of(order: str) -> FloatArray:
    """(3, 3) the axes of three intrinsic angles.

    Raises:
        InputError: it is none of the six orders of three different axes.
    """
    if order not in ORDERS:
        raise InputError(
            f"Angles in the order {order!r} are not known; give one of {', '.join(ORDERS)}."
        )
    return np.array([AXES[letter] for letter in order])


def angles_by_letter(joint: str, order: str) -> tuple[str, ...]:
    """`<joint>_x`, `<joint>_y` and `<joint>_z`, in an order such as `ZXY`."""
    return tuple(f"{joint}_{letter.lower()}" for letter in order)


def own_angle_names(ball: str) -> tuple[str, ...]:
    """The names that the three angles of a ball joint have of their own; empty where none."""
    side = SIDE.search(ball)
    end = side[0] if side else ""
    return tuple(name + end for name in BALL_ANGLES.get(ball.removesuffix(end), ()))


def ball_angle_names(ball: str) -> tuple[str, ...]:
    """The names of a ball joint's intrinsic angles about X, Y and Z."""
    return own_angle_names(ball) or angles_by_letter(ball, BALL_ORDER)


def ball_columns(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Rotations among the columns of `qpos.parquet`: joint name to its four columns."""
    there, first = set(names), BALL_SUFFIXES[0]
    stems = [name.removesuffix(first) for name in names if name.endswith(first)]
    groups = {stem: tuple(stem + suffix for suffix in BALL_SUFFIXES) for stem in stems}
    return {stem: group for stem, group in groups.items() if there.issuperset(group)}


def root_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The seven columns of the free root, whatever its joint is called; empty where not all are.

    They have `root` in their names and end like `_tx` or `_x`, and `_qw`.
    """
    parts: dict[str, str] = {}
    for name in names:
        found = ROOT.search(name)
        if found:
            parts.setdefault(found[1].lower(), name)
    whole = set(parts) == set(ROOT_PARTS)
    return tuple(parts[part] for part in ROOT_PARTS) if whole else ()
