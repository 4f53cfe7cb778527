# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door: a job's output files become one Motion, by the best file that is there.

`motion.glb` has world poses of the solved subject; `qpos.parquet` and `output.npz` need a
character's definition to become poses, and the latter has no root. `xpos.parquet` is never the
motion: it says how well the motion was read.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError, MyoSapiensError, OutputError
from . import (
    coordinates,
    forward,
    glb,
    heads,
    joint_angles,
    joint_presets,
    kinematics,
    mjcf,
    npz,
    outputs,
    parquet,
)
from .timing import Clock, TakeFacts, right

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .character import Character
    from .heads import Distance, Heads
    from .joint_angles import JointAngles
    from .motion import FloatArray, Motion
    from .npz import NpzOutput
    from .parquet import QposOutput

# A body further from where the service says it was is worth a warning.
FAR_MM = 1.0
NEEDS_MODEL = (
    "{name} holds coordinates of joints, which become poses by the character's definition only: "
    "choose its model (MJCF XML), or an armature that was built from it."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodeOptions:
    """What is known besides the files.

    Attributes:
        model: the character's definition (MJCF XML); None for none.
        character: the character whose armature takes the motion; without joints where its bones
            do not hold their definitions; None where there is no such armature.
        take: what the take says of its speed; None where it is not at hand.
        angle_order: the order of three angles of one joint in `output.npz`.
        angle_degrees: whether `output.npz` is in degrees.
        with_angles: whether joint angles are wanted besides the motion.
    """

    model: Path | None = None
    character: Character | None = None
    take: TakeFacts | None = None
    angle_order: str = "XYZ"
    angle_degrees: bool = False
    with_angles: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """What came of the files.

    Attributes:
        motion: world poses over time.
        source: name of the file that they are from.
        character: the definition that was used, where one was.
        angles: joint angles, where they were asked for and there are any.
        heads: where the service says that body origins were, where that is known.
        distance: how far the motion is from that.
        meshes: the file that has meshes, where one may.
        warnings: sentences.
    """

    motion: Motion
    source: str
    character: Character | None = None
    angles: JointAngles | None = None
    heads: Heads | None = None
    distance: Distance | None = None
    meshes: Path | None = None
    warnings: tuple[str, ...] = ()


def decode(files: Sequence[Path], options: DecodeOptions | None = None) -> Decoded:
    """The motion in a job's output files.

    Raises:
        OutputError: a file is missing or damaged, or none holds a motion that can be read.
        CharacterError: the character's definition cannot be used.
        InputError: an option is wrong, or a library that is needed is not there.
    """
    return _Decoder(outputs.sort(files), options or DecodeOptions()).run()


def read_angles(files: Sequence[Path], options: DecodeOptions | None = None) -> JointAngles:
    """The joint angles in a job's output files.

    Raises:
        MyoSapiensError: as for `decode`; or the files tell no joint angles.
    """
    wanted = dataclasses.replace(options or DecodeOptions(), with_angles=True)
    return _Decoder(outputs.sort(files), wanted).angles_alone()


class _Decoder:
    """One take's files on their way."""

    def __init__(self, files: outputs.Outputs, options: DecodeOptions) -> None:
        self.files = files
        self.options = options
        self.warnings: list[str] = []
        self.character = self._character()
        self.qpos: QposOutput | None = None
        self.npz: NpzOutput | None = None
        self.heads: Heads | None = None

    def run(self) -> Decoded:
        self.heads = self._read_heads()
        motion, source = self._motion()
        angles = self._wanted_angles(motion) if self.options.with_angles else None
        known = self._heads_at(motion, source)
        distance = self._distance(motion, known) if known is not None else None
        return Decoded(
            motion=motion,
            source=source,
            character=self.character,
            angles=angles,
            heads=known,
            distance=distance,
            meshes=self.files.motion,
            warnings=tuple(dict.fromkeys(self.warnings)),
        )

    def angles_alone(self) -> JointAngles:
        """The angles; poses are worked out only where nothing else has them."""
        self.heads = self._read_heads()
        if self.files.angles is not None:
            found = self._angles_of_npz()
        elif self.files.qpos is not None and parquet.available():
            self.qpos = parquet.read_qpos(self.files.qpos)
            found = joint_angles.from_qpos(self.qpos, self._with_joints())
            found = self._timed(found, self._right(self.qpos.name, found.times))
        else:
            motion, _ = self._motion()
            found = self._angles_of_motion(motion)
        return found

    # The motion

    def _motion(self) -> tuple[Motion, str]:
        """By the best file that is there."""
        if self.files.motion is not None:
            return self._of_glb(self.files.motion), self.files.motion.name
        path = self.files.qpos
        if path is not None and (parquet.available() or self.files.angles is None):
            return self._of_qpos(path), path.name
        if path is not None:
            self.warnings.append(
                f"{path.name} was not read, because pyarrow is not here; "
                f"{self.files.angles.name if self.files.angles else 'output.npz'} took its place."
            )
        if self.files.angles is not None:
            return self._of_angles(self.files.angles), self.files.angles.name
        name = self.files.xpos.name if self.files.xpos is not None else "The output"
        raise OutputError(
            f"{name} holds positions only, no rotations; give motion.glb, qpos.parquet or "
            "output.npz of the same job."
        )

    def _of_glb(self, path: Path) -> Motion:
        motion = glb.read(path)
        times = self._right(path.name, motion.times)
        return motion if times is motion.times else dataclasses.replace(motion, times=times)

    def _of_qpos(self, path: Path) -> Motion:
        self.qpos = parquet.read_qpos(path)
        character = self._with_joints()
        if character is None:
            raise InputError(NEEDS_MODEL.format(name=path.name))
        found = coordinates.from_qpos(character, self.qpos)
        self.warnings += found.sentences
        times = self._right(path.name, self.qpos.times)
        return forward.motion(character, found.coordinates, times)

    def _of_angles(self, path: Path) -> Motion:
        self.npz = npz.read(path)
        character = self._with_joints() or self._by_preset(self.npz)
        if character is None:
            raise InputError(NEEDS_MODEL.format(name=path.name))
        self.character = character
        found = coordinates.from_angles(
            character,
            self.npz,
            order=self.options.angle_order,
            degrees=self.options.angle_degrees,
        )
        self.warnings += (*self.npz.notes, *found.sentences)
        return forward.motion(character, found.coordinates, self._times_of(self.npz))

    # The character

    def _character(self) -> Character | None:
        if self.options.model is not None:
            return mjcf.read(self.options.model)
        return self.options.character

    def _with_joints(self) -> Character | None:
        """The character, when it has joints."""
        has_joints = self.character is not None and self.character.joints
        return self.character if has_joints else None

    def _by_preset(self, output: NpzOutput) -> Character | None:
        """The armature's bodies with the joints of the preset that knows these names."""
        bodies = self.character
        if bodies is None:
            return None
        preset = joint_presets.for_names(output.joint_names)
        self.warnings.append(
            f"The armature {bodies.title!r} holds no definitions of its joints; those of the "
            f"preset {preset.title!r} took their place. The character's model (MJCF) is exact."
        )
        world = kinematics.world_from_local(bodies.parents, bodies.positions, bodies.rotations)
        return joint_presets.character_for(
            preset,
            title=bodies.title,
            names=bodies.names,
            parents=bodies.parents,
            positions=world[0],
            rotations=world[1],
        )

    # Time

    def _right(self, name: str, times: FloatArray) -> FloatArray:
        """The moments that these frames really have; says what was wrong."""
        others = [
            Clock(name=known.name, times=known.times)
            for known in (self.qpos, self.heads)
            if known is not None and known.name != name
        ]
        found, sentences = right(Clock(name=name, times=times), self.options.take, others)
        self.warnings += sentences
        return found

    def _times_of(self, output: NpzOutput) -> FloatArray:
        """`output.npz` has no times: the take's, else its own metadata's, else another file's."""
        if self.options.take is not None:
            return coordinates.times_of(output, self.options.take.rate_hz)
        alike = self.heads is not None and len(self.heads.times) == output.frame_count
        if output.rate_hz is None and self.heads is not None and alike:
            return self.heads.times
        return coordinates.times_of(output)

    # The angles

    def _wanted_angles(self, motion: Motion) -> JointAngles | None:
        """Joint angles at the motion's moments; a sentence where there are none."""
        try:
            found = self._angles(motion)
        except MyoSapiensError as error:
            self.warnings.append(f"There are no joint angles: {error.sentence}")
            return None
        self.warnings += found.notes
        alike = len(found.times) == motion.frame_count
        return self._timed(found, motion.times) if alike else found

    def _angles(self, motion: Motion) -> JointAngles:
        if self.files.angles is not None:
            return self._angles_of_npz()
        if self.files.qpos is not None and parquet.available():
            self.qpos = self.qpos or parquet.read_qpos(self.files.qpos)
            return joint_angles.from_qpos(self.qpos, self._with_joints())
        return self._angles_of_motion(motion)

    def _angles_of_npz(self) -> JointAngles:
        if self.files.angles is not None and self.npz is None:
            self.npz = npz.read(self.files.angles)
        assert self.npz is not None  # noqa: S101 - the caller has looked
        found = joint_angles.from_npz(
            self.npz,
            rate_hz=1.0,
            order=self.options.angle_order,
            degrees=self.options.angle_degrees,
        )
        return self._timed(found, self._times_of(self.npz))

    def _angles_of_motion(self, motion: Motion) -> JointAngles:
        character = self._with_joints()
        if character is None:
            raise InputError(
                "poses become joint angles by the character's definition only; choose its model "
                "(MJCF XML), or an armature that was built from it."
            )
        return joint_angles.from_motion(character, motion)

    @staticmethod
    def _timed(angles: JointAngles, times: FloatArray) -> JointAngles:
        return dataclasses.replace(angles, times=times)

    # The check

    def _read_heads(self) -> Heads | None:
        """What the service says of positions. It is a check only: never a reason to fail."""
        if self.files.xpos is None or not parquet.available():
            return None
        try:
            return parquet.read_xpos(self.files.xpos)
        except MyoSapiensError as error:
            self.warnings.append(f"The motion was not compared: {error.sentence}")
            return None

    def _heads_at(self, motion: Motion, source: str) -> Heads | None:
        """What to compare with, at the motion's own moments where the frames are the same.

        Joint angles alone have no root: there is nothing to compare.
        """
        if self.heads is None or (self.npz is not None and source == self.npz.name):
            return None
        if len(self.heads.times) != motion.frame_count:
            return self.heads
        return dataclasses.replace(self.heads, times=motion.times)

    def _distance(self, motion: Motion, known: Heads) -> Distance | None:
        try:
            found = heads.compare(known, motion.names, motion.times, motion.positions)
        except OutputError as error:
            self.warnings.append(error.sentence)
            return None
        if found.largest_mm > FAR_MM:
            self.warnings.append(
                f"The body {found.body} is {found.largest_mm:.3g} mm from where {known.name} "
                f"has it at {found.time_s:.2f} s{self._why_far()}."
            )
        return found

    def _why_far(self) -> str:
        if self.files.motion is not None:
            return ": the files may be of different jobs"
        return ": the model has other lengths than the subject" if self.character else ""
