# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the service's JSON, forgiving what is missing and refusing what is wrong.

Unknown keys are left out, optional keys may be absent or null; a value of another type, or
a required key that is absent, is an `AnswerError` that names the endpoint and the key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar, cast

from .errors import AnswerError

Item = TypeVar("Item")


class Reader:
    """One JSON object of an answer.

    Attributes:
        endpoint: what was asked (`GET /v1/jobs`), for the error's sentence.
    """

    def __init__(self, value: object, endpoint: str) -> None:
        self.endpoint = endpoint
        if not isinstance(value, Mapping):
            raise self.error("an object was expected")
        self._value = cast("Mapping[str, object]", value)

    def error(self, what: str) -> AnswerError:
        """The error to raise for this answer."""
        return AnswerError(
            f"The service's answer to {self.endpoint} was not understood: {what}. "
            "It may speak another version of the API."
        )

    def raw(self, key: str) -> object:
        """The value as it came; None where it is absent."""
        return self._value.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is there, and not null."""
        return self._value.get(key) is not None

    def text(self, *keys: str) -> str:
        """The first of the keys that is there, as a non-empty string."""
        value = self.optional_text(*keys)
        if not value:
            raise self.error(f"{keys[0]} is missing")
        return value

    def optional_text(self, *keys: str) -> str | None:
        """The first of the keys that is there, as a string."""
        return self._first(str, "text", keys)

    def number(self, key: str) -> float | None:
        """A number, or None."""
        value = self._first((int, float), "a number", (key,))
        return None if value is None else float(value)

    def integer(self, key: str) -> int | None:
        """A whole number, or None."""
        value = self.number(key)
        if value is not None and not value.is_integer():
            raise self.error(f"{key} is no whole number")
        return None if value is None else int(value)

    def count(self, key: str, default: int) -> int:
        """A whole number that is not negative, or the default."""
        value = self.integer(key)
        if value is not None and value < 0:
            raise self.error(f"{key} is negative")
        return default if value is None else value

    def flag(self, key: str) -> bool | None:
        """A truth value, or None."""
        value = self._value.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(f"{key} is not true or false")
        return value

    def time(self, *keys: str) -> datetime | None:
        """An ISO 8601 time; one without a zone is taken as UTC."""
        text = self.optional_text(*keys)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.error(f"{keys[0]} is no ISO 8601 time") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def object(self, key: str) -> Reader | None:
        """An object within the object, or None."""
        value = self._value.get(key)
        return None if value is None else Reader(value, f"{self.endpoint} ({key})")

    def mapping(self, key: str) -> dict[str, object]:
        """An object as it is; empty where it is absent."""
        value = self._value.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise self.error(f"{key} is not an object")
        return dict(cast("Mapping[str, object]", value or {}))

    def text_mapping(self, key: str) -> dict[str, str]:
        """An object of strings; entries that are null are left out."""
        found = {name: value for name, value in self.mapping(key).items() if value is not None}
        for name, value in found.items():
            if not isinstance(value, str):
                raise self.error(f"{key}.{name} is not text")
        return cast("dict[str, str]", found)

    def items(self, key: str, parse: Callable[[Reader], Item], *, required: bool) -> list[Item]:
        """Every entry of a list of objects, parsed."""
        value = self._value.get(key)
        if value is None and not required:
            return []
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.error(f"{key} is no list" if value is not None else f"{key} is missing")
        entries = cast("Sequence[object]", value)
        return [parse(Reader(entry, f"{self.endpoint} ({key})")) for entry in entries]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty where it is absent."""
        value = self._value.get(key)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.error(f"{key} is no list")
        return tuple(str(entry) for entry in cast("Sequence[object]", value))

    def _first(
        self, kinds: type[Item] | tuple[type[Item], ...], what: str, keys: tuple[str, ...]
    ) -> Item | None:
        for key in keys:
            value = self._value.get(key)
            if value is None:
                continue
            # A truth value is an int to Python, never to the service.
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise self.error(f"{key} is not {what}")
            return value
        return None
