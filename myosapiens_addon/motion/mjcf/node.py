# SPDX-License-Identifier: GPL-3.0-or-later
"""One element of a definition, and how its attributes are read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import CharacterError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

NUMBER = re.compile(
    r"[+-]?(\d{1,99}\.?\d{0,99}|\.\d{1,99})([eE][+-]?\d{1,9})?",
    re.ASCII,
)
# Larger than any length or angle; far from where sums and products of them overflow.
LARGEST_NUMBER = 1e10
LONGEST_QUOTE = 40


def quoted(text: str) -> str:
    """A piece of a file for an error: on one line, and not too long for it."""
    short = text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"
    return repr(short)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Node:
    """An element, with the elements of included files in the place of every `<include>`.

    Attributes:
        tag: what it is.
        attributes: as written.
        path: the file that holds it.
        line: its line there.
        children: the elements inside, in order.
    """

    tag: str
    attributes: Mapping[str, str]
    path: Path
    line: str
    children: list[Node] = field(default_factory=list["Node"])

    def error(self, what: str) -> CharacterError:
        """The error that tells `what` is wrong here."""
        return CharacterError(f"{self.path.name}, line {self.line}: {what}")

    @property
    def title(self) -> str:
        """The element for an error: "the joint 'knee'", or "a joint" when it has no name."""
        name = self.text("name")
        return f"the {self.tag} {quoted(name)}" if name else f"a {self.tag}"

    def text(self, attribute: str) -> str | None:
        """An attribute as it stands; None where it is missing or empty."""
        return self.attributes.get(attribute) or None

    def choice(self, attribute: str, options: Collection[str], default: str) -> str:
        """An attribute that is one of some words.

        Raises:
            CharacterError: it is another.
        """
        word = self.attributes.get(attribute, default)
        if word not in options:
            raise self.error(
                f"{self.title} has {attribute}={quoted(word)}; it has to be {' or '.join(options)}."
            )
        return word

    def numbers(self, attribute: str, count: int) -> tuple[float, ...] | None:
        """An attribute that holds so many numbers; None where it is missing or blank.

        Raises:
            CharacterError: it holds more or fewer, or something that is no finite number.
        """
        text = self.attributes.get(attribute, "")
        words = text.split(maxsplit=count)
        if not words:
            return None
        values = [float(word) if NUMBER.fullmatch(word) else math.nan for word in words]
        # Said this way round, NaN is refused too.
        if len(values) != count or not all(abs(value) <= LARGEST_NUMBER for value in values):
            numbers = "a number" if count == 1 else f"{count} numbers"
            raise self.error(
                f"{self.title} has {attribute}={quoted(text)}; it has to be {numbers} "
                f"up to {LARGEST_NUMBER:g}, with spaces between."
            )
        return tuple(values)

    def below(self) -> Iterator[Node]:
        """All elements inside, at any depth."""
        stack = list(self.children)
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.children)
