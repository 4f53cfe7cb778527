# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""Downloads: whole, checked, resumed, cancellable, and clean when they fail."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import CancelledError
from myosapiens_addon.service import errors
from myosapiens_addon.service.client import Client
from tests.unit.service_stub import (
    KEY,
    Received,
    Reply,
    StubService,
    on,
)
from tests.unit.transfer_watch import EXPIRED, PATIENT, QUICK, Watch, ended


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
    client = Client(
        base_url=stub.base_url, api_key=KEY, cancel=cancel, retry=QUICK, timeouts=PATIENT
    )
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(CancelledError):
        ended(lambda: client.download_asset(asset_id=asset_id, target=tmp_path / "m"))
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
