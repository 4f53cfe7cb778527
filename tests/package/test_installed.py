# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip, installed and enabled in a clean profile, through Blender's own operators."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

INSIDE = Path(__file__).with_name("inside_blender.py")


def test_installed_enabled_used_disabled(archive: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(INSIDE), str(archive), str(tmp_path / "work")],
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("MYO")},
            "BLENDER_USER_RESOURCES": str(tmp_path / "profile"),
            "PYTHONPATH": "",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout.strip().splitlines()[-1])
    assert found["enabled"]
    assert found["package"] == "bl_ext.user_default.myosapiens"
    assert found["own_folder"].startswith(str(tmp_path / "profile"))
    assert {"requests", "requests_toolbelt", "urllib3", "certifi", "idna"} <= set(found["wheels"])
    assert found["types_left"] == []
    # No service at that port, no key, a file that is not there: each its own exit code.
    assert found["codes"] == {"unreachable": 4, "no key": 3, "no file": 2, "usage": 2}
    assert found["outside"] == []
