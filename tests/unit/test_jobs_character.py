# SPDX-License-Identifier: GPL-3.0-or-later
"""The character is settled before anything is uploaded, once, and confirmed by the service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from myosapiens_addon.jobs import events
from myosapiens_addon.jobs.pipeline import Pipeline
from myosapiens_addon.jobs.record import Stage
from tests.unit.jobs_bench import CRASHES, Bench, check_finished, crash_at, run
from tests.unit.service_stub import CHARACTER, Received, Reply, on

VALIDATE = f"/v1/characters/{CHARACTER}/validate-manifest"


def refusal(bench: Bench, **asked: str) -> events.Failed:
    """What a job comes to that is refused before anything is sent."""
    last = run(bench.begin(**asked))[-1]
    assert isinstance(last, events.Failed)
    assert not bench.stub.requests("POST", "/v1/assets")
    assert not bench.stub.requests("POST", "/v1/runs")
    assert bench.record().stage is Stage.FAILED
    assert (bench.record().character_id, bench.record().c3d_asset_id) == (None, None)
    return last


def test_it_is_settled_before_the_upload_and_once(bench: Bench) -> None:
    check_finished(bench, run(bench.begin())[-1])
    paths = [received.path for received in bench.stub.received]
    assert paths.count(VALIDATE) == 1
    assert paths.index(VALIDATE) < paths.index("/v1/assets/initiate")
    record = bench.record()
    assert (record.character_id, record.character_version) == (CHARACTER, "v1")


def test_the_version_that_was_asked_for_is_the_one_that_is_checked(bench: Bench) -> None:
    check_finished(bench, run(bench.begin(character_id="mine", character_version="v9"))[-1])
    (asked,) = bench.stub.requests("POST", "/v1/characters")
    assert asked.path == "/v1/characters/mine/validate-manifest"
    assert asked.query == {"version": ["v9"]}


def test_a_version_that_is_not_there(bench: Bench) -> None:
    bench.stub.manifest_status = None
    last = refusal(bench, character_id="mine", character_version="v9")
    assert last.sentence == (
        "The service does not have version v9 of the character mine: "
        "choose a character and version that it lists."
    )
    assert (last.retryable, last.resumable) == (False, False)
    assert (last.fault.kind, last.fault.status) == ("InputError", 404)
    assert last.fault.detail == "There is no version v9."


@pytest.mark.parametrize("status", ["FAILED", "DEPRECATED", "pending"])
def test_a_version_that_is_not_ready(bench: Bench, status: str) -> None:
    bench.stub.manifest_status = status
    last = refusal(bench)
    assert last.sentence == (
        f"Version v1 of the character {CHARACTER} is {status}, not READY: "
        "choose a version that is ready."
    )
    assert last.fault.status is None


@pytest.mark.parametrize("status", ["READY", "ready", ""])
def test_a_version_that_is_ready(bench: Bench, status: str) -> None:
    bench.stub.manifest_status = status
    check_finished(bench, run(bench.begin())[-1])


def test_a_character_that_is_not_there(bench: Bench) -> None:
    last = refusal(bench, character_id="nobody")
    assert "does not have the character nobody" in last.sentence


def test_a_character_without_a_ready_version(bench: Bench) -> None:
    bench.stub.characters[0] |= {"versions": [], "ready_versions": []}
    assert "Stub has no version that is ready" in refusal(bench, character_id=CHARACTER).sentence


def test_no_character_at_all(bench: Bench) -> None:
    bench.stub.characters = []
    assert "no character that is ready" in refusal(bench).sentence


def test_a_service_that_fails_for_a_moment_is_asked_again(bench: Bench) -> None:
    bench.stub.faults.append(on("POST", VALIDATE, Reply(503), Reply(lost=True), None))
    check_finished(bench, run(bench.begin())[-1])
    assert len(bench.stub.requests("POST", VALIDATE)) == 3


def test_a_service_that_keeps_failing_is_told_as_such(bench: Bench) -> None:
    bench.stub.faults.append(on("POST", VALIDATE, *[Reply(503, {"detail": "Busy."})] * 9))
    last = refusal(bench)
    assert last.retryable
    assert (last.fault.kind, last.fault.status, last.fault.detail) == ("ServerError", 503, "Busy.")


def test_the_files_are_looked_at_before_the_service_is_asked(bench: Bench) -> None:
    broken = bench.folder / "broken.c3d"
    broken.write_bytes(b"no take")
    last = run(
        Pipeline.begin(
            replace(bench.spec(), c3d=broken),
            base_url=bench.stub.base_url,
            journal=bench.journal,
            connect=bench.connect,
        )
    )[-1]
    assert isinstance(last, events.Failed)
    assert "broken.c3d" in last.sentence
    assert bench.stub.received == []


def test_a_cancel_while_the_service_is_asked(bench: Bench) -> None:
    pipeline = bench.begin()

    def hang(received: Received) -> Reply | None:
        if received.path != VALIDATE:
            return None
        pipeline.cancel()
        return Reply(hang=True)

    bench.stub.faults.append(hang)
    told = run(pipeline)
    kinds = [type(event) for event in told]
    assert kinds == [events.Checked, events.Canceling, events.Canceled]
    assert not bench.stub.requests("POST", "/v1/assets")
    assert bench.record().stage is Stage.CANCELED


# Resumed


def test_a_resumed_job_asks_no_second_time(bench: Bench) -> None:
    crash_at(bench.begin(), CRASHES["at the markerset"])
    bench.stub.manifest_status = None
    check_finished(bench, run(bench.resume(bench.record().token))[-1])
    assert len(bench.stub.requests("POST", VALIDATE)) == 1


@pytest.mark.parametrize("status", ["READY", "FAILED"])
def test_an_uploaded_job_of_an_earlier_version_has_no_character_yet(
    bench: Bench, status: str
) -> None:
    crash_at(bench.begin(), CRASHES["at the markerset"])
    record = bench.record()
    take, markerset = (bench.stub.add_asset(n, b"x") for n in ("walk.c3d", "markerset.xml"))
    bench.journal.update(
        record,
        stage=Stage.UPLOADED,
        c3d_asset_id=take,
        markerset_asset_id=markerset,
        character_id=None,
        character_version=None,
    )
    bench.stub.manifest_status = status
    last = run(bench.resume(record.token))[-1]
    if status == "READY":
        check_finished(bench, last)
    else:
        assert isinstance(last, events.Failed)
        assert bench.stub.jobs == {}
    assert len(bench.stub.requests("POST", VALIDATE)) == 2
