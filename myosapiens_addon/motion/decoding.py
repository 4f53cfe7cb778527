# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door: a job's output files become one Motion, by the best file that is there.

`motion.glb` has world poses of the solved subject; `qpos.parquet` and `output.npz` need a
character's definition to become poses, and the latter has no root. `xpos.parquet` is never the
motion: it says how well the motion was read.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

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
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from .character import Character
    from .heads import Distance, Heads
    from .joint_angles import JointAngles
    from .motion import FloatArray, Motion
    from .npz import NpzOutput
    from .parquet import QposOutput

Table = TypeVar("Table")
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
        joint_preset: a joint preset (JSON) that goes before the built-in ones.
        character: the character whose armature takes the motion; without joints where its bones
            do not hold their definitions; None where there is no such armature.
        take: what the take says of its speed; None where it is not at hand.
        angle_order: the order of three angles of one joint in `output.npz`.
        angle_degrees: whether `output.npz` is in degrees.
        with_angles: whether joint angles are wanted besides the motion.
    """

    model: Path | None = None
    joint_preset: Path | None = None
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


def _fault_of_pyarrow() -> str:
    """Why no table can be read here; empty where one can. Imports it."""
    try:
        parquet.load("parquet")
    except InputError as error:
        return error.sentence
    return ""


class _Decoder:
    """One take's files on their way."""

    def __init__(self, files: outputs.Outputs, options: DecodeOptions) -> None:
        self.files = files
        self.options = options
        self.warnings: list[str] = []
        self.character = self._character()
        self.qpos: QposOutput | None = None
        self.npz: NpzOutput | None = None
        self.poses: Motion | None = None
        self.heads: Heads | None = None

    def run(self) -> Decoded:
        self.heads = self._read_heads()
        motion, source = self._motion()
        angles = self._wanted_angles(motion, source) if self.options.with_angles else None
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
            warnings=tuple(self.warnings),
        )

    def angles_alone(self) -> JointAngles:
        """The angles; poses are worked out only where nothing else has them."""
        self.heads = self._read_heads()
        self.warnings.clear()  # there is no motion that could be compared
        if self.files.angles is not None:
            self.npz = npz.read(self.files.angles)
            found = self._angles_of_npz(self.npz, self._times_of(self.npz))
        elif self.files.qpos is not None and (self.files.motion is None or not _fault_of_pyarrow()):
            self.qpos = parquet.read_qpos(self.files.qpos)
            found = joint_angles.from_qpos(self.qpos, self._with_joints(), slides=True)
            times = self._right(self.qpos.name, self.qpos.times)
            found = dataclasses.replace(found, times=times)
        else:
            found = self._angles_of_motion(*self._motion())
        return dataclasses.replace(found, notes=(*self.warnings, *found.notes))

    # The motion

    def _motion(self) -> tuple[Motion, str]:
        """By the best file that is there."""
        if self.files.motion is not None:
            return self._of_glb(self.files.motion), self.files.motion.name
        if self.files.qpos is not None and not self._passes_over(self.files.qpos):
            return self._of_qpos(self.files.qpos), self.files.qpos.name
        if self.files.angles is not None:
            return self._of_angles(self.files.angles), self.files.angles.name
        name = self.files.xpos.name if self.files.xpos is not None else "The output"
        raise OutputError(
            f"{name} holds positions only, no rotations; give motion.glb, qpos.parquet or "
            "output.npz of the same job."
        )

    def _passes_over(self, path: Path) -> bool:
        """Whether `output.npz` takes the place of coordinates that become no poses here."""
        if self.files.angles is None:
            return False
        why = self._why_no_poses()
        if why:
            instead = self.files.angles.name
            self.warnings.append(f"{path.name} was not read, {instead} took its place: {why}")
        return bool(why)

    def _why_no_poses(self) -> str:
        """What coordinates lack to become poses while joint angles could; empty for nothing."""
        if self.character is None or self.character.joints:
            return _fault_of_pyarrow()
        return f"the armature {self.character.title!r} holds no definitions of its joints."

    def _of_glb(self, path: Path) -> Motion:
        if self.poses is None:
            motion = glb.read(path)
            times = self._right(path.name, motion.times)
            self.poses = dataclasses.replace(motion, times=times)
        return self.poses

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
        path = self.options.joint_preset
        own = (joint_presets.read(path),) if path is not None else ()
        preset = joint_presets.for_names(output.joint_names, own)
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
        clock = Clock(name=name, times=times)
        found, sentences = right(clock, self.options.take, self._tables())
        self.warnings += sentences
        return found

    def _tables(self) -> list[Clock]:
        """The moments in the job's tables; coordinates are read for theirs where none else are."""
        if self.qpos is None and self.heads is None and self.options.take is None:
            self.qpos = self._unless_damaged("speed", parquet.read_qpos, self.files.qpos)
        return [
            Clock(name=known.name, times=known.times)
            for known in (self.qpos, self.heads)
            if known is not None
        ]

    def _times_of(self, output: NpzOutput) -> FloatArray:
        """`output.npz` has no times: its own metadata's or the take's, else another file's."""
        take = self.options.take
        if output.rate_hz is None and take is None:
            for times in self._times_elsewhere():
                if len(times) == output.frame_count:
                    return times
        rate_hz = take.rate_hz if output.rate_hz is None and take is not None else None
        return self._right(output.name, coordinates.times_of(output, rate_hz))

    def _times_elsewhere(self) -> Iterator[FloatArray]:
        yield from (clock.times for clock in self._tables())
        if self.files.motion is not None:
            yield self._of_glb(self.files.motion).times

    # The angles

    def _wanted_angles(self, motion: Motion, source: str) -> JointAngles | None:
        """Joint angles at the motion's moments; a sentence where there are none."""
        try:
            found = self._angles(motion, source)
        except MyoSapiensError as error:
            self.warnings.append(f"There are no joint angles: {error.sentence}")
            return None
        self.warnings += found.notes
        return found

    def _angles(self, motion: Motion, source: str) -> JointAngles:
        if self.files.angles is not None:
            self.npz = self.npz or npz.read(self.files.angles)
            alike = self.npz.frame_count == motion.frame_count
            times = motion.times if alike else self._times_of(self.npz)
            return self._angles_of_npz(self.npz, times)
        if self.files.qpos is None or _fault_of_pyarrow():
            return self._angles_of_motion(motion, source)
        self.qpos = self.qpos or parquet.read_qpos(self.files.qpos)
        found = joint_angles.from_qpos(self.qpos, self._with_joints())
        alike = len(found.times) == motion.frame_count
        return dataclasses.replace(found, times=motion.times) if alike else found

    def _angles_of_npz(self, output: NpzOutput, times: FloatArray) -> JointAngles:
        found = joint_angles.from_npz(
            output,
            rate_hz=1.0,  # its times are known better
            order=self.options.angle_order,
            degrees=self.options.angle_degrees,
        )
        return dataclasses.replace(found, times=times)

    def _angles_of_motion(self, motion: Motion, source: str) -> JointAngles:
        character = self._with_joints()
        if character is None:
            raise InputError(
                f"{source} holds poses, which become joint angles by the character's definition "
                "only: choose its model (MJCF XML), or an armature that was built from it."
            )
        return joint_angles.from_motion(character, motion)

    # The check

    def _read_heads(self) -> Heads | None:
        """What the service says of positions. It is a check only: never a reason to fail."""
        return self._unless_damaged("motion", parquet.read_xpos, self.files.xpos)

    def _unless_damaged(
        self, what: str, read: Callable[[Path], Table], path: Path | None
    ) -> Table | None:
        """What a table holds that is not needed; a sentence where it cannot be read."""
        if path is None or not parquet.available():
            return None
        try:
            return read(path)
        except MyoSapiensError as error:
            if not any(error.sentence in said for said in self.warnings):
                self.warnings.append(f"The {what} was not compared: {error.sentence}")
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
        return ": the model may have other lengths than the subject" if self.character else ""
