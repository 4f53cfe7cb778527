# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker as the service sees it: what it is given, how it is started, what it left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .assets import AssetStore
from .jobs import Finish, Job, Output
from .names import safe_name
from .settings import ROOT
from .worker import RESULT

REQUEST = "request.json"
LOG = "worker.log"
# What linear algebra libraries read: the solve's matrices are small, threads only contend.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """How workers are started: `module:function` of the solver, a wait before it in seconds."""

    solver: str
    solve_delay_s: float
    backend_version: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a worker left: an error, or the paths of its outputs by role."""

    error: dict[str, str] | None
    outputs: dict[str, Path]
    diagnostics: dict[str, Any]
    processing_time_s: float

    def adopt_outputs(self, assets: AssetStore) -> Finish:
        """Move the output files into the store."""
        outputs: list[Output] = []
        for role, path in self.outputs.items():
            asset_id = str(uuid.uuid4())
            facts = assets.adopt(path, asset_id)
            outputs.append(Output(role=role, asset_id=asset_id, filename=path.name, facts=facts))
        return Finish(
            outputs=outputs,
            diagnostics=self.diagnostics,
            processing_time_s=self.processing_time_s,
        )


class WorkerProcess:
    """The folder and the process of one job."""

    def __init__(self, *, folder: Path, settings: WorkerSettings) -> None:
        self._folder = folder
        self._settings = settings

    def prepare(self, job: Job, assets: AssetStore) -> None:
        """Lay out the inputs under the client's names, and the request."""
        paths: dict[str, str] = {}
        for role, asset_id in job.inputs.items():
            asset = assets.get(asset_id)
            path = self._folder / role / safe_name(asset.filename)
            path.parent.mkdir(parents=True)
            _link_or_copy(assets.path(asset), path)
            paths[role] = str(path)
        request = {
            **paths,
            "out_dir": str(self._folder / "out"),
            "options": job.options,
            "solver": self._settings.solver,
            "delay_s": self._settings.solve_delay_s,
            "backend_version": self._settings.backend_version,
        }
        (self._folder / REQUEST).write_text(json.dumps(request))

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process. Its standard input must stay open as long as it shall live."""
        with (self._folder / LOG).open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "local_service.worker", str(self._folder / REQUEST)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=_environment(),
                start_new_session=True,  # Ctrl-C on the terminal is the service's to handle
            )


def collect(folder: Path, exit_code: int) -> Outcome:
    """Read what a worker left that ended with `exit_code`."""
    try:
        result: dict[str, Any] = json.loads((folder / RESULT).read_text())
    except FileNotFoundError:
        return _failed("InternalError", _last_words(folder / LOG, exit_code))
    if "error" in result:
        return _failed(**result["error"])
    request: dict[str, Any] = json.loads((folder / REQUEST).read_text())
    return Outcome(
        error=None,
        outputs={role: Path(path) for role, path in result["outputs"].items()},
        diagnostics={
            "be_version": request["backend_version"],
            "mujoco_version": result["mujoco_version"],
            "warnings": result["warnings"],
        },
        processing_time_s=float(result["seconds"]),
    )


def _failed(error_type: str, error_message: str) -> Outcome:
    error = {"error_type": error_type, "error_message": error_message}
    return Outcome(error=error, outputs={}, diagnostics={}, processing_time_s=0.0)


def _last_words(log: Path, exit_code: int) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    how = f"by signal {-exit_code}" if exit_code < 0 else f"with exit code {exit_code}"
    words = f": {lines[-1].strip()}" if lines else ""
    return f"The solve ended unexpectedly {how}{words}"


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    paths = [str(ROOT / "scripts"), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    for name in _ONE_THREAD:
        environment.setdefault(name, "1")
    return environment
