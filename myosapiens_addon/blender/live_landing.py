# SPDX-License-Identifier: GPL-3.0-or-later
"""One result on its way onto an armature while people go on working.

::

    decode (thread) → place (main thread) → retarget (thread) → write (main, in slices)
    → make meshes ready (thread) → extras, check (main, in slices)

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
    from collections.abc import Callable, Generator

    from ..motion.decoding import Decoded
    from ..motion.motion import Motion
    from .changes import Changes
    from .extras import Extras, Preparation
    from .landed import Landing
    from .landing import Made, Place
    from .references import Reference
    from .rows import LandingPlan, Row
    from .self_check import Found


class Stage(Enum):
    """What comes next."""

    DECODE = auto()
    PLACE = auto()
    RETARGET = auto()
    WRITE = auto()
    PREPARE = auto()
    EXTRAS = auto()
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
        self._decoded: Decoded | None = None
        self._changes: Changes | None = None
        self._made: Made | None = None
        self._steps: Generator[int, None, Reference] | None = None
        self._checks: Generator[int, None, Found] | None = None
        self._preparation: Preparation | None = None
        self._adding: Generator[int, None, Extras] | None = None
        self._is_dressed = False

    def start(self) -> None:
        """Read the files, in a thread."""
        from . import reading

        self.row.set(State.IMPORTING, note="Reading the result")
        target = self.plan.target.find_armature() if self.plan.target is not None else None
        try:
            wanted = reading.wanted(
                self.row.files,
                self.plan.options,
                target=target,
                spec=self.row.job_spec,
            )
        except MyoSapiensError as error:
            self.stop(error)
            return
        self._ask(wanted.decode, then=self._have_decoded)

    @property
    def needs_main_thread(self) -> bool:
        """Whether `step` has something to do."""
        return self.stage in (Stage.PLACE, Stage.WRITE, Stage.EXTRAS, Stage.CHECK)

    @property
    def is_at_work(self) -> bool:
        """Whether it has begun to change its armature, and is not done."""
        if self.stage is Stage.PLACE:
            return self._is_whole()
        return self.stage not in (Stage.DECODE, Stage.END)

    def waits_for(self, other: LiveLanding) -> bool:
        """Whether another is at work on the same armature.

        What is noted of the armature before, and what Blender shows of it at the end, must be
        this take's alone.
        """
        mine, its = self.plan.target, other.plan.target
        is_same = mine is not None and its is not None and mine.uid == its.uid
        return is_same and other is not self and other.is_at_work and not self.is_at_work

    def step(self, end: float) -> None:
        """Do what the main thread must, until a moment (`time.perf_counter`) at the most."""
        try:
            if self.stage is Stage.PLACE:
                self._open_place()
            elif self.stage is Stage.WRITE:
                self._write(end)
            elif self.stage is Stage.EXTRAS:
                self._add(end)
            elif self.stage is Stage.CHECK:
                self._check()
        except MyoSapiensError as error:
            self.stop(error)

    def interrupt(self) -> None:
        """Take back what is half there, and begin again: an undo or another file comes."""
        self._leave_off()
        if self._changes is not None and self._changes.action is None:
            self._changes.take_back()
        if self.stage not in (Stage.DECODE, Stage.END):
            self.stage = Stage.PLACE

    def stop(self, error: MyoSapiensError | None) -> None:
        """End it, done or not: then nothing of it stays in the file. The result's files do."""
        if self.stage is Stage.END:
            return
        self._leave_off()
        if error is not None and self._changes is not None:
            self._changes.take_back()
        self.stage = Stage.END
        self._decoded = None
        self._concluded(self, error)

    def _leave_off(self) -> None:
        """Leave nothing half done; what a thread still works out is not waited for."""
        self._turn += 1
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        if self._adding is not None:
            self._adding.close()
            self._adding = None
        if self._preparation is not None:
            self._preparation.drop()
            self._preparation = None

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

    def _have_decoded(self, decoded: Decoded) -> None:
        self._decoded = decoded
        self.stage = Stage.PLACE
        self.row.set(State.IMPORTING, note="Importing")

    def _open_place(self) -> None:
        """Find the armature, or make one; then work out the keys, in a thread."""
        from . import fitting, landed, landing, paths, rig_reader, stored_map
        from .animation import scene_fps
        from .changes import Changes

        decoded = self._have()
        if self._is_whole() and self._made is not None:
            # The undo was of something else, a text perhaps: the keys are all there.
            self._go_on_to_extras(self._made)
            return
        place = self._find_place(decoded.motion)
        self._changes = changes = Changes.on(place)
        self._is_dressed = False
        self.result = landed.Landing(scene_rate_hz=scene_fps(place.scene))
        self.result.read(decoded)
        changes.shape = fitting.prepare(
            place, decoded.motion, self.plan.options, self.result.warnings
        )
        self.stage = Stage.RETARGET
        armature_object = place.find()
        self._ask(
            functools.partial(
                landing.retarget,
                decoded.motion,
                rig_reader.read_rig(armature_object),
                options=self.plan.options,
                scene_fps=scene_fps(place.scene),
                stored_map=stored_map.read(armature_object.data),
                user_maps=paths.bone_maps(),
            ),
            then=self._retargeted,
        )

    def _have(self) -> Decoded:
        if self._decoded is None:
            raise RigError("The result is gone from memory; import it again.")
        return self._decoded

    def _is_whole(self) -> bool:
        """Whether the action stands in the file already, with its armature."""
        return self._changes is not None and self._changes.is_whole

    def _whole(self) -> Changes:
        """What is in the file after the last key.

        Raises:
            RigError: people have removed the armature, or the action.
        """
        if self._changes is None or not self._changes.is_whole:
            raise RigError(
                f"The armature or the action of {self.plan.name!r} was removed during the import: "
                "choose a target and press Import."
            )
        return self._changes

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

        if self._changes is None or self.result is None:
            return
        self._made = made
        self.result.warnings += made.warnings
        self.result.bone_map = made.map_title
        self._steps = animation.write(self._changes.target, made.bones, action_name=self.plan.name)
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
        from . import landing

        if self._changes is None or self.result is None:
            return
        self._steps = None
        self._changes.action = action
        place = self._place(self._changes)
        landing.conclude(place, action, made, self.result, options=self.plan.options)
        self._go_on_to_extras(made)

    def _go_on_to_extras(self, made: Made) -> None:
        """Have a thread make ready what comes besides the pose, where anything does."""
        from . import extras, self_check

        changes = self._whole()
        is_dressed = self._is_dressed and changes.has_meshes
        if is_dressed or not extras.is_wanted(self.plan.options):
            self._checks = self_check.measure(changes.target, made.expected)
            self.stage = Stage.CHECK
            return
        changes.drop_meshes()
        self._is_dressed = False
        self.stage = Stage.PREPARE
        preparation = extras.Preparation(self._have(), self.plan.options, extras.scratch())
        self._preparation = preparation
        self._ask(preparation.run, then=self._have_prepared)

    def _have_prepared(self, prepared: Any) -> None:  # noqa: ANN401 - as `extras.prepare`
        from . import extras, landing

        made, result, changes = self._made, self.result, self._changes
        if made is None or result is None or changes is None or changes.action is None:
            return
        wish = landing.wish_of(
            self._place(changes),
            changes.action,
            made,
            result,
            self._have(),
            prepared,
            self.plan.name,
            self.plan.options,
        )
        self._adding = extras.add(wish)
        self.stage = Stage.EXTRAS

    def _place(self, changes: Changes) -> Place:
        from . import landing

        return landing.Place(reference=changes.target, scene=self._scene(), is_new=changes.is_new)

    def _add(self, end: float) -> None:
        """Add what comes besides the pose, until a moment at the most."""
        if self._adding is None or self.result is None or self._made is None:
            return
        changes = self._whole()
        while True:
            try:
                next(self._adding)
            except StopIteration as finished:
                self._adding = self._preparation = None
                changes.brought = finished.value.brought
                self._is_dressed = True
                self.result.add(finished.value)
                self._go_on_to_extras(self._made)
                return
            if time.perf_counter() >= end:
                return

    def _check(self) -> None:
        """Let Blender show one more frame, and compare; then what is to be done at the end."""
        from . import landed

        if self._checks is None or self.result is None or self._made is None:
            return
        changes = self._whole()
        if self.plan.options.check:
            try:
                next(self._checks)
            except StopIteration as finished:
                landed.note_check(
                    self.result,
                    finished.value,
                    made=self._made,
                    decoded=self._have(),
                    options=self.plan.options,
                )
            else:
                return
        self._finish(changes, self.result)

    def _finish(self, changes: Changes, result: Landing) -> None:
        from . import finishing

        target, action = changes.target.find_armature(), changes.action
        if target is not None and action is not None:
            result.warnings += finishing.finish(
                target, action, name=self.plan.name, options=self.plan.options
            )
        self.stop(None)
