# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's file on a share that does not answer, or beside its scripts."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import bpy
import pytest

from myosapiens_addon.blender import (
    compat,
    preferences,
    studio,
)
from myosapiens_addon.errors import InputError
from myosapiens_addon.studio.settings import NOTHING, StudioSettings
from tests.blender.studio_bench import (
    Write,
    plain_fixture,  # noqa: F401
    seat_fixture,  # noqa: F401
    write_fixture,  # noqa: F401
)

# A share that does not answer


def test_nothing_waits_for_a_slow_share_in_a_window(
    write: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def slow(environ: object, folders: object) -> tuple[StudioSettings, tuple[()]]:
        go_on.wait(60.0)
        return (NOTHING, ())

    monkeypatch.setattr(studio, "_load", slow)
    monkeypatch.setattr(studio, "bpy", _Windowed())
    write("")
    with pytest.raises(InputError, match="still being read"):
        preferences.read()
    assert preferences.read_parallel_jobs() == preferences.DEFAULT_PARALLEL_JOBS
    assert studio.is_being_read()  # whoever had waited would find it read
    go_on.set()
    end = time.monotonic() + 30.0
    while studio.is_being_read() and time.monotonic() < end:
        time.sleep(0.01)
    assert preferences.read().base_url == preferences.DEFAULT_BASE_URL


class _Windowed:
    """Stands for `bpy` in a window, where the timer is Blender's to call."""

    class app:
        background = False

        class timers:
            register = is_registered = staticmethod(lambda *_all, **_more: False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_file_that_cannot_be_opened_at_all_does_not_hang_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "myosapiens.toml"
    os.mkfifo(pipe)
    monkeypatch.setenv("MYOSAPIENS_CONFIG", str(pipe))
    studio.start()
    pipe.write_bytes(b"[service]\nparallel_jobs = 5\n")
    assert studio.current().parallel_jobs == 5


def test_a_command_waits_for_a_share_that_never_answers_once_in_all(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def never(environ: object, folders: object) -> tuple[StudioSettings, tuple[()]]:
        go_on.wait(30.0)
        return (NOTHING, ())

    waits: list[float] = []

    def join(reader: threading.Thread, timeout: float) -> None:
        waits.append(timeout)
        threading.Thread.join(reader, timeout)

    monkeypatch.setattr(studio, "_load", never)
    monkeypatch.setattr(studio, "BACKGROUND_LIMIT_S", 1.0)
    monkeypatch.setattr(studio._Reader, "join", join)
    write("")
    for _time in range(5):
        assert "still being read" in studio.current().refusal
    assert waits[0] > 0.0
    assert sum(waits) <= 1.0
    go_on.set()


# Beside the studio's scripts


def test_the_file_beside_the_scripts_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("BLENDER_SYSTEM_SCRIPTS", os.pathsep.join(map(str, folders)))
    assert tuple(map(str, folders)) == compat.system_script_folders()[-2:]
    studio.start()
    assert studio.current().file is None
    (folders[1] / "myosapiens.toml").write_text("[service]\nparallel_jobs = 4\n")
    assert bpy.app.background
    studio.start()
    assert studio.current().file == folders[1] / "myosapiens.toml"
    assert preferences.read_parallel_jobs() == 4


def test_the_settings_are_read_again_on_request(
    write: Write, seat: preferences.MYOSAPIENS_preferences
) -> None:
    file = write("[service]\nparallel_jobs = 4\n")
    assert preferences.read_parallel_jobs() == 4
    file.write_text("[service]\nparallel_jobs = 5\n")
    assert preferences.read_parallel_jobs() == 4
    assert bpy.ops.myosapiens.reload_studio() == {"FINISHED"}
    assert preferences.read_parallel_jobs() == 5
