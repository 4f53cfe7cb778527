# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real Blenders with a window are at hand, and profiles with the extension in them."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT.parent / "shared" / "tools" / "real-blender"
SUITES = ("trixie", "sid")
# One of them, where scripts/test.py runs the other one elsewhere.
WANTED = os.environ.get("MYOSAPIENS_TEST_WINDOW", "")
INSTALL = ("--command", "extension", "install-file", "-r", "user_default", "--enable")


@functools.cache
def why_not(suite: str) -> str:
    """Why this Blender cannot be used; empty when it can."""
    if not os.access(TOOL, os.X_OK):
        return f"the tool that brings real Blenders is not at hand ({TOOL.name})"
    if os.geteuid() != 0:
        return f"{TOOL.name} can only be used by root"
    if f"{suite}: " not in _status() or f"{suite}: not set up" in _status():
        return f"this Blender is not set up ({TOOL.name} setup {suite})"
    return ""


@functools.cache
def _status() -> str:
    return subprocess.run([str(TOOL), "status"], capture_output=True, text=True, check=False).stdout


def install(suite: str, archive: Path, profile: Path) -> None:
    """Install and enable the extension's zip in a profile."""
    run = subprocess.run(
        [str(TOOL), "run", suite, "--timeout", "300", "--", *INSTALL, str(archive)],
        cwd=ROOT,
        env=environment(profile, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise RuntimeError(f"The zip could not be installed:\n{run.stdout}{run.stderr}")


def environment(profile: Path, variables: dict[str, str]) -> dict[str, str]:
    """This process's environment without its settings of the extension, with those given."""
    ours = ("MYOSAPIENS_", "MYOSDK_", "BLENDER_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**plain, "BLENDER_USER_RESOURCES": str(profile), **variables}
