# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ANN401 - what tests pass on is anything
"""What the service tells becomes values, or an error that says which answer was not understood."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myosapiens_addon.service.errors import AnswerError, describe_detail, redact
from myosapiens_addon.service.job_models import Job, JobPage, RetargetTicket
from myosapiens_addon.service.models import (
    Asset,
    AssetPage,
    CharacterDetails,
    CharacterPage,
    JobStatus,
    ManifestReport,
    UploadReceipt,
    UploadTicket,
)

WHERE = "GET /v1/x"

# As the API reference has them.
JOB = {
    "job_id": "uuid",
    "type": "retarget",
    "status": "SUCCEEDED",
    "created_at": "2024-01-01T00:00:00Z",
    "updated_at": "2024-01-01T00:00:00Z",
    "started_at": "2024-01-01T00:01:00Z",
    "completed_at": "2024-01-01T00:05:00Z",
    "message": "Job completed successfully",
    "output": {"retarget_output_asset_id": "out"},
    "download_urls": {"retarget_output": "https://x?X-Amz-Signature=s"},
}


def test_a_job_of_revision_1() -> None:
    job = Job.from_json({**JOB, "unknown": [1]}, WHERE)
    assert job.status is JobStatus.SUCCEEDED
    assert job.started_at == datetime(2024, 1, 1, 0, 1, tzinfo=UTC)
    assert job.outputs == {"retarget_output": "out"}
    assert job.download_urls["retarget_output"].startswith("https://x")
    assert "Signature" not in repr(job)


def test_a_job_of_revision_2() -> None:
    ids = {"qpos": "q", "xpos": "x", "model": "m", "motion": None}
    output = {
        "retarget_output_asset_ids": ids,
        "processing_time_seconds": 3.5,
        "diagnostics": {"be_version": "1", "mujoco_version": "3", "warnings": ["careful"]},
    }
    job = Job.from_json({**JOB, "output": output, "credits_charged": 2, "metadata": {}}, WHERE)
    assert job.outputs == {"qpos": "q", "xpos": "x", "model": "m"}
    assert (job.warnings, job.credits_charged, job.metadata) == (("careful",), 2.0, {})


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ({"error_type": "bad", "error_message": "no", "trace": 1}, "bad", "no"),
        ("plain", None, "plain"),
        ({}, None, None),
    ],
)
def test_a_job_that_failed(error: Any, kind: str | None, message: str | None) -> None:
    job = Job.from_json({"job_id": "j", "status": "FAILED", "error": error}, WHERE)
    assert job.error is not None
    assert (job.error.error_type, job.error.message) == (kind, message)


def test_the_least_that_a_job_can_be() -> None:
    job = Job.from_json({"job_id": "j", "status": "queued", "queue_position": 3}, WHERE)
    assert (job.status, job.queue_position, job.created_at) == (JobStatus.QUEUED, 3, None)
    assert (job.metadata, job.error, dict(job.outputs)) == (None, None, {})


def test_times_are_aware_whatever_zone_they_come_in() -> None:
    for text in ("2024-01-01T00:00:00", "2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00.000Z"):
        asset = Asset.from_json({"asset_id": "a", "created_at": text}, WHERE)
        assert asset.created_at == datetime(2024, 1, 1, tzinfo=UTC)


def test_a_page_that_tells_no_paging_is_all_there_is() -> None:
    page = AssetPage.from_json({"assets": [{"asset_id": "a"}]}, WHERE)
    assert (page.total, page.offset, len(page.assets)) == (1, 0, 1)


def test_a_character_without_ready_versions_has_none_to_use() -> None:
    versions = [{"version": "v1", "status": "PENDING"}]
    told = {"character_id": "c", "name": "n", "versions": versions, "latest_version": versions[0]}
    assert CharacterDetails.from_json(told, WHERE).newest_ready() is None


def test_the_newest_of_the_ready_versions() -> None:
    versions = [
        {"version": "new", "status": "READY", "created_at": "2024-03-01T00:00:00Z"},
        {"version": "old", "status": "READY", "created_at": "2024-01-01T00:00:00Z"},
    ]
    told = {"character_id": "c", "name": "n", "versions": versions}
    newest = CharacterDetails.from_json(told, WHERE).newest_ready()
    assert newest is not None
    assert newest.version == "new"


@pytest.mark.parametrize(
    ("parse", "value", "words"),
    [
        (Job.from_json, {"status": "QUEUED"}, "job_id is missing"),
        (Job.from_json, {"job_id": 3, "status": "QUEUED"}, "job_id is not text"),
        (Job.from_json, {"job_id": True, "status": "QUEUED"}, "job_id is not text"),
        (Job.from_json, {**JOB, "queue_position": 1.5}, "queue_position is no whole number"),
        (Job.from_json, {**JOB, "queue_position": True}, "queue_position is not a number"),
        (Job.from_json, {**JOB, "created_at": "yesterday"}, "created_at is no ISO 8601 time"),
        (Job.from_json, {**JOB, "output": "x"}, "an object was expected"),
        (Job.from_json, {**JOB, "download_urls": {"a": 1}}, "download_urls.a is not text"),
        (JobPage.from_json, {}, "jobs is missing"),
        (JobPage.from_json, {"jobs": {}}, "jobs is no list"),
        (JobPage.from_json, {"jobs": [], "total": -1}, "total is negative"),
        (UploadTicket.from_json, {"asset_id": "a"}, "upload_url is missing"),
        (UploadReceipt.from_json, {"asset_id": "a", "verified": "yes"}, "verified is not"),
        (RetargetTicket.from_json, None, "an object was expected"),
        (CharacterPage.from_json, [], "an object was expected"),
        (ManifestReport.from_json, {"character_id": "c"}, "version is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_endpoint(parse: Any, value: Any, words: str) -> None:
    with pytest.raises(AnswerError) as caught:
        parse(value, WHERE)
    assert words in caught.value.sentence
    assert WHERE in caught.value.sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = [*JOB, "error", "metadata", "queue_position", "id", "jobs", "total"]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_nothing_but_an_answer_error_comes_of_any_json(value: dict[str, Any]) -> None:
    for parse in (Job.from_json, JobPage.from_json, RetargetTicket.from_json):
        try:
            parse(value, WHERE)
        except AnswerError as error:
            assert WHERE in error.sentence  # noqa: PT017 - it need not raise


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_detail_becomes_one_short_line(detail: Any) -> None:
    text = describe_detail(detail)
    assert "\n" not in text
    assert len(text) <= 1000


def test_redact_takes_keys_out() -> None:
    assert redact("is ak_live_abc-DEF_1 good?") == "is *** good?"
    assert redact("is other-key good?", "other-key") == "is *** good?"
    assert redact("a task_live is none") == "a task_live is none"
