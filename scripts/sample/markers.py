# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample's markerset: 39 skin markers on the landmarks of the common clinical sets.

The landmarks and their names are those of the Helen Hayes set (Davis et al., Hum. Mov. Sci. 10
(1991) 575–587; Kadaba et al., J. Orthop. Res. 8 (1990) 383–392) with the upper body that motion
capture studios add. The positions are our own: on the reference skeleton's skin, 7 mm (half a
marker) outside the landmark.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NAME = "MyoSapiens sample"
MODEL = "Local Human v1.0.0"


@dataclass(frozen=True, kw_only=True)
class Marker:
    """One marker of the set.

    Attributes:
        name: what its label in a take says.
        body: the body that carries it.
        position_m: in that body's frame on the reference skeleton: forward, up, right.
        movable: 1 where it sits on soft tissue or by eye, 0 on a bony landmark that can be felt.
        ik_weight: its weight in the solve.
    """

    name: str
    body: str
    position_m: tuple[float, float, float]
    movable: float
    ik_weight: float


def _central() -> list[Marker]:
    rows = [
        ("C7", "thoracic_spine", (-0.055, 0.272, 0.0), 0, 1),
        ("T10", "thoracic_spine", (-0.072, 0.055, 0.0), 0, 1),
        ("CLAV", "thoracic_spine", (0.086, 0.203, 0.0), 0, 1),
        ("STRN", "thoracic_spine", (0.126, 0.060, 0.0), 0, 1),
        ("RBAK", "thoracic_spine", (-0.082, 0.140, 0.070), 1, 0.5),
    ]
    return [_marker(*row) for row in rows]


# Of the right side; the left is its mirror image but for the markers that are put asymmetrically
# on purpose, so that software can tell the sides apart.
_PAIRED = [
    ("FHD", "skull", (0.088, 0.088, 0.058), 1, 1),
    ("BHD", "skull", (-0.078, 0.088, 0.058), 1, 1),
    ("SHO", "scapula", (-0.004, 0.028, 0.004), 0, 1),
    ("UPA", "humerus", (0.004, -0.150, 0.049), 1, 0.5),
    ("ELB", "humerus", (-0.004, -0.303, 0.043), 0, 1),
    ("FRM", "radius", (0.012, -0.120, 0.052), 1, 0.5),
    ("WRA", "radius", (0.047, -0.240, 0.024), 0, 1),
    ("WRB", "ulna", (-0.034, -0.252, 0.046), 0, 1),
    ("FIN", "lunate", (0.012, -0.088, 0.024), 1, 0.5),
    ("ASI", "pelvis", (0.012, 0.002, 0.119), 0, 2),
    ("PSI", "pelvis", (-0.162, 0.024, 0.048), 0, 2),
    ("THI", "femur", (0.006, -0.235, 0.079), 1, 0.5),
    ("KNE", "femur", (0.000, -0.424, 0.058), 0, 1),
    ("TIB", "tibia", (0.002, -0.200, 0.060), 1, 0.5),
    ("ANK", "tibia", (-0.006, -0.432, 0.046), 0, 1),
    ("HEE", "calcaneus", (-0.032, 0.012, 0.000), 1, 1),
    ("TOE", "calcaneus", (0.168, 0.026, -0.008), 1, 1),
]
_LEFT_HEIGHTS_M = {"UPA": -0.185, "FRM": -0.150, "THI": -0.285, "TIB": -0.250}
_UNSIDED = frozenset({"skull", "pelvis"})


def _paired(side: str) -> list[Marker]:
    outward = 1.0 if side == "R" else -1.0
    made: list[Marker] = []
    for name, bone, (forward, up, right), movable, weight in _PAIRED:
        body = bone if bone in _UNSIDED else f"{bone}_{side.lower()}"
        height = up if side == "R" else _LEFT_HEIGHTS_M.get(name, up)
        made.append(_marker(side + name, body, (forward, height, outward * right), movable, weight))
    return made


def _marker(
    name: str, body: str, position_m: tuple[float, float, float], movable: float, weight: float
) -> Marker:
    return Marker(
        name=name, body=body, position_m=position_m, movable=float(movable), ik_weight=weight
    )


MARKERS: tuple[Marker, ...] = (*_central(), *_paired("R"), *_paired("L"))


def positions_m() -> Array:
    """(39, 3) positions in the bodies' frames on the reference skeleton."""
    return np.array([marker.position_m for marker in MARKERS])


def to_xml() -> str:
    """The markerset as the service takes it."""
    lines = [f"<markers name={quoteattr(NAME)} model={quoteattr(MODEL)}>"]
    lines += [f"  {_element(marker)}" for marker in MARKERS]
    return "\n".join(["<!-- SPDX-License-Identifier: GPL-3.0-or-later -->", *lines, "</markers>\n"])


def _element(marker: Marker) -> str:
    position = " ".join(f"{value:.3f}" for value in marker.position_m)
    return (
        f'<marker name="{marker.name}" body="{marker.body}" pos="{position}" '
        f'movable="{marker.movable:.1f}" ik_weight="{marker.ik_weight:g}"/>'
    )
