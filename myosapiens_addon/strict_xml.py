# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses XML from anywhere: nothing in it can reach another file or fill the memory.

No document type and so no entities, neither those that multiply nor those that fetch; sizes,
numbers and depths are bounded; only regular files are opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

if TYPE_CHECKING:
    from pathlib import Path

    from .errors import InputError

# Under this attribute, which no document can have, each element keeps its line for errors.
LINE = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is read: the words for its errors, and how much there may be.

    Attributes:
        error: raised for whatever is wrong.
        noun: what the document is to be, as "markerset".
        advice: what the user is to do with another file, as "choose a markerset (XML)".
        most_bytes: the largest size of a file.
        most_elements: the largest number of elements.
        deepest: how deep elements may be nested.
    """

    error: type[InputError]
    noun: str
    advice: str
    most_bytes: int = 8 * 1024 * 1024
    most_elements: int = 100_000
    deepest: int = 64


@dataclass(kw_only=True)
class Budget:
    """What is left for the next file of a document that consists of several."""

    left_bytes: int
    left_elements: int

    @classmethod
    def of(cls, rules: Rules) -> Budget:
        """All that the rules allow."""
        return cls(left_bytes=rules.most_bytes, left_elements=rules.most_elements)


def parse(path: Path, rules: Rules, budget: Budget | None = None) -> Element:
    """The root of a file's elements, each with its line under `LINE`; text is left out.

    Args:
        path: the file.
        rules: words and limits.
        budget: what is left where several files share the limits; this one is taken off it.

    Raises:
        InputError: as `rules.error`; the file cannot be read, is no XML, declares a document
            type, or is larger than the rules allow.
    """
    budget = Budget.of(rules) if budget is None else budget
    content = _load(path, rules, budget)
    handlers = _Handlers(path, rules, budget)
    try:
        handlers.parser.Parse(content, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise rules.error(
            f"{path.name} is not XML: {what} in line {error.lineno}, column {error.offset + 1}; "
            f"{rules.advice}."
        ) from error
    except (LookupError, ValueError) as error:
        raise rules.error(
            f"{path.name} is not XML: its encoding is not known; save it as UTF-8."
        ) from error
    return handlers.builder.close()


class _Handlers:
    """What expat calls for one file."""

    def __init__(self, path: Path, rules: Rules, budget: Budget) -> None:
        self.builder = TreeBuilder()
        self.parser = expat.ParserCreate()
        self._path, self._rules, self._budget = path, rules, budget
        self._depth = 0
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._budget.left_elements -= 1
        beginning = f"{self._path.name} is no {self._rules.noun}: "
        if self._depth > self._rules.deepest:
            raise self._rules.error(f"{beginning}its elements are nested too deep.")
        if self._budget.left_elements < 0:
            raise self._rules.error(f"{beginning}it has too many elements.")
        element = self.builder.start(tag, attributes)
        element.set(LINE, str(self.parser.CurrentLineNumber))

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self.builder.end(tag)

    def _refuse(self, *_declaration: object) -> NoReturn:
        raise self._rules.error(
            f"{self._path.name} declares a document type, which is not allowed here; "
            "remove that line."
        )


def _load(path: Path, rules: Rules, budget: Budget) -> bytes:
    try:
        # Opening a pipe would wait for ever, a device might never end.
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file"
            raise rules.error(f"{path} is {kind}; {rules.advice}.")
        with path.open("rb") as stream:
            content = stream.read(budget.left_bytes + 1)
    except FileNotFoundError as error:
        raise rules.error(f"{path} does not exist; check the path.") from error
    except OSError as error:
        raise rules.error(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise rules.error("The path of the file holds characters that no path can have.") from error
    if not content.strip():
        raise rules.error(f"{path.name} is empty; {rules.advice}.")
    if len(content) > budget.left_bytes:
        raise rules.error(f"{path.name} is too large to be a {rules.noun}.")
    budget.left_bytes -= len(content)
    return content
