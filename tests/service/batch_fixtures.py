# SPDX-License-Identifier: GPL-3.0-or-later
"""Services with takes to send to them, for the tests of batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.kept_solver import KEPT_VARIABLE
from local_service import solve
from tests.service.batch_line import SAMPLE, BatchLine
from tests.service.conftest import StartService

Begin = Callable[..., BatchLine]
SOLVER = "batch_solver:run"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the real solve of the sample leaves."""
    folder = tmp_path_factory.mktemp("kept")
    solve.run(
        c3d=SAMPLE / "walk.c3d",
        markerset=SAMPLE / "markerset.xml",
        out_dir=folder,
        options=solve.SolveOptions(revision=2, export_glb=True),
    )
    return folder


@pytest.fixture
def begin(
    kept: Path, start_service: StartService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Begin:
    """A service of one's own with so many takes to send to it."""

    def make(count: int, *, failing: tuple[int, ...] = (), broken: tuple[int, ...] = (),
             **options: object) -> BatchLine:  # fmt: skip
        monkeypatch.setenv(KEPT_VARIABLE, str(kept))
        service = start_service(**{"solver": SOLVER, "workers": 4, **options})
        line = BatchLine(service, tmp_path)
        line.lay_out(count, failing=failing, broken=broken)
        return line

    return make


def takes(*numbers: int) -> Counter[str]:
    """Takes by name, to be counted."""
    return Counter(f"walk{number}.c3d" for number in numbers)
