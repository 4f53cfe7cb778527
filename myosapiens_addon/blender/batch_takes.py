# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes of a batch: rows of the table as the command line of `retarget`, all checked first."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..jobs import takes_table
from ..jobs.spec import Subject
from ..jobs.takes_table import Kind
from ..retarget.mapping import presets
from . import headless_takes, landing_checks, paths, report
from .landing_options import LandingNotes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..jobs.takes_table import Row
    from ..jobs.uploads import Uploads

# Files that a row must not share with another.
WRITTEN = ("out", "report", "preview", "angles_out")
READ = ("c3d", "markerset", "blend")
SOLVE = ("character", "height", "weight", "gender", "no_scaling")

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class BatchReport(report.TakeReport):
    """One row of a batch's report.

    Attributes:
        number: of the take, in the order of the table, from 1.
        name: of the take, of which there is one in a batch.
        out: path of the result.
        blend: path of the file that it was put into; empty for a new one.
        before: whether an earlier run did it.
        coverage: each marker that the solve uses, and the share of frames that it is seen in.
        thumbnail: path of its picture.
        times: when it was begun and ended (ISO 8601).
    """

    number: int = 0
    name: str = ""
    out: str = ""
    blend: str = ""
    before: bool = False
    coverage: list[dict[str, Any]] = field(default_factory=list)
    thumbnail: str = ""
    times: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False)
class BatchTake:
    """One take of a batch.

    Attributes:
        number: in the order of the table, from 1.
        name: what it is called; there is one of that name in a batch.
        row: the line of the table that it is of.
        options: what the command line of `retarget` would be.
        report: what becomes of it.
    """

    number: int
    name: str
    row: Row
    options: argparse.Namespace
    report: BatchReport

    @property
    def blend(self) -> str:
        """The file that it is put into; empty for a new one."""
        return str(self.options.blend.absolute()) if self.options.blend else ""

    def notes(self, key: str) -> LandingNotes:
        """What the journal keeps of how it lands."""
        return LandingNotes(
            name=paths.take_name(self.options.c3d),
            options=headless_takes.landing_options(self.options),
            blend=self.blend,
            out=str(self.options.out.absolute()),
            batch=key,
        )

    def key(self, base_url: str, uploads: Uploads) -> str:
        """What this take is known by when the batch is started again.

        It is of what is paid for, and of where the result goes; not of how it lands.

        Raises:
            InputError: a file cannot be read.
        """
        what = {
            "service": base_url,
            "name": self.options.c3d.name,
            "take": uploads.content(self.options.c3d).sha256,
            "markerset": uploads.content(self.options.markerset).sha256,
            "out": str(self.options.out.absolute()),
            **{name: getattr(self.options, name) for name in SOLVE},
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def read(
    table: Path,
    *,
    parser: argparse.ArgumentParser,
    defaults: Mapping[str, Any],
    out_dir: Path,
    blend: str,
) -> list[BatchTake]:
    """The takes of a table, with all that can be found wrong in it found.

    Args:
        table: its file.
        parser: what a row may say.
        defaults: options for all rows that do not give them.
        out_dir: where results go whose place is not given.
        blend: the file that takes are put into which do not name one; empty for a new one.

    Raises:
        InputError: something is wrong: the sentence says in which line and column.
    """
    columns = _columns(parser)
    rows = takes_table.read(table, {name: kind for name, (kind, _) in columns.items()})
    actions = {name: action for name, (_, action) in columns.items()}
    found = [_options(row, parser, actions, defaults, blend) for row in rows]
    _place(rows, found, out_dir)
    _tell_repeated(rows, found)
    names = _unique([paths.file_name(options.out.stem) for options in found])
    checked = _Checked()
    takes: list[BatchTake] = []
    for number, (row, options, name) in enumerate(zip(rows, found, names, strict=True), start=1):
        checked.check(row, options)
        takes.append(_take(number, name, row, options))
    return takes


def _columns(parser: argparse.ArgumentParser) -> dict[str, tuple[Kind, argparse.Action]]:
    """Column to what it holds and to the option it stands for."""
    actions = parser._actions
    return {
        action.option_strings[-1].lstrip("-").replace("-", "_"): (_kind(action), action)
        for action in actions
    }


def _kind(action: argparse.Action) -> Kind:
    if action.nargs == 0:
        return Kind.FLAG
    if action.type is Path:
        return Kind.PATH
    return Kind.NAME_OR_PATH if action.dest == "map" else Kind.TEXT


def _options(
    row: Row,
    parser: argparse.ArgumentParser,
    actions: Mapping[str, argparse.Action],
    defaults: Mapping[str, Any],
    blend: str,
) -> argparse.Namespace:
    given = {actions[name].dest for name in row.values}
    wanted = {actions[name].dest for name, value in row.values.items() if value is not False}
    # A row that names an armature wants no new one, whatever all others want.
    for group in parser._mutually_exclusive_groups:
        among = {action.dest for action in group._group_actions}
        if among & wanted:
            given |= among
    start = {name: value for name, value in defaults.items() if name not in given}
    # There is no word for "no": the studio's settings may have made the option's default a yes.
    start |= {
        actions[name].dest: not actions[name].const
        for name, value in row.values.items()
        if value is False
    }
    words = [
        f"{actions[name].option_strings[-1]}" + ("" if value is True else f"={value}")
        for name, value in row.values.items()
        if value is not False
    ]
    try:
        options = parser.parse_args(words, argparse.Namespace(**start))
    except argparse.ArgumentError as error:
        column = (error.argument_name or "").lstrip("-").replace("-", "_")
        raise row.error(column, error.message) from None
    if options.blend is None and blend:
        options.blend = Path(blend)
    for name in READ:
        _check_file(row, name, getattr(options, name))
    return options


def _check_file(row: Row, name: str, path: Path | None) -> None:
    if path is None:
        if name != "blend":
            raise row.error(name, f"it is missing; give the column, or --{name} for all takes")
        return
    try:
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise row.error(name, f"{path} is not there; check the path")


def _place(rows: Sequence[Row], found: Sequence[argparse.Namespace], out_dir: Path) -> None:
    """Give each take its place; none is another's."""
    taken: dict[str, Row] = {}
    for row, options in zip(rows, found, strict=True):
        name = f"{paths.file_name(options.c3d.stem)}.blend"
        if options.out is not None and options.out.suffix.lower() != ".blend":
            options.out /= name
        for column in WRITTEN:
            path = getattr(options, column)
            if path is None:
                continue
            other = taken.setdefault(_same(path), row)
            if other is not row:
                raise row.error(column, f"{path} is what line {other.line} writes to already")
    for options in found:
        if options.out is None:
            options.out = _free(out_dir / f"{paths.file_name(options.c3d.stem)}.blend", taken)
    written = {_same(options.out): row for row, options in zip(rows, found, strict=True)}
    for row, options in zip(rows, found, strict=True):
        writer = written.get(_same(options.blend)) if options.blend else None
        if writer is not None and writer is not row:
            what = f"{options.blend} is what line {writer.line} writes to; name another for one"
            raise row.error("blend", what)


def _tell_repeated(rows: Sequence[Row], found: Sequence[argparse.Namespace]) -> None:
    """Warn of takes that are paid for more than once: patterns overlap easily."""
    first: dict[tuple[Any, ...], Row] = {}
    repeated: list[str] = []
    for row, options in zip(rows, found, strict=True):
        files = (_same(options.c3d), _same(options.markerset))
        key = (*files, *(getattr(options, name) for name in SOLVE))
        other = first.setdefault(key, row)
        if other is not row:
            repeated.append(f"{options.c3d.name}, in line {row.line} as in line {other.line}")
    if repeated:
        more = f", and {len(repeated) - 1} more" if len(repeated) > 1 else ""
        logger.warning("Solved and paid for more than once: %s%s.", repeated[0], more)


def _free(path: Path, taken: dict[str, Any]) -> Path:
    candidate, number = path, 1
    while _same(candidate) in taken:
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    taken[_same(candidate)] = None
    return candidate


def _same(path: Path) -> str:
    """What two paths of one file have in common; some systems do not tell case apart."""
    return os.path.normpath(path.absolute()).casefold()


def _unique(names: Sequence[str]) -> list[str]:
    taken: dict[str, Any] = {}
    return [_free(Path(name), taken).name for name in names]


class _Checked:
    """Looks at what rows ask for; what many have in common is looked at once."""

    def __init__(self) -> None:
        self._maps: set[str] = set()

    def check(self, row: Row, options: argparse.Namespace) -> None:
        """Refuse what makes no sense.

        Raises:
            InputError: something does not.
        """
        try:
            Subject(height_m=options.height, weight_kg=options.weight, gender=options.gender)
            landing_checks.check_options(headless_takes.landing_options(options))
        except InputError as error:
            raise row.error("", error.sentence) from error
        if options.map and options.map not in self._maps:
            try:
                presets.find(options.map, paths.bone_maps())
            except InputError as error:
                raise row.error("map", error.sentence) from error
            self._maps.add(options.map)


def _take(number: int, name: str, row: Row, options: argparse.Namespace) -> BatchTake:
    blend = str(options.blend.absolute()) if options.blend else ""
    told = BatchReport(
        number=number,
        name=name,
        c3d=str(options.c3d),
        markerset=str(options.markerset),
        out=str(options.out.absolute()),
        blend=blend,
    )
    return BatchTake(number=number, name=name, row=row, options=options, report=told)
