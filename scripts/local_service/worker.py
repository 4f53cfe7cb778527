# SPDX-License-Identifier: GPL-3.0-or-later
"""One solve in a process of its own: `python -m local_service.worker REQUEST.json`.

Reads the request, waits the delay, runs the solver and leaves `result.json` beside the request.
The solver module has `run`, `SolveOptions` and `SolveError` (see `local_service.solve`). Standard
input is a life line: when it closes, the service is gone, and so is this process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

RESULT = "result.json"


def main(arguments: list[str]) -> int:
    """Run the request of the command line."""
    threading.Thread(target=_die_with_service, daemon=True).start()
    request_path = Path(arguments[0])
    request: dict[str, Any] = json.loads(request_path.read_text())
    time.sleep(float(request["delay_s"]))
    result = _solve(request)
    partial = request_path.with_name("result.part")
    partial.write_text(json.dumps(result))
    partial.replace(request_path.with_name(RESULT))
    return 0


def _solve(request: dict[str, Any]) -> dict[str, Any]:
    module_name, _, function_name = str(request["solver"]).partition(":")
    solver = importlib.import_module(module_name)
    out_dir = Path(request["out_dir"])
    out_dir.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        solved = getattr(solver, function_name)(
            c3d=Path(request["c3d"]),
            markerset=Path(request["markerset"]),
            out_dir=out_dir,
            options=solver.SolveOptions(**request["options"]),
        )
    except solver.SolveError as error:
        return {"error": {"error_type": error.error_type, "error_message": error.message}}
    return {
        "outputs": {role: str(path) for role, path in solved.outputs.items()},
        "warnings": list(solved.warnings),
        "mujoco_version": solved.mujoco_version,
        "seconds": time.monotonic() - started,
    }


def _die_with_service() -> None:
    # os.read, because a buffered read pending at interpreter exit is a fatal error.
    while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
