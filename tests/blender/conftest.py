# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests inside Blender (a bpy wheel, or a real Blender's Python): an empty file for each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

bpy = pytest.importorskip("bpy", reason="no bpy in this Python")
STATUS = {"code": 0}


@pytest.fixture(autouse=True)
def empty_file() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Journal, downloads and memory in a folder of the test: never the user's own."""
    from myosapiens_addon.blender import paths

    def user_directory(part: str) -> Path:
        folder = tmp_path / "user" / part
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    monkeypatch.setattr(paths, "user_directory", user_directory)
    return tmp_path / "user"


@dataclass(frozen=True, kw_only=True)
class LiveService:
    """A local service with the real solve."""

    base_url: str
    api_key: str


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """The service that scripts/test.py started, else one of our own."""
    if "MYOSAPIENS_TEST_URL" in os.environ:
        key = os.environ["MYOSAPIENS_TEST_KEY"]
        yield LiveService(base_url=os.environ["MYOSAPIENS_TEST_URL"], api_key=key)
        return
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("no local service: .venv is missing (run scripts/test.py)")
    key = "ak_local_blender_tests"
    command = [str(python), str(ROOT / "scripts" / "local_service"), "--port", "0"]
    command += ["--data", str(tmp_path_factory.mktemp("service")), "--api-key", key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        line = service.stdout.readline() if service.stdout else ""
        try:
            assert line.startswith("listening on "), line
            yield LiveService(base_url=line.split()[-1], api_key=key)
        finally:
            service.terminate()


def pytest_sessionfinish(exitstatus: int) -> None:
    STATUS["code"] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Leave at once: wheels hang (4.5) or crash (4.2) in destructors after Python's end."""
    if not bpy.app.binary_path:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(STATUS["code"])
