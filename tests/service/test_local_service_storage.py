# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage origin of the local service, seen as S3 is seen."""

from __future__ import annotations

import base64
import json
import re
import socket
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.conftest import StartService
from tests.service.harness import WEB, RunningService, initiate, post_form, until, upload

CONTENT = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def url(service: RunningService) -> str:
    with service.api() as api:
        return _download_url(api, upload(api, CONTENT))


def test_key_must_not_come_here(service: RunningService, api: httpx.Client, url: str) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")
    for headers in ({"X-Api-Key": service.api_key}, {"Authorization": f"Bearer {service.api_key}"}):
        answers = [
            WEB.get(url, headers=headers),
            WEB.post(
                ticket["upload_url"],
                data=ticket["fields"],
                files={"file": CONTENT},
                headers=headers,
            ),
        ]
        for answer in answers:
            assert answer.status_code == 400
            assert _code(answer) in ("InvalidRequest", "InvalidArgument")
            assert service.api_key not in answer.text
    assert api.post(f"/v1/assets/{ticket['asset_id']}/complete").status_code == 409


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"key": "assets/other/take.c3d"}, 403, "AccessDenied"),
        ({"key": None}, 400, "InvalidArgument"),
        ({"policy": None}, 403, "AccessDenied"),
        ({"x-amz-signature": None}, 403, "AccessDenied"),
        ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-signature": "ü"}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-date": "20200101T000000Z"}, 403, "InvalidAccessKeyId"),
        ({"x-amz-date": "now"}, 400, "InvalidArgument"),
        ({"x-amz-credential": "me/20200101/local/s3/aws4_request"}, 403, "InvalidAccessKeyId"),
        ({"Content-Type": "text/html"}, 403, "AccessDenied"),
        ({"Content-Type": None}, 403, "AccessDenied"),
        ({"acl": "public-read"}, 403, "AccessDenied"),
        ({"x-long": "x" * 30_000}, 400, "MaxPostPreDataLengthExceeded"),
    ],
)
def test_tampered_fields(api: httpx.Client, fields: dict[str, Any], status: int, code: str) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")
    answer = post_form(ticket, CONTENT, **fields)
    assert (answer.status_code, _code(answer)) == (status, code)
    assert api.post(f"/v1/assets/{ticket['asset_id']}/complete").status_code == 409


def test_policy_with_other_conditions_is_not_signed(api: httpx.Client) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")
    policy = json.loads(base64.b64decode(ticket["fields"]["policy"]))
    assert ["content-length-range", 0, len(CONTENT)] in policy["conditions"]
    policy["conditions"][-1][-1] = 10**9
    forged = base64.b64encode(json.dumps(policy).encode()).decode()
    answer = post_form(ticket, CONTENT * 2, policy=forged)
    assert (answer.status_code, _code(answer)) == (403, "SignatureDoesNotMatch")


def test_fields_of_another_asset(api: httpx.Client) -> None:
    mine, other = initiate(api, CONTENT, "a.c3d"), initiate(api, CONTENT, "b.c3d")
    fields = {**mine["fields"], "key": other["fields"]["key"]}
    assert post_form({**mine, "fields": fields}, CONTENT).status_code == 403


@pytest.mark.parametrize("extra_bytes", [1, 3_000_000])
def test_oversized_upload(service: RunningService, api: httpx.Client, extra_bytes: int) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")
    answer = post_form(ticket, CONTENT + bytes(extra_bytes))
    assert (answer.status_code, _code(answer)) == (400, "EntityTooLarge")
    assert not list((service.data_dir / "incoming").iterdir())
    assert api.post(f"/v1/assets/{ticket['asset_id']}/complete").status_code == 409


def test_chunked_upload(api: httpx.Client) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")

    def chunks() -> Iterator[bytes]:
        yield CONTENT

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = WEB.post(ticket["upload_url"], content=chunks(), headers=headers)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert (answer.status_code, _code(answer)) == (411, "MissingContentLength")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"no form", "text/plain", 412, "PreconditionFailed"),
        (b"no form", "multipart/form-data", 412, "PreconditionFailed"),
        (b"no boundary", "multipart/form-data; boundary=b", 400, "MalformedPOSTRequest"),
        (b"--b\r\n", "multipart/form-data; boundary=b", 400, "IncompleteBody"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 400, "InvalidArgument"),
    ],
)
def test_malformed_form(
    api: httpx.Client, body: bytes, content_type: str, status: int, code: str
) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")
    headers = {"Content-Type": content_type}
    answer = WEB.post(ticket["upload_url"], content=body, headers=headers)
    assert (answer.status_code, _code(answer)) == (status, code)


def test_file_before_the_fields(api: httpx.Client) -> None:
    ticket = initiate(api, CONTENT, "a.c3d")
    parts = [("file", ("a.c3d", CONTENT)), *((n, (None, v)) for n, v in ticket["fields"].items())]
    answer = WEB.post(ticket["upload_url"], files=parts)
    assert (answer.status_code, _code(answer)) == (400, "InvalidArgument")


def test_broken_off_upload_leaves_nothing(service: RunningService, api: httpx.Client) -> None:
    content = CONTENT * 1000
    ticket = initiate(api, content, "a.c3d")
    whole = httpx.Request(
        "POST", ticket["upload_url"], data=ticket["fields"], files={"file": content}
    )
    body = whole.read()
    head = (
        f"POST /local HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: {whole.headers['content-type']}\r\n\r\n"
    )
    address, incoming = urlsplit(ticket["upload_url"]), service.data_dir / "incoming"
    with socket.create_connection((address.hostname or "", address.port or 0)) as sock:
        sock.sendall(head.encode() + body[:-2000])
        until(lambda: any(incoming.iterdir()))
    until(lambda: not any(incoming.iterdir()))
    assert api.post(f"/v1/assets/{ticket['asset_id']}/complete").status_code == 409
    assert post_form(ticket, content).status_code == 204


def test_everything_expires(start_service: StartService) -> None:
    with start_service(url_ttl=4).api() as api:
        asset_id = upload(api, CONTENT)
        stale = _download_url(api, asset_id)
        ticket = initiate(api, CONTENT, "a.c3d")
        assert WEB.get(stale).status_code == 200
        time.sleep(5.1)
        for answer in (WEB.get(stale), post_form(ticket, CONTENT)):
            assert (answer.status_code, _code(answer)) == (403, "AccessDenied")
            assert "expired" in answer.text
        fresh = _download_url(api, asset_id)
        assert fresh != stale
        assert WEB.get(fresh).content == CONTENT


def test_download_head(url: str) -> None:
    names = set(re.findall(r"[?&]([A-Za-z-]+)=", url))
    assert {"X-Amz-Signature", "X-Amz-Date", "X-Amz-Expires"} <= names
    answer = WEB.get(url)
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].startswith('"')


def test_download_with_another_signature(url: str) -> None:
    changes = [
        (r"Signature=.", "Signature=x", 403),
        (r"Expires=\d+", "Expires=99999", 403),
        (r"/assets/.", "/assets/x", 403),
        (r"&X-Amz-Date=\w+", "", 400),
        (r"Date=\w+", "Date=tomorrow", 400),
        (r"\?.*", "", 403),
    ]
    for pattern, replacement, status in changes:
        forged = re.sub(pattern, replacement, url)
        assert forged != url
        answer = WEB.get(forged)
        assert answer.status_code == status, forged
        assert _code(answer)


def test_link_is_good_for_get_alone(url: str) -> None:
    assert WEB.head(url).status_code == 403
    assert WEB.delete(url).status_code == 405


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, len(CONTENT)),
        ("bytes=-7", len(CONTENT) - 7, len(CONTENT)),
        ("bytes=-99999999", 0, len(CONTENT)),
        ("bytes=10-99999999", 10, len(CONTENT)),
    ],
)
def test_range(url: str, asked: str, first: int, end: int) -> None:
    answer = WEB.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[first:end]
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(end - first)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_range_behind_the_end(url: str, asked: str) -> None:
    answer = WEB.get(url, headers={"Range": asked})
    assert (answer.status_code, _code(answer)) == (416, "InvalidRange")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "asked", ["bytes=9-3", "bytes=a-b", "lines=1-2", "bytes=-", "bytes=0-1,5-6"]
)
def test_ignored_range(url: str, asked: str) -> None:
    answer = WEB.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_range_of_another_version(url: str) -> None:
    etag = WEB.get(url).headers["etag"]
    asked = {"Range": "bytes=5-9"}
    assert WEB.get(url, headers={**asked, "If-Range": etag}).status_code == 206
    assert WEB.get(url, headers={**asked, "If-Range": '"other"'}).status_code == 200


def test_other_places(service: RunningService) -> None:
    assert _code(WEB.post(f"{service.storage_url}/other", files={"file": b""})) == "NoSuchBucket"
    assert _code(WEB.get(f"{service.storage_url}/")) == "NoSuchKey"
    assert _code(WEB.put(f"{service.storage_url}/local/x")) == "MethodNotAllowed"
    assert WEB.get(f"{service.storage_url}/local/service.sqlite3").status_code == 403


def _download_url(api: httpx.Client, asset_id: str) -> str:
    return api.get(f"/v1/assets/{asset_id}").json()["download_url"]


def _code(answer: httpx.Response) -> str:
    """The S3 error code; every error of the storage is XML with these children."""
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.headers["x-request-id"]
    root = ElementTree.fromstring(answer.text)
    assert root.tag == "Error"
    assert root.findtext("Message")
    assert root.findtext("RequestId") == answer.headers["x-request-id"]
    return root.findtext("Code") or ""
