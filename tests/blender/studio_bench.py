# SPDX-License-Identifier: GPL-3.0-or-later
"""A seat with a studio's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import pytest

import myosapiens_addon
from myosapiens_addon.blender import (
    paths,
    preferences,
    studio,
)

Write = Callable[[str], Path]


@pytest.fixture(name="plain", autouse=True)
def plain_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*preferences.KEY_VARIABLES, preferences.BASE_URL_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("MYOSAPIENS_CONFIG", raising=False)
    monkeypatch.delenv("BLENDER_SYSTEM_SCRIPTS", raising=False)
    studio.forget()
    yield
    studio.forget()


@pytest.fixture(name="write")
def write_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the studio's file, and has it read."""

    def write(text: str) -> Path:
        file = tmp_path / "studio.toml"
        file.write_text(text)
        monkeypatch.setenv("MYOSAPIENS_CONFIG", str(file))
        studio.start()
        return file

    return write


@pytest.fixture(name="seat")
def seat_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[preferences.MYOSAPIENS_preferences]:
    """The extension enabled as Blender does it, so that it has preferences; online."""
    monkeypatch.setattr(preferences, "may_leave", lambda: True)  # a real Blender begins offline
    addon = bpy.context.preferences.addons.new()
    addon.module = paths.PACKAGE
    myosapiens_addon.register()
    yield addon.preferences
    myosapiens_addon.unregister()
    bpy.context.preferences.addons.remove(addon)
