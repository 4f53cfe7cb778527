# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on well-known kinds of rigs: what Blender shows points where the take points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.motion import glb
from tests.blender import rig_builders as rigs
from tests.blender.rig_takes import both, check_alike, check_ground, land
from tests.helpers import figures, likeness

KINDS: dict[str, tuple[Callable[[], rigs.Built], str]] = {
    "mixamo": (rigs.mixamo, "Mixamo"),
    "mixamo without prefix": (lambda: rigs.mixamo(prefix=""), "Mixamo"),
    "mixamo of a second character": (lambda: rigs.mixamo(prefix="mixamorig7:"), "Mixamo"),
    "ue4": (lambda: rigs.unreal("ue4"), "Unreal Engine 4 mannequin"),
    "ue5": (rigs.unreal, "Unreal Engine 5 mannequin"),
    "vroid": (rigs.vroid, "VRoid Studio"),
    "vroid facing back": (lambda: rigs.vroid(back=True), "VRoid Studio"),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_kind
def test_bones_point_as_the_bodies_do(kind: str) -> None:
    build, title = KINDS[kind]
    built, motion = build(), figures.figure(slide_m=0.004)
    landing = land(built, motion, contacts=False)
    assert landing.bone_map == title
    assert landing.direction_error_deg < 0.05
    assert not landing.warnings
    check_alike(*both(built, motion))


@each_kind
def test_a_captured_walk(kind: str, walk: Path) -> None:
    build, _ = KINDS[kind]
    built, motion = build(), glb.read(walk / "motion_nomesh.glb")
    landing = land(built, motion)
    assert landing.direction_error_deg < 0.05
    take, target = both(built, motion, 12)
    check_alike(take, target, legs=False)
    ratio = likeness.leg_length(target) / likeness.leg_length(take)
    check_ground(target, ratio)
    hips = likeness.hips(target) @ target.up
    np.testing.assert_allclose(
        np.ptp(hips), ratio * np.ptp(likeness.hips(take)[:, 2]), atol=0.02 * ratio
    )
