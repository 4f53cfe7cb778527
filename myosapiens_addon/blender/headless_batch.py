# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-commands `batch` and `merge`: hundreds of takes, and reports of their parts."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import InputError, MyoSapiensError
from ..files import check_writable
from ..jobs import takes_table
from ..jobs.batch import Batch
from ..jobs.journal import Journal
from ..jobs.settings import PipelineSettings
from ..jobs.sharing import Sharing
from ..jobs.uploads import Uploads
from ..jobs.uploads_memory import UploadsMemory
from ..service.errors import AuthenticationError, UnreachableError
from . import batch_report, batch_takes, connection, paths, preferences
from .answer import Answer
from .batch_driver import Driver
from .batch_ledger import Ledger
from .batch_progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from .batch_takes import BatchTake

MOST_AT_A_TIME = 64
# All takes wait for the rate limit together, however long it lasts.
PATIENCE_S = 6 * 3600.0
# Jobs may stand in a long queue on the service.
SOLVE_LIMIT_S = 24 * 3600.0
INTERRUPTED = 130
PAGE = ".html"
# Of the batch itself, not of its rows.
OWN = ("c3d", "out", "report", "preview")

logger = logging.getLogger(__name__)


def batch(options: argparse.Namespace) -> Answer:
    """Solve the takes of a table on the service and put each on an armature."""
    begun_s = time.monotonic()
    out_dir = options.out.absolute()
    report = options.report or out_dir / "report.json"
    if report.suffix.lower() == PAGE:
        raise InputError(f"--report {report} names the page, which is written beside a .json file.")
    _check_state(options)
    check_writable(report)
    takes = _takes(options, out_dir)
    settings = preferences.read(base_url=options.base_url)
    concurrency = preferences.read_parallel_jobs(options.concurrency)
    access = _access(settings)
    _knock(access)
    stdout = options.stdout if options.json else None
    progress = Progress(takes=len(takes), stderr=sys.stderr, stdout=stdout, concurrency=concurrency)
    driver = _driver(options, access, settings, progress, out_dir)
    with _stoppable() as stopped:
        run = Batch(takes, driver=driver, concurrency=concurrency, stopped=stopped)
        try:
            run.run()
        except KeyboardInterrupt:
            stopped.set()
        finally:
            progress.close()
        # All is done by now: who is impatient gets the report all the same.
        with _heard_by(signal.SIG_IGN):
            rows = [take.report.as_dict() for take in takes]
            told = batch_report.summary(
                rows, seconds=round(time.monotonic() - begun_s, 3), concurrency=concurrency
            )
            page = batch_report.write(report, rows, told, title=out_dir.name, folder=out_dir)
    code = INTERRUPTED if stopped.is_set() else _exit_code(told, run.stopped_by)
    text = f"{batch_report.sentence(told)} {page}"
    if stopped.is_set():
        logger.info("Interrupted; the same command goes on where it was.")
    data = {"event": "summary", **told, "exit_code": code, "report": str(report), "page": str(page)}
    return Answer(data=data, text=text, exit_code=code)


def _takes(options: argparse.Namespace, out_dir: Path) -> list[BatchTake]:
    from .headless import row_parser

    parser = row_parser()
    of_rows = {action.dest for action in parser._actions} - set(OWN)
    given = {name: value for name, value in vars(options).items() if name in of_rows}
    # All rows are looked at, so that every part of a farm gives the same takes the same names.
    takes = batch_takes.read(
        options.jobs, parser=parser, defaults=given, out_dir=out_dir, blend=bpy.data.filepath
    )
    return takes if options.rows is None else takes_table.part(takes, options.rows)


def _access(settings: preferences.Settings) -> connection.Access:
    """The way to the service, with one rate limit for all takes."""
    from ..service.rate_gate import RateGate
    from ..service.retry import RetryPolicy

    retry = RetryPolicy(rate_limit_patience_s=PATIENCE_S)
    return replace(connection.allowed(settings), gate=RateGate(), retry=retry)


def _knock(access: connection.Access) -> None:
    """One request before all others: a wrong key or address is told at once."""
    with access.client() as client:
        client.list_characters(limit=1)


def _kept_in(options: argparse.Namespace, part: str) -> Path:
    """A folder of what lasts from one run to the next."""
    if options.state is None:
        return paths.user_directory(part)
    state: Path = options.state.absolute()
    return state if part == "service" else state / part


def _check_state(options: argparse.Namespace) -> None:
    """Without a journal a take may be paid twice: no take is begun.

    Raises:
        InputError: it cannot be written.
    """
    for part in ("jobs", "downloads"):
        try:
            check_writable(_kept_in(options, part) / "new")
        except InputError as error:
            raise InputError(f"{error.sentence.rstrip('.')} with --state.") from error


def _driver(
    options: argparse.Namespace,
    access: connection.Access,
    settings: preferences.Settings,
    progress: Progress,
    out_dir: Path,
) -> Driver:
    store = _kept_in(options, "service") / "uploads.json"
    uploads = Uploads(
        base_url=access.base_url, memory=None if options.no_reuse else UploadsMemory(store)
    )
    return Driver(
        base_url=access.base_url,
        connect=access.client,
        settings=PipelineSettings(
            poll_interval_s=settings.poll_interval_s,
            time_limit_s=SOLVE_LIMIT_S,
            sharing=Sharing(uploads=uploads),
        ),
        uploads=uploads,
        ledger=Ledger(Journal(_kept_in(options, "jobs"))),
        progress=progress,
        downloads=_kept_in(options, "downloads"),
        thumbnails=out_dir / "thumbs" if options.thumbnails else None,
    )


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """The first Ctrl-C, or polite kill, stops in order; more of them do not disturb that."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not stopped.is_set():
            stopped.set()
            raise KeyboardInterrupt

    with _heard_by(stop):
        yield stopped


@contextmanager
def _heard_by(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Who hears of Ctrl-C and of a polite kill meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, former in zip(numbers, before, strict=True):
            signal.signal(number, former)


def _exit_code(told: dict[str, Any], stopped_by: MyoSapiensError | None) -> int:
    if isinstance(stopped_by, AuthenticationError):
        return 3
    if isinstance(stopped_by, UnreachableError):
        return 4
    return 1 if told["failed"] or told["cancelled"] else 0


# Arguments


def add_commands(
    add: Callable[..., argparse.ArgumentParser],
    commands: object,
    shared: Callable[[argparse.ArgumentParser], None],
) -> None:
    """The sub-commands of this module.

    Args:
        add: see `headless._add`.
        commands: likewise.
        shared: adds the options that `retarget` has too.
    """
    command = add(commands, "batch", batch, "Solve the takes of a table, many at a time.")
    known = len(command._actions)
    command.add_argument(
        "--markerset", type=Path, metavar="FILE", help="for rows that do not name one"
    )
    command.add_argument(
        "--blend", type=Path, metavar="FILE.blend", help="likewise (default: the open file)"
    )
    shared(command)
    for action in command._actions[known:]:
        # What is not given here is as the row, or `retarget`, has it.
        action.default = argparse.SUPPRESS
    _own_arguments(command)
    put = add(commands, "merge", batch_report.merge, "Put the reports of a batch's parts together.")
    put.add_argument(
        "--reports",
        type=Path,
        nargs="+",
        required=True,
        metavar="REPORT.json",
        help="the reports of the parts",
    )
    put.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where the one report goes"
    )


def _own_arguments(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("batch")
    group.add_argument(
        "--jobs",
        type=Path,
        required=True,
        metavar="TAKES.csv",
        help="the table of takes (CSV or JSON Lines); its header names c3d and any option here",
    )
    group.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the results")
    group.add_argument(
        "--concurrency",
        type=_count,
        metavar="N",
        help="takes on their way at a time (default: the preferences' parallel jobs)",
    )
    group.add_argument("--rows", metavar="A-B", help="only these takes of the table, from 1")
    group.add_argument(
        "--no-reuse", action="store_true", help="send files anew that are on the service already"
    )
    group.add_argument(
        "--thumbnails", action="store_true", help="render a small picture of each result"
    )
    group.add_argument(
        "--report", type=Path, metavar="R.json", help="default: report.json in the results' folder"
    )
    group.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="for journal and downloads (default: the extension's own folder)",
    )


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MOST_AT_A_TIME:
        raise ValueError(text)
    return value


_count.__name__ = f"number from 1 to {MOST_AT_A_TIME}"
