# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""One journal and one service to run pipelines with, and what their tests share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import Journal
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import JobRecord, Stage
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.spec import JobSpec
from myosapiens_addon.service.client import Client
from tests.unit.service_stub import (
    KEY,
    StubService,
)
from tests.unit.transfer_watch import PATIENT, QUICK

SAMPLE = Path(__file__).resolve().parents[2] / "scripts" / "sample"
FAST = PipelineSettings(
    poll_interval_s=0.02,
    look_waits_s=(0.0, 0.05),
    cleanup_limit_s=1.0,
    unreachable_limit_s=0.3,
    progress_interval_s=0.0,
)


CRASHES: dict[str, Callable[[events.Event], bool]] = {
    "at the first byte up": lambda e: isinstance(e, events.Uploading),
    "at the markerset": lambda e: isinstance(e, events.Uploading) and e.name.endswith("xml"),
    "once started": lambda e: isinstance(e, events.Started),
    "while it runs": lambda e: isinstance(e, events.Running),
    "at the first byte down": lambda e: isinstance(e, events.Downloading),
    "at the second output": lambda e: isinstance(e, events.Downloading) and "qpos" in e.name,
    "at the very end": lambda e: isinstance(e, events.Finished),
}


class CrashError(BaseException):
    """The process ends here, as far as a test within it can tell."""


@dataclass
class Bench:
    """One journal and one service, to run pipelines with."""

    stub: StubService
    folder: Path
    settings: PipelineSettings = FAST
    out: str = "out"

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "journal")

    def connect(self, cancel: threading.Event) -> Client:
        return Client(
            base_url=self.stub.base_url,
            api_key=KEY,
            cancel=cancel,
            retry=QUICK,
            timeouts=PATIENT,
        )

    def spec(self, **more: Any) -> JobSpec:
        return JobSpec(
            c3d=SAMPLE / "walk.c3d",
            markerset=SAMPLE / "markerset.xml",
            out_dir=self.folder / self.out,
            **more,
        )

    def begin(self, **more: Any) -> Pipeline:
        return Pipeline.begin(
            self.spec(**more),
            base_url=self.stub.base_url,
            journal=self.journal,
            connect=self.connect,
            settings=self.settings,
            landing={"armature": "Rig"},
        )

    def resume(self, token: str) -> Pipeline:
        return Pipeline.resume(
            token, journal=self.journal, connect=self.connect, settings=self.settings
        )

    def record(self) -> JobRecord:
        (record,) = self.journal.load_all()
        return record


def run(pipeline: Pipeline) -> list[events.Event]:
    told: list[events.Event] = []
    last = pipeline.run(told.append)
    assert told[-1] is last
    assert isinstance(last, events.TERMINAL)
    return told


def crash_at(pipeline: Pipeline, hit: Callable[[events.Event], bool]) -> None:
    def emit(event: events.Event) -> None:
        if hit(event):
            raise CrashError

    with pytest.raises(CrashError):
        pipeline.run(emit)


def check_finished(bench: Bench, last: events.Event) -> None:
    assert isinstance(last, events.Finished), last
    assert len(bench.stub.jobs) == 1
    for name, content in bench.stub.outputs.items():
        assert last.files[name].read_bytes() == content
    assert bench.record().stage is Stage.FINISHED
    assert bench.record().files == last.files
