# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a markerset: which marker sits where on which body."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError  # the types only; defusedxml parses

import defusedxml
import defusedxml.ElementTree

from .errors import SolveError

ERROR_TYPE = "markerset_invalid"


@dataclass(frozen=True, kw_only=True)
class Marker:
    """One marker: `position_m` (x, y, z) in the frame of its unscaled body."""

    name: str
    body: str
    position_m: tuple[float, float, float]
    movable: bool
    weight: float


@dataclass(frozen=True, kw_only=True)
class Markerset:
    """A named set of markers."""

    name: str
    markers: tuple[Marker, ...]


def read(path: Path) -> Markerset:
    """Read a markerset file.

    Raises:
        SolveError: `markerset_invalid`, for a file without XML or sound markers, or with a DOCTYPE.
    """
    root = _parse(path)
    markers = tuple(_marker(element, path) for element in root.iter("marker"))
    if not markers:
        raise SolveError(ERROR_TYPE, f"The markerset {path.name} holds no <marker> elements.")
    _refuse_duplicates(markers, path)
    return Markerset(name=root.get("name") or path.stem, markers=markers)


def check_bodies(markerset: Markerset, bodies: Collection[str]) -> None:
    """Refuse markers on bodies that the skeleton does not have.

    Raises:
        SolveError: `unknown_body`, naming marker and body.
    """
    for marker in markerset.markers:
        if marker.body not in bodies:
            known = ", ".join(sorted(set(bodies) - {"world"}))
            raise SolveError(
                "unknown_body",
                f"Marker {marker.name} is on body '{marker.body}', which the character does not "
                f"have; its bodies are: {known}.",
            )


def _parse(path: Path) -> Element:
    try:
        root = defusedxml.ElementTree.parse(path, forbid_dtd=True).getroot()
    except ParseError as error:
        line, column = error.position
        raise SolveError(
            ERROR_TYPE, f"The markerset {path.name} is not XML: line {line}, column {column}."
        ) from error
    except defusedxml.DefusedXmlException as error:
        raise SolveError(
            ERROR_TYPE, f"The markerset {path.name} has a DOCTYPE or entities; remove them."
        ) from error
    except (OSError, ValueError, LookupError) as error:  # unreadable, or an encoding nobody knows
        raise SolveError(
            ERROR_TYPE, f"The markerset {path.name} cannot be read: {error}."
        ) from error
    if root is None:
        raise SolveError(ERROR_TYPE, f"The markerset {path.name} is empty.")
    return root


def _marker(element: Element, path: Path) -> Marker:
    name, body = element.get("name", "").strip(), element.get("body", "").strip()
    if not name or not body:
        raise SolveError(
            ERROR_TYPE,
            f"A marker of {path.name} lacks its name or its body: {dict(element.attrib)}.",
        )
    position = _numbers(element.get("pos", ""), f"pos of marker {name}")
    if len(position) != 3:
        raise SolveError(
            ERROR_TYPE, f"The pos of marker {name} must be three numbers (x y z, in m)."
        )
    (movable,) = _numbers(element.get("movable", "0"), f"movable of marker {name}")[:1] or (0.0,)
    (weight,) = _numbers(element.get("ik_weight", "1"), f"ik_weight of marker {name}")[:1] or (1.0,)
    if weight < 0:
        raise SolveError(ERROR_TYPE, f"The ik_weight of marker {name} is negative.")
    return Marker(
        name=name,
        body=body,
        position_m=(position[0], position[1], position[2]),
        movable=movable > 0,
        weight=weight,
    )


def _numbers(text: str, what: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError as error:
        raise SolveError(ERROR_TYPE, f"The {what} is not a number: '{text}'.") from error
    if not all(map(math.isfinite, numbers)):
        raise SolveError(ERROR_TYPE, f"The {what} is not finite: '{text}'.")
    return numbers


def _refuse_duplicates(markers: tuple[Marker, ...], path: Path) -> None:
    seen: set[str] = set()
    for marker in markers:
        if marker.name in seen:
            raise SolveError(ERROR_TYPE, f"The markerset {path.name} names {marker.name} twice.")
        seen.add(marker.name)
