# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by an interpreter with bpy: lands takes at capture rate and compares every pose.

Prints one line of JSON with the largest errors in mm and degrees.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bpy

from tests.blender.exact_landing import land
from tests.helpers.exact_truth import Truth


def main(plan: Path) -> dict[str, Any]:
    """The largest errors of the decoded and of the evaluated poses, case by case."""
    found: dict[str, Any] = {"blender": bpy.app.version_string, "decoded": {}, "evaluated": {}}
    for case in json.loads(plan.read_text()):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        landed = land(Path(case["output"]), model=case["model"], rate_hz=case["rate_hz"])
        truth = Truth.load(Path(case["truth"]))
        found["decoded"][case["title"]] = landed.decoded_errors(truth)
        found["evaluated"][case["title"]] = landed.errors(truth)
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))), flush=True)
    os._exit(0)
