# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of this project with a history of their own, to publish from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("LICENSE", "pyproject.toml", "blender_manifest.toml", ".gitignore")
CODE = "import sys, publish; raise SystemExit(publish.main(sys.argv[1:]))"


def raised(version: str) -> str:
    """The next version after one: `0.1.0` → `0.2.0`."""
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


class Checkout:
    """The project as it is now, in one commit, with another version where one is given."""

    def __init__(self, folder: Path, version: str = "") -> None:
        build.fetch_wheels()
        self.folder = folder
        self.version = version or build.manifest_version()
        _copy(folder)
        self.git("init", "-q")
        self.set_version(self.version)
        self.commit()

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=Tests", "-c", "user.email=tests@localhost")
        command = ["git", "-C", str(self.folder), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def set_version(self, version: str) -> None:
        manifest = self.folder / "blender_manifest.toml"
        text = re.sub(r'(?m)^version = ".*"', f'version = "{version}"', manifest.read_text())
        manifest.write_text(text)
        self.version = version

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", f"Version {self.version}")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`python scripts/publish.py …` in the environment that runs the tests."""
        return subprocess.Popen(
            [sys.executable, "-c", CODE, *words],
            env={**os.environ, "PYTHONPATH": str(self.folder / "scripts")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def publish(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        with self.start(*words) as run:
            stdout, stderr = run.communicate(timeout=300)
        return run.returncode, stdout, stderr


def _copy(folder: Path) -> None:
    folder.mkdir()
    for name in ("myosapiens_addon", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "vendor", folder / "vendor", ignore=shutil.ignore_patterns("wheels-*"))
    for name in NAMES:
        shutil.copyfile(ROOT / name, folder / name)
