# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between the versions of Blender, and nothing else.

4.2 and 4.3 keep the curves of an action in the action itself. From 4.4 on an action has slots
and layers, and the curves of a slot are in a channelbag; from 5.0 on there is no other way.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

HAS_SLOTS = bpy.app.version >= (4, 4, 0)
HAS_GROUP_NAMES = bpy.app.version >= (5, 0, 0)
LINEAR = 1  # the number of 'LINEAR' in Keyframe.interpolation


class ActionCurves:
    """The curves of a new action, made for one object.

    Attributes:
        action: the action; it animates nothing until `assign` is called.
    """

    def __init__(self, name: str, owner: bpy.types.Object) -> None:
        """Make the action, with a slot for `owner` where this Blender has slots."""
        self.action = bpy.data.actions.new(name)
        self._slot: Any = None
        self._curves_of: Any = self.action
        if HAS_SLOTS:
            action: Any = self.action
            self._slot = action.slots.new(id_type="OBJECT", name=owner.name)
            strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
            self._curves_of = strip.channelbag(self._slot, ensure=True)

    def add(self, path: str, index: int, group: str, keys: NDArray[np.float32]) -> None:
        """Add one curve with linear keys.

        Args:
            path: the data path from the object.
            index: the component of the property.
            group: the channel group that shows it, the bone's name.
            keys: (2 K,) float32, frame and value in turn.
        """
        curve = self._new_curve(path, index, group)
        points = curve.keyframe_points
        points.add(len(keys) // 2)
        points.foreach_set("co", keys)
        # 8-bit numbers are read ten times faster here than the usual 32-bit ones.
        points.foreach_set("interpolation", bytearray([LINEAR]) * (len(keys) // 2))
        curve.update()

    def _new_curve(self, path: str, index: int, group: str) -> bpy.types.FCurve:
        curves = self._curves_of.fcurves
        if HAS_GROUP_NAMES:
            return curves.new(path, index=index, group_name=group)
        if not HAS_SLOTS:
            return curves.new(path, index=index, action_group=group)
        curve = curves.new(path, index=index)
        groups = self._curves_of.groups
        curve.group = groups.get(group) or groups.new(group)
        return curve

    def assign(self, owner: bpy.types.Object) -> None:
        """Make the action the active one of `owner`; the one before keeps a user."""
        animation: Any = owner.animation_data or owner.animation_data_create()
        before = animation.action
        if before is not None and before != self.action:
            before.use_fake_user = True
        animation.action = self.action
        if HAS_SLOTS:
            animation.action_slot = self._slot

    def discard(self) -> None:
        """Remove the action again."""
        bpy.data.actions.remove(self.action)


def curves_of(action: bpy.types.Action) -> list[Any]:
    """All animation curves of an action, whatever its layout."""
    versioned: Any = action
    if not HAS_SLOTS:
        return list(versioned.fcurves)
    return [
        curve
        for layer in versioned.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for curve in bag.fcurves
    ]


def runs_as_module() -> bool:
    """Whether this is Blender as a Python module (`import bpy`), without its program."""
    return bool(getattr(bpy.app, "module", False))


def current_scene() -> bpy.types.Scene:
    """The scene people are in; the type stubs hold it for optional, Blender always has one."""
    scene: Any = bpy.context.scene
    return scene


def registrars(classes: tuple[type, ...]) -> tuple[Callable[[], None], Callable[[], None]]:
    """`register` and `unregister` for classes; the 4.2 stubs hide that the factory returns them."""
    factory: Any = bpy.utils.register_classes_factory
    return factory(classes)


def has_denoiser() -> bool:
    """Whether this build of Cycles can denoise; distributions leave that out at times."""
    try:
        cycles = importlib.import_module("_cycles")
    except ImportError:
        return False
    return bool(getattr(cycles, "with_openimagedenoise", False))
