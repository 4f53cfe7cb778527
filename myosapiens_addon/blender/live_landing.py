# SPDX-License-Identifier: GPL-3.0-or-later
"""One result on its way onto an armature while people go on working.

::

    decode (thread) → place (main thread) → retarget (thread) → write, check (main, in slices)

Between any two of these the user may undo, rename, delete, or open another file; `interrupt`
takes back what is half there, and the landing begins again where it can.
"""

from __future__ import annotations

import functools
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import MyoSapiensError, RigError
from .rows import State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from ..motion.motion import Motion
    from .landing import Landing, Made, Place
    from .references import Reference
    from .rows import LandingPlan, Row
    from .self_check import Found


class Stage(Enum):
    """What comes next."""

    DECODE = auto()
    PLACE = auto()
    RETARGET = auto()
    WRITE = auto()
    CHECK = auto()
    END = auto()


class LiveLanding:
    """See the module's docstring.

    Args:
        row: the job; its files are here.
        plan: where the result goes.
        call: starts a function in a thread: `call(function, *arguments, then=…, failed=…)`.
        concluded: told at the end, with the error or None.
    """

    def __init__(
        self,
        row: Row,
        plan: LandingPlan,
        *,
        call: Callable[..., None],
        concluded: Callable[[LiveLanding, MyoSapiensError | None], None],
    ) -> None:
        self.row = row
        self.plan = plan
        self.stage = Stage.DECODE
        self.result: Landing | None = None
        self._call = call
        self._concluded = concluded
        self._turn = 0
        self._motion: Motion | None = None
        self._place: tuple[Reference, bool] | None = None
        self._made: Made | None = None
        self._steps: Generator[int, None, Reference] | None = None
        self._checks: Generator[int, None, Found] | None = None
        self._written: tuple[Reference, Reference] | None = None

    def start(self) -> None:
        """Read the files, in a thread."""
        self.row.set(State.IMPORTING, note="Reading the result")
        self._ask(_decode, self.row.files, then=self._decoded)

    @property
    def needs_main_thread(self) -> bool:
        """Whether `step` has something to do."""
        return self.stage in (Stage.PLACE, Stage.WRITE, Stage.CHECK)

    def step(self, end: float) -> None:
        """Do what the main thread must, until a moment (`time.perf_counter`) at the most."""
        try:
            if self.stage is Stage.PLACE:
                self._open_place()
            elif self.stage is Stage.WRITE:
                self._write(end)
            elif self.stage is Stage.CHECK:
                self._check()
        except MyoSapiensError as error:
            self.stop(error)

    def interrupt(self) -> None:
        """Take back what is half there, and begin again: an undo or another file comes."""
        self._take_back()
        if self.stage in (Stage.RETARGET, Stage.WRITE, Stage.CHECK):
            self.stage = Stage.PLACE

    def stop(self, error: MyoSapiensError | None) -> None:
        """End it, done or not; the result's files stay."""
        if self.stage is Stage.END:
            return
        self._take_back()
        self.stage = Stage.END
        self._motion = None
        self._concluded(self, error)

    def _take_back(self) -> None:
        """Leave nothing in the file; what a thread still works out is not waited for."""
        self._turn += 1
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        if self._place is not None and self._place[1]:
            from . import armature

            built = self._place[0].find_in(bpy.data.objects)
            if built is not None:
                armature.remove(built)
        self._place = None

    def _ask(
        self, function: Callable[..., Any], *arguments: object, then: Callable[..., None]
    ) -> None:
        turn = self._turn

        def arrived(result: Any) -> None:  # noqa: ANN401
            if turn == self._turn:
                then(result)

        def failed(error: MyoSapiensError) -> None:
            if turn == self._turn:
                self.stop(error)

        self._call(function, *arguments, then=arrived, failed=failed)

    def _decoded(self, motion: Motion) -> None:
        self._motion = motion
        self.stage = Stage.PLACE
        self.row.set(State.IMPORTING, note="Importing")

    def _open_place(self) -> None:
        """Find the armature, or make one; then work out the keys, in a thread."""
        from . import landing, paths, rig_reader, stored_map
        from .animation import scene_fps

        motion = self._motion
        if motion is None:
            raise RigError("The result is gone from memory; import it again.")
        if self._is_written() and self.result is not None:
            # The undo was of something else, a text perhaps: the import is whole.
            self._finish(self.result)
            return
        place = self._find_place(motion)
        self._place = (place.reference, place.is_new)
        self.result = landing.Landing(
            capture_rate_hz=motion.rate_hz, scene_rate_hz=scene_fps(place.scene)
        )
        self.stage = Stage.RETARGET
        armature_object = place.find()
        self._ask(
            functools.partial(
                landing.retarget,
                motion,
                rig_reader.read_rig(armature_object),
                options=self.plan.options,
                scene_fps=scene_fps(place.scene),
                stored_map=stored_map.read(armature_object.data),
                user_maps=paths.user_directory("maps"),
            ),
            then=self._retargeted,
        )

    def _is_written(self) -> bool:
        """Whether the action stands in the file already, with its armature."""
        if self._written is None:
            return False
        target, action = self._written
        is_there = action.find_in(bpy.data.actions) is not None
        return is_there and target.find_in(bpy.data.objects) is not None

    def _find_place(self, motion: Motion) -> Place:
        from . import armature, landing, scene_armatures
        from .references import Reference

        scene = self._scene()
        if self.plan.target is None:
            built = armature.make(motion, name=self.plan.name)
            return landing.Place(reference=Reference.to(built), scene=scene, is_new=True)
        found = self.plan.target.find_armature()
        if found is None:
            raise RigError(
                f"The armature {self.plan.target.name!r} is not in the scene any more: choose "
                "another target and press Import."
            )
        scene_armatures.check_animatable(found)
        return landing.Place(reference=self.plan.target, scene=scene)

    def _scene(self) -> bpy.types.Scene:
        from .compat import current_scene

        return self.plan.scene.find_in(bpy.data.scenes) or current_scene()

    def _retargeted(self, made: Made) -> None:
        from . import animation

        if self._place is None or self.result is None:
            return
        self._made = made
        self.result.warnings = list(made.warnings)
        self.result.bone_map = made.map_title
        self._steps = animation.write(self._place[0], made.bones, action_name=self.plan.name)
        self.stage = Stage.WRITE

    def _write(self, end: float) -> None:
        steps, made = self._steps, self._made
        if steps is None or made is None:
            return None
        while True:
            try:
                count = next(steps)
            except StopIteration as finished:
                return self._conclude(finished.value, made)
            if time.perf_counter() >= end:
                self.row.set(
                    State.IMPORTING, note="Importing", share=count / max(len(made.bones), 1)
                )
                return None

    def _conclude(self, action: Reference, made: Made) -> None:
        from . import landing, self_check

        if self._place is None or self.result is None:
            return
        reference, is_new = self._place
        place = landing.Place(reference=reference, scene=self._scene(), is_new=is_new)
        landing.conclude(place, action, made, self.result, options=self.plan.options)
        self._steps = self._place = self._made = None
        self._written = (reference, action)
        self._checks = self_check.measure(reference, made.expected)
        self.stage = Stage.CHECK

    def _check(self) -> None:
        """Let Blender show one more frame, and compare; then what is to be done at the end."""
        from . import landing

        if self._checks is None or self.result is None:
            return
        if self.plan.options.check:
            try:
                next(self._checks)
            except StopIteration as finished:
                landing.note_check(self.result, finished.value)
            else:
                return
        self._finish(self.result)

    def _finish(self, result: Landing) -> None:
        from . import finishing

        # Between two steps the user may have deleted either: then nothing is left to do.
        if self._is_written() and self._written is not None:
            target, action = self._written
            result.warnings += finishing.finish(
                target.find_in(bpy.data.objects),
                action,
                name=self.plan.name,
                options=self.plan.options,
            )
        self.stop(None)


def _decode(files: Sequence[Path]) -> Motion:
    from . import landing

    return landing.decode(files)
