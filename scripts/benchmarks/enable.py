# SPDX-License-Identifier: GPL-3.0-or-later
"""How long enabling the extension takes beyond an empty one, in every Blender at hand.

Each enabling is the first of a new process: modules are compiled and on disk, wheels unpacked,
as at every start of Blender but the one after an installation.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _env
import build
from tests.gui import blenders

from .figure import Figure

INSIDE = Path(__file__).with_name("enable_inside.py")
RUNS = 5
LIMIT_MS = 60.0
OURS, EMPTY = "myosapiens", "empty"
EMPTY_MANIFEST = """\
schema_version = "1.0.0"
id = "empty"
version = "1.0.0"
name = "Empty"
tagline = "Does nothing"
maintainer = "Nobody"
type = "add-on"
blender_version_min = "4.2.0"
license = ["SPDX:GPL-3.0-or-later"]
"""
EMPTY_CODE = "def register():\n    pass\n\n\ndef unregister():\n    pass\n"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A Blender: what it is called, and how a script is run in it."""

    name: str
    command: tuple[str, ...]


def figures(_data: Path) -> list[Figure]:
    """Milliseconds beyond an empty extension: medians over new processes, taken in turn."""
    with tempfile.TemporaryDirectory(prefix="enable-") as folder:
        extensions = Path(folder) / "extensions"
        _lay_out(extensions / "system", Path(folder))
        return [_figure(place, extensions) for place in _places()]


def _places() -> list[Place]:
    places: list[Place] = []
    for environment in _env.bpy_environments():
        _env.ensure(environment)
        command = (str(environment.executable), str(INSIDE))
        places.append(Place(name=environment.path.name, command=command))
    for suite in blenders.SUITES:
        reason = blenders.why_not(suite)
        if reason:
            sys.stderr.write(f"enable: {suite} is left out: {reason}\n")
            continue
        tool = (str(blenders.TOOL), "run", suite, "--timeout", "60", "--", "--factory-startup")
        command = (*tool, "--python-exit-code", "1", "--python", str(INSIDE), "--")
        places.append(Place(name=suite, command=command))
    return places


def _lay_out(system: Path, work: Path) -> None:
    """A folder of system extensions, with ours as it is shipped and an empty one."""
    archive = build.build(work)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(system / OURS)
    (system / EMPTY).mkdir()
    (system / EMPTY / "blender_manifest.toml").write_text(EMPTY_MANIFEST)
    (system / EMPTY / "__init__.py").write_text(EMPTY_CODE)


def _figure(place: Place, extensions: Path) -> Figure:
    found: dict[str, list[dict[str, Any]]] = {OURS: [], EMPTY: []}
    for run in range(RUNS + 1):
        for name, answers in found.items():
            answer = _enable(place, name, extensions)
            if run > 0:  # the first compiles, and unpacks the wheels
                answers.append(answer)
    where = f"Blender {found[OURS][0]['blender']} ({place.name})"
    _log(where, found)
    beyond = _median(found[OURS], "ms") - _median(found[EMPTY], "ms")
    name = f"enable: beyond an empty one, {where}"
    return Figure(name=name, value=beyond, unit="ms", reference=LIMIT_MS)


def _median(answers: list[dict[str, Any]], key: str) -> float:
    return statistics.median(float(answer[key]) for answer in answers)


def _log(where: str, found: dict[str, list[dict[str, Any]]]) -> None:
    """What the figure is made of. Where the processor's time is much less, others were at work."""
    words = [f"enable: {where}:"]
    for name, answers in found.items():
        each = " ".join(f"{answer['ms']:.1f}" for answer in answers)
        cpu = _median(answers, "cpu_ms")
        words.append(f"{name} {_median(answers, 'ms'):.1f} ms ({each}; of processor {cpu:.1f});")
    heavy = sorted({module for answer in found[OURS] for module in answer["heavy"]})
    words.append(f"numpy and HTTP loaded by it: {', '.join(heavy) or 'none'},")
    words.append(f"by Blender before: {', '.join(found[OURS][0]['had']) or 'none'}")
    sys.stderr.write(" ".join(words) + "\n")


def _enable(place: Place, name: str, extensions: Path) -> dict[str, Any]:
    """What one new process tells. Each extension has a profile of its own, for its wheels."""
    profile = extensions.parent / f"profile-{place.name}-{name}"
    variables = {"BLENDER_SYSTEM_EXTENSIONS": str(extensions)}
    run = subprocess.run(
        [*place.command, f"bl_ext.system.{name}"],
        cwd=_env.ROOT,
        env=_environment(profile, variables),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode != 0 or not lines:
        raise SystemExit(f"{run.stdout}{run.stderr}{name} could not be enabled in {place.name}.")
    return json.loads(lines[-1])


def _environment(profile: Path, variables: dict[str, str]) -> dict[str, str]:
    plain = blenders.environment(profile, variables)
    # As people start Blender: compiled modules are kept, and no path of a developer is in the way.
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
    return {key: value for key, value in plain.items() if key not in dropped}
