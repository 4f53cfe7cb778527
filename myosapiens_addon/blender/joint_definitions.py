# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's joints on the bones of an armature, where they travel with the .blend.

Each bone of a body holds, as text that people can read, the body that it was made for and that
body's joints; the armature's data holds the model's name, the tree of the bodies and the order
of all joints. Where the bodies are at rest is not written down: the bones at rest tell.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import bpy
import numpy as np

from ..errors import RigError
from ..motion import joint_presets, kinematics, quaternion
from ..motion.character import Character, Joint, JointKind
from .armature import BODY_REST

if TYPE_CHECKING:
    from ..motion.joint_presets import JointPreset
    from ..motion.motion import FloatArray, IntArray

# Custom property of a bone: {"body": …, "joints": [{"name", "kind", "axis", …}]}, as JSON.
JOINTS = "myosapiens_joints"
# Custom property of the armature's data, as JSON: {"title": …, "bodies": [[name, parent], …],
# "joints": [name, …], "size": metres}.
CHARACTER = "myosapiens_character"
# Rest bones are of single precision: a size that differs by less is the same.
SAME_SIZE = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Bodies:
    """Bodies at rest as bones tell them: B of them, parents first.

    Attributes:
        names: their names, which are the bones'.
        parents: (B,) int32, index of each one's parent, -1 for a root.
        positions: (B, 3) the bones' heads in armature space, in m.
        rotations: (B, 4) the bodies' rotations in armature space, w x y z.
    """

    names: tuple[str, ...]
    parents: IntArray
    positions: FloatArray
    rotations: FloatArray


def write(armature_object: bpy.types.Object, character: Character) -> None:
    """Put a character's joints on the bones that are called like its bodies.

    Raises:
        RigError: the armature is in Edit Mode or of a linked library, a bone is missing, or
            one hangs under another bone than its body does, or does not know its body's axes.
    """
    armature: Any = armature_object.data
    _check_writable(armature_object)
    tree = [
        (name, character.names[parent] if parent >= 0 else "")
        for name, parent in zip(character.names, character.parents.tolist(), strict=True)
    ]
    _check_tree(armature_object, tree, {name: name for name in character.names})
    bodies = _read_bodies(armature_object, character.names)
    for index, name in enumerate(character.names):
        joints = [_described(joint) for joint in character.joints if joint.body == index]
        armature.bones[name][JOINTS] = _text({"body": name, "joints": joints})
    order = [joint.name for joint in character.joints]
    top = {"title": character.title, "bodies": tree, "joints": order, "size": _size(bodies)}
    armature[CHARACTER] = _text(top)


def remove(armature_object: bpy.types.Object) -> None:
    """Take the joints off an armature again."""
    armature: Any = armature_object.data
    _check_writable(armature_object)
    for holder, key in ((armature, CHARACTER), *((bone, JOINTS) for bone in armature.bones)):
        if key in holder:
            del holder[key]


def read(armature_object: bpy.types.Object) -> Character | None:
    """The character that `write` put there, in the rest pose that the bones have now.

    None when there is none.

    Raises:
        RigError: the definitions are damaged; the sentence says by what.
    """
    armature: Any = armature_object.data
    if CHARACTER not in armature:
        return None
    who = armature_object.name
    top = _parsed(armature[CHARACTER], f"The armature {who!r}")
    tree = _tree(_entry(top, "bodies", list, who), who)
    bones, rows = _rows(armature, who)
    _check_tree(armature_object, tree, bones)
    bodies = _read_bodies(armature_object, [name for name, _parent in tree])
    joints = _joints(rows, bodies.names, _entry(top, "joints", list, who), who)
    growth = _size(bodies) / (_entry(top, "size", float, who) or 1.0)
    local = kinematics.local_from_world(bodies.parents, bodies.positions, bodies.rotations)
    return Character(
        title=_entry(top, "title", str, who),
        names=bodies.names,
        parents=bodies.parents,
        positions=local[0],
        rotations=local[1],
        joints=_grown(joints, growth) if abs(growth - 1.0) > SAME_SIZE else joints,
    )


def bodies_of(armature_object: bpy.types.Object) -> Bodies:
    """The bodies of an armature without definitions: its bones that know their body's axes.

    Raises:
        RigError: no bone does.
    """
    names: list[str] = []
    waiting: list[Any] = [bone for bone in armature_object.data.bones if bone.parent is None]
    while waiting:
        bone = waiting.pop(0)
        waiting.extend(bone.children)
        if BODY_REST in bone:
            names.append(bone.name)
    if not names:
        raise RigError(
            f"The armature {armature_object.name!r} is none that was built from a character: its "
            "bones do not tell the bodies' axes. Import a take to a new armature."
        )
    return _read_bodies(armature_object, names)


def with_preset(armature_object: bpy.types.Object, preset: JointPreset) -> Character:
    """The character of an armature without definitions, with the joints of a preset.

    Raises:
        RigError: the armature is none of a character, or has none of the preset's bodies.
    """
    found = bodies_of(armature_object)
    return joint_presets.character_for(
        preset,
        title=armature_object.name,
        names=found.names,
        parents=found.parents,
        positions=found.positions,
        rotations=found.rotations,
    )


def world_scale(armature_object: bpy.types.Object) -> float:
    """Metres per unit of the armature, where the object is scaled; the mean of its axes."""
    bpy.context.view_layer.update()  # else what a script just set is not in the matrix yet
    determinant: float = armature_object.matrix_world.to_3x3().determinant()
    return math.cbrt(abs(determinant)) or 1.0


def _check_writable(armature_object: bpy.types.Object) -> None:
    armature: Any = armature_object.data
    if armature.library is not None:
        raise RigError(
            f"The armature {armature_object.name!r} is linked from another file; make it local, "
            "or define the joints there."
        )
    if armature.is_editmode:
        raise RigError(f"The armature {armature_object.name!r} is in Edit Mode; leave it first.")


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _size(bodies: Bodies) -> float:
    """The summed distances of all bodies from their parents, in m; 1 where there are none."""
    inner = bodies.parents >= 0
    spans = bodies.positions[inner] - bodies.positions[bodies.parents[inner]]
    return float(np.linalg.norm(spans, axis=1).sum()) or 1.0


def _grown(joints: Sequence[Joint], growth: float) -> tuple[Joint, ...]:
    """The joints of an armature that was made larger or smaller: anchors go with the bones."""
    return tuple(replace(joint, position=joint.position * growth) for joint in joints)


def _described(joint: Joint) -> dict[str, Any]:
    """A joint as it is written: rad and m, in the body's own axes."""
    found: dict[str, Any] = {"name": joint.name, "kind": str(joint.kind)}
    if joint.kind in (JointKind.HINGE, JointKind.SLIDE):
        found["axis"] = joint.axis.tolist()
    found["position"] = joint.position.tolist()
    found["reference"] = joint.reference
    found["limits"] = None if joint.limits is None else list(joint.limits)
    found["coordinates"] = list(joint.coordinate_names)
    return found


def _rows(
    armature: Any,  # noqa: ANN401 - an armature's data
    who: str,
) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Body → the bone that was made for it, and body → its joints as written."""
    bones: dict[str, str] = {}
    rows: dict[str, list[Any]] = {}
    for bone in armature.bones:
        if JOINTS not in bone:
            continue
        row = _parsed(bone[JOINTS], f"The bone {bone.name!r} of {who!r}")
        body: str = _entry(row, "body", str, bone.name)
        if body in bones:
            raise RigError(
                f"Two bones of {who!r}, {bones[body]!r} and {bone.name!r}, hold the joints of "
                f"{body!r}; remove the custom property {JOINTS!r} from the one that is a copy."
            )
        bones[body], rows[body] = bone.name, _entry(row, "joints", list, bone.name)
    return bones, rows


def _tree(rows: Sequence[object], who: str) -> list[tuple[str, str]]:
    """Each body and its parent, or an empty text; parents first."""
    found: dict[str, str] = {}
    for row in rows:
        match row:
            case [str(name), str(parent)] if name not in found and (not parent or parent in found):
                found[name] = parent
            case _:
                raise RigError(
                    f"The joint definitions of {who!r} have no tree of bodies any more; build the "
                    "armature anew."
                )
    return list(found.items())


def _check_tree(
    armature_object: bpy.types.Object, tree: Sequence[tuple[str, str]], bones: Mapping[str, str]
) -> None:
    """Refuse an armature that lost a body's bone, or hung one under another.

    Args:
        armature_object: the armature.
        tree: each body, and its parent or an empty text.
        bones: body → the bone that is to be its.
    """
    who, present = armature_object.name, armature_object.data.bones
    bodies = set(bones.values())
    for body, parent in tree:
        bone = present.get(bones.get(body, ""))
        if bone is None:
            raise RigError(
                f"The armature {who!r} has no bone for the body {body!r} any more; bring the bone "
                "back, or build the armature anew."
            )
        if bone.name != body:
            raise RigError(
                f"The bone {bone.name!r} of {who!r} was called {body!r}; its motion is found by "
                "that name. Call it that again."
            )
        above = _parent_among(bone, bodies)
        if above != parent:
            raise RigError(
                f"The bone {body!r} of {who!r} hangs under {above or 'no bone'!r} instead of "
                f"{parent or 'no bone'!r}; hang it there again, or build the armature anew."
            )


def _parent_among(bone: Any, names: set[str]) -> str:  # noqa: ANN401 - a bone
    """The nearest bone above one that is a body's; people may put others between."""
    above = bone.parent
    while above is not None and above.name not in names:
        above = above.parent
    return "" if above is None else above.name


def _read_bodies(armature_object: bpy.types.Object, names: Sequence[str]) -> Bodies:
    """The bodies of these bones, parents first."""
    present: Any = armature_object.data.bones
    place = {name: index for index, name in enumerate(names)}
    above = [_parent_among(present[name], set(place)) for name in names]
    heads = np.array([present[name].head_local for name in names], np.float64)
    return Bodies(
        names=tuple(names),
        parents=np.array([place[name] if name else -1 for name in above], np.int32),
        positions=heads * world_scale(armature_object),
        rotations=np.array([_body_rest(present[name]) for name in names]),
    )


def _body_rest(bone: Any) -> FloatArray:  # noqa: ANN401 - a bone
    try:
        values = np.array(list(bone.get(BODY_REST, ())), np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (4,) or not np.isclose(values @ values, 1.0, atol=1e-3):
        raise RigError(
            f"The bone {bone.name!r} lost its custom property {BODY_REST!r}, the axes of its body; "
            "build the armature anew."
        )
    return quaternion.normalised(values)


def _joints(
    rows: Mapping[str, Sequence[Any]],
    names: Sequence[str],
    order: Sequence[object],
    who: str,
) -> tuple[Joint, ...]:
    """All joints in model order."""
    found: dict[str, Joint] = {}
    for index, body in enumerate(names):
        for row in rows[body]:
            joint = _joint(row, index, body)
            if joint.name in found:
                raise RigError(
                    f"The joint {joint.name!r} of {who!r} is on two bones, "
                    f"{names[found[joint.name].body]!r} and {body!r}; build the armature anew."
                )
            found[joint.name] = joint
    wanted = [str(name) for name in order]
    missing = [name for name in wanted if name not in found]
    missing += [name for name in found if name not in wanted]
    if missing or len(wanted) != len(found):
        raise RigError(
            f"The bones of {who!r} do not hold the joints that its data names (such as "
            f"{(missing or [wanted[0]])[0]!r}); build the armature anew."
        )
    return tuple(found[name] for name in wanted)


def _joint(row: Mapping[str, Any], index: int, bone: str) -> Joint:
    try:
        limits = row["limits"]
        joint = Joint(
            name=str(row["name"]),
            kind=JointKind(row["kind"]),
            body=index,
            position=np.array(row["position"], np.float64),
            axis=np.array(row.get("axis", (0.0, 0.0, 1.0)), np.float64),
            reference=float(row["reference"]),
            limits=None if limits is None else (float(limits[0]), float(limits[1])),
        )
        numbers = np.array([*joint.position, *joint.axis, *(joint.limits or ()), joint.reference])
        if not (joint.position.shape == joint.axis.shape == (3,) and np.isfinite(numbers).all()):
            raise ValueError("a vector of another shape, or no finite number")
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RigError(
            f"The custom property {JOINTS!r} of the bone {bone!r} is damaged ({error}); build the "
            "armature anew."
        ) from error
    return joint


def _parsed(text: object, whose: str) -> Mapping[str, Any]:
    """What stands in one of our properties."""
    try:
        found: object = json.loads(str(text))
    except (RecursionError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise RigError(
            f"{whose} has joint definitions that cannot be read; build the armature anew."
        )
    return cast("Mapping[str, Any]", found)


def _entry(row: Mapping[str, Any], key: str, kind: type, whose: str) -> Any:  # noqa: ANN401
    value = row.get(key)
    if not isinstance(value, kind):
        raise RigError(
            f"The joint definitions of {whose!r} have no {key!r} any more; build the armature anew."
        )
    return value
