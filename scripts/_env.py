# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the environments the scripts run in, and goes on inside them.

Uses the standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

try:
    import tomllib
except ImportError:  # before Python 3.11
    raise SystemExit("This Python is too old; start the script with 3.11 or 3.13.") from None

ROOT = Path(__file__).resolve().parent.parent
STAMP = "myosapiens-env.json"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment: where it is, its Python (`3.11`) and what is installed."""

    path: Path
    python: str
    requirements: tuple[str, ...]

    @property
    def executable(self) -> Path:
        """The environment's interpreter."""
        windows = os.name == "nt"
        return self.path / ("Scripts/python.exe" if windows else "bin/python")

    @property
    def digest(self) -> str:
        """What the stamp must say for the environment to be complete."""
        return hashlib.sha256("\n".join(self.requirements).encode()).hexdigest()

    def is_complete(self) -> bool:
        """Whether everything is installed as pinned."""
        return self.read_stamp() == {"python": self.python, "requirements": self.digest}

    def read_stamp(self) -> dict[str, str]:
        """What was installed by the last run that came to its end; empty without one."""
        try:
            return json.loads((self.path / STAMP).read_text())
        except (OSError, ValueError):
            return {}


def settings() -> dict[str, dict[str, list[str]]]:
    """The dependency groups and the bpy matrix of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {"groups": project["dependency-groups"], "bpy": project["tool"]["myosapiens"]["bpy"]}


def main_environment(python: str | None = None) -> Environment:
    """`.venv`: the tools, the local service and the bpy wheel of this Python."""
    python = python or _running_version()
    found = settings()
    if python not in found["bpy"]:
        supported = " or ".join(found["bpy"])
        raise SystemExit(f"This is Python {python}; start the script with Python {supported}.")
    return Environment(
        path=ROOT / ".venv",
        python=python,
        requirements=(*found["groups"]["dev"], f"bpy=={found['bpy'][python][0]}"),
    )


def bpy_environments() -> list[Environment]:
    """One environment per bpy wheel of the matrix, oldest first."""
    found = settings()
    rows = [(wheel, python) for python, wheels in found["bpy"].items() for wheel in wheels]
    rows.sort(key=lambda row: [int(part) for part in row[0].split(".")])
    return [
        Environment(
            path=ROOT / ".venvs" / f"bpy-{wheel.rpartition('.')[0]}",
            python=python,
            requirements=(*found["groups"]["bpy"], f"bpy=={wheel}"),
        )
        for wheel, python in rows
    ]


def stubs_environment(version: str) -> Environment:
    """The environment that holds the bpy type stubs of one Blender version."""
    return Environment(
        path=ROOT / ".venvs" / f"stubs-{version}",
        python=_running_version(),
        requirements=tuple(settings()["groups"][f"stubs-{version}"]),
    )


def enter() -> None:
    """Go on in `.venv` with the same arguments; make it first where it is missing."""
    environment = main_environment()
    if not environment.is_complete():
        ensure(environment)
    if Path(sys.prefix).resolve() == environment.path.resolve():
        return
    command = [str(environment.executable), *sys.argv]
    sys.stdout.flush()
    if os.name == "nt":  # os.execv returns to the shell at once there
        raise SystemExit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606


def ensure(environment: Environment) -> None:
    """Make or complete an environment; says so in one line."""
    if environment.is_complete():
        return
    with alone(environment.path):
        if not environment.is_complete():  # another may have made it meanwhile
            _fill(environment)


@contextmanager
def alone(path: Path) -> Generator[None]:
    """One process at a time makes what will be at a path: two would break each other's."""
    if os.name == "nt":
        yield
        return
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fill(environment: Environment) -> None:
    name = environment.path.relative_to(ROOT)
    interpreter = find_python(environment.python)
    if interpreter is None:
        raise SystemExit(f"{name} needs Python {environment.python}, which was not found.")
    _say(f"Preparing {name} for Python {environment.python} (once, about a minute) …")
    _make(environment, interpreter)
    _install(environment)
    stamp = {"python": environment.python, "requirements": environment.digest}
    (environment.path / STAMP).write_text(json.dumps(stamp))


def find_python(version: str) -> str | None:
    """An interpreter of `version`: this one, one on the path, or one of pyenv's."""
    if _running_version() == version:
        return getattr(sys, "_base_executable", sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    on_path = shutil.which(f"python{version}")
    for candidate in [*map(str, candidates), *([on_path] if on_path else [])]:
        if _answers_version(candidate, version):
            return candidate
    return None


def _answers_version(candidate: str, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    run = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
    return run.returncode == 0 and run.stdout.strip() == version


def _running_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _make(environment: Environment, interpreter: str) -> None:
    other_python = environment.read_stamp().get("python", environment.python) != environment.python
    if other_python:
        shutil.rmtree(environment.path)
    subprocess.run([interpreter, "-m", "venv", str(environment.path)], check=True)


def _install(environment: Environment) -> None:
    pip = [str(environment.executable), "-m", "pip", "install", "--disable-pip-version-check"]
    for arguments in (["--upgrade", "pip==26.3"], environment.requirements):
        if _run_shown([*pip, *arguments]) != 0:
            raise SystemExit(f"pip could not fill {environment.path.name}; its words are above.")


def _run_shown(command: list[str]) -> int:
    """Run pip with its packages as one moving line; keep all its words for a failure."""
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        for line in run.stdout or ():
            lines.append(line)
            if sys.stderr.isatty() and line.startswith(("Collecting", "Installing")):
                sys.stderr.write(f"\r\033[K  {line.strip()[:90]}")
                sys.stderr.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    if run.returncode != 0:
        sys.stderr.write("".join(lines))
    return run.returncode


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
