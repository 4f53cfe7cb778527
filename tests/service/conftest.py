# SPDX-License-Identifier: GPL-3.0-or-later
"""Running local services for tests: `service` is one per module, `start_service` makes more.

Both run the small solver unless told otherwise (`start_service(solver=None)` for the real one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.service.harness import RunningService, launch

StartService = Callable[..., RunningService]


@pytest.fixture(scope="session")
def _launched() -> Iterator[list[RunningService]]:
    services: list[RunningService] = []
    yield services
    for running in services:
        running.kill()


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, _launched: list[RunningService]
) -> Iterator[RunningService]:
    running = launch(tmp_path_factory.mktemp("service") / "data")
    _launched.append(running)
    yield running
    running.stop()


@pytest.fixture
def start_service(
    tmp_path_factory: pytest.TempPathFactory, _launched: list[RunningService]
) -> Iterator[StartService]:
    """A function that starts a service with options of the command line; `data` is its folder."""
    mine: list[RunningService] = []

    def start(**options: Any) -> RunningService:  # noqa: ANN401
        data = options.pop("data", None) or tmp_path_factory.mktemp("service") / "data"
        running = launch(data, **options)
        mine.append(running)
        _launched.append(running)
        return running

    yield start
    for running in mine:
        running.stop()


@pytest.fixture
def api(service: RunningService) -> Iterator[httpx.Client]:
    with service.api() as client:
        yield client
