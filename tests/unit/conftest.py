# SPDX-License-Identifier: GPL-3.0-or-later
"""A stub of the service, a client of it, and a bench for pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myosapiens_addon.service.client import Client
from tests.unit.jobs_bench import Bench
from tests.unit.service_stub import KEY, StubService, running
from tests.unit.transfer_watch import QUICK


@pytest.fixture
def stub() -> Iterator[StubService]:
    with running() as service:
        yield service


@pytest.fixture
def client(stub: StubService) -> Iterator[Client]:
    with Client(base_url=stub.base_url, api_key=KEY, retry=QUICK) as made:
        yield made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running() as service:
        yield Bench(service, tmp_path)
