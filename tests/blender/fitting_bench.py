# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature of one subject, and takes of another."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from myosapiens_addon.blender import (
    armature,
    character_armature,
    landing,
)
from myosapiens_addon.blender.landing_options import LandingOptions
from myosapiens_addon.motion import mjcf
from tests.blender import posing
from tests.helpers import solved
from tests.helpers.motions import NAMES
from tests.helpers.solved import Solved

NEAR_M = 0.1e-3


# Legs, an arm and the trunk, and not the same on both sides.
LONGER = ("tibia_r", "talus_l", "femur_l", "tibia_l", "ulna_r", "skull", "thoracic_spine")


OTHER = solved.larger(1.1, *(name for name in LONGER if name in NAMES))


@pytest.fixture(name="anna")
def anna_fixture(tmp_path: Path) -> bpy.types.Object:
    """An armature of the definition, its joints on its bones."""
    model = mjcf.read(solved.write_model(tmp_path / "model.xml"))
    return character_armature.build(model, name="Anna")


def take_of(offsets: np.ndarray, seed: int = 11) -> Solved:
    return solved.take(offsets=offsets, seed=seed)


def land(take: Solved, folder: Path, **options: object) -> landing.Landing:
    given = {"armature": "Anna", "rate": "capture", **options}
    path = take.write_glb(folder / "motion.glb", meshes=bool(options.get("meshes")))
    return landing.land([path], name="Take", options=LandingOptions(**given))


def rests(built: bpy.types.Object) -> dict[str, np.ndarray]:
    """Every bone at rest: its matrix, its length, and the axes of its body."""
    return {
        bone.name: np.array(
            [*np.ravel(bone.matrix_local), bone.length, *bone.get(armature.BODY_REST, ())]
        )
        for bone in built.data.bones
    }


def assert_same_rests(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=2e-6, err_msg=name)


def heads_of(name: str, take: Solved) -> np.ndarray:
    return posing.evaluated(name, 1 + take.times * 24, NAMES)[..., :3, 3]


def offered(found: landing.Landing) -> list[str]:
    return [text for text in found.warnings if "Fit Armature (--fit-armature)" in text]
