# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the local service: from the request to the files, both revisions, and every end."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.conftest import StartService
from tests.service.harness import (
    WEB,
    first_ready,
    is_gone,
    request_job,
    start_job,
    upload,
    wait_for,
    wait_for_worker,
)

# The keys of the reference's example answers.
START_KEYS = {"job_id", "type", "status", "message", "estimated_wait_time_seconds"}
JOB_KEYS = {
    *("job_id", "type", "status", "created_at", "updated_at", "started_at", "completed_at"),
    *("message", "output", "download_urls"),
}
LISTED_KEYS = {"job_id", "type", "status", "created_at", "updated_at"}


def test_upload_job_download(api: httpx.Client) -> None:
    job_id = start_job(api, export_glb=True)
    job = wait_for(api, job_id)
    assert job["status"] == "SUCCEEDED", job
    assert job.keys() >= JOB_KEYS
    assert job["credits_charged"] == 1
    assert job["error"] is None
    assert job["created_at"] <= job["started_at"] <= job["completed_at"] == job["updated_at"]
    ids = job["output"]["retarget_output_asset_ids"]
    assert set(ids) == set(job["download_urls"]) == {"qpos", "xpos", "model", "motion"}
    for role, url in job["download_urls"].items():
        content = WEB.get(url)
        assert content.status_code == 200
        assert content.json()["role"] == role
        asset = api.get(f"/v1/assets/{ids[role]}").json()
        assert asset["size_bytes"] == len(content.content)
        assert asset["checksum_sha256"] == hashlib.sha256(content.content).hexdigest()
        assert WEB.get(asset["download_url"]).content == content.content


def test_diagnostics_of_revision_2(api: httpx.Client) -> None:
    output = wait_for(api, start_job(api))["output"]
    assert "motion" not in output["retarget_output_asset_ids"]
    assert output["processing_time_seconds"] > 0
    assert output["diagnostics"]["warnings"] == ["one warning"]
    assert output["diagnostics"]["mujoco_version"] == "0.0.0"
    assert output["diagnostics"]["be_version"].startswith("local-")


def test_all_options_reach_the_solve(api: httpx.Client) -> None:
    options = {
        "enable_scaling": False,
        "subject_gender": "female",
        "subject_height": 1.72,
        "subject_weight": 64.5,
        "export_glb": True,
        "mocap_scale": 1,
        "rotation": "yup_to_zup",
        "clip_length": 120,
        "chunk_size": 50,
        "disable_contacts": False,
        "n_frames_scaling": 3,
    }
    job = wait_for(api, start_job(api, **options, metadata={"token": "t"}))
    assert job["metadata"] == {"token": "t"}
    facts = WEB.get(job["download_urls"]["qpos"]).json()
    wanted = {
        {"subject_height": "subject_height_m", "subject_weight": "subject_weight_kg"}.get(
            name, name
        ): value
        for name, value in options.items()
    }
    assert facts["options"] == {**wanted, "revision": 2, "character": "local"}
    assert facts["markerset"] == "markerset.xml"


def test_revision_1(start_service: StartService) -> None:
    with start_service(revision=1).api() as api:
        take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "markerset.xml")
        body = {
            "c3d_asset_id": take,
            "markerset_asset_id": markerset,
            **first_ready(api),
            "enable_scaling": True,
            "subject_gender": "male",
            "subject_height": 1.75,
            "subject_weight": 70.0,
            "metadata": {},
        }
        answer = api.post("/v1/runs/retarget", json=body)
        assert answer.is_success, answer.text
        assert answer.json().keys() >= START_KEYS
        assert (answer.json()["type"], answer.json()["status"]) == ("retarget", "QUEUED")
        job = wait_for(api, answer.json()["job_id"])
        assert job["output"].keys() == {"retarget_output_asset_id"}
        content = WEB.get(job["download_urls"]["retarget_output"]).json()
        assert content["options"]["mocap_scale"] is None
        assert content["options"]["subject_height_m"] == 1.75


def test_files_by_storage_reference(api: httpx.Client) -> None:
    take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "m.xml")
    references = [f"s3://local/assets/{take}/take.c3d", f"s3://local/assets/{markerset}/m.xml"]
    body = {"tracker_s3": references[0], "markerset_s3": references[1], **first_ready(api)}
    answer = api.post("/v1/runs/retarget", json=body)
    assert answer.is_success, answer.text
    assert wait_for(api, answer.json()["job_id"])["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("reference", "status"),
    [("s3://elsewhere/a/b/c", 400), ("https://x/y", 400), ("s3://local/assets/no/such", 404)],
)
def test_reference_to_nothing(api: httpx.Client, reference: str, status: int) -> None:
    body = {"tracker_s3": reference, "markerset_asset_id": upload(api, b"m"), **first_ready(api)}
    answer = api.post("/v1/runs/retarget", json=body)
    assert answer.status_code == status
    assert "tracker_s3" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("word", "error_type", "part"),
    [
        (b"fail", "bad_take", "take.c3d is bad; record it again."),
        (b"crash", "InternalError", "ValueError: nobody expected this"),
        (b"vanish", "InternalError", "exit code 3"),
    ],
)
def test_failed_job(api: httpx.Client, word: bytes, error_type: str, part: str) -> None:
    job = wait_for(api, start_job(api, word))
    assert job["status"] == "FAILED"
    assert job["error"]["error_type"] == error_type
    assert part in job["error"]["error_message"]
    assert "Traceback" not in job["error"]["error_message"]
    assert part in job["message"]
    assert job["failed_at"]
    assert job["completed_at"] is None
    assert job["output"] is None
    assert job["download_urls"] is None
    assert job["credits_charged"] == 0


def test_output_on_stdout_does_not_block_the_solve(api: httpx.Client) -> None:
    assert wait_for(api, start_job(api, b"chatter"))["status"] == "SUCCEEDED"


def test_cancel_ends_the_process(start_service: StartService) -> None:
    running = start_service()
    with running.api() as api:
        job_id = start_job(api, b"hang")
        wait_for(api, job_id, "RUNNING")
        worker = wait_for_worker(running)
        answer = api.delete(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200
        assert answer.json().keys() >= {"job_id", "status", "message"}
        assert answer.json()["status"] == "CANCELED"
        assert is_gone(worker, within_s=0)
        assert not list((running.data_dir / "work").iterdir())
        job = wait_for(api, job_id)
        assert job["status"] == "CANCELED"
        assert job["canceled_at"]
        again = api.delete(f"/v1/jobs/{job_id}")
        assert again.status_code == 409
        assert "CANCELED" in again.json()["detail"]
        assert wait_for(api, start_job(api))["status"] == "SUCCEEDED"


def test_queue(start_service: StartService) -> None:
    with start_service().api() as api:
        first = start_job(api, b"hang")
        wait_for(api, first, "RUNNING")
        waiting = [start_job(api) for _ in range(3)]
        jobs = [api.get(f"/v1/jobs/{job_id}").json() for job_id in (first, *waiting)]
        assert [job["queue_position"] for job in jobs] == [None, 1, 2, 3]
        waits_s = [job["estimated_wait_time_seconds"] for job in jobs]
        assert waits_s[0] is None
        assert 0 < waits_s[1] < waits_s[2] < waits_s[3]
        assert api.delete(f"/v1/jobs/{waiting[0]}").json()["status"] == "CANCELED"
        assert api.get(f"/v1/jobs/{waiting[1]}").json()["queue_position"] == 1
        api.delete(f"/v1/jobs/{first}")
        done = [wait_for(api, job_id) for job_id in waiting]
        assert [job["status"] for job in done] == ["CANCELED", "SUCCEEDED", "SUCCEEDED"]
        assert done[1]["completed_at"] <= done[2]["started_at"]


def test_two_workers(start_service: StartService) -> None:
    with start_service(workers=2).api() as api:
        jobs = [start_job(api, b"hang") for _ in range(3)]
        for job_id in jobs[:2]:
            wait_for(api, job_id, "RUNNING")
        assert api.get(f"/v1/jobs/{jobs[2]}").json()["status"] == "QUEUED"


def test_solve_delay(start_service: StartService) -> None:
    with start_service(solve_delay=1.0).api() as api:
        started_s = time.monotonic()
        job_id = start_job(api)
        wait_for(api, job_id, "RUNNING")
        assert wait_for(api, job_id)["status"] == "SUCCEEDED"
        assert time.monotonic() - started_s >= 1.0


def test_myoskeleton_where_its_package_is(
    start_service: StartService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "myo_model").mkdir()
    (tmp_path / "myo_model" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    known = {
        "character_id": "0199e278-06e6-7726-a6ba-9929f79005e8",
        "character_version": "v1.0.0",
    }
    with start_service(character="myoskeleton").api() as api:
        names = [found["name"] for found in api.get("/v1/characters").json()["characters"]]
        assert names == ["Local Human", "MyoSkeleton"]
        path = f"/v1/characters/{known['character_id']}/validate-manifest?version=v1.0.0"
        assert api.post(path).json()["status"] == "READY"
        for fields, name in ((known, "myoskeleton"), (first_ready(api), "local")):
            job = wait_for(api, start_job(api, b"take", **fields))
            content = WEB.get(job["download_urls"]["qpos"]).json()
            assert content["options"]["character"] == name


def test_credits(start_service: StartService) -> None:
    with start_service(credits=2).api() as api:
        assert wait_for(api, start_job(api, b"fail"))["status"] == "FAILED"  # costs nothing
        for _ in range(2):
            assert wait_for(api, start_job(api))["status"] == "SUCCEEDED"
        answer = request_job(api, upload(api, b"take"), upload(api, b"<markers/>", "m.xml"))
        assert answer.status_code == 402
        assert "credits" in answer.json()["detail"]


def test_filters(start_service: StartService) -> None:
    with start_service().api() as api:
        take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "m.xml")
        good = request_job(api, take, markerset).json()["job_id"]
        bad = start_job(api, b"fail")
        wait_for(api, good)
        later = wait_for(api, bad)
        hanging = start_job(api, b"hang")
        wait_for(api, hanging, "RUNNING")
        cases: list[tuple[dict[str, Any], set[str]]] = [
            ({}, {good, bad, hanging}),
            ({"status": "SUCCEEDED"}, {good}),
            ({"status": ["SUCCEEDED", "FAILED"]}, {good, bad}),
            ({"type": ["retarget"], "status": "RUNNING"}, {hanging}),
            ({"has_output": True}, {good}),
            ({"has_output": False}, {bad, hanging}),
            ({"input_asset_id": take}, {good}),
            ({"input_asset_id": markerset, "status": "FAILED"}, set()),
            ({"created_before": later["created_at"]}, {good, bad}),
            ({"created_after": later["created_at"]}, {bad, hanging}),
            ({"created_after": "2999-01-01T00:00:00"}, set()),
            ({"run_id": later["run_id"]}, {bad}),
            ({"run_id": "none"}, set()),
        ]
        for params, wanted in cases:
            answer = api.get("/v1/jobs", params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert {job["job_id"] for job in page["jobs"]} == wanted, params
            assert page["total"] == len(wanted)
            assert all(job.keys() >= LISTED_KEYS for job in page["jobs"])
        newest_first = [job["job_id"] for job in api.get("/v1/jobs").json()["jobs"]]
        assert newest_first == [hanging, bad, good]
        second = api.get("/v1/jobs", params={"limit": 1, "offset": 1}).json()
        assert [job["job_id"] for job in second["jobs"]] == [bad]
        assert (second["total"], second["limit"], second["offset"]) == (3, 1, 1)


@pytest.mark.parametrize(
    "params",
    [
        {"status": "DONE"},
        {"type": "render"},
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
        {"offset": 10**30},
        {"created_after": "yesterday"},
        {"input_asset_id": "1"},
        {"has_output": "perhaps"},
    ],
)
def test_wrong_filter(api: httpx.Client, params: dict[str, Any]) -> None:
    answer = api.get("/v1/jobs", params=params)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["query", next(iter(params))]


def test_inputs_must_be_complete_and_of_the_right_purpose(api: httpx.Client) -> None:
    take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "m.xml")
    body = {"purpose": "retarget", "filename": "a.c3d", "content_type": "text/plain"}
    pending = api.post("/v1/assets/initiate", json=body).json()["asset_id"]
    answer = request_job(api, pending, markerset)
    assert answer.status_code == 400
    assert "not completely uploaded" in answer.json()["detail"]
    job = wait_for(api, request_job(api, take, markerset).json()["job_id"])
    output = job["output"]["retarget_output_asset_ids"]["qpos"]
    answer = request_job(api, output, markerset)
    assert answer.status_code == 400
    assert "purpose" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"tracker_asset_id": "00000000-0000-4000-8000-000000000000"}, 404, "asset"),
        ({"character_id": "00000000-0000-4000-8000-000000000000"}, 404, "character"),
        ({"character_version": "v9"}, 404, "v9"),
        ({"character_version": "v0.9.0"}, 400, "READY"),
    ],
)
def test_unknown_parts(api: httpx.Client, change: dict[str, str], status: int, word: str) -> None:
    sources = [upload(api, b"take"), upload(api, b"<markers/>", "m.xml")]
    answer = request_job(api, *sources, **change)
    assert answer.status_code == status
    assert word in answer.json()["detail"]


def test_asset_of_a_job_cannot_be_deleted(api: httpx.Client) -> None:
    take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "m.xml")
    job = wait_for(api, request_job(api, take, markerset).json()["job_id"])
    for asset_id in (take, markerset, *job["output"]["retarget_output_asset_ids"].values()):
        answer = api.delete(f"/v1/assets/{asset_id}")
        assert answer.status_code == 409
        assert asset_id in answer.json()["detail"]
        assert api.get(f"/v1/assets/{asset_id}").json()["reference_count"] == 1


def test_asset_of_a_failed_job_can_be_deleted(api: httpx.Client) -> None:
    take, markerset = upload(api, b"fail"), upload(api, b"<markers/>", "m.xml")
    job_id = request_job(api, take, markerset).json()["job_id"]
    wait_for(api, job_id)
    assert api.delete(f"/v1/assets/{take}").status_code == 204
    assert api.get(f"/v1/assets/{take}").status_code == 404
    assert api.get(f"/v1/jobs/{job_id}").json()["status"] == "FAILED"
