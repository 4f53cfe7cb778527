# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the extension keeps Blender's window waiting, in every real Blender at hand.

A large take is sent, followed, fetched and imported while the tab in the sidebar is open.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import _env
import build
from tests.gui import blenders
from tests.gui.blender_process import BlenderProcess

from . import big_take
from .figure import Figure
from .responsiveness_report import IDLE, REDRAWS, Measured, figures_of, log

RUNS = 3
TAKE_BYTES = 300_000_000
REST_S = 4.0
RUN_LIMIT_S = 120.0
MARKERSET = _env.ROOT / "scripts" / "sample" / "markerset.xml"
SOLVER = "benchmarks.big_solver:run"
KEY = "ak_local_responsiveness"
READY = "listening on "
SCRIPTS = _env.ROOT / "scripts"


def figures(_data: Path) -> list[Figure]:
    """The longest and the usual times of each Blender, against what people do not notice."""
    suites = [suite for suite in blenders.SUITES if _is_ready(suite)]
    rows: list[Figure] = []
    if not suites:
        return rows
    with tempfile.TemporaryDirectory(prefix="responsiveness-") as folder:
        work = Path(folder)
        archive = build.build(work)
        take = work / "take.c3d"
        big_take.write(take, markerset=MARKERSET, size_bytes=TAKE_BYTES)
        for suite in suites:
            measured = _measure(suite, work / suite, archive, take)
            log(measured)
            rows += figures_of(measured)
    return rows


def _is_ready(suite: str) -> bool:
    reason = blenders.why_not(suite)
    if reason:
        sys.stderr.write(f"responsiveness: {suite} is left out: {reason}\n")
    return not reason


def _measure(suite: str, work: Path, archive: Path, take: Path) -> Measured:
    profile = work / "profile"
    blenders.install(suite, archive, profile)
    with _service(work / "service") as base_url:
        variables = {"MYOSAPIENS_BASE_URL": base_url, "MYOSAPIENS_API_KEY": KEY}
        with BlenderProcess(suite, profile=profile, variables=variables) as blender:
            return _drive(blender, work / "measured.json", take)


def _drive(blender: BlenderProcess, found: Path, take: Path) -> Measured:
    load_before = os.getloadavg()[0]
    blender.exec(f"import sys; sys.path.append({str(SCRIPTS)!r})")
    blender.exec("from benchmarks import responsiveness_inside as probe; probe.install()")
    for run in range(RUNS):
        if run > 0:
            blender.exec("probe.new_file()")
        _run(blender, take, is_last=run == RUNS - 1)
    references = blender.eval("probe.measure_references()")
    blender.exec(f"probe.save({str(found)!r})")
    return Measured(
        suite=blender.suite,
        found=json.loads(found.read_text()),
        references=references,
        loads=(load_before, os.getloadavg()[0]),
    )


def _run(blender: BlenderProcess, take: Path, *, is_last: bool) -> None:
    """One take, from its choice to its action, after two whiles without any job."""
    _show(blender, "Item")
    _rest(blender, REDRAWS)
    _show(blender, "MyoSapiens")
    blender.wait_until("probe.is_connected()", interval_s=0.5)
    _rest(blender, IDLE)
    paths = f"{str(take)!r}, {str(MARKERSET)!r}"
    blender.exec(f"probe.choose({paths})")
    blender.wait_until(f"probe.is_read({paths})", interval_s=0.5)
    if blender.eval("probe.press()") != ["FINISHED"]:
        raise RuntimeError(f"Retarget did nothing:\n{blender.words()}")
    blender.wait_until("probe.is_at_rest()", timeout_s=RUN_LIMIT_S, interval_s=0.5)
    state, sentence, folder = blender.eval("probe.state()")
    if state != "DONE":
        raise RuntimeError(f"the take was not imported: {state}: {sentence}")
    if not is_last:
        shutil.rmtree(folder)


def _show(blender: BlenderProcess, tab: str) -> None:
    if not blender.eval(f"panels.show_tab({tab!r}, 'VIEW_3D')"):
        raise RuntimeError(f"the sidebar has no tab {tab}")


def _rest(blender: BlenderProcess, phase: str) -> None:
    """Let Blender do nothing for a while, or only draw its sidebar, for comparison."""
    blender.exec(f"probe.recorder.phase = {phase!r}")
    time.sleep(REST_S)
    blender.exec("probe.recorder.phase = 'other'")


@contextmanager
def _service(data: Path) -> Generator[str]:
    """A local service whose solve is quick and whose results are large; its address."""
    command = [sys.executable, str(SCRIPTS / "local_service"), "--port", "0", "--api-key", KEY]
    command += ["--data", str(data), "--solver", SOLVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            line = service.stdout.readline() if service.stdout else ""
            if not line.startswith(READY):
                raise RuntimeError("The local service did not start; its words are above.")
            yield line.removeprefix(READY).strip()
        finally:
            service.terminate()
