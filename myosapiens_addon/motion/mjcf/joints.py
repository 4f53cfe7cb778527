# SPDX-License-Identifier: GPL-3.0-or-later
"""From one joint element to a Joint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import quaternion
from ..character import Joint, JointKind
from . import orientation
from .node import Node, quoted

if TYPE_CHECKING:
    from ..motion import FloatArray
    from .compiler import Settings
    from .tree import Body, JointElement, Pose

KINDS = tuple(kind.value for kind in JointKind)
FREEDOMS = {JointKind.FREE: 6, JointKind.BALL: 3, JointKind.SLIDE: 1, JointKind.HINGE: 1}
MOST_FREEDOMS = 6


def kind(node: Node) -> JointKind:
    """What kind of joint an element stands for.

    Raises:
        CharacterError: it is none of the four.
    """
    free = node.tag == "freejoint"
    return JointKind.FREE if free else JointKind(node.choice("type", KINDS, "hinge"))


def check(body: Body) -> None:
    """Refuse joints that no body can have.

    Raises:
        CharacterError: a body has too many, or one that is free but not the only one.
    """
    kinds = [kind(element.node) for element in body.joints]
    if sum(FREEDOMS[each] for each in kinds) > MOST_FREEDOMS:
        raise body.node.error(f"{body.node.title} can move in more than {MOST_FREEDOMS} ways.")
    if JointKind.FREE in kinds and body.parent >= 0:
        raise body.node.error(
            f"{body.node.title} has a free joint inside another body; only bodies that stand in "
            "the world may be free."
        )


def joint(element: JointElement, body: int, name: str, settings: Settings) -> Joint:
    """The joint of a body, under a name that is its own.

    Raises:
        CharacterError: it has no axis, or its limits are none.
    """
    node = element.node
    what = kind(node)
    if what is JointKind.FREE:
        return Joint(name=name, kind=what, body=body, position=np.zeros(3), axis=_UPWARDS.copy())
    # Angles are counted in the file's unit, ways in m.
    unit = 1.0 if what is JointKind.SLIDE else settings.radian_per_unit
    frame = element.frame
    reference = node.numbers("ref", 1) or (0.0,)
    return Joint(
        name=name,
        kind=what,
        body=body,
        position=frame.position + quaternion.rotate(frame.rotation, _anchor(node)),
        axis=_UPWARDS.copy() if what is JointKind.BALL else _axis(node, frame),
        reference=0.0 if what is JointKind.BALL else reference[0] * unit,
        limits=_limits(node, what, settings, unit),
    )


_UPWARDS = np.array([0.0, 0.0, 1.0])


def _anchor(node: Node) -> FloatArray:
    return np.array(node.numbers("pos", 3) or (0.0, 0.0, 0.0))


def _axis(node: Node, frame: Pose) -> FloatArray:
    axis = orientation.unit(node.numbers("axis", 3) or (0.0, 0.0, 1.0))
    if axis is None:
        text = quoted(node.attributes["axis"])
        raise node.error(f"{node.title} has axis={text}, which has no direction.")
    return quaternion.rotate(frame.rotation, axis)


def _limits(
    node: Node, what: JointKind, settings: Settings, unit: float
) -> tuple[float, float] | None:
    """The range where it limits: when that is said, or when it is one and nothing is said."""
    low, high = node.numbers("range", 2) or (0.0, 0.0)
    said = node.choice("limited", ("auto", "false", "true"), "auto")
    if said == "false" or (said == "auto" and not (settings.limits_by_range and low < high)):
        return None
    if low >= high or (what is JointKind.BALL and low != 0.0):
        least = "0" if what is JointKind.BALL else "the smaller one"
        raise node.error(
            f"{node.title} is limited to range={quoted(node.attributes.get('range', ''))}; it has "
            f"to be two numbers, first {least}."
        )
    return low * unit, high * unit
