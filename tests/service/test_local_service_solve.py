# SPDX-License-Identifier: GPL-3.0-or-later
"""The local service with its real solve: the shipped sample take, and takes that are none."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import numpy as np
import pyarrow.parquet as parquet
import pytest

from tests.service.harness import (
    ROOT,
    WEB,
    RunningService,
    first_ready,
    launch,
    request_job,
    upload,
    wait_for,
)

SAMPLE = ROOT / "scripts" / "sample"
SOLVE_TIMEOUT_S = 120
GLB_MAGIC = b"glTF"


@pytest.fixture(scope="module")
def solving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = launch(tmp_path_factory.mktemp("solving") / "data", solver=None)
    yield running
    running.stop()


@pytest.fixture
def solving_api(solving: RunningService) -> Iterator[httpx.Client]:
    with solving.api() as client:
        yield client


def test_sample_take_revision_2(solving_api: httpx.Client) -> None:
    api = solving_api
    take = upload(api, (SAMPLE / "walk.c3d").read_bytes(), "walk.c3d")
    markerset = upload(api, (SAMPLE / "markerset.xml").read_bytes(), "markerset.xml")
    answer = request_job(api, take, markerset, export_glb=True, subject_height=1.72)
    job = wait_for(api, answer.json()["job_id"], timeout_s=SOLVE_TIMEOUT_S)
    assert job["status"] == "SUCCEEDED", job
    files = {role: WEB.get(url).content for role, url in job["download_urls"].items()}
    assert files.keys() == {"qpos", "xpos", "model", "motion"}
    xpos = parquet.read_table(io.BytesIO(files["xpos"]))
    assert xpos.column_names[0] == "time"
    assert xpos.num_rows >= 400  # at least 4 s at 100 Hz
    pelvis_height_m = np.array(xpos["pelvis_z"])
    assert 0.7 < pelvis_height_m.min() <= pelvis_height_m.max() < 1.2
    assert files["motion"].startswith(GLB_MAGIC)
    diagnostics = job["output"]["diagnostics"]
    assert diagnostics["mujoco_version"]
    assert diagnostics["warnings"]


def test_sample_take_revision_1(tmp_path_factory: pytest.TempPathFactory) -> None:
    running = launch(tmp_path_factory.mktemp("solving") / "data", solver=None, revision=1)
    with running.api() as api:
        body = {
            "c3d_asset_id": upload(api, (SAMPLE / "walk.c3d").read_bytes(), "walk.c3d"),
            "markerset_asset_id": upload(api, (SAMPLE / "markerset.xml").read_bytes(), "m.xml"),
            "enable_scaling": False,
            **first_ready(api),
        }
        job_id = api.post("/v1/runs/retarget", json=body).json()["job_id"]
        job = wait_for(api, job_id, timeout_s=SOLVE_TIMEOUT_S)
        assert job["status"] == "SUCCEEDED", job
        content = WEB.get(job["download_urls"]["retarget_output"]).content
    running.stop()
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    assert arrays["joint_angles"].shape[0] >= 400
    assert arrays["joint_angles"].shape[1] == len(arrays["joint_names"])


@pytest.mark.parametrize(
    ("take", "markerset"),
    [
        (b"this is no C3D", None),
        (b"", None),
        (None, b"this is no XML"),
        (None, b"<markers/>"),
    ],
)
def test_bad_input_fails_the_job_with_a_sentence(
    solving: RunningService, solving_api: httpx.Client, take: bytes | None, markerset: bytes | None
) -> None:
    api = solving_api
    good = ((SAMPLE / "walk.c3d").read_bytes(), (SAMPLE / "markerset.xml").read_bytes())
    assets = (
        upload(api, good[0] if take is None else take, "walk.c3d"),
        upload(api, good[1] if markerset is None else markerset, "markerset.xml"),
    )
    job = wait_for(api, request_job(api, *assets).json()["job_id"])
    assert job["status"] == "FAILED"
    assert job["error"]["error_type"] != "InternalError", job["error"]
    message = job["error"]["error_message"]
    assert message in job["message"]
    assert "Traceback" not in message
    assert str(solving.data_dir) not in message
