# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs that are no humans."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from myosapiens_addon.retarget.mapping.roles import Skeleton

Point = tuple[float, float, float]
Rows = list[tuple[str, str, Point]]
SIDES = ((".L", 1.0), (".R", -1.0))


def skeleton(rows: Rows) -> Skeleton:
    """Bones of rows of name, parent and head."""
    place = {name: index for index, (name, _, _) in enumerate(rows)}
    heads = np.array([head for _, _, head in rows], dtype=np.float64).reshape(-1, 3)
    return Skeleton(
        names=tuple(place),
        parents=np.array([place.get(parent, -1) for _, parent, _ in rows], dtype=np.int32),
        heads=heads,
        tails=heads + np.array([0.0, 0.0, 0.05]),
    )


def renamed(rows: Rows, names: Mapping[str, str]) -> Rows:
    """The same with other names."""
    return [(names.get(name, name), names.get(parent, parent), head) for name, parent, head in rows]


def dog() -> Rows:
    """On four legs, with bones called like a human's."""
    rows: Rows = [
        ("pelvis", "", (0, 0.5, 0.9)),
        ("spine.001", "pelvis", (0, 0.3, 0.95)),
        ("spine.002", "spine.001", (0, 0.0, 0.95)),
        ("spine.003", "spine.002", (0, -0.3, 0.95)),
        ("neck", "spine.003", (0, -0.6, 1.0)),
        ("head", "neck", (0, -0.8, 1.2)),
        ("tail", "pelvis", (0, 0.55, 0.9)),
        ("tail.001", "tail", (0, 0.8, 0.8)),
    ]
    for side, x in SIDES:
        rows += [
            (f"thigh{side}", "pelvis", (0.12 * x, 0.5, 0.85)),
            (f"shin{side}", f"thigh{side}", (0.12 * x, 0.42, 0.5)),
            (f"foot{side}", f"shin{side}", (0.12 * x, 0.55, 0.2)),
            (f"toe{side}", f"foot{side}", (0.12 * x, 0.5, 0.03)),
            (f"shoulder{side}", "spine.003", (0.05 * x, -0.5, 0.95)),
            (f"upper_arm{side}", f"shoulder{side}", (0.1 * x, -0.55, 0.8)),
            (f"forearm{side}", f"upper_arm{side}", (0.1 * x, -0.45, 0.5)),
            (f"hand{side}", f"forearm{side}", (0.1 * x, -0.48, 0.2)),
        ]
    return rows


def bird() -> Rows:
    """On two legs, with wings, and bones called like a human's."""
    rows: Rows = [
        ("root", "", (0, 0, 0.5)),
        ("spine", "root", (0, 0, 0.55)),
        ("chest", "spine", (0, -0.2, 0.6)),
        ("neck", "chest", (0, -0.4, 0.7)),
        ("head", "neck", (0, -0.5, 0.85)),
        ("tail", "root", (0, 0.1, 0.5)),
    ]
    for side, x in SIDES:
        rows += [
            (f"wing1{side}", "chest", (0.1 * x, -0.35, 0.7)),
            (f"wing2{side}", f"wing1{side}", (0.5 * x, -0.3, 0.7)),
            (f"wing3{side}", f"wing2{side}", (0.9 * x, -0.35, 0.7)),
            (f"thigh{side}", "root", (0.1 * x, 0, 0.5)),
            (f"shin{side}", f"thigh{side}", (0.1 * x, -0.05, 0.3)),
            (f"foot{side}", f"shin{side}", (0.1 * x, 0.05, 0.1)),
        ]
    return rows


def spider() -> Rows:
    """On eight legs."""
    rows: Rows = [
        ("body", "", (0, 0, 0.5)),
        ("abdomen", "body", (0, 0.2, 0.5)),
        ("head", "body", (0, -0.1, 0.5)),
    ]
    for leg in range(4):
        for side, x in SIDES:
            parent = "body"
            for part in range(4):
                name = f"leg{leg}_{part}{side}"
                head = (x * (0.1 + 0.3 * part), 0.1 * leg - 0.2, 0.5 - 0.1 * part)
                rows.append((name, parent, head))
                parent = name
    return rows


def table() -> Rows:
    """On four legs that do not move."""
    rows: Rows = [("top", "", (0, 0, 0.7))]
    for leg, (x, y) in enumerate(((1.0, 0.5), (-1.0, 0.5), (1.0, -0.5), (-1.0, -0.5))):
        parent = "top"
        for part in range(3):
            name = f"leg.{leg}{part}"
            rows.append((name, parent, (x, y, 0.7 - 0.3 * part)))
            parent = name
    return rows


def door() -> Rows:
    """A door with a handle on either side."""
    return [
        ("frame", "", (0, 0, 0)),
        ("door", "frame", (1, 0, 0)),
        ("handle.L", "door", (0, 0, 1)),
        ("handle.R", "door", (0, 0.1, 1)),
    ]


def hand() -> Rows:
    """A hand alone."""
    rows: Rows = [("hand.L", "", (0, 0, 0))]
    for finger in range(5):
        parent = "hand.L"
        for part in range(3):
            name = f"finger{finger}.{part}"
            rows.append((name, parent, (0.02 * finger, 0, 0.1 + 0.03 * part)))
            parent = name
    return rows


def rope() -> Rows:
    """Forty bones in a line."""
    return [(f"Bone.{i:03d}", f"Bone.{i - 1:03d}", (0, 0, float(i))) for i in range(40)]
