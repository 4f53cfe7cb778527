# SPDX-License-Identifier: GPL-3.0-or-later
"""A character with joints of every kind, and armatures made of it."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

from myosapiens_addon.motion.character import Character, Joint, JointKind
from tests.helpers.motions import FACING, IDENTITY, NAMES, OFFSETS, PARENTS

ORIGIN = (0.0, 0.0, 0.0)


Change = Callable[[bpy.types.Object], object]


def joint(
    name: str,
    kind: str,
    body: str,
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0),
    *,
    position: tuple[float, float, float] = ORIGIN,
    reference: float = 0.0,
    limits: tuple[float, float] | None = None,
) -> Joint:
    return Joint(
        name=name,
        kind=JointKind(kind),
        body=NAMES.index(body),
        position=np.array(position),
        axis=np.array(axis) / np.linalg.norm(axis),
        reference=reference,
        limits=limits,
    )


JOINTS = (
    joint("root", "free", "root"),
    joint("hip_flex_r", "hinge", "femur_r", (0, 0, 1), limits=(-0.5, 2.1), reference=0.1),
    joint("hip_abdu_r", "hinge", "femur_r", (1, 0, 0), limits=(-0.7, 0.4)),
    joint("hip_arot_r", "hinge", "femur_r", (0, -1, 0), limits=(-0.6, 0.8)),
    joint("knee_flex_r", "hinge", "tibia_r", (0, 0, -1), limits=(0.0, 2.5)),
    joint("patella_slide", "slide", "patella_r", (0, 1, 0), limits=(-0.02, 0.03), reference=0.01),
    joint("patella_tilt", "hinge", "patella_r", (0, 0, 1), position=(0.01, 0.02, 0.003)),
    joint("ankle_flex_r", "hinge", "talus_r", (-0.105, -0.174, 0.979), limits=(-0.9, 0.6)),
    joint("shoulder_r", "ball", "humerus_r", limits=(0.0, 2.9)),
    joint("hip_flex_l", "hinge", "femur_l", (0, 0, 1)),
    joint("glide_l", "slide", "tibia_l", (0, 1, 0), limits=(-0.01, 0.03), reference=0.01),
)


def standing(*, turned: bool = False) -> Character:
    rotations = np.tile(IDENTITY, (len(NAMES), 1))
    rotations[1] = FACING
    if turned:
        more = np.random.default_rng(5).normal(size=(len(NAMES), 4))
        rotations = more / np.linalg.norm(more, axis=1, keepdims=True)
    return Character(
        title="Größe 1",
        names=NAMES,
        parents=PARENTS,
        positions=np.array(OFFSETS, float),
        rotations=rotations,
        joints=JOINTS,
    )


def assert_same(found: Character | None, wanted: Character) -> None:
    assert found is not None
    assert (found.title, found.names) == (wanted.title, wanted.names)
    np.testing.assert_array_equal(found.parents, wanted.parents)
    np.testing.assert_allclose(found.positions, wanted.positions, atol=1e-6)
    signs = np.sign(np.sum(found.rotations * wanted.rotations, axis=1, keepdims=True))
    np.testing.assert_allclose(found.rotations * signs, wanted.rotations, atol=1e-6)
    assert found.coordinate_names == wanted.coordinate_names
    for one, other in zip(found.joints, wanted.joints, strict=True):
        assert (one.name, one.kind, one.body) == (other.name, other.kind, other.body)
        assert (one.reference, one.limits) == (other.reference, other.limits)
        np.testing.assert_allclose(one.position, other.position, atol=1e-9)
        if one.kind in ("hinge", "slide"):
            np.testing.assert_array_equal(one.axis, other.axis)


def edit(built: bpy.types.Object, change: Change) -> None:
    bpy.context.view_layer.objects.active = built
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        change(built.data.edit_bones)
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
