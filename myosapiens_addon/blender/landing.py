# SPDX-License-Identifier: GPL-3.0-or-later
"""The landing: output files become an action on an armature (`decode → retarget → write`).

The first two are plain numpy and may run in a worker; `write` runs on Blender's main thread,
in steps. Callers that may block use `land`; those that may not take the parts one by one.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from ..errors import InputError, OutputError, RigError
from ..motion import glb, resample
from ..retarget import align, bone_map, keys
from . import animation, armature, rig_reader, scene_armatures
from .compat import current_scene
from .landing_options import CAPTURE_RATE, SCENE_RATE, LandingOptions
from .references import Reference

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from ..motion.motion import Motion
    from ..retarget.rig import Rig

# With more than this share of the bodies left out, people want to know.
UNMATCHED_SHOWN = 5


@dataclass(kw_only=True)
class Landing:
    """What became of one take.

    Attributes:
        action: the new action's name.
        armature: the armature object's name.
        frames: keyed moments.
        capture_rate_hz: frames per second of the capture.
        scene_rate_hz: frames per second of the scene.
        seconds: time spent, by stage (`decode`, `retarget`, `write`).
        warnings: sentences for the user.
    """

    action: str = ""
    armature: str = ""
    frames: int = 0
    capture_rate_hz: float = 0.0
    scene_rate_hz: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The armature that a take lands on.

    Attributes:
        reference: the armature object.
        scene: whose rate and range count; within one call only, it is a pointer.
        is_new: whether it was made for this take and is in no scene yet.
    """

    reference: Reference
    scene: bpy.types.Scene
    is_new: bool = False

    def find(self) -> bpy.types.Object:
        """The armature object.

        Raises:
            RigError: it is gone.
        """
        found = self.reference.find_in(bpy.data.objects)
        if found is None:
            raise RigError(
                f"The armature {self.reference.name!r} is not there any more; choose another one."
            )
        return found


def decode(files: Sequence[Path]) -> Motion:
    """The motion in a job's output files.

    Raises:
        OutputError: none of the files holds a motion that can be read.
    """
    for path in files:
        if not path.is_file():
            raise OutputError(f"{path} is not there; fetch the job's output again.")
    for path in files:
        if path.suffix.lower() == ".glb":
            return glb.read(path)
    names = ", ".join(path.name for path in files) or "nothing"
    raise OutputError(
        f"There is no motion.glb in the output ({names}), and nothing else can be put on an "
        "armature yet; solve the take on a service that speaks revision 2 of the API."
    )


def pick_armature(options: LandingOptions) -> str | None:
    """Name of the armature that is to move; None when a new one has to be built.

    Raises:
        RigError: the named armature is not there.
        InputError: there are several and none is active.
    """
    if options.new_armature:
        return None
    if options.armature is not None:
        return scene_armatures.find(options.armature).name
    active = bpy.context.view_layer.objects.active
    if active is not None and active.type == "ARMATURE":
        return active.name
    present = scene_armatures.armatures()
    if len(present) > 1:
        names = ", ".join(repr(entry.name) for entry in present)
        raise InputError(f"The scene has several armatures ({names}); say which one.")
    return present[0].name if present else None


def retarget(
    motion: Motion, rig: Rig, *, rate: str | float, start_frame: int, scene_fps: float
) -> tuple[list[list[keys.CurveKeys]], list[str]]:
    """Keys for every bone of the rig that follows a body, and warnings. Plain numpy.

    Raises:
        RigError: no bone matches a body.
        InputError: the rate is no rate.
    """
    mapped = bone_map.by_name(rig, motion)
    if rate != CAPTURE_RATE:
        wanted = scene_fps if rate == SCENE_RATE else float(rate)
        times = resample.sample_times(motion.duration_s, wanted)
        motion = resample.resample(motion, times)
    curves = align.align(motion, rig, mapped)
    made = list(keys.curve_keys(curves, start_frame=start_frame, scene_fps=scene_fps))
    return made, _unmatched_warning(mapped, rig)


def _unmatched_warning(mapped: bone_map.BoneMap, rig: Rig) -> list[str]:
    missing = mapped.unmatched_bodies
    if not missing:
        return []
    named = ", ".join(missing[:UNMATCHED_SHOWN])
    rest = f" and {len(missing) - UNMATCHED_SHOWN} more" if len(missing) > UNMATCHED_SHOWN else ""
    return [f"The armature {rig.name!r} has no bone for {named}{rest}; their motion is left out."]


def land(files: Sequence[Path], *, name: str, options: LandingOptions) -> Landing:
    """Put a take on an armature, blocking until it is done.

    Args:
        files: the job's output files.
        name: the take's name; the action, and a new armature, are called after it.
        options: where and how.

    Raises:
        OutputError: the files hold no motion.
        RigError: the armature cannot take it.
        InputError: an option is wrong.
    """
    landing = Landing()
    target = pick_armature(options)
    with _timed(landing, "decode"):
        motion = decode(files)
    if target is not None:
        place = Place(reference=Reference.to(scene_armatures.find(target)), scene=current_scene())
        _land_on(place, motion, landing, name=name, options=options)
        return landing
    built = armature.make(motion, name=name)
    place = Place(reference=Reference.to(built), scene=current_scene(), is_new=True)
    try:
        _land_on(place, motion, landing, name=name, options=options)
    except BaseException:
        armature.remove(built)
        raise
    return landing


def _land_on(
    place: Place, motion: Motion, landing: Landing, *, name: str, options: LandingOptions
) -> None:
    landing.capture_rate_hz = motion.rate_hz
    landing.scene_rate_hz = animation.scene_fps(place.scene)
    with _timed(landing, "retarget"):
        made, warnings = retarget(
            motion,
            rig_reader.read_rig(place.find()),
            rate=options.rate,
            start_frame=options.start_frame,
            scene_fps=landing.scene_rate_hz,
        )
    landing.warnings += warnings
    with _timed(landing, "write"):
        action = _finished(animation.write(place.reference, made, action_name=name))
    conclude(place, action, made, landing, set_range=options.set_range)


def conclude(
    place: Place,
    action: Reference,
    made: list[list[keys.CurveKeys]],
    landing: Landing,
    *,
    set_range: bool,
) -> None:
    """After the last key: show a new armature, set the scene's range, note what was done."""
    armature_object = place.find()
    if place.is_new:
        armature.place(armature_object, place.scene)
    frames = max((channel.keys[0::2] for bone in made for channel in bone), key=len)
    landing.action = action.find_in(bpy.data.actions).name
    landing.armature = armature_object.name
    landing.frames = len(frames)
    if set_range:
        animation.set_scene_range(place.scene, first_frame=frames[0], last_frame=frames[-1])


def _finished(steps: Generator[int, None, Reference]) -> Reference:
    """Run all steps of a writer at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@contextmanager
def _timed(landing: Landing, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    landing.seconds[stage] = round(time.perf_counter() - started, 4)
