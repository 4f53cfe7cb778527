# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""The client against a stub: endpoints, error sentences, retries."""

from __future__ import annotations

import email.utils
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from myosapiens_addon.errors import InputError
from myosapiens_addon.service import errors
from myosapiens_addon.service.client import Client
from myosapiens_addon.service.job_models import JobFilter, RetargetRequest
from myosapiens_addon.service.models import JobStatus
from myosapiens_addon.service.retry import RetryPolicy, parse_retry_after
from tests.unit.service_stub import KEY, Reply, StubService, lost_after_handling, on
from tests.unit.transfer_watch import QUICK


def request_for(stub: StubService) -> RetargetRequest:
    return RetargetRequest(
        tracker_asset_id=stub.add_asset("take.c3d", b"x"),
        markerset_asset_id=stub.add_asset("set.xml", b"x"),
        character_id="c",
        character_version="v1",
    )


# Endpoints


def test_pages_are_gone_through_to_the_end(stub: StubService, client: Client) -> None:
    made = [stub.add_asset(f"{number}.c3d", b"x") for number in range(205)]
    assert [asset.asset_id for asset in client.iter_assets(purpose="retarget")] == made
    asked = stub.requests("GET", "/v1/assets")
    assert [r.query["offset"] for r in asked] == [["0"], ["100"], ["200"]]
    assert asked[0].query["purpose"] == ["retarget"]


def test_every_filter_of_jobs_is_sent(stub: StubService, client: Client) -> None:
    after = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    only = JobFilter(
        statuses=(JobStatus.QUEUED, JobStatus.FAILED),
        types=("retarget",),
        created_after=after,
        created_before=after + timedelta(days=1),
        run_id="r",
        has_output=False,
        input_asset_id="i",
    )
    client.list_jobs(only=only, limit=7, offset=3)
    assert stub.received[-1].query == {
        "status": ["QUEUED", "FAILED"],
        "type": ["retarget"],
        "created_after": ["2024-01-02T03:04:05+00:00"],
        "created_before": ["2024-01-03T03:04:05+00:00"],
        "run_id": ["r"],
        "has_output": ["false"],
        "input_asset_id": ["i"],
        "limit": ["7"],
        "offset": ["3"],
    }


def test_characters_and_their_newest_ready_version(stub: StubService, client: Client) -> None:
    (character,) = client.iter_characters(has_ready_versions=True, name_contains="Stu b")
    assert stub.received[-1].query["has_ready_versions"] == ["true"]
    assert stub.received[-1].query["name_contains"] == ["Stu b"]
    newest = client.get_character(character_id=character.character_id).newest_ready()
    assert newest is not None
    assert newest.version == "v1"


def test_validate_manifest(stub: StubService, client: Client) -> None:
    told = {"character_id": "c", "version": "v1", "status": "READY", "manifest_s3_key": "s3://m"}
    stub.faults.append(on("POST", "/v1/characters/c/validate-manifest", Reply(200, told)))
    report = client.validate_manifest(character_id="c", version="v1")
    assert (report.status, report.manifest_s3_key) == ("READY", "s3://m")
    assert stub.received[-1].query == {"version": ["v1"]}


@pytest.mark.parametrize("identifier", ["", "..", "a/b", "a?b", "a b", "%2e%2e", "ä"])
def test_an_identifier_does_not_break_out_of_its_path(client: Client, identifier: str) -> None:
    with pytest.raises(InputError, match="no identifier"):
        client.get_job(job_id=identifier)


# Errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"detail": "Bad frame rate."}, errors.RequestError, "Bad frame rate."),
        (401, {"detail": "Invalid API key"}, errors.AuthenticationError, "refuses the API key"),
        (403, {"detail": "no"}, errors.AuthenticationError, "access"),
        (402, {"detail": {"message": "Buy more"}}, errors.CreditsError, "credits left: Buy more."),
        (404, {"detail": "Job not found"}, errors.NotFoundError, "Job not found"),
        (409, {"detail": "in use"}, errors.ConflictError, "in use"),
        (
            422,
            {"detail": [{"loc": ["body", "subject_height"], "msg": "too tall", "type": "x"}]},
            errors.RequestError,
            "subject_height: too tall",
        ),
        (500, {"detail": "boom"}, errors.ServerError, "failed (500): boom"),
        (502, b"<html><body>Bad gateway</body></html>", errors.ServerError, "(a web page)"),
        (418, b"", errors.RequestError, "(418)."),
        (304, b"", errors.AnswerError, "304"),
    ],
)
def test_each_status_has_its_error(
    stub: StubService, client: Client, status: int, body: Any, kind: type, words: str
) -> None:
    reply = Reply(status, body, {"x-request-id": "req-1"})
    stub.faults.append(on("GET", "/v1/jobs/j", *[reply] * 3))
    with pytest.raises(errors.ServiceError) as caught:
        client.get_job(job_id="j")
    assert type(caught.value) is kind
    assert words in caught.value.sentence
    assert (caught.value.status, caught.value.request_id) == (status, "req-1")
    assert "\n" not in caught.value.sentence


def test_a_list_of_complaints_names_each_field(stub: StubService, client: Client) -> None:
    detail = [
        {"loc": ["body", "character_id"], "msg": "Field required", "type": "missing"},
        {"loc": ["query", "limit"], "msg": "must be less than 101", "type": "less_than"},
    ]
    stub.faults.append(on("GET", "/v1/jobs", Reply(422, {"detail": detail})))
    with pytest.raises(errors.RequestError, match="character_id: Field required; limit: must be"):
        client.list_jobs()


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"{", b"[" * 100_000, b'"text"', b'{"jobs": 3}', b"[]"]
)
def test_an_answer_that_is_not_understood(stub: StubService, client: Client, body: bytes) -> None:
    stub.faults.append(on("GET", "/v1/jobs", Reply(200, body)))
    with pytest.raises(errors.AnswerError, match="GET /v1/jobs"):
        client.list_jobs()


def test_a_job_of_an_unknown_status_is_not_understood(stub: StubService, client: Client) -> None:
    stub.faults.append(on("GET", "/v1/jobs/j", Reply(200, {"job_id": "j", "status": "DREAMING"})))
    with pytest.raises(errors.AnswerError, match="DREAMING"):
        client.get_job(job_id="j")


# Retries


def test_a_server_that_fails_twice_is_asked_three_times(stub: StubService, client: Client) -> None:
    stub.faults.append(on("GET", "/v1/jobs", Reply(503), Reply(lost=True)))
    assert client.list_jobs().jobs == ()
    assert len(stub.received) == 3


def test_a_server_that_keeps_failing_is_left_after_three(stub: StubService, client: Client) -> None:
    stub.faults.append(on("GET", "/v1/jobs", *[Reply(500)] * 9))
    with pytest.raises(errors.ServerError):
        client.list_jobs()
    assert len(stub.received) == 3


def test_a_refusal_is_not_repeated(stub: StubService, client: Client) -> None:
    with pytest.raises(errors.NotFoundError):
        client.get_job(job_id="nothing")
    assert len(stub.received) == 1


def test_a_rate_limit_is_waited_for_as_long_as_it_says(stub: StubService, client: Client) -> None:
    limit = Reply(429, {"detail": "slow"}, {"Retry-After": "1"})
    stub.faults.append(on("GET", "/v1/jobs", limit))
    begun = time.monotonic()
    client.list_jobs()
    assert time.monotonic() - begun >= 1.0


def test_a_rate_limit_does_not_use_up_the_tries(stub: StubService, client: Client) -> None:
    limit = Reply(429, {"detail": "slow"}, {"Retry-After": "0"})
    stub.faults.append(on("GET", "/v1/jobs", limit, limit, limit, Reply(500), limit, Reply(500)))
    assert client.list_jobs().total == 0


def test_a_rate_limit_beyond_patience_is_told(stub: StubService, client: Client) -> None:
    limit = Reply(429, {"detail": "slow"}, {"Retry-After": "86400"})
    stub.faults.append(on("GET", "/v1/jobs", limit))
    with pytest.raises(errors.RateLimitError) as caught:
        client.list_jobs()
    assert caught.value.retry_after_s == 86400
    assert caught.value.retryable


def test_retry_after_in_all_its_forms() -> None:
    now = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)
    assert parse_retry_after("7") == 7
    assert parse_retry_after("-7") == 0
    date = email.utils.format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert parse_retry_after(date, now=now) == 90
    assert parse_retry_after("soon") is None
    assert parse_retry_after("9" * 400) == parse_retry_after("9999999999") == 86_400
    assert parse_retry_after(None) is None


def test_backoff_doubles_up_to_its_longest_and_is_random() -> None:
    policy = RetryPolicy(first_wait_s=1.0, longest_wait_s=4.0)
    waits = [[policy.backoff_s(failures) for _ in range(300)] for failures in (1, 2, 3, 9)]
    for found, ceiling in zip(waits, (1.0, 2.0, 4.0, 4.0), strict=True):
        assert 0 <= min(found) < 0.2 * ceiling
        assert 0.8 * ceiling < max(found) <= ceiling


def test_nobody_there(client: Client) -> None:
    with (
        Client(base_url="http://127.0.0.1:9", api_key=KEY, retry=QUICK) as lonely,
        pytest.raises(errors.UnreachableError, match="refuses connections") as caught,
    ):
        lonely.list_jobs()
    assert caught.value.retryable
    assert not caught.value.sent


def test_a_name_that_is_not_known() -> None:
    with (
        Client(base_url="https://no-such-host.invalid", api_key=KEY, retry=QUICK) as lonely,
        pytest.raises(errors.UnreachableError, match=r"cannot be (found|reached)"),
    ):
        lonely.list_jobs()


def test_a_delete_whose_answer_is_lost_is_done(stub: StubService, client: Client) -> None:
    asset_id = stub.add_asset("a", b"x")
    stub.faults.append(lost_after_handling(stub, "DELETE", "/v1/assets"))
    client.delete_asset(asset_id=asset_id)
    assert asset_id not in stub.assets
    with pytest.raises(errors.NotFoundError):
        client.delete_asset(asset_id=asset_id)


def test_cancelling_a_job(stub: StubService, client: Client) -> None:
    job_id = client.start_retarget(request=request_for(stub)).ticket.job_id
    stub.faults.append(lost_after_handling(stub, "DELETE", "/v1/jobs"))
    assert client.cancel_job(job_id=job_id) is JobStatus.CANCELED
    assert client.cancel_job(job_id=job_id) is JobStatus.CANCELED
    with pytest.raises(errors.NotFoundError):
        client.cancel_job(job_id="nothing")


# Starting a job


@pytest.mark.parametrize(
    "reply",
    [Reply(lost=True), Reply(500), Reply(504, b"<html>"), Reply(200, b"<html>"), Reply(200, {})],
    ids=["lost", "500", "504", "web page", "no id"],
)
def test_a_start_is_never_repeated_blindly(stub: StubService, client: Client, reply: Reply) -> None:
    stub.faults.append(on("POST", "/v1/runs/retarget", reply))
    with pytest.raises(errors.UnknownOutcomeError):
        client.start_retarget(request=request_for(stub))
    assert len(stub.requests("POST", "/v1/runs")) == 1


def test_a_start_that_was_refused_for_the_rate_is_repeated(
    stub: StubService, client: Client
) -> None:
    stub.faults.append(on("POST", "/v1/runs/retarget", Reply(429, {}, {"Retry-After": "0"})))
    client.start_retarget(request=request_for(stub))
    assert len(stub.jobs) == 1


def test_a_start_that_never_left_is_simply_unreachable(stub: StubService) -> None:
    with (
        Client(base_url="http://127.0.0.1:9", api_key=KEY, retry=QUICK) as lonely,
        pytest.raises(errors.UnreachableError) as caught,
    ):
        lonely.start_retarget(request=request_for(stub))
    assert not isinstance(caught.value, errors.UnknownOutcomeError)
