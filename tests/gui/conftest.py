# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests in a real window: each runs in every real Blender at hand, one after the other."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import build
import demo
from tests.gui import blenders
from tests.gui.channel import BlenderError, ChannelClosedError
from tests.gui.real_window import RealWindow


@dataclass(frozen=True, kw_only=True)
class LiveService:
    """A local service with the real solve."""

    base_url: str
    api_key: str

    @property
    def variables(self) -> dict[str, str]:
        """What the extension reads from the environment."""
        return {"MYOSAPIENS_BASE_URL": self.base_url, "MYOSAPIENS_API_KEY": self.api_key}


@pytest.fixture(scope="session", params=[blenders.WANTED] if blenders.WANTED else blenders.SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    reason = blenders.why_not(request.param)
    if reason:
        pytest.skip(reason)
    return request.param


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(suite: str, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with the extension installed and enabled; tests work on copies of it."""
    profile = tmp_path_factory.mktemp(f"installed-{suite}")
    blenders.install(suite, archive, profile)
    return profile


@pytest.fixture(scope="module")
def profile(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile of this module's own; it stays when its Blender is started again."""
    folder = tmp_path_factory.mktemp("profile")
    shutil.copytree(installed, folder, dirs_exist_ok=True, symlinks=True)
    return folder


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """The service that scripts/test.py started, else one of our own."""
    if "MYOSAPIENS_TEST_URL" in os.environ:
        key = os.environ["MYOSAPIENS_TEST_KEY"]
        yield LiveService(base_url=os.environ["MYOSAPIENS_TEST_URL"], api_key=key)
        return
    key = "ak_local_window_tests"
    with demo.local_service(tmp_path_factory.mktemp("service"), key) as base_url:
        yield LiveService(base_url=base_url, api_key=key)


@pytest.fixture(scope="module")
def window(suite: str, profile: Path, live_service: LiveService) -> Iterator[RealWindow]:
    """One Blender for the tests of a module, with the extension and a service to talk to."""
    with RealWindow(suite, profile=profile, variables=live_service.variables) as window:
        yield window


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of the screen at the moment a test fails."""
    report = yield
    window = getattr(item, "funcargs", {}).get("window")
    if report.when == "call" and report.failed and isinstance(window, RealWindow):
        with contextlib.suppress(BlenderError, ChannelClosedError, OSError):
            report.sections.append(("screen", str(window.shot(f"failed-{item.name}.png"))))
    return report
