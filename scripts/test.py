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
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import _env
import demo

ROOT = _env.ROOT
LOADER = ROOT / "tests" / "package" / "load_in_blender.py"
# Each takes one core, and machines have two at least.
AT_ONCE = 2
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


def main(arguments: list[str] | None = None) -> int:
    """Run everything that was asked for; 0 when all of it passed."""
    options = _parser().parse_args(arguments)
    for binary in options.blender:
        if not os.access(binary, os.X_OK):
            raise SystemExit(f"--blender {binary} is no program; give the path of a Blender.")
    outcomes = [*_checks(), _pytest("service", sys.executable, ["tests/service"])]
    outcomes += _side_by_side(options.all)
    os.environ["MYOSAPIENS_TEST_BLENDERS"] = ":".join(
        str(Path(path).resolve()) for path in options.blender
    )
    with _service() as variables:
        os.environ |= variables
        outcomes.append(_pytest("package", sys.executable, ["tests/package"]))
        if options.blender:
            outcomes.append(_pytest("window", sys.executable, ["tests/gui"]))
    outcomes += _in_real_blenders([Path(path) for path in options.blender])
    return _report(outcomes)


@contextmanager
def _service() -> Generator[dict[str, str]]:
    """A local service for tests inside Blenders, some of which cannot start one themselves."""
    key = f"ak_local_{secrets.token_hex(8)}"
    (ROOT / "build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="service-", dir=ROOT / "build") as data,
        demo.local_service(Path(data), key) as base_url,
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


def _side_by_side(every_wheel: bool) -> list[Outcome]:
    """The unit tests and those in bpy wheels, two at a time: each keeps one core busy."""
    environments = _env.bpy_environments() if every_wheel else [_env.main_environment()]
    for environment in environments:
        _env.ensure(environment)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        unit = pool.submit(_pytest, "unit", sys.executable, ["tests/unit"], shown=False)
        wheels = pool.map(_in_wheel, environments)
        return [unit.result(), *wheels]


def _in_wheel(environment: _env.Environment) -> Outcome:
    name = environment.path.name if environment.path.parent.name == ".venvs" else "Blender"
    with _service() as variables:
        return _pytest(
            name,
            str(environment.executable),
            ["tests/blender"],
            variables=variables,
            shown=False,
        )


def _pytest(
    name: str,
    python: str,
    tests: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    shown: bool = True,
) -> Outcome:
    command = [python, "-m", "pytest", "-q", *tests]
    return _step(f"tests: {name}", command, variables=variables, shown=shown)


def _in_real_blenders(binaries: Sequence[Path]) -> list[Outcome]:
    """The built zip, installed in real Blenders, and the Blender tests there, two at a time."""
    if not binaries:
        return []
    import build

    archive = build.build(ROOT / "dist")
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        runs = [pool.submit(_in_real_blender, binary, archive) for binary in binaries]
        return [run.result() for run in runs]


def _in_real_blender(binary: Path, archive: Path) -> Outcome:
    # Inside the checkout, because blender-addon-tester leaves files where it is started.
    (ROOT / "build").mkdir(exist_ok=True)
    with (
        _service() as variables,
        tempfile.TemporaryDirectory(prefix="tester-", dir=ROOT / "build") as folder,
    ):
        command = Path(folder) / "blender"
        command.write_text(f'#!/bin/sh\nexec "{binary.resolve()}" "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        tester = [sys.executable, "-c", TESTER, folder, str(archive), str(LOADER)]
        return _step(
            f"tests: {binary.name} (real)",
            [*tester, str(ROOT / "tests" / "blender")],
            folder=Path(folder),
            variables=variables,
            shown=False,
        )


def _step(
    name: str,
    command: list[str],
    *,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    shown: bool = True,
) -> Outcome:
    """Run one step; its output is shown as it comes, or as a whole at its end."""
    print(f"\n── {name}{'' if shown else ' has begun'}", flush=True)
    started = time.perf_counter()
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        for line in run.stdout or ():
            if shown:
                sys.stdout.write(line)
                sys.stdout.flush()
            lines.append(line)
    if not shown:
        sys.stdout.write(f"\n── {name}\n{''.join(lines)}")
        sys.stdout.flush()
    counts = _counts(lines) if name.startswith("tests:") else {}
    seconds = time.perf_counter() - started
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
