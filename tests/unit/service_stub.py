# SPDX-License-Identifier: GPL-3.0-or-later
"""A small service in this process whose every answer can be spoilt, for the unit tests.

It keeps assets and jobs as the API reference says, on two origins (API and storage), and
remembers all that it received. Faults are functions that look at a request first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "ak_test_0123456789abcdef"
CHARACTER = "6f9b0d3e-0000-4000-8000-000000000001"


@dataclass
class Received:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    origin: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query)

    @property
    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.body)


@dataclass
class Reply:
    """An answer. `lost`: the connection is cut instead. `hang`: nothing until the stub stops."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    hang: bool = False
    cut_after: int | None = None
    pause_s: float = 0.0

    def encode(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Fault = Callable[[Received], Reply | None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        received = Received(
            method=self.command,
            url=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            origin=self.server.origin,
        )
        reply = self.server.stub.answer(received)
        time.sleep(reply.pause_s)
        if reply.hang:
            self.server.stub.released.wait(30)
        if reply.lost or reply.hang:
            self.close_connection = True
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        body = reply.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.cut_after is not None:
            self.close_connection = True
            body = body[: reply.cut_after]
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Connections are cut on purpose here."""

    def __init__(self, stub: StubService, origin: str) -> None:
        self.stub = stub
        self.origin = origin
        super().__init__(("127.0.0.1", 0), _Handler)


class StubService:
    """The service; `faults` are asked in order before it answers itself."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.received: list[Received] = []
        self.assets: dict[str, dict[str, Any]] = {}
        self.content: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.revision = 2
        self.tells_metadata = True
        self.heeds_filter = True
        self.manifest_status: str | None = "READY"
        self.characters = [_character()]
        self.polls_until_done = 1
        self.job_status = "SUCCEEDED"
        self.job_extra: dict[str, Any] = {}
        self.outputs = {"motion": b"glb" * 1000, "qpos": b"parquet" * 1000}
        self.released = threading.Event()
        self._guard = threading.RLock()
        self._servers = [_Server(self, "api"), _Server(self, "storage")]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def storage_url(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    def stop(self) -> None:
        self.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def requests(self, method: str, path: str) -> list[Received]:
        return [r for r in self.received if r.method == method and r.path.startswith(path)]

    def answer(self, received: Received) -> Reply:
        with self._guard:
            self.received.append(received)
            for fault in self.faults:
                reply = fault(received)
                if reply is not None:
                    return reply
            return self.handle(received)

    def handle(self, received: Received) -> Reply:
        """The right answer."""
        if received.origin == "storage":
            return self._storage(received)
        if received.headers.get("x-api-key") != KEY:
            return Reply(
                401, {"detail": "Invalid API key " + received.headers.get("x-api-key", "")}
            )
        parts = [part for part in received.path.split("/") if part][1:]
        handler = getattr(self, f"_{parts[0]}_{received.method.lower()}", None)
        return handler(received, parts[1:]) if handler else Reply(404, {"detail": "Not Found"})

    # Storage

    def _storage(self, received: Received) -> Reply:
        if "x-api-key" in received.headers or "authorization" in received.headers:
            return Reply(400, b"<Error><Code>InvalidArgument</Code></Error>")
        asset_id = received.path.strip("/")
        if received.method == "POST":
            form = received.body
            start = form.rindex(b'name="file"')
            start = form.index(b"\r\n\r\n", start) + 4
            self.content[asset_id] = form[start : form.rindex(b"\r\n--")]
            return Reply(204)
        return self.serve_content(received, self.content[asset_id])

    def serve_content(self, received: Received, content: bytes) -> Reply:
        wanted = received.headers.get("range")
        if wanted is None:
            return Reply(200, content, {"ETag": '"e"'})
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            return Reply(416, b"")
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Reply(206, content[start:], {"Content-Range": span, "ETag": '"e"'})

    # API

    def add_asset(self, filename: str, content: bytes) -> str:
        asset_id = str(uuid.uuid4())
        self.content[asset_id] = content
        self.assets[asset_id] = {
            "asset_id": asset_id,
            "filename": filename,
            "size_bytes": len(content),
            "status": "completed",
            "purpose": "retarget",
        }
        return asset_id

    def _assets_post(self, received: Received, rest: list[str]) -> Reply:
        if rest == ["initiate"]:
            asset_id = self.add_asset(received.json["filename"], b"")
            self.assets[asset_id] |= {"status": "pending", "size_bytes": None}
            fields = {"key": asset_id, "policy": "p", "x-amz-signature": "s"}
            url = f"{self.storage_url}/{asset_id}"
            return Reply(201, {"asset_id": asset_id, "upload_url": url, "fields": fields})
        content = self.content[rest[0]]
        self.assets[rest[0]] |= {"status": "completed", "size_bytes": len(content)}
        told = {"asset_id": rest[0], "verified": True, "size_bytes": len(content)}
        return Reply(200, {**told, "checksum_sha256": hashlib.sha256(content).hexdigest()})

    def _assets_get(self, received: Received, rest: list[str]) -> Reply:
        if not rest:
            return self._page(received, "assets", list(self.assets.values()))
        if rest[0] not in self.assets:
            return Reply(404, {"detail": "Asset not found"})
        url = f"{self.storage_url}/{rest[0]}?X-Amz-Signature={uuid.uuid4().hex}"
        return Reply(200, {**self.assets[rest[0]], "download_url": url})

    def _assets_delete(self, received: Received, rest: list[str]) -> Reply:  # noqa: ARG002
        if self.assets.pop(rest[0], None) is None:
            return Reply(404, {"detail": "Asset not found"})
        return Reply(204)

    def _characters_get(self, received: Received, rest: list[str]) -> Reply:
        if not rest:
            short = [
                {**one, "latest_version": one["latest_version"]["version"], "versions": None}
                for one in self.characters
            ]
            return self._page(received, "characters", short)
        for one in self.characters:
            if one["character_id"] == rest[0]:
                return Reply(200, one)
        return Reply(404, {"detail": "Character not found"})

    def _characters_post(self, received: Received, rest: list[str]) -> Reply:
        version = received.query["version"][0]
        if self.manifest_status is None:
            return Reply(404, {"detail": f"There is no version {version}."})
        told = {"character_id": rest[0], "version": version, "status": self.manifest_status}
        return Reply(200, told)

    def _runs_post(self, received: Received, rest: list[str]) -> Reply:  # noqa: ARG002
        take = {1: "c3d_asset_id", 2: "tracker_asset_id"}[self.revision]
        other = {1: "tracker_asset_id", 2: "c3d_asset_id"}[self.revision]
        body = received.json
        if take not in body or other in body:
            detail = [
                {"loc": ["body", take], "msg": "Field required", "type": "missing"},
                {
                    "loc": ["body", other],
                    "msg": "Extra inputs are not permitted",
                    "type": "extra_forbidden",
                },
            ]
            return Reply(422, {"detail": detail})
        job_id = str(uuid.uuid4())
        self.jobs[job_id] = {"status": "QUEUED", "polls": 0, "body": body, "input": body[take]}
        return Reply(201, {"job_id": job_id, "type": "retarget", "status": "QUEUED"})

    def _jobs_get(self, received: Received, rest: list[str]) -> Reply:
        if rest:
            if rest[0] not in self.jobs:
                return Reply(404, {"detail": "Job not found"})
            self._progress(rest[0])
            return Reply(200, self._view(rest[0], full=True))
        wanted = received.query.get("input_asset_id", [None])[0]
        found = [
            self._view(job_id, full=False)
            for job_id, job in self.jobs.items()
            if not self.heeds_filter or wanted in (None, job["input"])
        ]
        return self._page(received, "jobs", found)

    def _jobs_delete(self, received: Received, rest: list[str]) -> Reply:  # noqa: ARG002
        job = self.jobs.get(rest[0])
        if job is None:
            return Reply(404, {"detail": "Job not found"})
        if job["status"] not in ("QUEUED", "RUNNING"):
            return Reply(409, {"detail": "The job is over"})
        job["status"] = "CANCELED"
        return Reply(200, {"job_id": rest[0], "status": "CANCELED"})

    def _progress(self, job_id: str) -> None:
        job = self.jobs[job_id]
        if job["status"] not in ("QUEUED", "RUNNING"):
            return
        job["polls"] += 1
        job["status"] = "RUNNING"
        if job["polls"] > self.polls_until_done:
            job["status"] = self.job_status
            job["outputs"] = {
                name: self.add_asset(name, content) for name, content in self.outputs.items()
            }

    def _view(self, job_id: str, *, full: bool) -> dict[str, Any]:
        job = self.jobs[job_id]
        view: dict[str, Any] = {"job_id": job_id, "type": "retarget", "status": job["status"]}
        if not full:
            return view
        if self.tells_metadata:
            view["metadata"] = job["body"]["metadata"]
        if job["status"] == "SUCCEEDED":
            view["output"] = (
                {"retarget_output_asset_id": next(iter(job["outputs"].values()))}
                if self.revision == 1
                else {"retarget_output_asset_ids": job["outputs"]}
            )
        return view | self.job_extra

    def _page(self, received: Received, name: str, items: list[Any]) -> Reply:
        limit = int(received.query.get("limit", ["50"])[0])
        offset = int(received.query.get("offset", ["0"])[0])
        page = items[offset : offset + limit]
        return Reply(200, {name: page, "total": len(items), "limit": limit, "offset": offset})


def _character() -> dict[str, Any]:
    versions = [
        {"version": "v1", "status": "READY", "created_at": "2024-01-01T00:00:00Z"},
        {"version": "v2", "status": "FAILED", "created_at": "2024-02-01T00:00:00Z"},
    ]
    told = {"character_id": CHARACTER, "name": "Stub", "versions": versions}
    return {**told, "ready_versions": versions[:1], "latest_version": versions[1]}


def on(method: str, path: str, *replies: Reply | None) -> Fault:
    """A fault for requests whose path begins so: the replies in turn, None for the right one."""
    waiting = list(replies)

    def fault(received: Received) -> Reply | None:
        if received.method != method or not received.path.startswith(path) or not waiting:
            return None
        return waiting.pop(0)

    return fault


def lost_after_handling(stub: StubService, method: str, path: str, *, times: int = 1) -> Fault:
    """The service does what was asked, but its answer never arrives."""
    left = times

    def fault(received: Received) -> Reply | None:
        nonlocal left
        if received.method != method or not received.path.startswith(path) or left == 0:
            return None
        left -= 1
        stub.handle(received)
        return Reply(lost=True)

    return fault


@contextlib.contextmanager
def running() -> Iterator[StubService]:
    stub = StubService()
    try:
        yield stub
    finally:
        stub.stop()
