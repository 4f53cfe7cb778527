# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script in a Python with bpy, and takes its answer: JSON in the last line it prints."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# The figures are of one core: Blender's threads would hide what numpy is slow at, and the reverse.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run(python: Path, script: Path, *arguments: str, limit_s: float = 600.0) -> dict[str, Any]:
    """What a script answers.

    Raises:
        SystemExit: it failed, or took longer than `limit_s`.
    """
    command = [str(python), str(script), *arguments]
    try:
        ended = subprocess.run(
            command,
            env=os.environ | ONE_THREAD,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{script.name} took more than {limit_s:.0f} s in {python}.") from None
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode != 0 or not lines:
        raise SystemExit(f"{ended.stdout}{ended.stderr}{script.name} failed in {python}.")
    return json.loads(lines[-1])
