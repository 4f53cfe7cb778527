# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample take as TRC: two readers of it, its solve, and services that do not read it.

ezc3d reads the shipped C3D; the TRC is written from that.
"""
# ezc3d and pyarrow come without full types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
import pyarrow.parquet as pq
import pytest

from local_service.solve.take import read as read_as_the_service
from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.journal import Journal
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.settings import PipelineSettings
from myosapiens_addon.jobs.spec import JobSpec, SolveOptions
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.revisions import Revision, RevisionMemory
from myosapiens_addon.takes import trc
from tests.helpers.trc_writer import TrcWriter, scattered
from tests.service.harness import ROOT, RunningService

StartService = Callable[..., RunningService]
SAMPLE = ROOT / "scripts" / "sample"
FAST = PipelineSettings(poll_interval_s=0.05, progress_interval_s=0.0)
FRAMES = 120


def sample_as_trc(path: Path, **more: Any) -> Path:  # noqa: ANN401
    """The shipped take, in metres where asked for."""
    file: Any = ezc3d.c3d(str(SAMPLE / "walk.c3d"))
    points = np.transpose(file["data"]["points"][:3], (2, 1, 0))
    group = file["parameters"]["POINT"]
    writer = TrcWriter(
        labels=group["LABELS"]["value"],
        points=points / (1000.0 if more.get("units") == "m" else 1.0),
        rate_hz=float(group["RATE"]["value"][0]),
        **more,
    )
    return writer.write(path)


def send(service: RunningService, take: Path, folder: Path, memory: RevisionMemory) -> events.Event:
    def connect(cancel: threading.Event) -> Client:
        return Client(
            base_url=service.base_url, api_key=service.api_key, cancel=cancel, revisions=memory
        )

    spec = JobSpec(
        c3d=take,
        markerset=SAMPLE / "markerset.xml",
        out_dir=folder / "out",
        options=SolveOptions(clip_length=FRAMES),
    )
    pipeline = Pipeline.begin(
        spec,
        base_url=service.base_url,
        journal=Journal(folder / "journal"),
        connect=connect,
        settings=FAST,
    )
    return pipeline.run(lambda _event: None)


@pytest.mark.parametrize(
    "more",
    [{}, {"ending": "\r\n"}, {"gap": "NaN", "trailing": "\t"}, {"gap": "0.0"}, {"label_step": 1}],
    ids=str,
)
def test_both_readers_see_the_same(tmp_path: Path, more: dict[str, Any]) -> None:
    points = scattered(30, 4)
    points[3:9, 2] = np.nan
    labels = ["Anna:A", "B", "", "D"] if "label_step" not in more else ["A", "B", "C", "D"]
    path = TrcWriter(labels=labels, points=points, **more).write(tmp_path / "take.trc")
    theirs = read_as_the_service(path, mocap_scale=1000, rotation=None)
    info = trc.read_info(path)
    assert (theirs.labels, theirs.rate_hz) == (info.labels, info.rate_hz)
    ours = np.concatenate(list(trc.iter_points(path, info)))
    np.testing.assert_allclose(theirs.points_m, ours / 1000.0, rtol=1e-12, atol=0)


@pytest.mark.parametrize("units", ["mm", "m"])
def test_the_solve_of_a_trc_is_that_of_the_c3d(
    start_service: StartService, tmp_path: Path, units: str
) -> None:
    """C3D and TRC hold the same numbers, and the solve is the same for the same numbers.

    In metres they differ by one rounding of a float64, which the solve makes no more of than
    micrometres.
    """
    service = start_service(solver=None)
    memory = RevisionMemory()
    takes = [SAMPLE / "walk.c3d", sample_as_trc(tmp_path / "walk.trc", units=units)]
    files = []
    for take in takes:
        last = send(service, take, tmp_path / take.suffix[1:], memory)
        assert isinstance(last, events.Finished), last
        files.append(last.files)
    for output, most in (("xpos", 2e-5), ("qpos", 2e-4)):
        c3d, ours = (pq.read_table(one[output]) for one in files)
        assert c3d.column_names == ours.column_names
        assert ours.num_rows == FRAMES
        differences = [
            np.abs(c3d[name].to_numpy() - ours[name].to_numpy()).max() for name in c3d.column_names
        ]
        assert max(differences) <= (0.0 if units == "mm" else most), (output, max(differences))


def test_a_service_of_revision_1_is_found_out_and_then_sent_nothing(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service(revision=1)
    memory = RevisionMemory()
    take = sample_as_trc(tmp_path / "walk.trc")
    sentence = (
        "The service speaks revision 1 of the API, which takes C3D files alone: export walk.trc "
        "as C3D."
    )
    for number, uploads in ((1, 2), (2, 2)):
        last = send(service, take, tmp_path / str(number), memory)
        assert isinstance(last, events.Failed), last
        assert (last.sentence, last.resumable) == (sentence, False)
        with service.api() as api:
            assert api.get("/v1/jobs").json()["total"] == 0
            assert api.get("/v1/assets").json()["total"] == uploads
        assert memory.recall(service.base_url) is Revision.ONE
