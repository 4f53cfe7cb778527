# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of `<compiler>` that change how a definition is to be understood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .node import Node, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOLEANS = ("false", "true")
EULER_LETTERS = frozenset("xyzXYZ")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for the whole definition, wherever it was said.

    Attributes:
        radian_per_unit: of an angle in the file.
        euler_sequence: three axes: small letters turn with the body, capital ones stand still.
        limits_by_range: whether a range alone limits a joint.
        aligns_free: whether free bodies without children get the axes of their inertia.
    """

    radian_per_unit: float
    euler_sequence: str
    limits_by_range: bool
    aligns_free: bool


def settings(root: Node) -> Settings:
    """Of all `<compiler>` elements; a later one overrules an earlier one, attribute by attribute.

    Raises:
        CharacterError: an attribute is not understood, or coordinates are global.
    """
    found: dict[str, str] = {}
    for node in root.children:
        if node.tag == "compiler":
            _check(node)
            found.update(node.attributes)
    return _settings(found)


def _check(node: Node) -> None:
    node.choice("angle", ("degree", "radian"), "degree")
    node.choice("autolimits", BOOLEANS, "true")
    node.choice("alignfree", BOOLEANS, "false")
    if node.choice("coordinate", ("local", "global"), "local") == "global":
        raise node.error(
            "the definition is written in global coordinates, as only MuJoCo before 2.3.4 reads; "
            "load it there and save it again."
        )
    sequence = node.attributes.get("eulerseq", "xyz")
    if len(sequence) != 3 or not EULER_LETTERS.issuperset(sequence):
        raise node.error(
            f"the compiler has eulerseq={quoted(sequence)}; it has to be three of x y z X Y Z."
        )


def _settings(found: Mapping[str, str]) -> Settings:
    return Settings(
        radian_per_unit=1.0 if found.get("angle") == "radian" else math.pi / 180.0,
        euler_sequence=found.get("eulerseq", "xyz"),
        limits_by_range=found.get("autolimits", "true") == "true",
        aligns_free=found.get("alignfree") == "true",
    )
