# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""Uploads and downloads: whole, checked, resumed, cancellable, and clean when they fail."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import CancelledError, InputError
from myosapiens_addon.service import errors
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.retry import RetryPolicy
from tests.unit.service_stub import (
    KEY,
    Received,
    Reply,
    StubService,
    lost_after_handling,
    on,
    running,
)

QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.02)
EXPIRED = Reply(
    403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)


@pytest.fixture
def stub() -> Iterator[StubService]:
    with running() as service:
        yield service


@pytest.fixture
def client(stub: StubService) -> Iterator[Client]:
    with Client(base_url=stub.base_url, api_key=KEY, retry=QUICK) as made:
        yield made


@pytest.fixture
def take(tmp_path: Path) -> Path:
    path = tmp_path / "take.c3d"
    path.write_bytes(os.urandom(1_500_000))
    return path


class Watch:
    """Remembers progress."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.told.append((done, total))

    def check(self, size: int) -> None:
        done = [step for step, _total in self.told]
        assert done == sorted(set(done))
        assert self.told[-1] == (size, size)


# Upload


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
    moments: list[float] = []

    def stop(done: int, _total: int | None) -> None:
        if done > 500_000 and not moments:
            moments.append(time.monotonic())
            cancel.set()

    with pytest.raises(CancelledError):
        client.upload_asset(path=take, progress=stop)
    assert time.monotonic() - moments[0] < 0.5
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
        patch.setattr(handler, "do_POST", lambda _self: release.wait(20))
        cancel = threading.Event()
        client = Client(base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK)
        threading.Timer(0.5, cancel.set).start()
        begun = time.monotonic()
        with pytest.raises(CancelledError):
            client.upload_asset(path=take)
        assert time.monotonic() - begun < 1.0
    release.set()


# Download


def test_a_download_is_whole_and_its_progress_goes_up(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    content = os.urandom(1_000_000)
    watch = Watch()
    target = tmp_path / "new" / "folder" / "motion.glb"
    digest = client.download_asset(
        asset_id=stub.add_asset("motion.glb", content), target=target, progress=watch
    )
    assert target.read_bytes() == content
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert [path.name for path in target.parent.iterdir()] == ["motion.glb"]
    watch.check(1_000_000)


def cuts(stub: StubService, *lengths: int) -> None:
    """Downloads that break off after so many bytes, one after the other."""
    waiting = list(lengths)

    def fault(received: Received) -> Reply | None:
        if received.origin != "storage" or received.method != "GET" or not waiting:
            return None
        reply = stub.handle(received)
        reply.cut_after = waiting.pop(0)
        return reply

    stub.faults.append(fault)


def test_a_download_goes_on_where_it_broke(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    content = os.urandom(1_000_000)
    cuts(stub, 300_000, 0, 300_000, 0, 1)
    target = tmp_path / "motion.glb"
    watch = Watch()
    client.download_asset(asset_id=stub.add_asset("m", content), target=target, progress=watch)
    assert target.read_bytes() == content
    ranges = [r.headers.get("range") for r in stub.received if r.origin == "storage"]
    assert ranges[0] is None
    assert ranges[-1] == "bytes=600001-"
    assert {r.headers.get("if-range") for r in stub.received if "range" in r.headers} == {'"e"'}
    watch.check(1_000_000)


def test_a_storage_without_ranges_starts_anew(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    content = os.urandom(600_000)
    asset_id = stub.add_asset("m", content)
    first = [300_000]

    def fault(received: Received) -> Reply | None:
        if received.origin != "storage":
            return None
        return Reply(200, content, cut_after=first.pop() if first else None)

    stub.faults.append(fault)
    watch = Watch()
    client.download_asset(asset_id=asset_id, target=tmp_path / "m", progress=watch)
    assert (tmp_path / "m").read_bytes() == content
    watch.check(600_000)


def test_a_range_that_is_another_one_is_not_trusted(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    content = os.urandom(600_000)
    asset_id = stub.add_asset("m", content)
    replies = [
        Reply(206, content[:300_000], {"Content-Range": "bytes 0-299999/600000"}),
        Reply(200, content, {"ETag": '"e"'}, cut_after=300_000),
    ]
    stub.faults.append(lambda r: replies.pop() if r.origin == "storage" and replies else None)
    client.download_asset(asset_id=asset_id, target=tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == content


def test_an_address_that_expired_is_asked_for_anew(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    content = os.urandom(100_000)
    asset_id = stub.add_asset("m", content)
    left = [EXPIRED, EXPIRED]
    stub.faults.append(lambda r: left.pop() if r.origin == "storage" and left else None)
    client.download_asset(asset_id=asset_id, target=tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == content
    assert len(stub.requests("GET", f"/v1/assets/{asset_id}")) == 3
    signatures = {r.url for r in stub.received if r.origin == "storage"}
    assert len(signatures) == 3


def test_an_address_that_always_expires_is_an_error(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    stub.faults.append(lambda r: EXPIRED if r.origin == "storage" else None)
    with pytest.raises(errors.ExpiredLinkError, match="Request has expired"):
        client.download_asset(asset_id=stub.add_asset("m", b"x"), target=tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"size_bytes": 7}, {"checksum_sha256": "0" * 64}])
def test_a_download_that_is_something_else(
    stub: StubService, client: Client, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    target = tmp_path / "m"
    target.write_bytes(b"as it was")
    asset_id = stub.add_asset("m", b"content")
    stub.assets[asset_id] |= (
        {"size_bytes": 7, **wrong} if "checksum_sha256" in wrong else {"size_bytes": 8}
    )
    with pytest.raises(errors.TransferError, match="m came"):
        client.download_asset(asset_id=asset_id, target=target)
    assert target.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [target]


def test_a_checksum_that_is_right_in_capitals(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    asset_id = stub.add_asset("m", b"content")
    stub.assets[asset_id]["checksum_sha256"] = hashlib.sha256(b"content").hexdigest().upper()
    client.download_asset(asset_id=asset_id, target=tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == b"content"


def test_a_storage_that_breaks_off_for_ever(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    cuts(stub, *[0] * 20)
    with pytest.raises(errors.UnreachableError):
        client.download_asset(asset_id=stub.add_asset("m", b"x" * 1000), target=tmp_path / "m")
    assert len([r for r in stub.received if r.origin == "storage"]) == QUICK.tries
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_an_encoding_of_its_own_is_refused(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    packed = Reply(200, gzip.compress(b"x" * 1000), {"Content-Encoding": "gzip"})
    stub.faults.append(lambda r: packed if r.origin == "storage" else None)
    with pytest.raises(errors.TransferError, match="encoding"):
        client.download_asset(asset_id=stub.add_asset("m", b"x" * 1000), target=tmp_path / "m")


def test_a_file_that_is_gone(stub: StubService, client: Client, tmp_path: Path) -> None:
    body = b"<Error><Code>NoSuchKey</Code></Error>"
    stub.faults.append(lambda r: Reply(404, body) if r.origin == "storage" else None)
    with pytest.raises(errors.TransferError, match="NoSuchKey"):
        client.download_asset(asset_id=stub.add_asset("m", b"x"), target=tmp_path / "m")


def test_a_full_disk_is_one_sentence(
    stub: StubService, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.TransferError, match=r"m cannot be written: the disk is full\."):
        client.download_asset(asset_id=stub.add_asset("m", b"x"), target=tmp_path / "m")
    monkeypatch.setattr(os, "fsync", real)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_in_the_middle(
    stub: StubService, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = Path.open

    def to_full(self: Path, *arguments: Any, **options: Any) -> Any:
        path = Path("/dev/full") if self.suffix == ".part" else self
        return real_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", to_full)
    asset_id = stub.add_asset("m", b"x" * 3_000_000)
    with pytest.raises(errors.TransferError, match="the disk is full"):
        client.download_asset(asset_id=asset_id, target=tmp_path / "m")


def test_a_target_that_cannot_be(stub: StubService, client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    asset_id = stub.add_asset("m", b"x")
    with pytest.raises(errors.TransferError, match="cannot be written"):
        client.download_asset(asset_id=asset_id, target=tmp_path / "file" / "m")
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.TransferError, match="cannot be written"):
        client.download_asset(asset_id=asset_id, target=tmp_path / "folder")


def test_a_download_that_hangs_is_left(stub: StubService, tmp_path: Path) -> None:
    asset_id = stub.add_asset("m", b"x" * 1000)
    stub.faults.append(lambda r: Reply(hang=True) if r.origin == "storage" else None)
    cancel = threading.Event()
    client = Client(base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK)
    threading.Timer(0.3, cancel.set).start()
    begun = time.monotonic()
    with pytest.raises(CancelledError):
        client.download_asset(asset_id=asset_id, target=tmp_path / "m")
    assert time.monotonic() - begun < 0.8
    assert list(tmp_path.iterdir()) == []


def test_a_presigned_address_is_in_no_repr_or_error(
    stub: StubService, client: Client, tmp_path: Path
) -> None:
    asset_id = stub.add_asset("m", b"x")
    assert "Signature" in (client.get_asset(asset_id=asset_id).download_url or "")
    assert "Signature" not in repr(client.get_asset(asset_id=asset_id))
    stub.faults.append(lambda r: Reply(lost=True) if r.origin == "storage" else None)
    with pytest.raises(errors.UnreachableError) as caught:
        client.download_asset(asset_id=asset_id, target=tmp_path / "m")
    assert "Signature" not in repr((caught.value, vars(caught.value), caught.value.__cause__))


def test_an_asset_without_an_address(stub: StubService, client: Client, tmp_path: Path) -> None:
    told = {"asset_id": "a", "filename": "m", "download_url": None}
    stub.faults.append(on("GET", "/v1/assets/a", Reply(200, told)))
    with pytest.raises(errors.TransferError, match="no address"):
        client.download_asset(asset_id="a", target=tmp_path / "m")


def test_an_expired_form_leaves_no_completed_asset(
    stub: StubService, client: Client, take: Path
) -> None:
    stub.faults.append(lost_after_handling(stub, "POST", "/v1/assets/initiate"))
    client.upload_asset(path=take)
    completed = [asset for asset in stub.assets.values() if asset["status"] == "completed"]
    assert len(completed) == 1
