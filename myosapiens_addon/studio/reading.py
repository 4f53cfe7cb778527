# SPDX-License-Identifier: GPL-3.0-or-later
"""From the studio's file (TOML) to settings; what is wrong with it is told, the rest is used.

::

    lock = ["service.base_url", "key"]      what a seat cannot change; before the first table

    [service]
    base_url = "https://…"                  https, or http on the seat's own machine
    parallel_jobs = 3                       1 to 16
    poll_interval_s = 2.0                   0.2 to 3600
    [key]                                   one of the three; never the key itself
    env = "NAME"
    file = "path"
    command = ["program", "argument"]
    [network]
    proxy = "http://host:port"
    ca_bundle = "path"                      PEM
    [defaults]                              what new takes begin with
    enable_scaling = true
    gender = "none"                         none, female, male
    rate = "scene"                          scene, capture, or keys per second
    set_range = false
    [maps]
    folder = "path"

Relative paths start from the file's folder; in paths alone `~` and `${NAME}` are filled in.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, cast

from .. import small_text
from ..errors import InputError
from . import settings, values
from .lines import line_of
from .locks import Lock, read_lock
from .parts import Fault, KeySource
from .settings import StudioSettings
from .values import WrongValueError

Table = dict[str, object]
Value = TypeVar("Value")

LARGEST_FILE_BYTES = 64 * 1024
KEYS: Mapping[str, tuple[str, ...]] = {
    "service": ("base_url", "parallel_jobs", "poll_interval_s"),
    "key": ("env", "file", "command"),
    "network": ("proxy", "ca_bundle"),
    "defaults": ("enable_scaling", "gender", "rate", "set_range"),
    "maps": ("folder",),
}
_SECRETS = ("api_key", "apikey", "key", "password", "secret", "token", "value")
_TELLS_LOCK = re.compile(r"^\s*(?:[\w\"'-]+\s*\.\s*)*[\"']?lock[\"']?\s*=", re.MULTILINE)
_AT_LINE = re.compile(r"\s*\(at (line (\d+), column (\d+)|end of document)\)$")


def read(
    path: Path, *, environ: Mapping[str, str], check_url: Callable[[str], str]
) -> StudioSettings:
    """Read a studio's file; never raises, whatever is in it.

    Args:
        path: the file, absolute.
        environ: the environment, for variables in paths.
        check_url: gives an address as it is used, or raises InputError.
    """
    try:
        text = small_text.read(path, what="settings (TOML)", most_bytes=LARGEST_FILE_BYTES)
    except InputError as error:
        return _unreadable(path, f"The studio's settings cannot be used: {error.sentence}")
    try:
        top = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _no_toml(path, text, str(error))
    except (RecursionError, ValueError):
        return _no_toml(path, text, "it is nested too deeply, or holds too large a number")
    return _Reading(path, text, top, environ).all(check_url)


def _unreadable(path: Path, sentence: str) -> StudioSettings:
    """What it locks is not known, so that nothing may be sent."""
    fault = Fault(name="", sentence=sentence)
    return StudioSettings(file=path, faults=(fault,), refusal=_refusal(sentence))


def _no_toml(path: Path, text: str, message: str) -> StudioSettings:
    place = _AT_LINE.search(message)
    where = f", line {place[2]}" if place and place[2] else ""
    reason = _AT_LINE.sub("", message)
    reason = f"{reason[:1].lower()}{reason[1:]}".rstrip(".")
    sentence = f"{path}{where}: this is not TOML ({reason}); none of its settings is used."
    if _TELLS_LOCK.search(text):
        return _unreadable(path, sentence)
    return StudioSettings(file=path, faults=(Fault(name="", sentence=sentence),))


def _refusal(sentence: str) -> str:
    return f"Nothing is sent until the studio's settings are put right: {sentence}"


class _Reading:
    """One file, on its way to settings."""

    def __init__(self, path: Path, text: str, top: Table, environ: Mapping[str, str]) -> None:
        self.path = path
        self._text = text
        self._environ = environ
        self.faults: list[Fault] = []
        self.present: set[str] = set()
        self._lock = top.pop("lock", None)
        self._misplaced = ""
        self._values = self._flat(top)

    def all(self, check_url: Callable[[str], str]) -> StudioSettings:
        """Everything that the file says."""
        take = self._take
        read = StudioSettings(
            file=self.path,
            base_url=take(settings.BASE_URL, partial(_as_url, check_url)) or "",
            parallel_jobs=take(settings.PARALLEL_JOBS, values.as_jobs),
            poll_interval_s=take(settings.POLL_INTERVAL, values.as_interval),
            key=self._key(),
            proxy=take(settings.PROXY, values.as_proxy) or "",
            ca_bundle=take(settings.CA_BUNDLE, self._path(values.as_bundle)),
            defaults=self._defaults(),
            maps=take(settings.MAPS, self._path(values.as_folder)),
        )
        return self._with_locks(read)

    def _path(self, convert: Callable[..., Value]) -> Callable[[object], Value]:
        return partial(convert, beside=self.path.parent, environ=self._environ)

    def fault(self, name: str, words: str, *, at: str = "") -> None:
        """Note what is wrong with a setting, and where."""
        line = line_of(self._text, at or name)
        where = f"{self.path}, line {line}" if line else str(self.path)
        self.faults.append(Fault(name=name, sentence=f"{where}: {words}"))

    def _flat(self, top: Table) -> Table:
        """The known keys as `table.key`; each that is not known is a fault."""
        found: Table = {}
        for table, content in top.items():
            if table not in KEYS:
                self._unknown(table, table, [*KEYS, "lock"])
            elif not isinstance(content, dict):
                kind = values.kind_of(content)
                self.present.add(table)
                self.fault(table, f"{table} must be a table, not {kind}.")
            else:
                found |= self._of_table(table, cast("Table", content))
        return found

    def _of_table(self, table: str, content: Table) -> Table:
        found: Table = {}
        for key, value in content.items():
            name = f"{table}.{key}"
            if key == "lock":
                self._misplaced = name
                self._lock = value if self._lock is None else self._lock
                self.fault("lock", "lock must stand before the first table.", at=name)
            elif key in KEYS[table]:
                self.present.add(name)
                found[name] = value
            else:
                self._unknown(name, key, KEYS[table])
        return found

    def _unknown(self, name: str, key: str, known: Iterable[str]) -> None:
        of_key = name in (key, f"{settings.KEY}.{key}")
        if (of_key and key.lower() in _SECRETS) or values.SECRET.search(name):
            self.present.add(settings.KEY)
            told = "a setting" if values.SECRET.search(name) else name
            words = "the API key must not stand in a file that all seats read; say where it is"
            self.fault(settings.KEY, f"{told}: {words} by env, file or command of [key].", at=name)
            return
        near = difflib.get_close_matches(key, list(known), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
        self.fault(name, f"{name} is no setting; {hint}")

    def _take(self, name: str, convert: Callable[[object], Value]) -> Value | None:
        """A value that is there and right; one that is wrong is a fault."""
        if name not in self._values:
            return None
        try:
            return convert(self._values[name])
        except WrongValueError as wrong:
            self.fault(name, f"{name} {wrong}.")
        except InputError as error:
            self.fault(name, f"{name}: {error.sentence}")
        return None

    def _key(self) -> KeySource | None:
        given = [name for name in sorted(self.present) if name.startswith("key.")]
        if not given:
            return None
        self.present.add(settings.KEY)
        before = len(self.faults)
        source = KeySource(
            variable=self._take("key.env", values.as_variable) or "",
            file=self._take("key.file", self._path(values.as_path)),
            command=self._take("key.command", self._path(values.as_command)) or (),
        )
        if len(given) > 1:
            self.fault(settings.KEY, f"{' and '.join(given)} are both given; keep one.", at="key")
        is_wrong = any(fault.name == settings.KEY for fault in self.faults)
        return None if is_wrong or len(self.faults) > before else source

    def _defaults(self) -> Mapping[str, bool | str | float]:
        found = {
            settings.SCALING: self._take(settings.SCALING, values.as_switch),
            settings.GENDER: self._take(settings.GENDER, values.as_gender),
            settings.RATE: self._take(settings.RATE, values.as_rate),
            settings.RANGE: self._take(settings.RANGE, values.as_switch),
        }
        right = {
            name.partition(".")[2]: value for name, value in found.items() if value is not None
        }
        return MappingProxyType(right)

    def _with_locks(self, read: StudioSettings) -> StudioSettings:
        lock = read_lock(self._lock, present=self.present, misplaced=bool(self._misplaced))
        for words in lock.faults:
            self.fault("lock", words, at=self._misplaced or "lock")
        usable = {name for name in settings.NAMES if _is_set(read, name)}
        refusal = self._refusal(lock, usable)
        return replace(read, locked=lock.names & usable, faults=tuple(self.faults), refusal=refusal)

    def _refusal(self, lock: Lock, usable: set[str]) -> str:
        """Each lock on what is not usable is a fault; on what is guarded, a refusal."""
        refusal = ""
        for name in settings.NAMES:
            if name not in lock.names - usable:
                continue
            if not any(self._is_of(fault, name) for fault in self.faults):
                words = f"lock names {name}, which this file does not set."
                self.fault(name, words, at=self._misplaced or "lock")
            sentence = next(fault.sentence for fault in self.faults if self._is_of(fault, name))
            if name in settings.GUARDED and not refusal:
                refusal = _refusal(sentence)
        return refusal

    @staticmethod
    def _is_of(fault: Fault, name: str) -> bool:
        """Whether a fault is of a setting, or of the table that it is in."""
        return fault.name in (name, name.partition(".")[0]) or fault.name.startswith(f"{name}.")


def _as_url(check_url: Callable[[str], str], value: object) -> str:
    return check_url(values.as_text(value))


def _is_set(read: StudioSettings, name: str) -> bool:
    table, _, key = name.partition(".")
    if table == "defaults":
        return key in read.defaults
    value = getattr(read, {"key": "key", "maps.folder": "maps"}.get(name, key))
    return value not in (None, "")
