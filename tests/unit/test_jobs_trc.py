# SPDX-License-Identifier: GPL-3.0-or-later
"""TRC takes on their way through a pipeline: by either revision of the service, known or not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from myosapiens_addon.jobs.spec import JobSpec
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.revisions import Revision, RevisionMemory
from tests.helpers.trc_writer import TrcWriter, scattered
from tests.unit.jobs_bench import Bench, check_finished, crash_at, run
from tests.unit.service_stub import KEY, Reply, on, running
from tests.unit.transfer_watch import QUICK

MARKERS = [f"M{number}" for number in range(8)]
BODIES = ("pelvis", "femur_r", "tibia_r", "thoracic_spine")
REFUSAL = (
    "The service speaks revision 1 of the API, which takes C3D files alone: export take.trc as C3D."
)


@dataclass
class TrcBench(Bench):
    """A bench whose take is a TRC, and whose clients share what they know of the service."""

    memory: RevisionMemory = field(default_factory=RevisionMemory)

    def connect(self, cancel: threading.Event) -> Client:
        return Client(
            base_url=self.stub.base_url,
            api_key=KEY,
            cancel=cancel,
            retry=QUICK,
            revisions=self.memory,
        )

    def begin_trc(self, *, units: str = "mm", points: np.ndarray | None = None) -> Pipeline:
        points = scattered(20, len(MARKERS)) if points is None else points
        writer = TrcWriter(labels=MARKERS, points=points, units=units)
        markers = "".join(
            f'<marker name="{name}" body="{BODIES[index % 4]}" pos="0 0 0"/>'
            for index, name in enumerate(MARKERS)
        )
        markerset = self.folder / "set.xml"
        markerset.write_text(f"<markers name='S' model='H'>{markers}</markers>")
        spec = JobSpec(
            c3d=writer.write(self.folder / "take.trc"),
            markerset=markerset,
            out_dir=self.folder / "out",
        )
        return Pipeline.begin(
            spec,
            base_url=self.stub.base_url,
            journal=self.journal,
            connect=self.connect,
            settings=self.settings,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[TrcBench]:
    with running() as stub:
        yield TrcBench(stub=stub, folder=tmp_path)


def check_refused(bench: TrcBench, last: events.Event) -> None:
    assert isinstance(last, events.Failed), last
    assert (last.sentence, last.retryable, last.resumable) == (REFUSAL, False, False)
    assert bench.stub.jobs == {}
    record = bench.record()
    assert (record.stage, record.posted_at, record.job_id) == (Stage.FAILED, None, None)
    assert record.take_name == "take"


@pytest.mark.parametrize(("units", "scale"), [("mm", None), ("m", 1), ("Meters", 1), ("cm", 100)])
def test_the_whole_way(bench: TrcBench, units: str, scale: int | None) -> None:
    last = run(bench.begin_trc(units=units))[-1]
    check_finished(bench, last)
    (job,) = bench.stub.jobs.values()
    assert job["body"].get("mocap_scale") == scale
    asked = [sent.json for sent in bench.stub.requests("POST", "/v1/assets/initiate")]
    assert [(one["filename"], one["content_type"]) for one in asked] == [
        ("take.trc", "text/plain"),
        ("set.xml", "application/xml"),
    ]


def test_a_server_known_to_read_none_is_sent_nothing(bench: TrcBench) -> None:
    bench.stub.revision = 1
    bench.memory.remember(bench.stub.base_url, Revision.ONE)
    check_refused(bench, run(bench.begin_trc())[-1])
    assert bench.stub.received == []


def test_a_server_that_turns_out_to_read_none(bench: TrcBench) -> None:
    """Found out by one request that it refuses as a whole; the next take is not even uploaded."""
    bench.stub.revision = 1
    check_refused(bench, run(bench.begin_trc())[-1])
    assert len(bench.stub.requests("POST", "/v1/runs")) == 1
    before = len(bench.stub.received)
    bench.journal.forget(bench.record().token)
    check_refused(bench, run(bench.begin_trc())[-1])
    assert len(bench.stub.received) == before


def test_a_lost_start_on_a_server_that_reads_none(bench: TrcBench) -> None:
    """The answer is lost, the job is looked for, the second try is refused: none was started."""
    bench.stub.revision = 1
    bench.stub.faults.append(on("POST", "/v1/runs", Reply(lost=True)))
    check_refused(bench, run(bench.begin_trc())[-1])
    assert len(bench.stub.requests("POST", "/v1/runs")) == 2
    assert bench.stub.requests("GET", "/v1/jobs")


def test_a_start_that_was_cut_off_before_the_server_was_known(bench: TrcBench) -> None:
    bench.stub.revision = 1
    pipeline = bench.begin_trc()
    crash_at(pipeline, lambda event: isinstance(event, events.Uploading))
    bench.memory.remember(bench.stub.base_url, Revision.ONE)
    check_refused(bench, run(bench.resume(pipeline.token))[-1])
    assert bench.stub.requests("POST", "/v1/runs") == []


def test_what_would_fail_is_not_sent(bench: TrcBench) -> None:
    last = run(bench.begin_trc(points=np.full((20, len(MARKERS), 3), np.nan)))[-1]
    assert isinstance(last, events.Failed)
    assert last.sentence.startswith("No marker of take.trc is there")
    assert bench.stub.received == []
