# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of retarget.openjd.yaml run: Blender, with a part of the takes.

Uses the standard library only, and runs on Python 3.9 and later: a worker's own, not Blender's.
The key of the service is nothing of this script's: what it starts has the worker's environment.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types import FrameType

OLDEST_BLENDER = (4, 2)
DONE, SOME_FAILED, WRONG_INPUT = 0, 1, 2
EXTENSION, SCRIPT, MODULE = "EXTENSION", "SCRIPT", "MODULE"
FAIL_TASK, GO_ON = "FAIL_TASK", "GO_ON"
# What `batch --json` calls the end of all, and of a take.
SUMMARY = "summary"
ENDS = ("landed", "landed before", "failed", "cancelled")
# As Python prints it, and without waiting for destructors.
MODULE_VERSION = (
    "import bpy, os; print('Blender', bpy.app.version_string, '(bpy)', flush=True); os._exit(0)"
)


class FarmError(Exception):
    """What is wrong, in one sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Run one action of the job; returns its exit code."""
    options = parse(arguments)
    try:
        return {"version": _version, "batch": _batch, "merge": _merge}[options.action](options)
    except FarmError as error:
        _tell(f"openjd_fail: {error}")
        return WRONG_INPUT


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """What the template gives, by its parameters."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("action", choices=("version", "batch", "merge"))
    parser.add_argument("--blender", default="", help="default: $BLENDER, else blender")
    parser.add_argument("--started-as", choices=(EXTENSION, SCRIPT, MODULE), default=EXTENSION)
    parser.add_argument("--script", default="", help="batch_retarget.py of a checkout")
    parser.add_argument("--takes", default="", metavar="A-B", help="the takes of the whole job")
    parser.add_argument("--takes-per-task", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the first take of this task")
    parser.add_argument("--takes-file", default="")
    parser.add_argument("--markerset", default="")
    parser.add_argument("--blend", default="")
    parser.add_argument("--out", default="")
    parser.add_argument("--state", default="", help="default: the folder state in --out")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--base-url", default="")
    parser.add_argument("--options", default="", help="more options of `batch`")
    parser.add_argument("--failed-takes", choices=(FAIL_TASK, GO_ON), default=FAIL_TASK)
    return parser.parse_args(arguments)


# The actions


def _version(options: argparse.Namespace) -> int:
    """Blender is there, and new enough; its version stands in the log."""
    command = [_blender(options), "--version"]
    if options.started_as == MODULE:
        command[1:] = ["-c", MODULE_VERSION]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise FarmError(_no_blender(command[0], error.strerror or str(error))) from error
    said = run.stdout.decode(errors="replace")
    found = re.search(r"^Blender (\d+)\.(\d+).*$", said, re.MULTILINE)
    if found is None:
        last = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise FarmError(_no_blender(command[0], last or f"it ended with {run.returncode}"))
    _tell(f"{found[0].strip()}: {command[0]}")
    if (int(found[1]), int(found[2])) < OLDEST_BLENDER:
        raise FarmError(f"{found[0].strip()} is too old: the extension needs 4.2 or later.")
    return DONE


def _batch(options: argparse.Namespace) -> int:
    """The takes of one task."""
    code, is_whole = _run([*program(options), *batch_words(options)])
    # Without a summary it is not takes that failed, and there is no report to go on with.
    if code == SOME_FAILED and is_whole and options.failed_takes == GO_ON:
        _tell("Some takes failed; the report says why. The job goes on, as FailedTakes wants it.")
        return DONE
    return code


def _merge(options: argparse.Namespace) -> int:
    """One report of the reports of all tasks."""
    parts, names = _parts(options), part_names(options)
    missing = [name for name in names if not (parts / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FarmError(f"The report {parts / missing[0]}{more} is missing: run its task again.")
    # Relative to their folder: thousands of names must fit into one command line.
    words = ["merge", f"--out={Path(options.out).absolute()}", "--reports", *names]
    return _run([*program(options), *words], folder=parts)[0]


# What they are made of


def batch_words(options: argparse.Namespace) -> list[str]:
    """The sub-command that does the takes of one task."""
    last = min(options.first + options.takes_per_task, _firsts(options).stop) - 1
    out = Path(options.out)
    words = ["batch", f"--jobs={options.takes_file}", f"--rows={options.first}-{last}"]
    words += [f"--out={out}", f"--report={_parts(options) / _part_name(options.first)}"]
    words += [f"--state={options.state or out / 'state'}"]
    words += [f"--concurrency={options.concurrency}", "--json"]
    for name in ("markerset", "blend", "base_url"):
        value = getattr(options, name)
        words += [f"--{name.replace('_', '-')}={value}"] if value else []
    return [*words, *_more(options.options)]


def part_names(options: argparse.Namespace) -> list[str]:
    """The files of the reports of all tasks."""
    return [_part_name(first) for first in _firsts(options)]


def _more(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise FarmError(f"The parameter Options cannot be read: {error}.") from error


def _blender(options: argparse.Namespace) -> str:
    usual = sys.executable if options.started_as == MODULE else "blender"
    return options.blender or os.environ.get("BLENDER") or usual


def _no_blender(command: str, reason: str) -> str:
    return (
        f"{command} is no Blender that starts ({reason}); name one with the parameter Blender, or "
        "with the variable BLENDER of the worker."
    )


def program(options: argparse.Namespace) -> list[str]:
    """The words before a sub-command."""
    blender = _blender(options)
    if options.started_as == EXTENSION:
        return [blender, "--online-mode", "--command", "myosapiens"]
    if not options.script:
        raise FarmError("The parameter Script is empty: name scripts/batch_retarget.py.")
    if options.started_as == MODULE:
        return [blender, options.script]
    started = ["--background", "--factory-startup", "--online-mode", "--python-exit-code", "1"]
    return [blender, *started, "--python", options.script, "--"]


def _firsts(options: argparse.Namespace) -> range:
    """The first take of each task."""
    found = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", options.takes)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= first <= last or options.takes_per_task < 1:
        raise FarmError(f"{options.takes!r} are no takes: give a first and a last one, as in 1-20.")
    return range(first, last + 1, options.takes_per_task)


def _parts(options: argparse.Namespace) -> Path:
    return Path(options.out) / "parts"


def _part_name(first: int) -> str:
    return f"{first:06d}.json"


def _run(command: list[str], *, folder: Path | None = None) -> tuple[int, bool]:
    """Run Blender to its end; a polite kill of this process is one of Blender's.

    Returns:
        Its exit code, and whether it told the summary of a batch.
    """
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=folder
        )
    except OSError as error:
        raise FarmError(_no_blender(command[0], error.strerror or str(error))) from error

    def stop(_number: int, _frame: FrameType | None) -> None:
        process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    ended, is_whole = 0, False
    for line in process.stdout or ():
        text = line.decode(errors="replace").rstrip()
        ended += _relay(text, ended)
        is_whole = is_whole or _event(text).get("event") == SUMMARY
    code = process.wait()
    return code if code >= 0 else 128 - code, is_whole


def _relay(line: str, ended: int) -> bool:
    """Show a line; whether it tells of the end of a take, which the scheduler hears of."""
    event = _event(line)
    if "event" not in event:
        _tell(line)
    if event.get("event") not in ENDS:
        return False
    _tell(f"openjd_progress: {100.0 * (ended + 1) / max(int(event['of']), 1):.1f}")
    return True


def _event(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _tell(line: str) -> None:
    # In one piece, for Blender writes to the same log.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
