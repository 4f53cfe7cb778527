# SPDX-License-Identifier: GPL-3.0-or-later
"""What a landing changes in the file, noted before it does, so that all of it can be taken back.

Only session uids and plain values are held: between two steps people undo, rename and delete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import bpy

from . import compat, joint_curves
from .references import Reference

if TYPE_CHECKING:
    from .fitting import Shape
    from .landing import Place
    from .meshes import Brought


@dataclass(kw_only=True)
class Changes:
    """One landing's.

    Attributes:
        target: the armature object.
        is_new: whether it was made for the take; then it goes, else it is as before.
        scene: whose range may be set.
        scene_range: its first and last frame before.
        before: the action that the armature had.
        slot: which of its slots, where this Blender has slots.
        is_kept: whether that action had a user of its own.
        has_animation: whether the armature had any animation data.
        angles: the joints whose angles it held already.
        shape: its bones before they were fitted; None while they are not.
        action: the new action, once it is whole.
        brought: the meshes, once they are in.
    """

    target: Reference
    is_new: bool
    scene: Reference
    scene_range: tuple[int, int]
    before: Reference | None = None
    slot: int = 0
    is_kept: bool = False
    has_animation: bool = False
    angles: frozenset[str] = frozenset()
    shape: Shape | None = None
    action: Reference | None = None
    brought: Brought | None = None

    @classmethod
    def on(cls, place: Place) -> Self:
        """Note how things are before a landing."""
        target: Any = place.find()
        animation = target.animation_data
        action = animation.action if animation is not None else None
        return cls(
            target=place.reference,
            is_new=place.is_new,
            scene=Reference.to(place.scene),
            scene_range=(place.scene.frame_start, place.scene.frame_end),
            before=Reference.to(action) if action is not None else None,
            slot=compat.slot_of(animation) if action is not None else 0,
            is_kept=action is not None and action.use_fake_user,
            has_animation=animation is not None,
            angles=frozenset(joint_curves.ours(target)),
        )

    @property
    def is_whole(self) -> bool:
        """Whether the action stands in the file, with its armature in a scene."""
        return (
            self.action is not None
            and self.action.find_in(bpy.data.actions) is not None
            and self.target.find_armature() is not None
        )

    @property
    def has_meshes(self) -> bool:
        """Whether the meshes that came in are all still there; an undo may have taken some."""
        if self.brought is None:
            return True
        present = {entry.session_uid for entry in bpy.data.objects}
        objects = [block for kind, block in self.brought.blocks if kind == "objects"]
        return present.issuperset(block.uid for block in objects)

    def take_back(self) -> None:
        """Leave the file as it was; what people have removed since is not missed."""
        self.drop_meshes()
        action = self.action.find_in(bpy.data.actions) if self.action is not None else None
        target = self.target.find_in(bpy.data.objects)
        if target is not None and self.is_new:
            from . import armature

            armature.remove(target)
        elif target is not None:
            self._take_back_on(target, action)
        if action is not None:
            bpy.data.actions.remove(action)
        if self.action is not None:
            self._take_back_range()
        self.action = self.shape = None

    def drop_meshes(self) -> None:
        """Take the meshes out again."""
        if self.brought is not None:
            from . import meshes

            meshes.remove(self.brought)
            self.brought = None

    def _take_back_on(self, target: Any, action: Any) -> None:  # noqa: ANN401 - objects, actions
        if self.shape is not None:
            from . import fitting

            fitting.restore(target, self.shape)
        if self.action is None:
            return
        # Their curves go with the new action; other actions may have some that are called alike.
        new = set(joint_curves.ours(target)) - self.angles
        joint_curves.remove(target, new, with_curves=False)
        self._take_back_animation(target, action)

    def _take_back_animation(self, target: Any, action: Any) -> None:  # noqa: ANN401
        animation = target.animation_data
        if animation is None:
            return
        for track in list(animation.nla_tracks):
            if action is not None and any(strip.action == action for strip in track.strips):
                animation.nla_tracks.remove(track)
        before = self.before.find_in(bpy.data.actions) if self.before is not None else None
        if before is not None and animation.action in (action, None):
            compat.assign(animation, before, self.slot)
            before.use_fake_user = self.is_kept
        elif not self.has_animation:
            target.animation_data_clear()

    def _take_back_range(self) -> None:
        scene = self.scene.find_in(bpy.data.scenes)
        if scene is not None:
            scene.frame_start, scene.frame_end = self.scene_range
