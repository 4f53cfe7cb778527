# SPDX-License-Identifier: GPL-3.0-or-later
"""A studio's settings in a real window: what is locked is greyed, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gui.conftest import LiveService
from tests.gui.panel_bench import NARROW, PACKAGE, PanelBench
from tests.gui.real_window import RealWindow

SETTINGS = """\
lock = ["service.base_url", "key", "defaults.rate", "defaults.gender"]
[service]
base_url = "{base_url}"
paralel_jobs = 2
[key]
command = ["/bin/sh", "-c", "printenv MYOSAPIENS_OF_THE_STUDIO"]
[defaults]
gender = "female"
rate = 50
set_range = true
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio") / "myosapiens.toml"


@pytest.fixture(scope="module")
def bench(suite: str, profile: Path, live_service: LiveService, file: Path) -> Iterator[PanelBench]:
    file.write_text(SETTINGS.format(base_url=live_service.base_url))
    variables = {
        "MYOSAPIENS_CONFIG": str(file),
        "MYOSAPIENS_OF_THE_STUDIO": live_service.api_key,
        # The seat would rather go elsewhere.
        "MYOSAPIENS_BASE_URL": "http://127.0.0.1:9",
        "MYOSAPIENS_API_KEY": "ak_local_nobody",
    }
    with RealWindow(suite, profile=profile, variables=variables) as window:
        bench = PanelBench(window)
        bench.prepare()
        window.exec(f"from {PACKAGE}.blender import choices, studio")
        window.set_sidebar_width(NARROW)
        yield bench


def test_the_studios_service_is_asked_with_the_studios_key(bench: PanelBench) -> None:
    bench.window.wait_until("live.account().link.name == 'CONNECTED'")
    assert bench.window.eval("live.account().catalogue.entries[0].is_ready")


def test_what_is_wrong_is_shown_and_the_file_can_be_read_again(
    bench: PanelBench, file: Path, live_service: LiveService
) -> None:
    window = bench.window
    (sentence,) = window.eval("[fault.sentence for fault in studio.current().faults]")
    assert sentence.startswith(f"{file}, line 4: service.paralel_jobs is no setting;")
    window.scroll_to_top()
    bench.sidebar_shot("studio-wrong")
    right = SETTINGS.format(base_url=live_service.base_url).replace("paralel", "parallel")
    file.write_text(right)
    window.press("myosapiens.reload_studio")
    window.wait_until("studio.current().parallel_jobs == 2 and not studio.current().faults")
    window.wait_until("live.account().link.name == 'CONNECTED'")


def test_locked_choices_cannot_be_changed_and_say_why(bench: PanelBench) -> None:
    window = bench.window
    bench.choose()
    assert window.is_enabled(window.find_prop("set_range"))
    # Gender and rate stand right above it, but are fields no more.
    found = {widget.name for widget in window.scan()}
    assert {"enable_scaling", "start_frame", "set_range"} <= found
    assert not found & {"rate", "custom_rate", "gender"}
    assert window.eval("settings().set_range")
    bench.sidebar_shot("studio-locked")
    window.exec("settings().rate = 'SCENE'")
    read = "choices.read(bpy.context.window_manager.windows[0].scene)"
    assert window.eval(f"{read}.landing.rate") == 50.0
    assert window.eval(f"{read}.subject.gender") == "female"


def test_the_preferences_say_it_too(bench: PanelBench) -> None:
    window = bench.window
    window.press("myosapiens.open_preferences")
    window.settle(60)
    window.shot(f"{window.suite}/studio-preferences.png")
    windows = "len(bpy.context.window_manager.windows)"
    assert window.eval(windows) == 2
