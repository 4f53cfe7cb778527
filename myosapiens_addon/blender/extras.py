# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes onto an armature besides the pose: joints, their angles as curves, meshes.

They are extras: a sentence tells where one cannot be had, and the action is there without it.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..errors import MyoSapiensError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..motion.character import Character
    from ..motion.decoding import Decoded
    from ..motion.motion import FloatArray
    from .landing_options import LandingOptions
    from .meshes import Brought
    from .meshes_prepared import Prepared
    from .references import Reference

# Bones point along limbs, axes of joints do not quite. Limits are widened by what that comes to,
# and by no more than this at either end.
LIMIT_TOLERANCE_RAD = math.radians(15.0)
NO_LIMITS = (
    "The armature has no joint limits: they are in the character's definition, and {source} "
    "comes without one; choose its model (MJCF XML)."
)


@dataclass(kw_only=True)
class Extras:
    """What came besides the pose.

    Attributes:
        angles: how many joint angles have a curve.
        meshes: how many meshes are bound to bones.
        warnings: sentences on what could not be had.
        brought: the meshes, so that they can be taken out again; None where none came.
    """

    angles: int = 0
    meshes: int = 0
    warnings: list[str] = field(default_factory=list)
    brought: Brought | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Wish:
    """What is to be added, and to what.

    Attributes:
        target: the armature object.
        scene: where it is shown.
        action: the new action.
        is_new: whether the armature was built for this take.
        name: the take's name.
        times: (K,) the moments that have keys, in s.
        scene_fps: frames per second of the scene.
        decoded: what came of the files.
        prepared: the meshes, or why there are none; None where none are wanted.
        options: of the landing.
    """

    target: Reference
    scene: Reference
    action: Reference
    is_new: bool
    name: str
    times: FloatArray
    scene_fps: float
    decoded: Decoded
    prepared: Prepared | MyoSapiensError | None
    options: LandingOptions


def is_wanted(options: LandingOptions) -> bool:
    """Whether there is anything to add."""
    return options.key_angles or options.meshes or bool(options.model) or options.limits


def prepare(
    decoded: Decoded, options: LandingOptions, folder: Path | None
) -> Prepared | MyoSapiensError | None:
    """The meshes ready for Blender's importer, or why there are none; for a thread.

    Args:
        decoded: what came of the files.
        options: of the landing.
        folder: where files go until they are imported: see `scratch`.
    """
    if not options.meshes:
        return None
    from . import meshes

    if decoded.meshes is None:
        return MyoSapiensError(f"{decoded.source} holds no meshes; they are in motion.glb only.")
    try:
        return meshes.prepare(decoded.meshes, decoded.motion, folder=folder)
    except MyoSapiensError as error:
        return error


class Preparation:
    """Meshes that a thread makes ready, and that may not be wanted any more by then.

    Args:
        decoded: what came of the files.
        options: of the landing.
        folder: see `prepare`.
    """

    def __init__(self, decoded: Decoded, options: LandingOptions, folder: Path | None) -> None:
        self._arguments = decoded, options, folder
        self._guard = threading.Lock()
        self._is_wanted = True
        self._prepared: Prepared | MyoSapiensError | None = None

    def run(self) -> Prepared | MyoSapiensError | None:
        """As `prepare`; for a thread."""
        prepared = prepare(*self._arguments)
        with self._guard:
            self._prepared = prepared
            if not self._is_wanted:
                discard(prepared)
        return prepared

    def drop(self) -> None:
        """Delete what is ready, or will be."""
        with self._guard:
            self._is_wanted = False
            discard(self._prepared)


def scratch() -> Path | None:
    """Blender's own temporary folder, which ends with Blender; None for the system's."""
    return Path(bpy.app.tempdir) if bpy.app.tempdir else None


def discard(prepared: Prepared | MyoSapiensError | None) -> None:
    """Delete what was made ready and is not wanted any more."""
    if prepared is not None and not isinstance(prepared, MyoSapiensError):
        prepared.discard()


def add(wish: Wish) -> Generator[int, None, Extras]:
    """Add what is wished for, in steps; meshes that came in are taken out on the way out.

    The caller looks after each step whether armature and action are still there.
    """
    extras = Extras()
    _add_joints(wish, extras)
    yield 0
    yield from _add_angles(wish, extras)
    yield from _add_meshes(wish, extras)
    return extras


def _add_joints(wish: Wish, extras: Extras) -> None:
    """The definitions of the joints, on the bones of an armature that was built for the take."""
    from . import joint_definitions

    armature_object = wish.target.find_in(bpy.data.objects)
    character = wish.decoded.character
    if armature_object is None or not wish.is_new:
        return
    if character is None or not character.joints:
        if wish.options.limits:
            extras.warnings.append(NO_LIMITS.format(source=wish.decoded.source))
        return
    try:
        joint_definitions.write(armature_object, character)
    except MyoSapiensError as error:
        extras.warnings.append(error.sentence)
        return
    if wish.options.limits:
        extras.warnings += add_limits(armature_object, character)


def add_limits(armature_object: bpy.types.Object, character: Character) -> list[str]:
    """Rotation limits as constraints; sentences on joints whose limits none can express."""
    from . import joint_limits

    left_out = joint_limits.add(armature_object, character, tolerance=LIMIT_TOLERANCE_RAD)
    if not left_out:
        return []
    more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
    return [
        "Limits that cannot be told about a bone's own axes have no constraints: those of "
        f"{', '.join(left_out[:5])}{more}."
    ]


def _add_angles(wish: Wish, extras: Extras) -> Generator[int, None, None]:
    from . import joint_curves

    angles, character = wish.decoded.angles, wish.decoded.character
    if not wish.options.key_angles or angles is None:
        return
    written = yield from joint_curves.write_in_steps(
        wish.target,
        wish.action,
        angles,
        times=wish.times,
        start_frame=wish.options.start_frame,
        scene_fps=wish.scene_fps,
        limits=joint_curves.limits_of(character) if character is not None else {},
    )
    extras.angles = len(written.names)
    extras.warnings += written.warnings


def _add_meshes(wish: Wish, extras: Extras) -> Generator[int, None, None]:
    from . import meshes

    prepared = wish.prepared
    if isinstance(prepared, MyoSapiensError):
        extras.warnings.append(prepared.sentence)
        return
    target = wish.target.find_armature()
    scene = wish.scene.find_in(bpy.data.scenes)
    if prepared is None or target is None or scene is None:
        discard(prepared)
        return
    try:
        brought = yield from meshes.bring_in_steps(
            prepared, target, scene=scene, name=wish.name, empties=wish.options.empties
        )
    except MyoSapiensError as error:
        extras.warnings.append(error.sentence)
        return
    extras.brought = brought
    extras.meshes = brought.count
    extras.warnings += brought.warnings
