# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a definition together: from its file to a Character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..character import Character, JointKind
from . import compiler, defaults, files, joints
from .node import quoted
from .tree import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..character import Joint
    from .compiler import Settings
    from .node import Node
    from .tree import Body


def read(path: Path) -> Character:
    """Read a character definition: the bodies and joints of a MuJoCo model.

    Bodies and joints stand in MuJoCo's order, so coordinates are those of its `qpos`. A body
    that marks a target (`mocap="true"`) is kept, as one without joints; so is a body that
    `fusestatic` would melt into its parent. What has no name is given one: `body_3` for the
    third body, `<body>_hinge` for a joint.

    Raises:
        CharacterError: the file or one that it includes cannot be read, is no MJCF, or says
            something about bodies or joints that is wrong or not supported.
    """
    root = files.load(path)
    if root.tag != "mujoco":
        raise root.error(f"it begins with <{root.tag}>, not with <mujoco>; {files.RULES.advice}.")
    settings = compiler.settings(root)
    walk = Walk(settings=settings, defaults=defaults.read(root))
    for node in root.children:
        if node.tag == "worldbody":
            walk.visit(node)
    if not walk.bodies:
        raise root.error(f"it holds no bodies; {files.RULES.advice}.")
    return _character((root.text("model") or "").strip() or path.stem, walk.bodies, settings)


def _character(title: str, bodies: Sequence[Body], settings: Settings) -> Character:
    names = _body_names([body.node for body in bodies])
    return Character(
        title=title,
        names=tuple(names),
        parents=np.array([body.parent for body in bodies], np.int32),
        positions=np.array([body.pose.position for body in bodies]),
        rotations=np.array([body.pose.rotation for body in bodies]),
        joints=_joints(bodies, names, settings),
    )


def _body_names(nodes: Sequence[Node]) -> list[str]:
    taken = _taken(nodes, "world")  # which is a body to MuJoCo
    return [
        node.text("name") or _free_name(f"body_{index}", taken)
        for index, node in enumerate(nodes, start=1)
    ]


def _joints(bodies: Sequence[Body], names: Sequence[str], settings: Settings) -> tuple[Joint, ...]:
    """All joints, body by body."""
    for index, body in enumerate(bodies):
        joints.check(body)
        _refuse_aligned(index, bodies, settings)
    taken = _taken([element.node for body in bodies for element in body.joints])
    found: list[Joint] = []
    for index, body in enumerate(bodies):
        for element in body.joints:
            made_up = f"{names[index]}_{joints.kind(element.node)}"
            name = element.node.text("name") or _free_name(made_up, taken)
            found.append(joints.joint(element, index, name, settings))
    return tuple(found)


def _refuse_aligned(index: int, bodies: Sequence[Body], settings: Settings) -> None:
    """A free body without children may be given the axes of its inertia, unknown here."""
    body = bodies[index]
    # A body's first child is the next in order.
    if index + 1 < len(bodies) and bodies[index + 1].parent == index:
        return
    for element in body.joints:
        said = element.node.choice("align", ("auto", "false", "true"), "auto")
        aligned = said == "true" or (said == "auto" and settings.aligns_free)
        if joints.kind(element.node) is JointKind.FREE and aligned:
            raise element.node.error(
                f"{body.node.title} is aligned with its inertia, which is not supported; "
                'turn that off: <freejoint align="false"/>.'
            )


def _taken(nodes: Sequence[Node], *reserved: str) -> set[str]:
    """All given names, and those that are not to be given.

    Raises:
        CharacterError: one is given twice.
    """
    taken = set(reserved)
    for node in nodes:
        name = node.text("name")
        if name in taken:
            raise node.error(f"the name {quoted(name)} is given to two of its kind.")
        if name is not None:
            taken.add(name)
    return taken


def _free_name(wanted: str, taken: set[str]) -> str:
    """A name that nothing has yet; it is taken from now on."""
    number, name = 2, wanted
    while name in taken:
        name = f"{wanted}_{number}"
        number += 1
    taken.add(name)
    return name
