# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every request to the local service: keys, limits, errors, ids, revisions."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_service.api import make_api
from local_service.assets import Asset
from local_service.service import open_service
from local_service.settings import Endpoints, Settings
from local_service.storage import make_storage
from tests.service.conftest import StartService
from tests.service.harness import WEB, RunningService, first_ready, upload

ID = "00000000-0000-4000-8000-000000000000"
ROUTES = [
    ("GET", "/v1/assets"),
    ("POST", "/v1/assets/initiate"),
    ("POST", f"/v1/assets/{ID}/complete"),
    ("GET", f"/v1/assets/{ID}"),
    ("DELETE", f"/v1/assets/{ID}"),
    ("GET", "/v1/characters"),
    ("GET", f"/v1/characters/{ID}"),
    ("POST", f"/v1/characters/{ID}/validate-manifest"),
    ("POST", "/v1/runs/retarget"),
    ("GET", f"/v1/jobs/{ID}"),
    ("GET", "/v1/jobs"),
    ("DELETE", f"/v1/jobs/{ID}"),
]


def test_both_ways_of_sending_the_key(service: RunningService) -> None:
    key = service.api_key
    for headers in (
        {"X-Api-Key": key},
        {"x-api-key": key},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer {key}"},
    ):
        with service.api(**headers) as api:
            assert api.get("/v1/assets").status_code == 200, headers


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_wants_the_key(service: RunningService, method: str, path: str) -> None:
    for headers in (
        {"X-Nothing": "1"},
        {"X-Api-Key": ""},
        {"X-Api-Key": service.api_key[:-1]},
        {"Authorization": f"Basic {service.api_key}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
    ):
        with service.api(**headers) as api:
            answer = api.request(method, path, content=b"{")
        assert answer.status_code == 401
        assert isinstance(answer.json()["detail"], str)
        assert service.api_key not in answer.text
        assert answer.headers["x-request-id"]


def test_key_that_is_no_ascii(service: RunningService) -> None:
    answer = WEB.get(
        f"{service.base_url}/v1/assets", headers=[(b"X-Api-Key", "schlüssel".encode())]
    )
    assert answer.status_code == 401


def test_every_answer_has_its_own_request_id(api: httpx.Client) -> None:
    answers = [api.get(path) for path in ("/v1/assets", "/v1/assets/x", "/v1/jobs?limit=0", "/x")]
    assert [answer.status_code for answer in answers] == [200, 404, 422, 404]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 4
    assert all(answer.json().keys() == {"detail"} for answer in answers[1:])


@pytest.mark.parametrize("path", ["initiate", "runs"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"metadata": {"a": NaN}}', b"[" * 9999],
)
def test_body_that_is_none(api: httpx.Client, path: str, content: bytes) -> None:
    path = {"initiate": "/v1/assets/initiate", "runs": "/v1/runs/retarget"}[path]
    headers = {"Content-Type": "application/json"}
    answer = api.post(path, content=content, headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "\ud800.c3d"},
        {"metadata": {"a": "\ud800"}},
        {"metadata": {"a": float("inf")}},
        {"filename": "x" * 5000},
    ],
)
def test_text_that_cannot_be_kept(api: httpx.Client, change: dict[str, Any]) -> None:
    body = {"purpose": "retarget", "filename": "a.c3d", "content_type": "text/plain", **change}
    headers = {"Content-Type": "application/json"}
    answer = api.post("/v1/assets/initiate", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", next(iter(change))]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject_height": 175}, "subject_height"),
        ({"subject_height": float("nan")}, "subject_height"),
        ({"subject_weight": -1}, "subject_weight"),
        ({"subject_gender": "x"}, "subject_gender"),
        ({"rotation": "sideways"}, "rotation"),
        ({"clip_length": 0}, "clip_length"),
        ({"clip_length": -2}, "clip_length"),
        ({"mocap_scale": 0}, "mocap_scale"),
        ({"n_frames_scaling": 0}, "n_frames_scaling"),
        ({"character_id": "x"}, "character_id"),
        ({"tracker_asset_id": "x"}, "tracker_asset_id"),
        ({"tracker_s3": "s3://local/x"}, "tracker_s3"),
        ({"tracker_asset_id": None}, "tracker_asset_id"),
        ({"markerset_asset_id": None}, "markerset_asset_id"),
    ],
)
def test_wrong_field(api: httpx.Client, change: dict[str, Any], field: str) -> None:
    body = {"tracker_asset_id": ID, "markerset_asset_id": ID, "character_id": ID}
    content = json.dumps({**body, "character_version": "v1.0.0", **change})
    headers = {"Content-Type": "application/json"}
    answer = api.post("/v1/runs/retarget", content=content, headers=headers)
    assert answer.status_code == 422
    assert [line["loc"] for line in answer.json()["detail"]] == [["body", field]]
    assert answer.json()["detail"][0].keys() >= {"loc", "msg", "type"}


@pytest.mark.parametrize(
    ("revision", "wrong", "right"), [(1, "tracker", "c3d"), (2, "c3d", "tracker")]
)
def test_body_of_the_other_revision(
    start_service: StartService, revision: int, wrong: str, right: str
) -> None:
    with start_service(revision=revision).api() as api:
        take, markerset = upload(api, b"take"), upload(api, b"<markers/>", "m.xml")
        body = {f"{wrong}_asset_id": take, "markerset_asset_id": markerset, **first_ready(api)}
        answer = api.post("/v1/runs/retarget", json=body)
        assert answer.status_code == 422
        found = {(line["type"], line["loc"][-1]) for line in answer.json()["detail"]}
        assert found == {
            ("extra_forbidden", f"{wrong}_asset_id"),
            ("missing", f"{right}_asset_id"),
        }
        body = {f"{right}_asset_id": take, "markerset_asset_id": markerset, **first_ready(api)}
        assert api.post("/v1/runs/retarget", json=body).is_success
        answer = api.post("/v1/runs/retarget", json={**body, "export_glb": True})
        assert answer.status_code == (422 if revision == 1 else 201)


def test_rate_limit(start_service: StartService) -> None:
    running = start_service(rate_limit=60)
    with running.api() as api, running.api(**{"X-Api-Key": "wrong"}) as stranger:
        assert all(stranger.get("/v1/assets").status_code == 401 for _ in range(70))
        answers = [api.get("/v1/assets") for _ in range(60)]
        # A slow machine is given new ones meanwhile, one in a second.
        while answers[-1].status_code == 200 and len(answers) < 600:
            answers.append(api.get("/v1/assets"))
        refused = answers.pop()
        assert {answer.status_code for answer in answers} == {200}
        assert refused.status_code == 429
        assert refused.json()["detail"]
        wait_s = int(refused.headers["retry-after"])
        assert wait_s == 1
        time.sleep(wait_s)
        assert api.get("/v1/assets").status_code == 200


def test_broken_service_answers_500_in_json(tmp_path: Path) -> None:
    endpoints = Endpoints(host="127.0.0.1", port=1, storage_port=2)
    service = open_service(Settings(data_dir=tmp_path, api_key="k"), endpoints)
    service.database.close()
    transport = httpx.ASGITransport(make_api(service), raise_app_exceptions=False)
    answer = _get(transport, "http://x/v1/assets", {"X-Api-Key": "k"})
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal server error"}
    assert answer.headers["x-request-id"]
    transport = httpx.ASGITransport(make_storage(service), raise_app_exceptions=False)
    url = service.download_url(_asset(), asked_host=None)
    answer = _get(transport, url, {})
    assert answer.status_code == 500
    assert "<Code>InternalError</Code>" in answer.text


def test_state_of_something_else(tmp_path: Path, start_service: StartService) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with sqlite3.connect(data / "service.sqlite3") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(RuntimeError, match="choose another folder with --data") as caught:
        start_service(data=data)
    assert "Traceback" not in str(caught.value)


def _get(transport: httpx.ASGITransport, url: str, headers: dict[str, str]) -> httpx.Response:
    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(url, headers=headers)

    return asyncio.run(get())


def _asset() -> Asset:
    return Asset(
        asset_id=ID,
        purpose="retarget",
        filename="a.c3d",
        content_type="text/plain",
        expected_size_bytes=None,
        size_bytes=0,
        status="completed",
        checksum_sha256="",
        metadata={},
        created_at="",
        reference_count=0,
    )
