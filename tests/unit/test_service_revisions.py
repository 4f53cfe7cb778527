# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""Both revisions of the API: the bodies, and how a server's revision is found out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from myosapiens_addon.errors import TakeError
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.errors import AnswerError, RequestError
from myosapiens_addon.service.job_models import RetargetRequest
from myosapiens_addon.service.retry import RetryPolicy
from myosapiens_addon.service.revisions import Revision, RevisionMemory, build_body, speaks_other
from tests.unit.service_stub import KEY, Reply, StubService, on, running

REQUEST = RetargetRequest(
    tracker_asset_id="take",
    markerset_asset_id="set",
    character_id="c",
    character_version="v1",
    subject_gender="female",
    subject_height_m=1.7,
    subject_weight_kg=61.5,
    metadata={"token": "t"},
)
COMMON = {
    "markerset_asset_id": "set",
    "character_id": "c",
    "character_version": "v1",
    "enable_scaling": True,
    "subject_gender": "female",
    "subject_height": 1.7,
    "subject_weight": 61.5,
    "metadata": {"token": "t"},
}


@pytest.fixture
def stub() -> Iterator[StubService]:
    with running() as service:
        yield service


def test_the_body_of_revision_1() -> None:
    assert build_body(REQUEST, Revision.ONE) == {"c3d_asset_id": "take", **COMMON}


def test_the_body_of_revision_2_leaves_defaults_out() -> None:
    expected = {"tracker_asset_id": "take", "export_glb": True, **COMMON}
    assert build_body(REQUEST, Revision.TWO) == expected


def test_the_options_of_revision_2() -> None:
    request = RetargetRequest(
        tracker_asset_id="t",
        markerset_asset_id="m",
        character_id="c",
        character_version="v",
        export_glb=False,
        mocap_scale=1,
        rotation="yup_to_zup",
        clip_length=100,
        chunk_size=50,
        disable_contacts=False,
        n_frames_scaling=5,
    )
    assert build_body(request, Revision.TWO) == {
        "tracker_asset_id": "t",
        "markerset_asset_id": "m",
        "character_id": "c",
        "character_version": "v",
        "enable_scaling": True,
        "metadata": {},
        "export_glb": False,
        "mocap_scale": 1,
        "rotation": "yup_to_zup",
        "clip_length": 100,
        "chunk_size": 50,
        "disable_contacts": False,
        "n_frames_scaling": 5,
    }


def complaint(field: str, message: str, kind: str) -> dict[str, Any]:
    return {"loc": ["body", field], "msg": message, "type": kind}


MISSING = "missing"
EXTRA = "extra_forbidden"


@pytest.mark.parametrize(
    ("sent", "status", "detail", "other"),
    [
        (2, 422, [complaint("c3d_asset_id", "Field required", MISSING)], True),
        (2, 422, [complaint("tracker_asset_id", "Extra inputs are not permitted", EXTRA)], True),
        (2, 422, [complaint("export_glb", "Extra inputs are not permitted", EXTRA)], True),
        (1, 422, [complaint("tracker_asset_id", "Field required", MISSING)], True),
        (1, 422, [complaint("c3d_asset_id", "Extra inputs are not permitted", EXTRA)], True),
        (2, 400, "Either c3d_asset_id or c3d_s3 must be provided", True),
        (1, 400, "tracker_asset_id is required", True),
        (1, 400, {"message": "Unknown field: c3d_asset_id"}, True),
        (
            2,
            422,
            [{"loc": ["body"], "msg": "Value error, either c3d_asset_id or c3d_s3", "type": "x"}],
            True,
        ),
        # Faults of the request itself.
        (2, 422, [complaint("tracker_asset_id", "the asset is not completed", "x")], False),
        (2, 422, [complaint("subject_height", "Input should be less than 3", "x")], False),
        (2, 422, [complaint("rotation", "Extra inputs are not permitted", EXTRA)], False),
        (1, 400, "c3d_asset_id: asset not found", False),
        (2, 400, "tracker_asset_id: asset not found", False),
        (2, 404, "c3d_asset_id must be provided", False),
        (2, 400, None, False),
        (2, 400, [], False),
        (2, 422, [{"loc": [], "msg": "", "type": ""}], False),
        (2, 422, ["tracker"], False),
    ],
)
def test_which_refusals_show_the_other_revision(
    sent: int, status: int, detail: Any, other: bool
) -> None:
    error = RequestError("refused", status=status, detail=detail)
    assert speaks_other(error, Revision(sent)) is other


@pytest.mark.parametrize("revision", [1, 2])
def test_a_server_is_found_out_once(stub: StubService, revision: int, tmp_path: Path) -> None:
    stub.revision = revision
    store = tmp_path / "config" / "revisions.json"
    first = RevisionMemory(store)
    with Client(base_url=stub.base_url, api_key=KEY, revisions=first) as client:
        assert client.start_retarget(request=REQUEST).revision == revision
    posts = len(stub.requests("POST", "/v1/runs"))
    assert posts == (2 if revision == 1 else 1)
    # Another process, later.
    with Client(base_url=stub.base_url, api_key=KEY, revisions=RevisionMemory(store)) as client:
        client.start_retarget(request=REQUEST)
    assert len(stub.requests("POST", "/v1/runs")) == posts + 1
    assert len(stub.jobs) == 2


def test_a_server_that_changed_is_found_out_again(stub: StubService) -> None:
    memory = RevisionMemory()
    memory.remember(stub.base_url, Revision.ONE)
    with Client(base_url=stub.base_url, api_key=KEY, revisions=memory) as client:
        assert client.start_retarget(request=REQUEST).revision is Revision.TWO
    assert memory.recall(stub.base_url) is Revision.TWO


def test_a_server_that_speaks_neither(stub: StubService) -> None:
    def refuse(received: Any) -> Reply | None:
        if received.method != "POST" or not received.path.startswith("/v1/runs"):
            return None
        ours = "tracker_asset_id" if "tracker_asset_id" in received.json else "c3d_asset_id"
        return Reply(422, {"detail": [complaint(ours, "Extra inputs are not permitted", EXTRA)]})

    stub.faults.append(refuse)
    with (
        Client(base_url=stub.base_url, api_key=KEY) as client,
        pytest.raises(AnswerError, match="neither"),
    ):
        client.start_retarget(request=REQUEST)
    assert len(stub.received) == 2


def test_a_plain_refusal_is_passed_on(stub: StubService) -> None:
    reply = Reply(422, {"detail": [complaint("subject_height", "too tall", "x")]})
    stub.faults.append(on("POST", "/v1/runs", reply))
    with (
        Client(base_url=stub.base_url, api_key=KEY, retry=RetryPolicy()) as client,
        pytest.raises(RequestError, match="subject_height: too tall"),
    ):
        client.start_retarget(request=REQUEST)
    assert len(stub.received) == 1


# Takes that revision 1 does not read


@pytest.mark.parametrize("name", ["walk.trc", "WALK.TRC", "walk.parquet"])
def test_a_take_that_a_known_server_does_not_read_is_not_sent(stub: StubService, name: str) -> None:
    stub.revision = 1
    memory = RevisionMemory()
    memory.remember(stub.base_url, Revision.ONE)
    with (
        Client(base_url=stub.base_url, api_key=KEY, revisions=memory) as client,
        pytest.raises(TakeError, match=f"takes C3D files alone: export {name} as C3D"),
    ):
        client.start_retarget(request=replace(REQUEST, take_name=name))
    assert stub.received == []


@pytest.mark.parametrize("known", [None, Revision.TWO])
def test_a_server_is_found_out_by_a_take_that_it_does_not_read(
    stub: StubService, known: Revision | None
) -> None:
    """It is asked once, in revision 2, which it refuses as a whole: nothing is started."""
    stub.revision = 1
    memory = RevisionMemory()
    if known is not None:
        memory.remember(stub.base_url, known)
    for _time in range(2):
        with (
            Client(base_url=stub.base_url, api_key=KEY, revisions=memory) as client,
            pytest.raises(TakeError, match="revision 1 of the API, which takes C3D"),
        ):
            client.start_retarget(request=replace(REQUEST, take_name="walk.trc"))
    assert memory.recall(stub.base_url) is Revision.ONE
    (asked,) = stub.received
    assert "tracker_asset_id" in asked.json
    assert stub.jobs == {}


def test_a_take_that_the_server_reads(stub: StubService) -> None:
    with Client(base_url=stub.base_url, api_key=KEY) as client:
        started = client.start_retarget(request=replace(REQUEST, take_name="walk.trc"))
    assert started.revision is Revision.TWO
    (job,) = stub.jobs.values()
    assert job["body"] == {"tracker_asset_id": "take", "export_glb": True, **COMMON}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"revisions": {"u": 9}}', b"\xff"])
def test_a_spoilt_store_is_passed_over(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "revisions.json"
    store.write_bytes(content)
    memory = RevisionMemory(store)
    assert memory.recall("u") is None
    assert "passed over" in caplog.text
    memory.remember("u", Revision.ONE)
    assert json.loads(store.read_text()) == {"revisions": {"u": 1}}


def test_a_store_that_cannot_be_written_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    memory = RevisionMemory(tmp_path / "file" / "revisions.json")
    with caplog.at_level(logging.WARNING):
        memory.remember("u", Revision.TWO)
    assert memory.recall("u") is Revision.TWO
    assert "could not be written" in caplog.text
