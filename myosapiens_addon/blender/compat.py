# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between the versions of Blender, and nothing else.

4.2 and 4.3 keep the curves of an action in the action itself. From 4.4 on an action has slots
and layers, and the curves of a slot are in a channelbag; from 5.0 on there is no other way.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import RigError
from .references import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy as np
    from numpy.typing import NDArray

HAS_SLOTS = bpy.app.version >= (4, 4, 0)
# From 4.5 on a property must say that it takes `//` for the .blend's own folder.
PATH_OPTIONS: Any = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
HAS_GROUP_NAMES = bpy.app.version >= (5, 0, 0)
# Custom property of an action or armature object that is not finished: one that an undo brings
# back from the midst of an import is known by it, and swept away.
UNFINISHED = "myosapiens_unfinished"
LINEAR = 1  # the number of 'LINEAR' in Keyframe.interpolation


class ActionCurves:
    """The curves of a new action, made for one object.

    Between two calls the user may do as they like; each call finds the action by its session
    uid and raises `RigError` when it is gone.

    Attributes:
        reference: the action; it animates nothing until `assign` is called.
    """

    def __init__(self, name: str, owner_name: str) -> None:
        """Make the action, with a slot for the owner where this Blender has slots."""
        action: Any = bpy.data.actions.new(name)
        action[UNFINISHED] = True
        self.reference = Reference.to(action)
        if HAS_SLOTS:
            action.slots.new(id_type="OBJECT", name=owner_name)
            action.layers.new("Layer").strips.new(type="KEYFRAME")

    def add(self, path: str, index: int, group: str, keys: NDArray[np.float32]) -> None:
        """Add one curve with linear keys.

        Args:
            path: the data path from the object.
            index: the component of the property.
            group: the channel group that shows it, the bone's name.
            keys: (2 K,) float32, frame and value in turn.
        """
        add_curve(self._find(), path, index, group, keys)

    def assign(self, owner: bpy.types.Object) -> None:
        """Make the action the active one of `owner`; the one before keeps a user."""
        action = self._find()
        animation: Any = owner.animation_data or owner.animation_data_create()
        before = animation.action
        if before is not None and before != action:
            before.use_fake_user = True
        del action[UNFINISHED]
        animation.action = action
        if HAS_SLOTS:
            animation.action_slot = action.slots[0]

    def discard(self) -> None:
        """Remove the action again, if it is still there."""
        action = self.reference.find_in(bpy.data.actions)
        if action is not None:
            bpy.data.actions.remove(action)

    def _find(self) -> Any:  # noqa: ANN401 - an action, whose layout differs by version
        action = self.reference.find_in(bpy.data.actions)
        if action is None:
            raise RigError(
                f"The action {self.reference.name!r} was removed while it was being written; "
                "import the take again."
            )
        return action


def _holder(action: Any) -> Any:  # noqa: ANN401
    """What holds the curves of an action with one slot."""
    if not HAS_SLOTS:
        return action
    return action.layers[0].strips[0].channelbag(action.slots[0], ensure=True)


def _new_curve(holder: Any, path: str, index: int, group: str) -> bpy.types.FCurve:  # noqa: ANN401
    if HAS_GROUP_NAMES:
        return holder.fcurves.new(path, index=index, group_name=group)
    if not HAS_SLOTS:
        return holder.fcurves.new(path, index=index, action_group=group)
    curve = holder.fcurves.new(path, index=index)
    curve.group = holder.groups.get(group) or holder.groups.new(group)
    return curve


def add_curve(
    action: Any,  # noqa: ANN401
    path: str,
    index: int,
    group: str,
    keys: NDArray[np.float32],
) -> None:
    """Add one curve with linear keys to an action with one slot; see `ActionCurves.add`."""
    curve = _new_curve(_holder(action), path, index, group)
    points = curve.keyframe_points
    points.add(len(keys) // 2)
    points.foreach_set("co", keys)
    # 8-bit numbers are read ten times faster here than the usual 32-bit ones.
    points.foreach_set("interpolation", bytearray([LINEAR]) * (len(keys) // 2))
    # No `curve.update()`: it would sort what is in order and work out handles, which linear
    # keys do not use and every tool that makes them Bezier works out itself. It takes more
    # than twice the time of all the rest.


def remove_curves(action: Any, paths: Collection[str]) -> None:  # noqa: ANN401
    """Remove an action's curves of some data paths, whatever its layout."""
    for holder in _holders(action):
        for curve in [curve for curve in holder.fcurves if curve.data_path in paths]:
            holder.fcurves.remove(curve)


def slot_of(animation: Any) -> int:  # noqa: ANN401
    """The handle of the slot by which an action animates something; 0 where there is none."""
    return int(animation.action_slot_handle) if HAS_SLOTS else 0


def assign(animation: Any, action: Any, slot: int) -> None:  # noqa: ANN401
    """Make an action the active one, by the slot of a handle where this Blender has slots."""
    animation.action = action
    if HAS_SLOTS:
        animation.action_slot = next((one for one in action.slots if one.handle == slot), None)


def assign_strip_slot(strip: Any, action: Any) -> None:  # noqa: ANN401
    """Make a strip of an action play its one slot, where this Blender has slots."""
    if HAS_SLOTS:
        strip.action_slot = action.slots[0]


def curves_of(action: bpy.types.Action) -> list[Any]:
    """All animation curves of an action, whatever its layout."""
    return [curve for holder in _holders(action) for curve in holder.fcurves]


def curves_of_owner(animation: Any) -> list[Any]:  # noqa: ANN401
    """The curves by which an object's active action moves it: of its own slot, not of others'."""
    action = animation.action
    if action is None:
        return []
    bags, slot = _holders(action), slot_of(animation)
    return [
        curve for bag in bags if not HAS_SLOTS or bag.slot_handle == slot for curve in bag.fcurves
    ]


def _holders(action: Any) -> list[Any]:  # noqa: ANN401
    """All that hold curves of an action."""
    if not HAS_SLOTS:
        return [action]
    return [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]


def system_script_folders() -> tuple[str, ...]:
    """The folders that BLENDER_SYSTEM_SCRIPTS names; nothing is looked up on the disk.

    From 4.5 on it is a list of paths, before that one path, though a list is meant by many.
    """
    named = os.environ.get("BLENDER_SYSTEM_SCRIPTS", "")
    listed = [path for path in named.split(os.pathsep) if path]
    single = [named] if bpy.app.version < (4, 5, 0) and len(listed) > 1 else []
    return tuple(single + listed)


def runs_as_module() -> bool:
    """Whether this is Blender as a Python module (`import bpy`), without its program."""
    # 4.2 has no `bpy.app.module` yet; a module has no program of its own.
    return bool(getattr(bpy.app, "module", not bpy.app.binary_path))


def current_scene() -> bpy.types.Scene:
    """The scene people are in; the type stubs hold it for optional, Blender always has one."""
    scene: Any = bpy.context.scene
    return scene


def current_layer() -> bpy.types.ViewLayer:
    """The view layer people are in; as `current_scene`."""
    layer: Any = bpy.context.view_layer
    return layer


def listener(handler: Callable[..., None]) -> Callable[..., None]:
    """A function for `bpy.app.handlers` that survives the opening of another file."""
    persistent: Any = bpy.app.handlers.persistent
    marked: Callable[..., None] = persistent(handler)
    return marked


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


def has_gltf_import() -> bool:
    """Whether Blender's glTF importer is there and enabled."""
    return hasattr(bpy.types, "IMPORT_SCENE_OT_gltf")


def gltf_import() -> Any:  # noqa: ANN401 - registered at run time
    """Blender's glTF importer."""
    found: Any = bpy.ops.import_scene
    return found.gltf


def can_decode_draco() -> bool:
    """Whether Blender's glTF importer has the library that decodes Draco.

    Up to 4.2 its path is in a module of one name, then of another, and from 5.1 on all such
    libraries share one function.
    """
    modules: dict[str, tuple[str, ...]] = {
        "gltf2_io_draco_compression_extension": (),
        "draco": (),
        "library": ("bf_intern_draco_bridge", "Draco"),
    }
    for name, arguments in modules.items():
        try:
            module: Any = importlib.import_module(f"io_scene_gltf2.io.com.{name}")
        except ImportError:
            continue
        path = module.dll_path(*arguments)
        return path is not None and path.is_file()
    return True
