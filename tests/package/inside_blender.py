# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by a Python with bpy: installs the zip of argument 1 and prints what it finds as JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy

# Blender puts it on the path when it starts.
addon_utils = importlib.import_module("addon_utils")

NAME = "bl_ext.user_default.myosapiens"
CLOSED = "http://127.0.0.1:9"


def main(archive: str, work: Path) -> dict[str, Any]:
    work.mkdir()
    os.chdir(work)
    before = set(dir(bpy.types))
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True
    )
    headless = importlib.import_module(f"{NAME}.blender.headless")
    paths = importlib.import_module(f"{NAME}.blender.paths")
    enabled = addon_utils.check(NAME)[1]
    os.environ["MYOSAPIENS_API_KEY"] = "ak_local_test"
    codes = {
        "unreachable": headless.main(["check", "--base-url", CLOSED], program="t"),
        "no file": headless.main(
            ["import", "--output", "gone.glb", "--out", "out.blend"], program="t"
        ),
        "usage": headless.main(["import"], program="t"),
    }
    del os.environ["MYOSAPIENS_API_KEY"]
    codes["no key"] = headless.main(["check", "--base-url", CLOSED], program="t")
    profile = Path(os.environ["BLENDER_USER_RESOURCES"])
    wheels = sorted(path.parent.name for path in profile.rglob("site-packages/*/__init__.py"))
    own_folder = str(paths.user_directory("jobs"))
    addon_utils.disable(NAME, default_set=True)
    return {
        "enabled": enabled,
        "package": paths.PACKAGE,
        "own_folder": own_folder,
        "wheels": wheels,
        "types_left": sorted(set(dir(bpy.types)) - before),
        "codes": codes,
        "outside": sorted(str(path) for path in work.iterdir()),
    }


sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))) + "\n")
sys.stdout.flush()
os._exit(0)
