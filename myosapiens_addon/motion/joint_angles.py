# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles by name over time: what a movement scientist reads off a take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OutputError
from . import chains, coordinates, quaternion
from .angle_names import (
    BALL_ORDER,
    SLIDE,
    angles_by_letter,
    axes_of,
    ball_angle_names,
    ball_columns,
    root_columns,
)
from .character import JointKind
from .matching import listed

if TYPE_CHECKING:
    from collections.abc import Collection

    from .character import Character, Joint
    from .motion import FloatArray, Motion
    from .npz import NpzOutput
    from .parquet import QposOutput

TURNING = (JointKind.HINGE, JointKind.BALL)


@dataclass(frozen=True, kw_only=True, eq=False)
class JointAngles:
    """Named angles over time. F frames, K angles, S slides.

    A hinge has one angle under its own name. A ball has three intrinsic ones, about X, Y and Z,
    under the names that `output.npz` has for them; they run on without leaps of whole turns.

    Attributes:
        times: (F,) s since the first frame, strictly rising.
        names: the K names, each once.
        values: (F, K) in rad.
        slide_names: the S names of slides, where they were asked for.
        slide_values: (F, S) in m.
        notes: sentences on joints that have no angles here.
    """

    times: FloatArray
    names: tuple[str, ...]
    values: FloatArray
    slide_names: tuple[str, ...] = ()
    slide_values: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Table:
    """Columns in the making: (F,) each."""

    angles: dict[str, FloatArray] = field(default_factory=dict[str, "FloatArray"])
    slides: dict[str, FloatArray] = field(default_factory=dict[str, "FloatArray"])

    def add_ball(self, joint: str, rotations: FloatArray) -> None:
        angles = chains.angles(axes_of(BALL_ORDER), quaternion.normalised(rotations))
        self.angles.update(zip(ball_angle_names(joint), angles.T, strict=True))

    def finished(self, times: FloatArray, notes: Collection[str] = ()) -> JointAngles:
        if not self.angles:
            raise OutputError("The motion has no joint whose angle could be told.")
        slides = np.array(list(self.slides.values())).reshape(len(self.slides), len(times))
        return JointAngles(
            times=times,
            names=tuple(self.angles),
            values=np.stack(list(self.angles.values()), axis=1),
            slide_names=tuple(self.slides),
            slide_values=slides.T,
            notes=tuple(notes),
        )


def from_qpos(
    qpos: QposOutput, character: Character | None = None, *, slides: bool = False
) -> JointAngles:
    """The angles in a `qpos.parquet`; the root is left out.

    Args:
        qpos: the output.
        character: what says which columns are hinges, balls and slides; without one their names
            do. Joints that the file says nothing of are left out.
        slides: whether those are wanted too.

    Raises:
        OutputError: the columns are not this character's, or none is an angle.
    """
    if character is None:
        return _by_column_names(qpos, slides=slides)
    matched = coordinates.from_qpos(character, qpos)
    return from_coordinates(
        character, matched.coordinates, qpos.times, without=matched.missing, slides=slides
    )


def from_coordinates(
    character: Character,
    values: FloatArray,
    times: FloatArray,
    *,
    without: Collection[str] = (),
    slides: bool = False,
) -> JointAngles:
    """The angles in coordinates (F, N) of a character at `times` (F,) in s.

    Args:
        character: whose coordinates they are.
        values: rad, m, quaternions w x y z, in model order.
        times: in s since the first frame.
        without: names of joints to leave out.
        slides: whether slides are wanted too.

    Raises:
        OutputError: no joint turns.
    """
    table = _Table()
    for joint in character.joints:
        start = character.starts[joint.name]
        if joint.name in without:
            continue
        if joint.kind is JointKind.HINGE:
            table.angles[joint.name] = values[:, start]
        elif joint.kind is JointKind.BALL:
            table.add_ball(joint.name, values[:, start : start + joint.width])
        elif joint.kind is JointKind.SLIDE and slides:
            table.slides[joint.name] = values[:, start]
    return table.finished(times)


def _by_column_names(qpos: QposOutput, *, slides: bool) -> JointAngles:
    columns = dict(zip(qpos.names, qpos.values.T, strict=True))
    left_out = set(root_columns(qpos.names))
    balls = {
        group[0]: joint
        for joint, group in ball_columns(qpos.names).items()
        if left_out.isdisjoint(group)
    }
    table = _Table()
    for name, column in columns.items():
        if name in balls:
            group = ball_columns(qpos.names)[balls[name]]
            table.add_ball(balls[name], np.stack([columns[part] for part in group], axis=1))
            left_out.update(group)
        elif name in left_out:
            continue
        elif not SLIDE.search(name):
            table.angles[name] = column
        elif slides:
            table.slides[name] = column
    return table.finished(qpos.times)


def from_npz(
    npz: NpzOutput, *, rate_hz: float | None = None, order: str = BALL_ORDER, degrees: bool = False
) -> JointAngles:
    """The angles in an `output.npz`; where each joint has three they are `<joint>_x` and so on.

    Args:
        npz: the output.
        rate_hz: frames per second of the take; where it is None, what the metadata say.
        order: in which three angles of one joint stand.
        degrees: whether they are in degrees.

    Raises:
        InputError: there is no rate, or the order is none.
    """
    axes_of(order)
    names = npz.joint_names
    if npz.joint_angles.ndim != 2:
        names = tuple(each for joint in names for each in angles_by_letter(joint, order))
    values = npz.joint_angles.reshape(npz.frame_count, -1)
    return JointAngles(
        times=coordinates.times_of(npz, rate_hz),
        names=names,
        values=np.radians(values) if degrees else values,
    )


def from_motion(character: Character, motion: Motion) -> JointAngles:
    """The angles that bring a character's bodies into the poses of a motion.

    Bodies are matched by name. What turns a body against its parent is told by a ball, or by up
    to three hinges whatever their axes; where these cannot make the rotation, angles that come
    near to it are given.

    Raises:
        OutputError: the motion has no body of the character that turns.
    """
    rows = {name: row for row, name in enumerate(motion.names)}
    table, untold = _Table(), list[str]()
    for body, name in enumerate(character.names):
        turning = [joint for joint in character.joints if joint.body == body]
        turning = [joint for joint in turning if joint.kind is not JointKind.SLIDE]
        if not turning or any(joint.kind is JointKind.FREE for joint in turning):
            continue
        rotations = _from_rest(character, motion, rows, body)
        if rotations is None or not _add(table, turning, rotations):
            untold.append(name)
    notes = [f"The joints of {listed(untold)} have no angles in this motion."] if untold else []
    return table.finished(motion.times, notes)


def _from_rest(
    character: Character, motion: Motion, rows: dict[str, int], body: int
) -> FloatArray | None:
    """(F, 4) by which a body is turned from where it rests; None where the motion lacks it."""
    moving = {joint.body for joint in character.joints if joint.kind in TURNING}
    resting, above = character.rotations[body], int(character.parents[body])
    # Bodies without joints may be missing in the motion: they turn with their parents.
    while above >= 0 and character.names[above] not in rows and above not in moving:
        resting = quaternion.multiply(character.rotations[above], resting)
        above = int(character.parents[above])
    if character.names[body] not in rows or (above >= 0 and character.names[above] not in rows):
        return None
    world = motion.rotations[:, rows[character.names[body]]]
    if above >= 0:
        parent = motion.rotations[:, rows[character.names[above]]]
        world = quaternion.multiply(quaternion.conjugate(parent), world)
    return quaternion.multiply(quaternion.conjugate(resting), world)


def _add(table: _Table, joints: list[Joint], rotations: FloatArray) -> bool:
    """Add the angles of the joints of one body; False where they cannot be told."""
    kinds = [joint.kind for joint in joints]
    if kinds == [JointKind.BALL]:
        table.add_ball(joints[0].name, rotations)
    elif coordinates.can_invert(kinds):
        angles = coordinates.hinge_coordinates(joints, rotations)
        table.angles.update(zip((joint.name for joint in joints), angles.T, strict=True))
    else:
        return False
    return True
