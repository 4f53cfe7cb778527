# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `blender --command myosapiens …` and scripts/batch_retarget.py.

Exit codes: 0 done; 1 some takes failed; 2 wrong usage or input; 3 key refused;
4 service unreachable; 130 interrupted.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CancelledError, InputError, MyoSapiensError
from ..service.errors import (
    AuthenticationError,
    JobFailedError,
    ServerError,
    ServiceError,
    UnreachableError,
)
from . import (
    headless_batch,
    headless_jobs,
    headless_maps,
    headless_outputs,
    headless_service,
    headless_takes,
    map_properties,
    studio,
    take_defaults,
)
from .answer import Answer, say
from .landing_options import CAPTURE_RATE, CARRIERS, PELVIS, SCENE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, SOME_FAILED, WRONG_INPUT, KEY_REFUSED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130
LOGGER_NAME = __name__.rpartition(".blender")[0]
Command = Callable[[argparse.Namespace], Answer]

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str], *, program: str) -> int:
    """Run one sub-command.

    Args:
        arguments: the words after the program's name.
        program: how the user calls it, for the help.

    Returns:
        The exit code.
    """
    try:
        options = parser(program).parse_args(list(arguments))
    except SystemExit as end:  # argparse has said what is wrong
        return int(end.code or 0)
    with _clean_stdout(verbose=options.verbose) as stdout, _logging(options.verbose):
        options.stdout = stdout
        answer = _run(options)
        words = json.dumps(answer.data) if options.json else answer.text
        if words:
            say(stdout, words)
        return answer.exit_code


def _run(options: argparse.Namespace) -> Answer:
    studio.tell_faults(logger)
    try:
        with _interruptible(), map_properties.available():
            return options.run(options)
    except KeyboardInterrupt:
        return _failure("Interrupted.", INTERRUPTED)
    except MyoSapiensError as error:
        logger.error("%s", error.sentence)
        return _failure(error.sentence, exit_code(error))


def _failure(sentence: str, code: int) -> Answer:
    return Answer(data={"error": sentence, "exit_code": code}, text="", exit_code=code)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and a polite kill stop the command in order, as Blender itself would not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def exit_code(error: MyoSapiensError) -> int:
    """The exit code that an error stands for."""
    if isinstance(error, CancelledError):
        return INTERRUPTED
    if isinstance(error, AuthenticationError):
        return KEY_REFUSED
    if isinstance(error, (UnreachableError, ServerError)):
        return UNREACHABLE
    if isinstance(error, JobFailedError):
        return SOME_FAILED
    if isinstance(error, InputError):
        return WRONG_INPUT
    return SOME_FAILED if isinstance(error, ServiceError) else WRONG_INPUT


@contextmanager
def _clean_stdout(*, verbose: bool) -> Iterator[Any]:
    """Keep standard output for the answer.

    What Blender itself prints there goes to standard error when `verbose`, else nowhere.
    """
    flush()
    kept = os.dup(1)
    elsewhere = os.dup(2) if verbose else os.open(os.devnull, os.O_WRONLY)
    os.dup2(elsewhere, 1)
    try:
        with (
            os.fdopen(elsewhere, "w", encoding="utf-8") as rest,
            os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="backslashreplace") as stdout,
            redirect_stdout(rest),
        ):
            yield stdout
    finally:
        flush()
        os.dup2(kept, 1)
        os.close(kept)


def flush() -> None:
    """Write out what Python and what Blender hold back: each has a buffer of its own."""
    sys.stdout.flush()
    library = ctypes.cdll.ucrtbase if os.name == "nt" else ctypes.CDLL(None)
    library.fflush(None)


@contextmanager
def _logging(verbose: bool) -> Iterator[None]:
    """Show our own log lines on standard error while the command runs."""
    ours = logging.getLogger(LOGGER_NAME)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    before = (ours.level, ours.propagate)
    ours.setLevel(logging.DEBUG if verbose else logging.INFO)
    ours.propagate = False
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before[0])
        ours.propagate = before[1]


def parser(program: str) -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog=program, description="Solve takes on the MyoSapiens service and put them on armatures."
    )
    commands = top.add_subparsers(title="sub-commands", required=True, metavar="SUBCOMMAND")
    _service_commands(commands)
    _take_commands(commands)
    return top


def _add(
    commands: Subparsers, name: str, run: Command, description: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=description, description=description)
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    command.add_argument("--verbose", action="store_true", help="log more on standard error")
    command.add_argument("--base-url", metavar="URL", help="address of the service")
    return command


def _service_commands(commands: Subparsers) -> None:
    _add(commands, "check", headless_service.check, "Check the connection and the key.")
    _add(commands, "characters", headless_service.characters, "List the characters.")
    jobs = _add(commands, "jobs", headless_service.jobs, "List the account's jobs, newest first.")
    jobs.add_argument(
        "--status",
        action="append",
        default=[],
        type=str.upper,
        metavar="S",
        help="only those of this status (RUNNING, COMPLETED …); may be given more than once",
    )
    jobs.add_argument("--limit", type=int, default=50, help="how many at most (default: 50)")
    _add(commands, "assets", headless_service.assets, "List the files on the service.")
    cancel = _add(commands, "cancel", headless_service.cancel, "Cancel a job.")
    cancel.add_argument("job", metavar="JOB", help="the job's id")
    preflight = _add(
        commands, "preflight", headless_service.preflight, "Check a take before it is sent."
    )
    _take_arguments(preflight)


def _take_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--c3d", type=Path, required=True, metavar="FILE", help="the take, C3D or TRC"
    )
    command.add_argument(
        "--markerset",
        type=Path,
        required=True,
        metavar="FILE",
        help="which marker sits where on which body, XML",
    )


def _take_commands(commands: Subparsers) -> None:
    retarget = _add(
        commands, "retarget", headless_takes.retarget, "Solve a take and put it on an armature."
    )
    _take_arguments(retarget)
    retarget_arguments(retarget)
    _place_arguments(retarget)
    landing = _add(commands, "import", headless_takes.import_files, "Apply output files at hand.")
    headless_outputs.add_output_argument(landing)
    landing.add_argument("--name", help="name of the action (default: the file's)")
    headless_outputs.add_speed_arguments(landing)
    _landing_arguments(landing)
    _place_arguments(landing)
    maps = _add(
        commands, "maps", headless_maps.maps, "List bone map presets, or show an armature's map."
    )
    maps.add_argument("--armature", metavar="NAME", help="show the bone map of this armature")
    maps.add_argument("--write", type=Path, metavar="MAP.json", help="and write it to a file")
    headless_outputs.add_commands(_add, commands)
    headless_batch.add_commands(_add, commands, retarget_arguments)
    _add(commands, "resume", headless_jobs.resume, "Go on with unfinished jobs, fetch results.")


def retarget_arguments(command: argparse.ArgumentParser) -> None:
    """How a take is solved and put on an armature; not which take, and not where it goes."""
    command.add_argument("--character", metavar="ID", help="default: the first ready one")
    command.add_argument("--height", type=_positive, metavar="M", help="the subject's, in m")
    command.add_argument("--weight", type=_positive, metavar="KG", help="the subject's, in kg")
    command.add_argument("--gender", choices=("male", "female"), help="the subject's")
    command.add_argument("--no-scaling", action="store_true", help="keep the character's size")
    command.add_argument("--scaling", dest="no_scaling", action="store_false", help="fit it")
    _landing_arguments(command)


def row_parser() -> argparse.ArgumentParser:
    """What a row of a batch's table may say: the same as `retarget`, and nothing is required."""
    row = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    _take_arguments(row)
    retarget_arguments(row)
    _place_arguments(row)
    row.add_argument("--blend", type=Path, metavar="FILE.blend", help="the file with the armature")
    for action in row._actions:
        action.required = False
    return row


def _landing_arguments(command: argparse.ArgumentParser) -> None:
    target = command.add_mutually_exclusive_group()
    target.add_argument("--armature", metavar="NAME", help="default: the active or only one")
    target.add_argument("--new-armature", action="store_true", help="the character's own")
    command.add_argument(
        "--rate", type=_rate, default=SCENE_RATE, help="scene (default), capture or frames/s"
    )
    command.add_argument(
        "--map",
        default="",
        metavar="PRESET|FILE",
        help="bone map (default: the one the armature holds, else the one its bones tell)",
    )
    command.add_argument("--start-frame", type=int, default=1, metavar="N", help="default: 1")
    command.add_argument("--set-range", action="store_true", help="make the scene play the take")
    _motion_arguments(command)
    headless_outputs.add_extra_arguments(command)
    command.add_argument(
        "--no-set-range", dest="set_range", action="store_false", help="leave the scene's range"
    )
    # What the studio sets, where the command line does not.
    command.set_defaults(no_scaling=False, set_range=False)
    command.set_defaults(**take_defaults.for_command_line())


def _place_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", type=Path, required=True, metavar="OUT.blend", help="where the scene is saved"
    )
    command.add_argument(
        "--report", type=Path, metavar="R.json", help="also write what was done, as JSON"
    )
    command.add_argument("--preview", type=Path, metavar="P.png", help="also render a picture")


def _motion_arguments(command: argparse.ArgumentParser) -> None:
    """How the motion goes onto another armature, and what becomes of the action."""
    group = command.add_argument_group("motion")
    group.add_argument(
        "--path-scale",
        type=_path_scale,
        metavar="legs|N",
        help="the way over the ground: by leg length (default) or times N (1: recorded metres)",
    )
    group.add_argument("--in-place", action="store_true", help="leave the way over the ground out")
    group.add_argument(
        "--carrier", choices=CARRIERS, default=PELVIS, help="what carries the way (default: pelvis)"
    )
    group.add_argument(
        "--no-contacts", dest="contacts", action="store_false", help="let planted feet slide"
    )
    group.add_argument("--ik", action="store_true", help="key the controls for inverse kinematics")
    group.add_argument(
        "--tolerance-deg",
        type=_not_negative,
        default=0.0,
        metavar="D",
        help="fewer keys: rotations within D degrees (default: a key on every frame)",
    )
    group.add_argument(
        "--tolerance-mm",
        type=_not_negative,
        default=0.0,
        metavar="M",
        help="fewer keys: locations within M millimetres",
    )
    group.add_argument("--nla", action="store_true", help="push the action down as an NLA strip")
    group.add_argument("--asset", action="store_true", help="mark the action as an asset")
    group.add_argument("--catalog", default="", metavar="PATH", help="the asset's catalogue")


def _path_scale(text: str) -> float | None:
    return None if text == "legs" else _positive(text)


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0.0 <= value < float("inf"):
        raise ValueError(text)
    return value


def _rate(text: str) -> str | float:
    if text in (SCENE_RATE, CAPTURE_RATE):
        return text
    return _positive(text)


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise ValueError(text)
    return value


# As argparse names them.
_rate.__name__, _positive.__name__ = "rate", "number above 0"
_path_scale.__name__, _not_negative.__name__ = "scale", "number"
