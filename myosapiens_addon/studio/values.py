# SPDX-License-Identifier: GPL-3.0-or-later
"""What each setting may be. A value that is wrong is never repeated: it may be a secret."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

MOST_PARALLEL_JOBS = 16
SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 0.2, 3600.0
GENDERS = ("none", "female", "male")
RATES = ("scene", "capture")
SLOWEST_RATE, FASTEST_RATE = 0.1, 10000.0
KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
}
# Keys of the service look like this; they must not stand in a file that every seat reads.
SECRET = re.compile(r"\bak_[A-Za-z0-9]+_[A-Za-z0-9_\-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IN_PATH = re.compile(r"\$\{([^{}]*)\}")


class WrongValueError(Exception):
    """A value cannot be used; the text says what it must be."""


def kind_of(value: object) -> str:
    """What a value is, in words."""
    return KINDS.get(type(value), "a date or time")


def as_text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be text, not {kind_of(value)}")
    if not value.strip():
        raise WrongValueError("must not be empty")
    if SECRET.search(value):
        raise WrongValueError("holds an API key, which must not stand in a file all seats read")
    return value.strip()


def as_texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise WrongValueError(f"must be a list of texts, not {kind_of(value)}")
    return tuple(as_text(item) for item in cast("list[object]", value))


def as_switch(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongValueError(f"must be true or false, not {kind_of(value)}")
    return value


def as_jobs(value: object) -> int:
    """How many jobs may run at once."""
    wanted = f"must be a whole number from 1 to {MOST_PARALLEL_JOBS}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValueError(f"{wanted}, not {kind_of(value)}")
    if not 1 <= value <= MOST_PARALLEL_JOBS:
        raise WrongValueError(wanted)
    return value


def as_interval(value: object) -> float:
    """Seconds between two looks."""
    return _number(value, least=SHORTEST_INTERVAL_S, most=LONGEST_INTERVAL_S, what="of seconds ")


def as_gender(value: object) -> str:
    """Of the recorded person."""
    return _one_of(value, GENDERS)


def as_rate(value: object) -> str | float:
    """`scene`, `capture`, or keys per second."""
    if isinstance(value, str):
        return _one_of(value, RATES, " or a number")
    return _number(value, least=SLOWEST_RATE, most=FASTEST_RATE, what="")


def as_variable(value: object) -> str:
    """The name of an environment variable."""
    name = as_text(value)
    if not _VARIABLE.fullmatch(name):
        raise WrongValueError("must be the name of an environment variable")
    return name


def as_proxy(value: object) -> str:
    """A proxy's address, with or without a user."""
    text = as_text(value)
    wanted = "must look like http://host:port"
    try:
        parts = urlsplit(text)
        is_usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise WrongValueError(wanted) from None
    is_plain = parts.path in ("", "/") and not (parts.query or parts.fragment)
    is_printable = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme not in ("http", "https") or not (is_usable and is_plain and is_printable):
        raise WrongValueError(wanted)
    return text.rstrip("/")


def as_path(value: object, *, beside: Path, environ: Mapping[str, str]) -> Path:
    """An absolute path.

    Args:
        value: may begin with `~` and hold environment variables, written `${NAME}`.
        beside: folder that a relative path starts from.
        environ: the environment.
    """
    text = as_text(value)
    if "\0" in text:
        raise WrongValueError("must be a path")
    missing = [name for name in _IN_PATH.findall(text) if name not in environ]
    if missing:
        raise WrongValueError(f"names the variable {missing[0]!r}, which is not set here")
    text = _IN_PATH.sub(lambda found: environ[found[1]], text)
    try:
        return Path(os.path.normpath(beside / Path(text).expanduser()))
    except RuntimeError:
        raise WrongValueError("begins with ~, but there is no such home here") from None


def as_bundle(value: object, *, beside: Path, environ: Mapping[str, str]) -> Path:
    """A PEM file with certificates."""
    path = as_path(value, beside=beside, environ=environ)
    # Only a studio with certificates of its own pays for it.
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except FileNotFoundError:
        raise WrongValueError(f"names {path}, which is not there") from None
    except ssl.SSLError:
        raise WrongValueError(f"names {path}, which holds no certificates (PEM)") from None
    except OSError as error:
        raise WrongValueError(f"names {path}, which cannot be read: {error.strerror}") from None
    return path


def as_folder(value: object, *, beside: Path, environ: Mapping[str, str]) -> Path:
    """A folder that is there."""
    path = as_path(value, beside=beside, environ=environ)
    try:
        is_there = path.is_dir()
    except OSError:
        is_there = False
    if not is_there:
        raise WrongValueError(f"names {path}, which is no folder here")
    return path


def as_command(value: object, *, beside: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """A program with its arguments; one with a separator in its name is a path."""
    words = as_texts(value)
    if not words:
        raise WrongValueError("must name a program")
    program = words[0]
    if "/" in program or "\\" in program or program.startswith("~"):
        program = str(as_path(program, beside=beside, environ=environ))
    return (program, *words[1:])


def _number(value: object, *, least: float, most: float, what: str) -> float:
    wanted = f"must be a number {what}from {least:g} to {most:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValueError(f"{wanted}, not {kind_of(value)}")
    # Compared before it is made a float, which the largest whole numbers cannot become.
    if not least <= value <= most or not math.isfinite(value):
        raise WrongValueError(wanted)
    return float(value)


def _one_of(value: object, choices: tuple[str, ...], more: str = "") -> str:
    text = as_text(value).lower()
    if text not in choices:
        names = ", ".join(f'"{choice}"' for choice in choices)
        raise WrongValueError(f"must be one of {names}{more}")
    return text
