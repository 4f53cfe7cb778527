# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets and characters of the local service, against the reference's example answers."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.conftest import StartService
from tests.service.harness import WEB, RunningService, initiate, post_form, upload

TICKET_KEYS = {"asset_id", "upload_url", "fields", "expires_at"}
RECEIPT_KEYS = {"asset_id", "verified", "size_bytes", "checksum_sha256", "message"}
LISTED_KEYS = {"asset_id", "purpose", "filename", "size_bytes", "status", "created_at"}
CHARACTER_KEYS = {"character_id", "name", "description", "version_count", "latest_version"}
DETAILS_KEYS = {
    *("character_id", "name", "description", "created_at", "versions", "latest_version"),
    *("ready_versions", "total_versions", "ready_version_count"),
}
VERSION_KEYS = {"version", "status", "created_at", "manifest_s3"}
MANIFEST_KEYS = {
    *("version_id", "character_id", "version", "status", "created_at", "manifest_s3_key"),
    "updated_at",
}
NOBODY = "00000000-0000-4000-8000-000000000000"


def test_upload_in_three_steps(service: RunningService, api: httpx.Client) -> None:
    content = bytes(range(256)) * 1000
    ticket = initiate(api, content, "walk.c3d", metadata={"a": 1})
    assert ticket.keys() >= TICKET_KEYS
    assert datetime.fromisoformat(ticket["expires_at"]).tzinfo is not None
    assert {"key", "policy"} <= ticket["fields"].keys()
    assert ticket["upload_url"].startswith(service.storage_url)
    assert urlsplit(service.storage_url).netloc != urlsplit(service.base_url).netloc
    path = f"/v1/assets/{ticket['asset_id']}"
    pending = api.get(path).json()
    assert (pending["status"], pending["download_url"]) == ("pending", None)
    stored = post_form(ticket, content)
    assert (stored.status_code, stored.content) == (204, b"")
    receipt = api.post(f"{path}/complete")
    assert receipt.status_code == 200
    assert receipt.json().keys() >= RECEIPT_KEYS
    assert receipt.json()["verified"] is True
    assert receipt.json()["checksum_sha256"] == hashlib.sha256(content).hexdigest()
    asset = api.get(path).json()
    assert asset.keys() >= LISTED_KEYS | {"download_url"}
    assert (asset["status"], asset["size_bytes"]) == ("completed", len(content))
    assert asset["metadata"] == {"a": 1}
    assert WEB.get(asset["download_url"]).content == content


def test_complete_twice_answers_the_same(api: httpx.Client) -> None:
    asset_id = upload(api, b"content")
    receipts = [api.post(f"/v1/assets/{asset_id}/complete") for _ in range(2)]
    assert receipts[0].json() == receipts[1].json()


def test_complete_without_upload(api: httpx.Client) -> None:
    ticket = initiate(api, b"content", "a.c3d")
    answer = api.post(f"/v1/assets/{ticket['asset_id']}/complete")
    assert answer.status_code == 409
    assert "Nothing was uploaded" in answer.json()["detail"]


def test_complete_with_another_size(api: httpx.Client) -> None:
    ticket = initiate(api, b"content", "a.c3d")
    assert post_form(ticket, b"conten").status_code == 204
    path = f"/v1/assets/{ticket['asset_id']}"
    answer = api.post(f"{path}/complete")
    assert answer.status_code == 400
    assert "6 bytes, but 7" in answer.json()["detail"]
    assert api.get(path).json()["status"] == "pending"
    assert post_form(ticket, b"content").status_code == 204  # the right one may follow
    assert api.post(f"{path}/complete").json()["size_bytes"] == 7


def test_completed_asset_cannot_be_overwritten(api: httpx.Client) -> None:
    ticket = initiate(api, b"content", "a.c3d")
    assert post_form(ticket, b"content").status_code == 204
    api.post(f"/v1/assets/{ticket['asset_id']}/complete")
    assert post_form(ticket, b"CONTENT").status_code == 403
    url = api.get(f"/v1/assets/{ticket['asset_id']}").json()["download_url"]
    assert WEB.get(url).content == b"content"


def test_size_need_not_be_announced(api: httpx.Client) -> None:
    body = {"purpose": "retarget", "filename": "m.xml", "content_type": "text/xml"}
    ticket = api.post("/v1/assets/initiate", json=body).json()
    assert post_form(ticket, b"<markers/>").status_code == 204
    assert api.post(f"/v1/assets/{ticket['asset_id']}/complete").json()["size_bytes"] == 10


def test_list(start_service: StartService) -> None:
    with start_service().api() as api:
        ids = [upload(api, b"x" * number, f"{number}.c3d") for number in range(1, 6)]
        page = api.get("/v1/assets").json()
        assert [asset["asset_id"] for asset in page["assets"]] == ids[::-1]
        assert (page["total"], page["limit"], page["offset"]) == (5, 50, 0)
        assert all(asset.keys() >= LISTED_KEYS for asset in page["assets"])
        page = api.get("/v1/assets", params={"limit": 2, "offset": 3}).json()
        assert [asset["asset_id"] for asset in page["assets"]] == ids[1::-1]
        assert (page["total"], page["limit"], page["offset"]) == (5, 2, 3)
        counts = {
            "purpose=retarget": 5,
            "purpose=retarget_output": 0,
            "reference_count=0": 5,
            "reference_count=1": 0,
            "purpose=retarget&reference_count=0": 5,
            "offset=9": 0,
        }
        for query, count in counts.items():
            assert len(api.get(f"/v1/assets?{query}").json()["assets"]) == count, query


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "purpose=x", "reference_count=-1"]
)
def test_wrong_list_parameters(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/v1/assets?{query}")
    assert answer.status_code == 422
    line = answer.json()["detail"][0]
    assert line.keys() >= {"loc", "msg", "type"}
    assert line["loc"] == ["query", query.split("=")[0]]


def test_delete(service: RunningService, api: httpx.Client) -> None:
    asset_id = upload(api, b"content")
    url = api.get(f"/v1/assets/{asset_id}").json()["download_url"]
    answer = api.delete(f"/v1/assets/{asset_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"/v1/assets/{asset_id}").status_code == 404
    assert api.delete(f"/v1/assets/{asset_id}").status_code == 404
    assert WEB.get(url).status_code == 404
    assert not list((service.data_dir / "files").glob(f"{asset_id}*"))


@pytest.mark.parametrize("asset_id", [NOBODY, "no-uuid", "%00", "..%2f..%2fservice.sqlite3"])
def test_unknown_asset(api: httpx.Client, asset_id: str) -> None:
    assert api.get(f"/v1/assets/{asset_id}").status_code == 404
    assert api.delete(f"/v1/assets/{asset_id}").status_code == 404
    assert api.post(f"/v1/assets/{asset_id}/complete").status_code == 404


@pytest.mark.parametrize(
    ("hostile", "kept"),
    [
        ("../../x", "x"),
        ("/etc/passwd", "passwd"),
        ("C:\\takes\\walk.c3d", "walk.c3d"),
        ("a\r\nX-Evil: 1.c3d", "aX-Evil: 1.c3d"),
        ('q"uo;te.c3d', 'q"uo;te.c3d'),
        ("Überschlag 跳.c3d", "Überschlag 跳.c3d"),
        ("<&>.xml", "<&>.xml"),
        ("x" * 900 + ".c3d", "x" * 900 + ".c3d"),
    ],
)
def test_hostile_file_name(
    service: RunningService, api: httpx.Client, hostile: str, kept: str
) -> None:
    before = {path for path in service.data_dir.parent.rglob("*") if "files" not in path.parts}
    asset_id = upload(api, b"content", hostile)
    asset = api.get(f"/v1/assets/{asset_id}").json()
    assert asset["filename"] == kept
    assert WEB.get(asset["download_url"]).content == b"content"
    after = {path for path in service.data_dir.parent.rglob("*") if "files" not in path.parts}
    assert after == before
    stored = list((service.data_dir / "files").glob(f"{asset_id}*"))
    assert [path.read_bytes() for path in stored] == [b"content"]


@pytest.mark.parametrize("name", ["..", "/", "a/..", "\x00\x01"])
def test_no_file_name(api: httpx.Client, name: str) -> None:
    body = {"purpose": "retarget", "filename": name, "content_type": "text/plain"}
    answer = api.post("/v1/assets/initiate", json=body)
    assert answer.status_code == 400
    assert "names no file" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field", "kind"),
    [
        ({"purpose": None}, "purpose", "missing"),
        ({"purpose": "render"}, "purpose", "literal_error"),
        ({"filename": ""}, "filename", "string_too_short"),
        ({"content_type": "a\r\nb"}, "content_type", "string_pattern_mismatch"),
        ({"expected_size_bytes": -1}, "expected_size_bytes", "greater_than_equal"),
        ({"expected_size_bytes": 10**15}, "expected_size_bytes", "less_than_equal"),
        ({"metadata": [1]}, "metadata", "dict_type"),
        ({"surprise": 1}, "surprise", "extra_forbidden"),
    ],
)
def test_wrong_announcement(
    api: httpx.Client, change: dict[str, Any], field: str, kind: str
) -> None:
    body = {"purpose": "retarget", "filename": "a.c3d", "content_type": "text/plain", **change}
    body = {name: value for name, value in body.items() if value is not None}
    answer = api.post("/v1/assets/initiate", json=body)
    assert answer.status_code == 422
    (line,) = answer.json()["detail"]
    assert (line["loc"], line["type"]) == (["body", field], kind)


def test_characters(api: httpx.Client) -> None:
    page = api.get("/v1/characters").json()
    assert (page["total"], page["limit"], page["offset"]) == (1, 50, 0)
    (character,) = page["characters"]
    assert character.keys() >= CHARACTER_KEYS
    counts = {
        "name_contains=hUMAN": 1,
        "name_contains=dragon": 0,
        "has_ready_versions=true": 1,
        "has_ready_versions=false": 0,
        "offset=1": 0,
    }
    for query, count in counts.items():
        assert len(api.get(f"/v1/characters?{query}").json()["characters"]) == count, query


def test_character_details_and_manifests(api: httpx.Client) -> None:
    character_id = api.get("/v1/characters").json()["characters"][0]["character_id"]
    details = api.get(f"/v1/characters/{character_id}").json()
    assert details.keys() >= DETAILS_KEYS
    assert all(version.keys() >= VERSION_KEYS for version in details["versions"])
    assert details["total_versions"] == len(details["versions"]) == 2
    assert details["ready_version_count"] == len(details["ready_versions"]) == 1
    assert details["ready_versions"][0]["version"] == "v1.0.0"
    assert details["latest_version"] == details["ready_versions"][0]
    for version in details["versions"]:
        path = f"/v1/characters/{character_id}/validate-manifest"
        answer = api.post(path, params={"version": version["version"]})
        assert answer.status_code == 200
        assert answer.json().keys() >= MANIFEST_KEYS
        assert answer.json()["manifest_s3_key"] == version["manifest_s3"]
        assert answer.json()["status"] == version["status"]


def test_manifest_that_is_missing(start_service: StartService) -> None:
    running = start_service()
    with running.api() as api:
        character_id = api.get("/v1/characters").json()["characters"][0]["character_id"]
        path = f"/v1/characters/{character_id}/validate-manifest"
        for manifest in running.data_dir.rglob("v1.0.0/manifest.json"):
            manifest.unlink()
        assert api.post(path, params={"version": "v1.0.0"}).status_code == 404
        assert api.post(path, params={"version": "v9"}).status_code == 404
        assert api.post(path).json()["detail"][0]["loc"] == ["query", "version"]
        assert api.get(f"/v1/characters/{NOBODY}").status_code == 404
