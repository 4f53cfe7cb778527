# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests inside Blender (a bpy wheel, or a real Blender's Python): an empty file for each."""

from __future__ import annotations

import os
import sys

import pytest

bpy = pytest.importorskip("bpy", reason="no bpy in this Python")
STATUS = {"code": 0}


@pytest.fixture(autouse=True)
def empty_file() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


def pytest_sessionfinish(exitstatus: int) -> None:
    STATUS["code"] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Leave at once: the bpy 4.5 wheel can hang in a destructor when Python exits normally."""
    if getattr(bpy.app, "module", False):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(STATUS["code"])
