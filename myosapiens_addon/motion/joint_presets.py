# SPDX-License-Identifier: GPL-3.0-or-later
"""Joint presets: which body a named joint moves, and about which axis, as data.

Files that hold joint angles by name say nothing of axes; where the character's model is not at
hand, a preset does. The built-in ones are `presets/*.json`; people may keep their own::

    {
      "format": "joint-preset", "version": 1,
      "id": "myoskeleton", "title": "MyoSkeleton",
      "source": ["where the figures come from"],    for people
      "joints": [
        {"joint": "hip_flex_r", "body": "femur_r", "axis": [0, 0, 1]},
        {"joint": "hip_abdu_r", "body": "femur_r", "axis": [1, 0, 0], "limits": [-40, 20]},
        {"joint": "glide", "body": "toes_r", "kind": "slide", "axis": [1, 0, 0]}
      ]
    }

Axes are given in the body's own axes at rest, of any length. Joints of one body act one after
the other, in the order in which they stand there. A joint may also have `kind` (`hinge` unless
given; also `slide`, `ball`, `free`), `position` (its anchor in the body's axes, in m; the
body's origin unless given), `reference` (the coordinate at rest; 0 unless given) and `limits`
(least and largest coordinate). Coordinates are in degrees, those of slides in m.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from .. import small_text
from ..errors import InputError, RigError
from . import kinematics
from .character import Character, Joint, JointKind

if TYPE_CHECKING:
    from .motion import FloatArray, IntArray

FOLDER = Path(__file__).parent / "presets"
FORMAT = "joint-preset"
VERSION = 1
# A preset of a hundred joints has 10 KB; a file of this size is something else.
LARGEST_FILE_BYTES = 1024 * 1024
WHAT = "a joint preset (JSON)"
_KEYS = frozenset(("format", "version", "id", "title", "source", "joints"))
_JOINT_KEYS = frozenset(("joint", "body", "kind", "axis", "position", "reference", "limits"))
_TURNING = (JointKind.HINGE, JointKind.BALL)
_DIRECTED = (JointKind.HINGE, JointKind.SLIDE)


@dataclass(frozen=True, kw_only=True, eq=False)
class PresetJoint:
    """One joint of a preset: a `Joint` whose body is known by name.

    Attributes:
        name: its name.
        body: name of the body that it moves.
        kind: what it lets the body do.
        axis: (3,) unit vector in the body's own axes.
        position: (3,) its anchor in the body's own axes, in m.
        reference: the coordinate at rest, in rad or m.
        limits: least and largest coordinate, in rad or m; None where it has no limits.
    """

    name: str
    body: str
    kind: JointKind
    axis: FloatArray
    position: FloatArray
    reference: float
    limits: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class JointPreset:
    """The joints of one kind of character.

    Attributes:
        id: short and stable.
        title: what to call it in front of people.
        joints: in the order in which those of one body act.
    """

    id: str
    title: str
    joints: tuple[PresetJoint, ...]


@functools.cache
def built_in() -> tuple[JointPreset, ...]:
    """The presets that come with the extension."""
    return tuple(read(path) for path in sorted(FOLDER.glob("*.json")))


def for_names(joint_names: Collection[str], own: Sequence[JointPreset] = ()) -> JointPreset:
    """The preset that knows most of these joints; one of the user's `own` before a built-in one.

    Raises:
        InputError: no preset knows any of them.
    """
    wanted = frozenset(joint_names)

    def known(preset: JointPreset) -> int:
        return len(wanted & {joint.name for joint in preset.joints})

    best = max((*own, *built_in()), key=known)
    if not known(best):
        such = f" (such as {sorted(wanted)[0]!r})" if wanted else ""
        raise InputError(
            f"No joint preset knows these joints{such}; give the character's model (MJCF), or a "
            "joint preset (JSON) that has them."
        )
    return best


def character_for(
    preset: JointPreset,
    *,
    title: str,
    names: Sequence[str],
    parents: IntArray,
    positions: FloatArray,
    rotations: FloatArray,
) -> Character:
    """A character of bodies at rest, as an armature or a take has them, and a preset's joints.

    Joints of bodies that are not there are left out.

    Args:
        preset: the joints.
        title: what to call the character, also in errors.
        names: the B body names, parents first.
        parents: (B,) index of each body's parent, -1 for a root.
        positions: (B, 3) world position of each body's origin at rest, in m, Z up.
        rotations: (B, 4) world rotation of each body at rest, w x y z.

    Raises:
        RigError: it has none of the preset's bodies.
    """
    place = {name: index for index, name in enumerate(names)}
    present = [joint for joint in preset.joints if joint.body in place]
    if not present:
        raise RigError(
            f"{title!r} has none of the bodies of the joint preset {preset.title!r} (such as "
            f"{preset.joints[0].body!r}); choose another preset, or give the character's model."
        )
    local = kinematics.local_from_world(parents, positions, rotations)
    return Character(
        title=title,
        names=tuple(names),
        parents=parents,
        positions=local[0],
        rotations=local[1],
        joints=tuple(
            Joint(
                name=joint.name,
                kind=joint.kind,
                body=place[joint.body],
                position=joint.position,
                axis=joint.axis,
                reference=joint.reference,
                limits=joint.limits,
            )
            for joint in present
        ),
    )


def read(path: Path) -> JointPreset:
    """Read a preset.

    Raises:
        InputError: the file cannot be read, or is no joint preset.
    """
    top = _load(small_text.read(path, what=WHAT, most_bytes=LARGEST_FILE_BYTES), path.name)
    if top.get("format") != FORMAT or top.get("version") != VERSION:
        _refuse(path.name, f'its "format" and "version" are not {FORMAT!r} and {VERSION}')
    _check_keys(top, _KEYS, path.name, "the preset")
    rows = top.get("joints")
    if not isinstance(rows, list) or not rows:
        _refuse(path.name, 'it has no list of "joints"')
    joints = tuple(_joint(row, path.name) for row in cast("list[object]", rows))
    names = [joint.name for joint in joints]
    for name in names if len(set(names)) < len(names) else ():
        if names.count(name) > 1:
            _refuse(path.name, f"it has the joint {name!r} twice")
    return JointPreset(
        id=_word(top, "id", path.name, "the preset") or path.stem,
        title=_word(top, "title", path.name, "the preset") or path.stem,
        joints=joints,
    )


def _load(text: str, file: str) -> dict[str, Any]:
    try:
        top: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}; "
            "choose a joint preset (JSON)."
        ) from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{file} is no joint preset: nested too deep or too large.") from error
    if not isinstance(top, dict):
        _refuse(file, "it holds no object")
    return cast("dict[str, Any]", top)


def _refuse(file: str, problem: str) -> NoReturn:
    raise InputError(f"{file} is no joint preset: {problem}; correct it or choose another file.")


def _check_keys(row: dict[str, Any], known: frozenset[str], file: str, where: str) -> None:
    for key in row:
        if key not in known:
            _refuse(file, f"{where} has {key!r}, which is none of {', '.join(sorted(known))}")


def _joint(row: object, file: str) -> PresetJoint:
    if not isinstance(row, dict):
        _refuse(file, '"joints" holds something that is no joint')
    entry = cast("dict[str, Any]", row)
    name = _word(entry, "joint", file, "a joint")
    where = f"the joint {name!r}"
    body = _word(entry, "body", file, where)
    if not name or not body:
        _refuse(file, f'{where} has no name or no "body"')
    _check_keys(entry, _JOINT_KEYS, file, where)
    kind = _kind(entry.get("kind", "hinge"), file, where)
    unit = math.radians(1.0) if kind in _TURNING else 1.0
    return PresetJoint(
        name=name,
        body=body,
        kind=kind,
        axis=_axis(entry, kind, file, where),
        position=_numbers(entry.get("position", [0, 0, 0]), 3, file, f'"position" of {where}'),
        reference=unit * _reference(entry, file, where),
        limits=_limits(entry.get("limits"), unit, file, where),
    )


def _word(row: dict[str, Any], key: str, file: str, where: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        _refuse(file, f"{key!r} of {where} is no text")
    return value.strip()


def _kind(value: object, file: str, where: str) -> JointKind:
    if value not in tuple(JointKind):
        _refuse(file, f'"kind" of {where} is none of {", ".join(JointKind)}')
    return JointKind(cast("str", value))


def _axis(entry: dict[str, Any], kind: JointKind, file: str, where: str) -> FloatArray:
    if kind not in _DIRECTED:
        return np.array([0.0, 0.0, 1.0])
    axis = _numbers(entry.get("axis"), 3, file, f'"axis" of {where}')
    length = float(np.linalg.norm(axis))
    if not 1e-6 < length < 1e6:
        _refuse(file, f'"axis" of {where} points nowhere')
    return axis / length


def _reference(entry: dict[str, Any], file: str, where: str) -> float:
    return float(_numbers([entry.get("reference", 0)], 1, file, f'"reference" of {where}')[0])


def _numbers(value: object, count: int, file: str, what: str) -> FloatArray:
    items: list[object] = cast("list[object]", value) if isinstance(value, list) else []
    numbers = [
        float(item)
        for item in items
        if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e9
    ]
    if len(items) != count or len(numbers) != count:
        what_is = "three numbers" if count == 3 else "two numbers" if count == 2 else "a number"
        _refuse(file, f"{what} is not {what_is}")
    return np.array(numbers)


def _limits(value: object, unit: float, file: str, where: str) -> tuple[float, float] | None:
    if value is None:
        return None
    least, largest = _numbers(value, 2, file, f'"limits" of {where}').tolist()
    if least > largest:
        _refuse(file, f'"limits" of {where} end before they start')
    return unit * least, unit * largest
