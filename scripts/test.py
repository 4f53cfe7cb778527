# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the checks and the tests: unit, service, Blender, package."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import _env
import build
import demo

ROOT = _env.ROOT
LOADER = ROOT / "tests" / "package" / "load_in_blender.py"
# Each takes one core, and machines have two at least.
AT_ONCE = 2
# Tests of what comes after a solve need not wait for the same one again; the delay is for what
# they do meanwhile. Those of the service itself start services of their own.
SOLVED_ONCE = ("--solver", "benchmarks.solved_once:run", "--solve-delay", "1")
COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?)\b")
# blender-addon-tester wants a version; the binary it then runs is the given one.
TESTER = """
import sys
import blender_addon_tester.run_blender as run_blender
run_blender.get_blender_from_suffix = lambda revision: sys.argv[1]
config = {"blender_load_tests_script": sys.argv[3], "tests": sys.argv[4]}
sys.exit(run_blender.run_blender_version_for_addon_with_pytest_suite(
    sys.argv[2], blender_revision="given", config=config))
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one step ended."""

    name: str
    exit_code: int
    seconds: float
    counts: dict[str, int]


Task = Callable[[], list[Outcome]]


def main(arguments: list[str] | None = None) -> int:
    """Run everything that was asked for; 0 when all of it passed."""
    options = _parser().parse_args(arguments)
    for binary in options.blender:
        if not os.access(binary, os.X_OK):
            raise SystemExit(f"--blender {binary} is no program; give the path of a Blender.")
    blenders = [Path(path).resolve() for path in options.blender]
    (ROOT / "build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="solved-", dir=ROOT / "build") as solved,
        ThreadPoolExecutor(max_workers=AT_ONCE) as pool,
    ):
        os.environ["MYOSAPIENS_SOLVED_ONCE"] = solved
        runs = [pool.submit(task) for task in _tasks(blenders, every_wheel=options.all)]
        outcomes = [outcome for run in runs for outcome in run.result()]
    return _report(outcomes)


def _tasks(blenders: Sequence[Path], *, every_wheel: bool) -> list[Task]:
    """All there is to run, in an order that keeps two cores busy and two windows apart."""
    environments = _env.bpy_environments() if every_wheel else [_env.main_environment()]
    windows = [partial(_in_window, suite) for suite in _windows()] if blenders else []
    return [
        *windows[:1],
        _checks,
        partial(_pytest, "unit", sys.executable, ["tests/unit"]),
        partial(_pytest, "service", sys.executable, ["tests/service"]),
        *windows[1:],
        partial(_package, blenders),
        *(partial(_in_wheel, environment) for environment in environments),
        *(partial(_in_real_blender, binary) for binary in blenders),
    ]


def _windows() -> list[str]:
    """The Blenders at hand whose windows can be used."""
    sys.path.append(str(ROOT))
    from tests.gui import blenders

    return [suite for suite in blenders.SUITES if not blenders.why_not(suite)]


@contextmanager
def _service() -> Generator[dict[str, str]]:
    """A local service for tests inside Blenders, some of which cannot start one themselves."""
    key = f"ak_local_{secrets.token_hex(8)}"
    with (
        tempfile.TemporaryDirectory(prefix="service-", dir=ROOT / "build") as data,
        demo.local_service(Path(data), key, *SOLVED_ONCE) as base_url,
    ):
        yield {"MYOSAPIENS_TEST_URL": base_url, "MYOSAPIENS_TEST_KEY": key}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--all", action="store_true", help="on every bpy wheel of the matrix")
    parser.add_argument(
        "--blender",
        action="append",
        default=[],
        metavar="PATH",
        help="also inside this real Blender (may be given several times)",
    )
    return parser


def _checks() -> list[Outcome]:
    tool = [sys.executable, "-m"]
    stubs = [_env.stubs_environment(version) for version in ("4.2", "5.2")]
    for environment in stubs:
        _env.ensure(environment)
    return [
        _step("ruff check", [*tool, "ruff", "check"]),
        _step("ruff format", [*tool, "ruff", "format", "--check"]),
        _step("pyright", [*tool, "pyright"]),
        *(
            _step(
                f"mypy with {environment.path.name}",
                _mypy(tool, environment),
            )
            for environment in stubs
        ),
    ]


def _mypy(tool: list[str], environment: _env.Environment) -> list[str]:
    """Type checks against the stubs of one Blender, with a cache of its own."""
    cache = f"--cache-dir=.mypy_cache/{environment.path.name}"
    return [*tool, "mypy", cache, "--python-executable", str(environment.executable)]


def _package(blenders: Sequence[Path]) -> list[Outcome]:
    """The built zip, installed and used as its users do."""
    paths = {"MYOSAPIENS_TEST_BLENDERS": ":".join(map(str, blenders))}
    with _service() as variables:
        return _pytest("package", sys.executable, ["tests/package"], variables | paths)


def _in_window(suite: str) -> list[Outcome]:
    """The tests that press buttons in a window of one Blender."""
    with _service() as variables:
        chosen = {"MYOSAPIENS_TEST_WINDOW": suite}
        return _pytest(f"window of {suite}", sys.executable, ["tests/gui"], variables | chosen)


def _in_wheel(environment: _env.Environment) -> list[Outcome]:
    """The tests inside one Blender as a Python module."""
    _env.ensure(environment)
    name = environment.path.name if environment.path.parent.name == ".venvs" else "Blender"
    with _service() as variables:
        return _pytest(name, str(environment.executable), ["tests/blender"], variables)


def _pytest(
    name: str, python: str, tests: Sequence[str], variables: Mapping[str, str] | None = None
) -> list[Outcome]:
    command = [python, "-m", "pytest", "-q", *tests]
    return [_step(f"tests: {name}", command, variables=variables)]


def _in_real_blender(binary: Path) -> list[Outcome]:
    """The built zip, installed in a real Blender, and the Blender tests there."""
    # Inside the checkout, because blender-addon-tester leaves files where it is started.
    with (
        _service() as variables,
        tempfile.TemporaryDirectory(prefix="tester-", dir=ROOT / "build") as folder,
    ):
        archive = build.build(Path(folder) / "dist")
        command = Path(folder) / "blender"
        command.write_text(f'#!/bin/sh\nexec "{binary}" "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        tester = [sys.executable, "-c", TESTER, folder, str(archive), str(LOADER)]
        return [
            _step(
                f"tests: {binary.name} (real)",
                [*tester, str(ROOT / "tests" / "blender")],
                folder=Path(folder),
                variables=variables,
            )
        ]


def _step(
    name: str,
    command: list[str],
    *,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
) -> Outcome:
    """Run one step; its output is shown as a whole at its end, since others run beside it."""
    print(f"── {name} has begun", flush=True)
    started = time.perf_counter()
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    seconds = time.perf_counter() - started
    print(f"\n── {name}, {seconds:.0f} s\n{run.stdout}", flush=True)
    counts = _counts(run.stdout.splitlines()) if name.startswith("tests:") else {}
    return Outcome(name=name, exit_code=run.returncode, seconds=seconds, counts=counts)


def _counts(lines: list[str]) -> dict[str, int]:
    """The figures of pytest's closing line."""
    for line in reversed(lines):
        if re.search(r"\d+ (passed|failed|skipped|error).* in [\d.]+s", line):
            return {word.rstrip("s"): int(number) for number, word in COUNT.findall(line)}
    return {}


def _report(outcomes: list[Outcome]) -> int:
    """Say how each step ended, and the whole in one line."""
    print("\n── summary")
    for outcome in outcomes:
        ran_no_test = outcome.name.startswith("tests:") and not outcome.counts.get("passed")
        state = "ok" if outcome.exit_code == 0 and not ran_no_test else "FAILED"
        counts = ", ".join(f"{number} {word}" for word, number in outcome.counts.items())
        print(f"{state:6} {outcome.name:32} {outcome.seconds:6.1f} s  {counts}")
    bad = sum(
        1
        for outcome in outcomes
        if outcome.exit_code != 0
        or (outcome.name.startswith("tests:") and not outcome.counts.get("passed"))
    )
    passed = sum(outcome.counts.get("passed", 0) for outcome in outcomes)
    failed = sum(
        outcome.counts.get("failed", 0) + outcome.counts.get("error", 0) for outcome in outcomes
    )
    skipped = sum(outcome.counts.get("skipped", 0) for outcome in outcomes)
    print(f"{passed} passed, {max(failed, bad)} failed, {skipped} skipped")
    return 1 if bad else 0


if __name__ == "__main__":
    _env.enter()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    raise SystemExit(main())
