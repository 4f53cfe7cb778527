# SPDX-License-Identifier: GPL-3.0-or-later
"""A definition's files: reads the first and, in their places, all that it includes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ... import strict_xml
from ...errors import CharacterError
from .node import Node, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

# MuJoCo's own parser goes no deeper. The limits hold for all files together.
RULES = strict_xml.Rules(
    error=CharacterError,
    noun="character definition",
    advice="choose a character definition (MJCF)",
    deepest=500,
)
# All that holds bodies, joints or classes; what stands inside anything else is not looked at.
LOOKED_INTO = frozenset({"worldbody", "body", "frame", "replicate", "default"})
SLASHES = frozenset("/\\")


def load(path: Path) -> Node:
    """The whole definition; `<include>` is replaced by what stands in the other file.

    A file is looked for beside the first file, then beside the one that includes it, and is
    included once at most.

    Raises:
        CharacterError: a file is missing, no XML or included twice, or all are too large.
    """
    return _Loader(path).load()


@dataclass(kw_only=True)
class _Open:
    """An element whose children are being visited; they become children of `node`."""

    node: Node
    rest: Iterator[Element]
    path: Path


@dataclass
class _Loader:
    """One reading of one definition."""

    main: Path
    budget: strict_xml.Budget = field(default_factory=lambda: strict_xml.Budget.of(RULES))
    seen: set[Path] = field(default_factory=set[Path])

    def load(self) -> Node:
        """Visit all elements, without recursion: how deep they go is the files' choice."""
        element = self._parse(self.main)
        root = _node(element, self.main)
        stack = [_Open(node=root, rest=iter(element), path=self.main)]
        while stack:
            top = stack[-1]
            child = next(top.rest, None)
            if child is None:
                stack.pop()
            elif child.tag == "include":
                stack.append(self._include(child, top))
            else:
                node = _node(child, top.path)
                top.node.children.append(node)
                if child.tag in LOOKED_INTO:
                    stack.append(_Open(node=node, rest=iter(child), path=top.path))
            if len(stack) > RULES.deepest:
                raise stack[-1].node.error("the elements are nested too deep.")
        return root

    def _include(self, element: Element, top: _Open) -> _Open:
        node = _node(element, top.path)
        name = node.text("file")
        if name is None:
            raise node.error('an <include> names no file; it has to be <include file="…"/>.')
        path = self._find(node, name)
        if path.resolve() in self.seen:
            raise node.error(
                f"{quoted(name)} is included a second time, which MJCF does not allow; "
                "remove one <include>."
            )
        content = self._parse(path)
        if not len(content):
            raise node.error(f"the included file {quoted(name)} holds no elements.")
        return _Open(node=top.node, rest=iter(content), path=path)

    def _find(self, node: Node, name: str) -> Path:
        # On Windows such a path names another computer, which would be told who asks.
        if name[:1] in SLASHES and name[1:2] in SLASHES:
            raise node.error(
                f"the included file {quoted(name)} is on another computer; copy it here."
            )
        # Written on Windows, a path may have backslashes; MuJoCo takes them anywhere.
        there = name.replace("\\", "/")
        for folder in (self.main.parent, node.path.parent):
            try:
                if (folder / there).exists():
                    return folder / there
            except (OSError, ValueError):
                break
        raise node.error(
            f"the included file {quoted(name)} does not exist; put it where this file expects it."
        )

    def _parse(self, path: Path) -> Element:
        element = strict_xml.parse(path, RULES, self.budget)
        self.seen.add(path.resolve())
        return element


def _node(element: Element, path: Path) -> Node:
    line = element.get(strict_xml.LINE, "")
    return Node(tag=element.tag, attributes=element.attrib, path=path, line=line)
