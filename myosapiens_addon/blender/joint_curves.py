# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint angles as animated custom properties of the armature object.

They move nothing: the pose has its own keys. They are there to be read, plotted in the Graph
Editor, and used in drivers, in the frames of the pose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from . import compat
from .references import Reference

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence

    from ..motion.character import Character
    from ..motion.joint_angles import JointAngles
    from ..motion.motion import FloatArray

GROUP = "Joint angles"
# Custom property of the armature object: the names of those of its properties that are ours.
OURS = "myosapiens_joint_angles"
LONGEST_NAME_BYTES = 63  # of a custom property
DECIMALS = 2
# An angle that stays within this is still, in degrees.
STILL_DEG = 1e-5
NOTHING: Mapping[str, tuple[float, float]] = {}


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of the joints' angles.

    Attributes:
        names: the joints that have a property and a curve now.
        warnings: what was left out and why, in sentences.
    """

    names: tuple[str, ...]
    warnings: tuple[str, ...]


def write(
    armature_object: bpy.types.Object,
    action: bpy.types.Action,
    angles: JointAngles,
    *,
    times: FloatArray,
    start_frame: float,
    scene_fps: float,
    limits: Mapping[str, tuple[float, float]] = NOTHING,
) -> Written:
    """As `write_in_steps`, but blocking until it is done."""
    steps = write_in_steps(
        Reference.to(armature_object),
        Reference.to(action),
        angles,
        times=times,
        start_frame=start_frame,
        scene_fps=scene_fps,
        limits=limits,
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def write_in_steps(
    target: Reference,
    action: Reference,
    angles: JointAngles,
    *,
    times: FloatArray,
    start_frame: float,
    scene_fps: float,
    limits: Mapping[str, tuple[float, float]] = NOTHING,
) -> Generator[int, None, Written]:
    """Add a property in degrees for each joint to the object, and its curve to the pose's action.

    A property that the object has already and that is none of ours is left alone, and a library
    override gets none that its library does not have. Only names are held over a step; where the
    object or the action is gone by then, it ends.

    Args:
        target: the armature object; not one of a linked library.
        action: what animates its pose.
        angles: the angles at the take's own times.
        times: (K,) the moments of the take that get keys, in s: those of the pose.
        start_frame: scene frame of the take's start.
        scene_fps: frames per second of the scene.
        limits: joint → least and largest angle in rad (see `limits_of`).

    Yields:
        How many joints are done.
    """
    holder: Any = target.find_in(bpy.data.objects)
    found = action.find_in(bpy.data.actions)
    if holder is None or found is None:
        return Written(names=(), warnings=())
    names, warnings = _names(holder, angles.names)
    frames = start_frame + times * scene_fps
    columns = {name: index for index, name in enumerate(angles.names)}
    _forget_curves(found, names)
    for count, name in enumerate(names):
        holder = target.find_in(bpy.data.objects)
        found = action.find_in(bpy.data.actions)
        if holder is None or found is None:
            return Written(names=tuple(names[:count]), warnings=tuple(warnings))
        values = np.degrees(np.unwrap(angles.values[:, columns[name]]))
        sampled = np.interp(times, angles.times, values)
        _declare(holder, name, sampled, limits.get(name))
        holder[OURS] = sorted({*ours(holder), name})
        # Blender does not notice a new property by itself, and would not animate it.
        holder.update_tag()
        compat.add_curve(found, _path(name), 0, GROUP, _keys(frames, sampled))
        yield count + 1
    return Written(names=tuple(names), warnings=tuple(warnings))


def limits_of(character: Character) -> dict[str, tuple[float, float]]:
    """The limits of a character's hinges, in rad, by joint."""
    return {
        joint.name: joint.limits
        for joint in character.joints
        if joint.limits is not None and joint.kind == "hinge"
    }


def ours(armature_object: bpy.types.Object) -> list[str]:
    """The joints whose angles the object holds in properties that `write` made."""
    holder: Any = armature_object
    return [name for name in holder.get(OURS, ()) if isinstance(name, str) and name in holder]


def remove(
    armature_object: bpy.types.Object,
    joints: Collection[str] | None = None,
    *,
    with_curves: bool = True,
) -> None:
    """Delete the properties that `write` made, and their curves in what animates the object.

    Args:
        armature_object: the armature object.
        joints: those of these joints only; None for all.
        with_curves: delete curves too, not the properties alone.
    """
    holder: Any = armature_object
    held = ours(armature_object)
    names = [name for name in held if joints is None or name in joints]
    left = [name for name in held if name not in names]
    for action in _actions(armature_object) if with_curves else ():
        if action.library is None:
            _forget_curves(action, names)
    for name in names:
        del holder[name]
    if left:
        holder[OURS] = left
    elif OURS in holder:
        del holder[OURS]


def _names(
    holder: Any,  # noqa: ANN401 - an object
    joints: Sequence[str],
) -> tuple[list[str], list[str]]:
    """The joints that get a property, and what is to be said of the others."""
    own = set(ours(holder))
    taken = [name for name in joints if name in holder and name not in own]
    long = [name for name in joints if len(name.encode()) > LONGEST_NAME_BYTES or not name]
    warnings: list[str] = []
    if taken:
        warnings.append(
            f"The object {holder.name!r} has properties of its own that are called like "
            f"joints ({_listed(taken)}); they were left alone and these angles were left out."
        )
    if long:
        warnings.append(
            f"The angles of joints whose names no property can have were left out "
            f"({_listed(long)})."
        )
    unkept: list[str] = []
    if holder.override_library is not None:
        # What is added to an override is gone when the file is opened again; its curves are not.
        unkept = [name for name in joints if name not in holder and name not in long]
    if unkept:
        warnings.append(
            f"The object {holder.name!r} is a library override, on which Blender keeps no new "
            f"properties: these angles were left out ({_listed(unkept)}). Write them to a table, "
            "or import a take with its angles in the linked file first."
        )
    left_out = {*taken, *long, *unkept}
    return [name for name in dict.fromkeys(joints) if name not in left_out], warnings


def _listed(names: Sequence[str]) -> str:
    """The first few names, for a sentence."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _declare(
    holder: Any,  # noqa: ANN401 - an object
    name: str,
    values: FloatArray,
    limits: tuple[float, float] | None,
) -> None:
    """Make the property, or make room in it for another take."""
    before = _hard_range(holder, name)
    holder[name] = float(values[0])
    settings: dict[str, Any] = {
        "description": f"Angle of the joint {name}, in degrees",
        "subtype": "NONE",
        "precision": DECIMALS,
        "default": 0.0,
    }
    least, largest = before
    if limits is not None:
        soft = [math.degrees(limit) for limit in limits]
        settings |= {"soft_min": soft[0], "soft_max": soft[1]}
        least, largest = min(least, soft[0]), max(largest, soft[1])
    if least <= largest:
        # Blender cuts animated values off at a property's hard range: the take is inside it.
        settings["min"] = min(least, float(values.min()))
        settings["max"] = max(largest, float(values.max()))
    holder.id_properties_ui(name).update(**settings)


def _hard_range(holder: Any, name: str) -> tuple[float, float]:  # noqa: ANN401
    """The range that an earlier take gave a property; an empty one where there is none."""
    nothing = (math.inf, -math.inf)
    if name not in holder:
        return nothing
    held = holder.id_properties_ui(name).as_dict()
    return held.get("min", nothing[0]), held.get("max", nothing[1])


def _path(name: str) -> str:
    return f'["{bpy.utils.escape_identifier(name)}"]'


def _keys(frames: FloatArray, values: FloatArray) -> Any:  # noqa: ANN401 - (2 K,) float32
    """Frame and value in turn; of an angle that stays still the first and the last."""
    if len(values) > 2 and np.ptp(values) <= STILL_DEG:
        frames, values = frames[[0, -1]], values[[0, -1]]
    keys = np.empty(2 * len(values), np.float32)
    keys[0::2], keys[1::2] = frames, values
    return keys


def _forget_curves(action: bpy.types.Action, names: Iterable[str]) -> None:
    compat.remove_curves(action, {_path(name) for name in names})


def _actions(armature_object: bpy.types.Object) -> Iterator[Any]:
    """The actions that animate the object: the active one, and those of its strips."""
    animation: Any = armature_object.animation_data
    if animation is None:
        return
    found = [animation.action]
    found += [strip.action for track in animation.nla_tracks for strip in track.strips]
    yield from dict.fromkeys(action for action in found if action is not None)
