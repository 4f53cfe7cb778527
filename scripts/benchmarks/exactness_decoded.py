# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of outputs without Blender: how far those of one job are from each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from myosapiens_addon.motion import decoding
from myosapiens_addon.motion.decoding import DecodeOptions
from myosapiens_addon.motion.timing import TakeFacts

from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from myosapiens_addon.motion.joint_angles import JointAngles

    from .exactness_cases import Case

XPOS, QPOS = "xpos.parquet", "qpos.parquet"
XPOS_LIMIT_MM = 0.001
ANGLES_LIMIT_DEG = 0.001


def figures(cases: Sequence[Case]) -> list[Figure]:
    """Distances from `xpos.parquet`, and joint angles of the other outputs against qpos'."""
    rows = [
        Figure(
            name=f"exactness: off {XPOS}, {case.title}",
            value=_from_xpos(case),
            unit="mm",
            reference=XPOS_LIMIT_MM,
        )
        for case in cases
        if case.has_lengths
    ]
    return rows + [
        Figure(
            name=f"exactness: angles of {case.title}, {QPOS}",
            value=_apart(_angles(case, qpos.model), _angles(qpos, qpos.model)),
            unit="deg",
            reference=ANGLES_LIMIT_DEG,
        )
        for qpos in cases
        if qpos.output.name == QPOS
        for case in cases
        if case.output.parent == qpos.output.parent and case is not qpos
    ]


def _from_xpos(case: Case) -> float:
    files = [case.output, case.output.with_name(XPOS)]
    distance = decoding.decode(files, _options(case)).distance
    if distance is None:
        raise SystemExit(f"{case.output} could not be held against {XPOS}.")
    return distance.largest_mm


def _angles(case: Case, model: Path | None) -> JointAngles:
    """The model tells the joints of poses, too."""
    return decoding.read_angles([case.output], replace(_options(case), model=model))


def _apart(one: JointAngles, other: JointAngles) -> float:
    """The largest difference in degrees of the angles that both have."""
    shared = [name for name in one.names if name in other.names]
    if not shared:
        raise SystemExit("Two outputs of one job have no joint angle in common.")
    values = [each.values[:, [each.names.index(name) for name in shared]] for each in (one, other)]
    return float(np.degrees(np.abs(values[0] - values[1])).max())


def _options(case: Case) -> DecodeOptions:
    take = TakeFacts(rate_hz=case.rate_hz) if case.rate_hz is not None else None
    return DecodeOptions(model=case.model, take=take)
