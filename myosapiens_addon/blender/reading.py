# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a job's output files: what the main thread knows of it, and what a thread does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MyoSapiensError, RigError
from ..motion import decoding
from ..motion.character import Character
from ..motion.timing import TakeFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from ..jobs.spec import JobSpec
    from ..motion.decoding import Decoded, DecodeOptions
    from ..motion.joint_angles import JointAngles
    from .landing_options import LandingOptions


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """All that a thread needs to read a job's files.

    Attributes:
        files: the output files.
        options: of the landing.
        character: of the armature that takes the motion, as far as its bones tell.
        take: the take's file; None where it is not known.
        clip: how many of its frames were sent, -1 for all.
        fault: what is wrong with the armature's joints, where poses can do without them.
    """

    files: tuple[Path, ...]
    options: LandingOptions
    character: Character | None = None
    take: Path | None = None
    clip: int = -1
    fault: RigError | None = None

    def decode(self) -> Decoded:
        """The motion; for a thread.

        Raises:
            MyoSapiensError: as `decoding.decode`.
        """
        decoded = decoding.decode(self.files, self._options())
        if self.fault is None:
            return decoded
        return replace(decoded, warnings=(self.fault.sentence, *decoded.warnings))

    def angles(self) -> JointAngles:
        """The joint angles alone; for a thread.

        Raises:
            MyoSapiensError: as `decoding.read_angles`; or the armature's joints are damaged.
        """
        try:
            return decoding.read_angles(self.files, self._options())
        except MyoSapiensError as error:
            raise self.fault or error from error

    def _options(self) -> DecodeOptions:
        options = self.options
        return decoding.DecodeOptions(
            model=Path(options.model) if options.model else None,
            joint_preset=Path(options.joint_preset) if options.joint_preset else None,
            character=self.character,
            take=self._facts(),
            angle_order=options.angle_order,
            angle_degrees=options.angle_degrees,
            with_angles=options.with_angles,
        )

    def _facts(self) -> TakeFacts | None:
        """The speed: as told, else as the take's file has it.

        The job's own take may be gone; one that somebody named must be readable.
        """
        if self.options.capture_rate_hz is not None:
            return TakeFacts(rate_hz=self.options.capture_rate_hz)
        if self.take is None:
            return None
        from ..takes import take

        try:
            info = take.read_info(self.take)
        except MyoSapiensError:
            if self.options.take:
                raise
            return None
        frames = info.frame_count if self.clip < 0 else min(self.clip, info.frame_count)
        return TakeFacts(rate_hz=info.rate_hz, frames=frames)


def wanted(
    files: Sequence[Path],
    options: LandingOptions,
    *,
    target: bpy.types.Object | None,
    spec: JobSpec | None = None,
) -> Wanted:
    """What is to be read, and how. On the main thread; reads memory only.

    Args:
        files: the output files.
        options: of the landing.
        target: the armature that takes the motion; None for a new one.
        spec: the job, where it is known.

    Raises:
        RigError: the files need the armature's joints, and these are damaged.
    """
    has_poses = any(path.suffix.lower() == ".glb" for path in files)
    needs_joints = not options.model and (options.with_angles or not has_poses)
    take = Path(options.take) if options.take else spec.c3d if spec is not None else None
    character, fault = None, None
    if target is not None and needs_joints:
        try:
            character = character_of(target)
        except RigError as error:
            if not has_poses:
                raise
            fault = error
    return Wanted(
        files=tuple(files),
        options=options,
        character=character,
        take=take,
        clip=spec.options.clip_length if spec is not None else -1,
        fault=fault,
    )


def character_of(armature_object: bpy.types.Object) -> Character | None:
    """What the bones of an armature tell of the character that it was built from.

    A character without joints where they tell the bodies' axes only; None where they do not
    even that.

    Raises:
        RigError: there are definitions, and they are damaged.
    """
    from ..motion import kinematics
    from . import joint_definitions

    found = joint_definitions.read(armature_object)
    if found is not None:
        return found
    try:
        bodies = joint_definitions.bodies_of(armature_object)
    except RigError:
        return None
    local = kinematics.local_from_world(bodies.parents, bodies.positions, bodies.rotations)
    return Character(
        title=armature_object.name,
        names=bodies.names,
        parents=bodies.parents,
        positions=local[0],
        rotations=local[1],
        joints=(),
    )
