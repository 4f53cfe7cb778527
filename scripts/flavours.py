# SPDX-License-Identifier: GPL-3.0-or-later
"""The parquet flavour: wheels of pyarrow for each platform, for both of Blender's Pythons."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import _env

LOCK = _env.ROOT / "vendor" / "parquet.lock"
WHEELS = _env.ROOT / "vendor" / "wheels-parquet"
# Blender 4.2 to 5.0 have Python 3.11, 5.1 and later 3.13.
PYTHONS = ("311", "313")
# Blender's name of a platform → pip's; pyarrow has no wheels for Windows on ARM.
PLATFORMS = {
    "linux-x64": "manylinux_2_28_x86_64",
    "macos-arm64": "macosx_12_0_arm64",
    "macos-x64": "macosx_12_0_x86_64",
    "windows-x64": "win_amd64",
}


def fetch(platform: str) -> list[Path]:
    """The wheels for a platform, each with a hash of the lock; downloaded once.

    Raises:
        SystemExit: the platform is none, or a wheel is not the lock's.
    """
    if platform not in PLATFORMS:
        raise SystemExit(f"There is no platform {platform}; choose from {', '.join(PLATFORMS)}.")
    with _env.alone(WHEELS):
        return _fetched(platform)


def _fetched(platform: str) -> list[Path]:
    folder = WHEELS / platform
    if len(list(folder.glob("*.whl"))) != len(PYTHONS):
        for python in PYTHONS:
            _download(folder, PLATFORMS[platform], python)
    found = sorted(folder.glob("*.whl"))
    known = _hashes()
    strange = [wheel.name for wheel in found if _sha256(wheel) not in known]
    if strange or len(found) != len(PYTHONS):
        raise SystemExit(f"The wheels in {folder} are not those of {LOCK.name}; remove them.")
    return found


def _download(folder: Path, platform: str, python: str) -> None:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    target = ["--platform", platform, "--python-version", python, "--implementation", "cp"]
    rest = ["--abi", f"cp{python}", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    command = [*pip, *target, *rest, "-r", str(LOCK), "-d", str(folder)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(f"pip could not fetch pyarrow for {platform}, Python {python}; see above.")


def _hashes() -> set[str]:
    words = LOCK.read_text(encoding="utf-8").split()
    return {word.removeprefix("--hash=sha256:") for word in words if word.startswith("--hash")}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
