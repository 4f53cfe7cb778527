# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of `<default>`: what a joint has where it says nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .node import Node, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN = "main"
# All that a class says about a joint and that matters here: copies of it stay small.
OF_JOINTS = ("type", "pos", "axis", "ref", "range", "limited")


@dataclass(kw_only=True)
class Defaults:
    """Attributes of joints by class; a class starts as its parent stands when it is met."""

    joints: dict[str, Mapping[str, str]] = field(default_factory=lambda: {MAIN: {}})

    def check(self, node: Node, attribute: str, inherited: str) -> str:
        """The class that a node names, else the inherited one.

        Raises:
            CharacterError: there is no such class.
        """
        name = node.attributes.get(attribute, inherited)
        if name not in self.joints:
            raise node.error(
                f"{node.title} has {attribute}={quoted(name)}, but no <default> has this class."
            )
        return name

    def joint(self, node: Node, childclass: str) -> Node:
        """A joint element, completed with what its class says."""
        inherited = self.joints[self.check(node, "class", childclass)]
        name = {"name": node.attributes.get("name", "")}
        return replace(node, attributes={**inherited, **_said(node), **name})


def read(root: Node) -> Defaults:
    """All classes of the definition.

    Raises:
        CharacterError: a class has no name, or one that is taken.
    """
    found = Defaults()
    # A stack, not recursion: how deep classes are nested is the file's choice.
    stack = [(node, MAIN) for node in reversed(root.children) if node.tag == "default"]
    for node, _parent in stack:
        if node.attributes.get("class", MAIN) != MAIN:
            raise node.error("the outermost <default> has a class of its own; it has to be main.")
    while stack:
        node, name = stack.pop()
        found.joints[name] = _own(node, found.joints[name])
        inner = [child for child in node.children if child.tag == "default"]
        for child in inner:
            _open_class(found, child, name)
        stack.extend((child, child.attributes["class"]) for child in reversed(inner))
    return found


def _own(node: Node, inherited: Mapping[str, str]) -> Mapping[str, str]:
    """What a class says about joints, on top of what it inherits."""
    merged = dict(inherited)
    for child in node.children:
        if child.tag == "joint":
            merged.update(_said(child))
    return merged


def _said(joint: Node) -> dict[str, str]:
    """What an element says itself; a blank attribute says nothing."""
    texts = {name: joint.attributes.get(name, "") for name in OF_JOINTS}
    return {name: text for name, text in texts.items() if text.strip()}


def _open_class(found: Defaults, node: Node, parent: str) -> None:
    name = node.text("class")
    if name is None:
        raise node.error('a <default> inside another needs a class="…".')
    if name in found.joints:
        raise node.error(f"the class {quoted(name)} is defined twice; give one another name.")
    found.joints[name] = found.joints[parent]
