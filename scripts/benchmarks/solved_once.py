# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver for tests of what comes after the solve: it is the real one, once for each input.

Results are kept in the folder that the variable MYOSAPIENS_SOLVED_ONCE names; without it every
take is solved. The modules that take a second to load (MuJoCo, SciPy) are only loaded to solve.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from .solver_parts import SolveError, SolveOptions, SolveResult

__all__ = ["SolveError", "SolveOptions", "SolveResult", "run"]
FOLDER = "MYOSAPIENS_SOLVED_ONCE"
FACTS = "facts.json"


def run(*, c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    """As `local_service.solve.run`."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return _solve(c3d, markerset, out_dir, options)
    kept = Path(folder) / _key(c3d, markerset, options)
    if not kept.is_dir():
        _keep(kept, c3d, markerset, options)
    facts = json.loads((kept / FACTS).read_text())
    outputs = {role: out_dir / name for role, name in facts.pop("outputs").items()}
    for path in outputs.values():
        shutil.copyfile(kept / path.name, path)
    return SolveResult(outputs=outputs, **facts)


def _key(c3d: Path, markerset: Path, options: SolveOptions) -> str:
    """Warnings name the files, so their names count like their content."""
    whole = hashlib.sha256(json.dumps(options.wanted, sort_keys=True).encode())
    for path in (c3d, markerset):
        whole.update(f"\n{path.name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _keep(kept: Path, c3d: Path, markerset: Path, options: SolveOptions) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix="part-", dir=kept.parent))
    solved = _solve(c3d, markerset, part, options)
    outputs = {role: path.name for role, path in solved.outputs.items()}
    facts = {"warnings": solved.warnings, "mujoco_version": solved.mujoco_version}
    (part / FACTS).write_text(json.dumps({"outputs": outputs, **facts}))
    try:
        part.rename(kept)
    except OSError:  # another has kept the same meanwhile
        shutil.rmtree(part)


def _solve(c3d: Path, markerset: Path, out_dir: Path, options: SolveOptions) -> SolveResult:
    from local_service import solve

    real = solve.SolveOptions(**options.wanted)
    try:
        solved = solve.run(c3d=c3d, markerset=markerset, out_dir=out_dir, options=real)
    except solve.SolveError as error:
        raise SolveError(error.message, error.error_type) from error
    return SolveResult(
        outputs=solved.outputs, warnings=solved.warnings, mujoco_version=solved.mujoco_version
    )
