# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the armature of a character's definition, with the joints on its bones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..motion import kinematics
from ..motion.motion import Motion
from . import armature, joint_definitions
from .compat import current_scene

if TYPE_CHECKING:
    from ..motion.character import Character


def build(character: Character, *, name: str) -> bpy.types.Object:
    """A new armature object with one bone per body, at the origin of the current scene.

    Bones are called like their bodies and stand as the definition places them with every
    coordinate at its reference: Z up, metres. They hold the joints (see `joint_definitions`).

    Raises:
        RigError: a body's name is longer than a bone's can be.
    """
    armature_object = make(character, name=name)
    armature.place(armature_object, current_scene())
    return armature_object


def make(character: Character, *, name: str) -> bpy.types.Object:
    """The same, in no scene yet and marked as unfinished: see `armature.place`.

    Raises:
        RigError: a body's name is longer than a bone's can be.
    """
    armature_object = armature.make(at_rest(character), name=name)
    joint_definitions.write(armature_object, character)
    return armature_object


def at_rest(character: Character) -> Motion:
    """A motion of one frame, in which the character stands as its definition places it."""
    positions, rotations = kinematics.world_from_local(
        character.parents, character.positions, character.rotations
    )
    return Motion(
        names=character.names,
        parents=character.parents,
        rest_positions=positions,
        rest_rotations=rotations,
        times=np.zeros(1),
        positions=positions[None],
        rotations=rotations[None],
    )
