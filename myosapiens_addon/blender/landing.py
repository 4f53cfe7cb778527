# SPDX-License-Identifier: GPL-3.0-or-later
"""The landing: output files become an action on an armature (`decode → retarget → write`).

The first two are plain numpy and may run in a worker; `write` runs on Blender's main thread,
in steps. Callers that may block use `land`; those that may not take the parts one by one.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import bpy

from ..errors import InputError, MyoSapiensError, RigError
from ..motion import resample
from ..retarget import choosing, keys
from ..retarget.curves import OBJECT
from ..retarget.mapping import presets
from ..retarget.work import RetargetOptions
from . import (
    animation,
    armature,
    extras,
    finishing,
    fitting,
    landing_checks,
    paths,
    reading,
    rig_reader,
    scene_armatures,
    self_check,
    stored_map,
)
from .changes import Changes
from .compat import current_scene
from .landed import Landing, note_check
from .landing_options import CAPTURE_RATE, SCENE_RATE, LandingOptions
from .references import Reference
from .self_check import Expected

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from ..jobs.spec import JobSpec
    from ..motion.decoding import Decoded
    from ..motion.motion import FloatArray, Motion
    from ..retarget.mapping.roles import RoleMap
    from ..retarget.rig import Rig
    from .meshes_prepared import Prepared

MM_PER_M = 1000.0
_Result = TypeVar("_Result")


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """Keys, ready to be written.

    Attributes:
        bones: the keys, bone by bone.
        warnings: sentences.
        expected: what Blender should make of them at a few frames.
        map_title: what said which bone follows what.
        object_place: where the object stands without the take.
        times: (K,) the moments of the take that have keys, in s.
    """

    bones: list[list[keys.CurveKeys]]
    warnings: list[str]
    expected: Expected
    map_title: str
    object_place: tuple[float, ...]
    times: FloatArray


def retarget(
    motion: Motion,
    rig: Rig,
    *,
    options: LandingOptions,
    scene_fps: float,
    stored_map: RoleMap | None = None,
    user_maps: presets.Kept = None,
) -> Made:
    """Keys for every bone of the rig that follows a body. Plain numpy.

    Args:
        motion: the take.
        rig: the armature.
        options: how.
        scene_fps: frames per second of the scene.
        stored_map: the bone map that the armature holds.
        user_maps: where presets are besides the built-in ones.

    Raises:
        RigError: no bone matches a body.
        InputError: the rate is no rate, or the map no map.
    """
    landing_checks.check_options(options)
    warnings: list[str] = []
    bones = landing_checks.bone_map(rig, options.bone_map, stored_map, user_maps, warnings)
    if options.rate != CAPTURE_RATE:
        wanted = scene_fps if options.rate == SCENE_RATE else float(options.rate)
        motion = resample.resample(motion, resample.sample_times(motion.duration_s, wanted))
    known = presets.catalogue(user_maps)
    outcome = choosing.put_on(motion, rig, bones, _retarget_options(options), known)
    frames = keys.frames_at(
        motion.times[list(outcome.checks)], start_frame=options.start_frame, scene_fps=scene_fps
    )
    made = keys.curve_keys(
        outcome.curves,
        start_frame=options.start_frame,
        scene_fps=scene_fps,
        tolerance=_tolerance(options, rig),
    )
    return Made(
        bones=list(made),
        warnings=[*warnings, *outcome.warnings],
        expected=Expected(
            frames=frames,
            rotations=outcome.rotations,
            times=motion.times[list(outcome.checks)],
        ),
        map_title=outcome.map_title,
        object_place=tuple(rig.place.location.tolist()),
        times=motion.times,
    )


def _retarget_options(options: LandingOptions) -> RetargetOptions:
    return RetargetOptions(
        path_scale=options.path_scale,
        in_place=options.in_place,
        carrier=options.carrier,
        contacts=options.contacts,
        use_ik=options.use_ik,
    )


def _tolerance(options: LandingOptions, rig: Rig) -> keys.Tolerance:
    return keys.Tolerance(
        rotation=math.radians(options.tolerance_deg),
        location=options.tolerance_mm / MM_PER_M / rig.place.world_scale,
    )


def land(
    files: Sequence[Path],
    *,
    name: str,
    options: LandingOptions,
    library: Path | None = None,
    spec: JobSpec | None = None,
) -> Landing:
    """Put a take on an armature, blocking until it is done.

    Args:
        files: the job's output files.
        name: the take's name; the action, and a new armature, are called after it.
        options: where and how.
        library: folder that the .blend will be saved in; None for the open file's.
        spec: the job that the files are of, where it is known.

    Raises:
        OutputError: the files hold no motion.
        RigError: the armature cannot take it.
        InputError: an option is wrong.
    """
    landing = Landing()
    landing_checks.check_options(options)
    picked = pick_armature(options)
    target = scene_armatures.find(picked) if picked is not None else None
    wanted = reading.wanted(files, options, target=target, spec=spec)
    with _timed(landing, "decode"):
        decoded = wanted.decode()
    landing.read(decoded)
    built = armature.make(decoded.motion, name=name) if target is None else None
    moved: Any = target if built is None else built
    place = Place(reference=Reference.to(moved), scene=current_scene(), is_new=built is not None)
    changes = Changes.on(place)
    try:
        _land_on(place, changes, decoded, landing, name=name, options=options, library=library)
    except BaseException:
        changes.take_back()
        raise
    return landing


def _land_on(
    place: Place,
    changes: Changes,
    decoded: Decoded,
    landing: Landing,
    *,
    name: str,
    options: LandingOptions,
    library: Path | None,
) -> None:
    armature_object = place.find()
    if not place.is_new:
        scene_armatures.check_animatable(armature_object)
    landing.scene_rate_hz = animation.scene_fps(place.scene)
    changes.shape = fitting.prepare(place, decoded.motion, options, landing.warnings)
    with _timed(landing, "retarget"):
        made = retarget(
            decoded.motion,
            rig_reader.read_rig(armature_object),
            options=options,
            scene_fps=landing.scene_rate_hz,
            stored_map=stored_map.read(armature_object.data),
            user_maps=paths.bone_maps(),
        )
    landing.warnings += made.warnings
    landing.bone_map = made.map_title
    with _timed(landing, "write"):
        action = _finished(animation.write(place.reference, made.bones, action_name=name))
    changes.action = action
    conclude(place, action, made, landing, options=options)
    if extras.is_wanted(options):
        with _timed(landing, "extras"):
            prepared = extras.prepare(decoded, options, extras.scratch())
            wish = wish_of(place, action, made, landing, decoded, prepared, name, options)
            added = _finished(extras.add(wish))
            changes.brought = added.brought
            landing.add(added)
    if options.check:
        with _timed(landing, "check"):
            found = _finished(self_check.measure(place.reference, made.expected))
            note_check(landing, found, made=made, decoded=decoded, options=options)
    landing.warnings += finishing.finish(
        place.find(), action, name=name, options=options, library=library
    )


def wish_of(
    place: Place,
    action: Reference,
    made: Made,
    landing: Landing,
    decoded: Decoded,
    prepared: Prepared | MyoSapiensError | None,
    name: str,
    options: LandingOptions,
) -> extras.Wish:
    """What is to come onto the armature besides the pose."""
    return extras.Wish(
        target=place.reference,
        scene=Reference.to(place.scene),
        action=action,
        is_new=place.is_new,
        name=name,
        times=made.times,
        scene_fps=landing.scene_rate_hz,
        decoded=decoded,
        prepared=prepared,
        options=options,
    )


def conclude(
    place: Place, action: Reference, made: Made, landing: Landing, *, options: LandingOptions
) -> None:
    """After the last key: show a new armature, set the scene's range, note what was done."""
    armature_object = place.find()
    if place.is_new:
        armature.place(armature_object, place.scene)
    frames = max((channel.keys[0::2] for bone in made.bones for channel in bone), key=len)
    found = action.find_in(bpy.data.actions)
    if any(channel.bone == OBJECT for bone in made.bones for channel in bone):
        found[rig_reader.OBJECT_PLACE] = made.object_place
    landing.action = found.name
    landing.armature = armature_object.name
    landing.frames = len(frames)
    if options.set_range:
        animation.set_scene_range(place.scene, first_frame=frames[0], last_frame=frames[-1])


def _finished(steps: Generator[int, None, _Result]) -> _Result:
    """Run all steps at once."""
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
