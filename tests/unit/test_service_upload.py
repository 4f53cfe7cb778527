# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads: whole, checked, cancellable, and clean when they fail."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from myosapiens_addon.errors import CancelledError, InputError
from myosapiens_addon.service import errors
from myosapiens_addon.service.client import Client
from tests.unit.service_stub import (
    KEY,
    Received,
    Reply,
    StubService,
    lost_after_handling,
    on,
)
from tests.unit.transfer_watch import EXPIRED, PATIENT, QUICK, Watch, ended


@pytest.fixture
def take(tmp_path: Path) -> Path:
    path = tmp_path / "take.c3d"
    path.write_bytes(os.urandom(1_500_000))
    return path


def test_an_upload_has_its_three_steps(stub: StubService, client: Client, take: Path) -> None:
    watch = Watch()
    receipt = client.upload_asset(path=take, progress=watch)
    assert stub.content[receipt.asset_id] == take.read_bytes()
    assert stub.assets[receipt.asset_id]["status"] == "completed"
    assert receipt.checksum_sha256 == hashlib.sha256(take.read_bytes()).hexdigest()
    assert stub.received[0].json == {
        "purpose": "retarget",
        "filename": "take.c3d",
        "content_type": "application/octet-stream",
        "expected_size_bytes": 1_500_000,
    }
    watch.check(1_500_000)
    assert len(watch.told) > 3


def test_the_form_is_as_s3_wants_it(stub: StubService, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "set.xml"
    path.write_bytes(b"<markers/>")
    client.upload_asset(path=path)
    (form,) = [r for r in stub.received if r.origin == "storage"]
    assert "transfer-encoding" not in form.headers
    assert int(form.headers["content-length"]) == len(form.body)
    names = [line for line in form.body.split(b"\r\n") if line.startswith(b"Content-Disposition")]
    fields = [b"key", b"policy", b"x-amz-signature", b"file"]
    assert [name.split(b'name="')[1].split(b'"')[0] for name in names] == fields
    assert b'filename="set.xml"\r\nContent-Type: application/xml' in form.body
    assert {"key", "policy"}.isdisjoint(form.headers)


def test_a_form_that_ran_out_is_asked_for_anew(
    stub: StubService, client: Client, take: Path
) -> None:
    stub.faults.append(on("POST", "/", None, EXPIRED))
    receipt = client.upload_asset(path=take)
    assert stub.content[receipt.asset_id] == take.read_bytes()
    assert len(stub.requests("POST", "/v1/assets/initiate")) == 2


def test_a_form_that_ran_out_may_show_as_a_connection_that_breaks(
    stub: StubService, client: Client, take: Path
) -> None:
    """A storage that closes the connection while it is still being sent to."""
    state = {"forms": 0}

    def fault(received: Received) -> Reply | None:
        if received.origin == "storage" and state["forms"] == 1:
            return Reply(lost=True)
        if not received.path.endswith("/initiate"):
            return None
        state["forms"] += 1
        reply = stub.handle(received)
        reply.body["expires_at"] = "2020-01-01T00:00:00Z"
        return reply

    stub.faults.append(fault)
    receipt = client.upload_asset(path=take)
    assert state["forms"] == 2
    assert stub.content[receipt.asset_id] == take.read_bytes()


def test_a_form_that_is_always_refused_is_an_error(
    stub: StubService, client: Client, take: Path
) -> None:
    stub.faults.append(lambda r: EXPIRED if r.origin == "storage" else None)
    with pytest.raises(errors.ExpiredLinkError, match="expired") as caught:
        client.upload_asset(path=take)
    assert caught.value.retryable
    assert len(stub.requests("POST", "/v1/assets/initiate")) == 3


def test_a_storage_that_fails_is_tried_again_from_the_start(
    stub: StubService, client: Client, take: Path
) -> None:
    watch = Watch()
    spoilt = [Reply(503, b"<Error><Code>SlowDown</Code></Error>"), Reply(lost=True)]
    stub.faults.append(
        lambda r: spoilt.pop() if r.origin == "storage" and spoilt else None,
    )
    receipt = client.upload_asset(path=take, progress=watch)
    assert stub.content[receipt.asset_id] == take.read_bytes()
    watch.check(1_500_000)


def test_a_file_that_the_storage_refuses(stub: StubService, client: Client, take: Path) -> None:
    body = b"<Error><Code>EntityTooLarge</Code><Message>Too large.</Message></Error>"
    stub.faults.append(lambda r: Reply(400, body) if r.origin == "storage" else None)
    with pytest.raises(errors.TransferError, match="EntityTooLarge, Too large"):
        client.upload_asset(path=take)


def test_a_damaged_upload_is_found_out(stub: StubService, client: Client, take: Path) -> None:
    def complete(received: Received) -> Reply | None:
        if not received.path.endswith("/complete"):
            return None
        asset_id = received.path.split("/")[3]
        return Reply(200, {"asset_id": asset_id, "checksum_sha256": "0" * 64})

    stub.faults.append(complete)
    with pytest.raises(errors.TransferError, match="damaged"):
        client.upload_asset(path=take)


def test_a_completion_whose_answer_was_lost_is_one(
    stub: StubService, client: Client, take: Path
) -> None:
    state = {"calls": 0}

    def complete(received: Received) -> Reply | None:
        if not received.path.endswith("/complete"):
            return None
        state["calls"] += 1
        if state["calls"] == 1:
            stub.handle(received)
            return Reply(lost=True)
        return Reply(409, {"detail": "already completed"})

    stub.faults.append(complete)
    receipt = client.upload_asset(path=take)
    assert state["calls"] == 2
    assert receipt.size_bytes == 1_500_000


@pytest.mark.parametrize("kind", ["missing", "folder", "empty"])
def test_a_file_that_cannot_be_sent(
    stub: StubService, client: Client, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "take.c3d"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    with pytest.raises(InputError, match=r"take\.c3d"):
        client.upload_asset(path=path)


def test_a_file_that_shrinks_meanwhile(stub: StubService, client: Client, take: Path) -> None:
    def shrink(received: Received) -> Reply | None:
        if received.path.endswith("initiate"):
            take.write_bytes(b"short")
        return None

    stub.faults.append(shrink)
    real_stat = Path.stat

    class _Old:
        st_size = 1_500_000

    # The size is looked at once more when the file is opened; it changes after that.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Path, "stat", lambda self, **kw: _Old() if self == take else real_stat(self, **kw)
        )
        with pytest.raises(errors.TransferError, match="became shorter"):
            client.upload_asset(path=take)


def test_an_upload_to_plain_http_elsewhere_is_refused(
    stub: StubService, client: Client, take: Path
) -> None:
    told = {"asset_id": "a", "upload_url": "http://storage.example/x?secret=1", "fields": {}}
    stub.faults.append(on("POST", "/v1/assets/initiate", Reply(201, told)))
    with pytest.raises(InputError, match="plain http") as caught:
        client.upload_asset(path=take)
    assert "secret" not in caught.value.sentence


def test_an_upload_is_cancelled_in_the_middle(stub: StubService, take: Path) -> None:
    cancel = threading.Event()
    client = Client(base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK)

    def stop(done: int, _total: int | None) -> None:
        if done > 500_000:
            cancel.set()

    with pytest.raises(CancelledError):
        client.upload_asset(path=take, progress=stop)
    assert not stub.requests("POST", "/v1/assets/") or all(
        "complete" not in r.path for r in stub.received
    )


def test_a_storage_that_takes_nothing_is_left(stub: StubService, take: Path) -> None:
    # Larger than what the operating system's buffers hold, so that sending itself blocks.
    with take.open("ab") as stream:
        stream.truncate(40_000_000)
    release = threading.Event()
    handler = stub._servers[1].RequestHandlerClass
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler, "do_POST", lambda _self: release.wait(120))
        cancel = threading.Event()
        client = Client(
            base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK, timeouts=PATIENT
        )
        threading.Timer(0.5, cancel.set).start()
        with pytest.raises(CancelledError):
            ended(lambda: client.upload_asset(path=take))
    release.set()


def test_an_expired_form_leaves_no_completed_asset(
    stub: StubService, client: Client, take: Path
) -> None:
    stub.faults.append(lost_after_handling(stub, "POST", "/v1/assets/initiate"))
    client.upload_asset(path=take)
    completed = [asset for asset in stub.assets.values() if asset["status"] == "completed"]
    assert len(completed) == 1
