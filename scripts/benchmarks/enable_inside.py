# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Blender: enables the extension of the last argument and prints one line of JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

import bpy

# Blender puts it on the path when it starts.
addon_utils: Any = importlib.import_module("addon_utils")

HEAVY = ("numpy", "requests", "requests_toolbelt", "urllib3")


def main(name: str) -> dict[str, Any]:
    """How long it took in ms, and which heavy modules it loaded or found loaded."""
    before = {module for module in HEAVY if module in sys.modules}
    started, begun = time.perf_counter(), time.thread_time()
    enabled = addon_utils.enable(name)
    spent, used = time.perf_counter() - started, time.thread_time() - begun
    if enabled is None:
        raise RuntimeError(f"{name} was not enabled")
    return {
        "blender": bpy.app.version_string,
        "ms": spent * 1e3,
        "cpu_ms": used * 1e3,
        "heavy": [module for module in HEAVY if module in sys.modules and module not in before],
        "had": sorted(before),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[-1])) + "\n")
    sys.stdout.flush()
    os._exit(0)
