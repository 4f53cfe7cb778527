# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling the extension is quick: what its window needs imports no HTTP and no numerics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("requests", "requests_toolbelt", "urllib3", "numpy")
LIGHT = (
    "errors",
    "jobs.events",
    "jobs.faults",
    "jobs.journal",
    "jobs.pipeline",
    "jobs.record",
    "jobs.settings",
    "jobs.spec",
    "jobs.support",
    "jobs.worker",
    "reports.html",
    "retarget.mapping.roles",
    "service.address",
    "service.catalogue",
    "service.errors",
    "service.history",
    "service.job_models",
    "service.models",
    "service.revisions",
    "studio.finding",
    "studio.keys",
    "studio.settings",
    "takes.c3d",
    "takes.markerset",
    "takes.preflight",
)


def loaded_by(module: str, wanted: tuple[str, ...]) -> str:
    code = f"import sys, {module}; print(*(set({wanted!r}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


@pytest.mark.parametrize("module", LIGHT)
def test_a_module_is_light(module: str) -> None:
    assert loaded_by(f"myosapiens_addon.{module}", HEAVY) == ""


def test_this_would_be_seen() -> None:
    assert "requests" in loaded_by("myosapiens_addon.service.client", HEAVY)


def test_a_worker_does_without_the_pipeline() -> None:
    wanted = ("myosapiens_addon.jobs.pipeline", "myosapiens_addon.takes.c3d")
    assert loaded_by("myosapiens_addon.jobs.worker", wanted) == ""


@pytest.mark.parametrize("module", ["studio.finding", "studio.keys", "studio.settings"])
def test_a_seat_without_a_studio_reads_no_toml(module: str) -> None:
    assert loaded_by(f"myosapiens_addon.{module}", ("tomllib", "subprocess", "ssl")) == ""
