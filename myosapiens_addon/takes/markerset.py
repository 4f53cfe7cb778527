# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a markerset (XML): which marker sits where on which body.

::

    <markers name="…" model="…">
        <marker name="RFWT" body="pelvis" pos="x y z" movable="0.0" ik_weight="2"/>

Positions are metres in the body's frame: X forward, Y up, Z to the subject's right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import strict_xml
from ..errors import MarkersetError

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

# A hundred markers are 10 KB; a file of 8 MiB is something else.
RULES = strict_xml.Rules(error=MarkersetError, noun="markerset", advice="choose a markerset (XML)")


@dataclass(frozen=True, kw_only=True)
class Marker:
    """One marker.

    Attributes:
        name: what its label in the take is to be.
        body: the body that carries it.
        position_m: x, y, z in the body's frame, metres.
        movable: whether scaling may move it, 0 to 1.
        ik_weight: its weight in the solve.
    """

    name: str
    body: str
    position_m: tuple[float, float, float]
    movable: float = 0.0
    ik_weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Markerset:
    """All markers, and the character that they are for."""

    path: Path
    name: str
    model: str
    markers: tuple[Marker, ...]


def read(path: Path) -> Markerset:
    """Read a markerset.

    Raises:
        MarkersetError: the file cannot be read, is no XML, has no markers, or one of them
            lacks something or appears twice.
    """
    root = strict_xml.parse(path, RULES)
    if root.tag != "markers":
        raise MarkersetError(
            f"{path.name} is no markerset: it begins with <{root.tag}>, not with <markers>; "
            "choose a markerset (XML)."
        )
    markers = tuple(_read_marker(path, element) for element in root.iter("marker"))
    if not markers:
        raise MarkersetError(f"{path.name} holds no markers; choose the markerset of this take.")
    _refuse_twins(path, markers)
    return Markerset(
        path=path, name=root.get("name", ""), model=root.get("model", ""), markers=markers
    )


def _read_marker(path: Path, element: Element) -> Marker:
    line = element.get(strict_xml.LINE)
    name = element.get("name", "").strip()
    if not name:
        raise MarkersetError(f"{path.name}, line {line}: a marker has no name.")
    where = f"{path.name}, line {line}: the marker {name}"
    body = element.get("body", "").strip()
    if not body:
        raise MarkersetError(f"{where} has no body.")
    position = _numbers(element.get("pos", ""))
    if len(position) != 3:
        raise MarkersetError(f'{where} needs a position of three numbers: pos="x y z".')
    return Marker(
        name=name,
        body=body,
        position_m=(position[0], position[1], position[2]),
        movable=_single(element, "movable", 0.0, where),
        ik_weight=_single(element, "ik_weight", 1.0, where),
    )


def _single(element: Element, attribute: str, default: float, where: str) -> float:
    text = element.get(attribute)
    if text is None:
        return default
    if text.strip().lower() in {"true", "false"}:
        return float(text.strip().lower() == "true")
    numbers = _numbers(text)
    if len(numbers) != 1 or numbers[0] < 0:
        raise MarkersetError(f"{where} has {attribute}={text!r}, which is no number from 0.")
    return numbers[0]


def _numbers(text: str) -> list[float]:
    """The finite numbers of a text; empty where something in it is none."""
    try:
        numbers = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        return []
    return numbers if all(math.isfinite(number) for number in numbers) else []


def _refuse_twins(path: Path, markers: tuple[Marker, ...]) -> None:
    seen: set[str] = set()
    for marker in markers:
        if marker.name in seen:
            raise MarkersetError(f"{path.name} has the marker {marker.name} twice.")
        seen.add(marker.name)
