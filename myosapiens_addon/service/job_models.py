# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what starts one, what the service tells of one, and what to list.

Times are aware, durations in seconds. Heights in metres, weights in kilograms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Self

from .models import EMPTY, JobStatus, Page, read_page
from .parsing import Reader
from .revisions import read_outputs

GENDERS = ("male", "female")


@dataclass(frozen=True, kw_only=True)
class RetargetRequest:
    """What a retarget job is to do. Revision 1 of the API knows the fields up to `metadata`.

    Attributes:
        tracker_asset_id: the uploaded take.
        take_name: the name of its file, which tells its kind; it is not sent.
        subject_gender: "male", "female" or None.
        mocap_scale: take units per metre (1000: millimetres); None leaves it to the service.
        rotation: None, "yup_to_zup" or "ydown_to_zup".
        clip_length: frames to solve; -1 for all.
        chunk_size: frames per piece; -1 for the whole take at once.
        n_frames_scaling: frames that the subject's scale is fitted on.
    """

    tracker_asset_id: str
    markerset_asset_id: str
    character_id: str
    character_version: str
    enable_scaling: bool = True
    subject_gender: str | None = None
    subject_height_m: float | None = None
    subject_weight_kg: float | None = None
    metadata: Mapping[str, object] = field(default_factory=lambda: EMPTY)
    export_glb: bool = True
    mocap_scale: int | None = None
    rotation: str | None = None
    clip_length: int = -1
    chunk_size: int = -1
    disable_contacts: bool = True
    n_frames_scaling: int = 10
    take_name: str = ""


@dataclass(frozen=True, kw_only=True)
class RetargetTicket:
    """A job that was started."""

    job_id: str
    status: JobStatus
    message: str | None = None
    estimated_wait_s: float | None = None

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        return cls(
            job_id=reader.text("job_id", "id"),
            status=read_status(reader),
            message=reader.optional_text("message"),
            estimated_wait_s=reader.number("estimated_wait_time_seconds"),
        )


@dataclass(frozen=True, kw_only=True)
class JobFailure:
    """Why the service gave a job up."""

    error_type: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the service sees it.

    Attributes:
        outputs: output's name (`motion`, `qpos`, `xpos`, `model`; `retarget_output`) to asset id.
        download_urls: the same names to presigned addresses.
        metadata: what was given when the job was started, where the service tells it;
            None where it does not.
    """

    job_id: str
    status: JobStatus
    type: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    canceled_at: datetime | None = None
    message: str | None = None
    error: JobFailure | None = None
    queue_position: int | None = None
    credits_charged: float | None = None
    outputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    download_urls: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, object] | None = None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """From one JSON object."""
        outputs, warnings = read_outputs(reader.object("output"))
        return cls(
            job_id=reader.text("job_id", "id"),
            status=read_status(reader),
            type=reader.optional_text("type"),
            created_at=reader.time("created_at"),
            updated_at=reader.time("updated_at"),
            started_at=reader.time("started_at"),
            completed_at=reader.time("completed_at"),
            failed_at=reader.time("failed_at"),
            canceled_at=reader.time("canceled_at", "cancelled_at"),
            message=reader.optional_text("message"),
            error=_read_failure(reader),
            queue_position=reader.integer("queue_position"),
            credits_charged=reader.number("credits_charged"),
            outputs=MappingProxyType(outputs),
            download_urls=MappingProxyType(reader.text_mapping("download_urls")),
            warnings=warnings,
            metadata=reader.mapping("metadata") if reader.has("metadata") else None,
        )

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        return cls.read(Reader(value, endpoint))


@dataclass(frozen=True, kw_only=True)
class JobPage(Page):
    """One page of jobs."""

    jobs: tuple[Job, ...]

    @classmethod
    def from_json(cls, value: object, endpoint: str) -> Self:
        """From an answer."""
        reader = Reader(value, endpoint)
        jobs = tuple(reader.items("jobs", Job.read, required=True))
        return cls(jobs=jobs, **read_page(reader, len(jobs)))


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs to list; what is None or empty does not restrict."""

    statuses: tuple[JobStatus, ...] = ()
    types: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    run_id: str | None = None
    has_output: bool | None = None
    input_asset_id: str | None = None

    def as_query(self) -> list[tuple[str, str]]:
        """Query parameters; `status` and `type` are repeated."""
        pairs = [("status", status.value) for status in self.statuses]
        pairs += [("type", name) for name in self.types]
        single = {
            "created_after": self.created_after and self.created_after.isoformat(),
            "created_before": self.created_before and self.created_before.isoformat(),
            "run_id": self.run_id,
            "has_output": None if self.has_output is None else str(self.has_output).lower(),
            "input_asset_id": self.input_asset_id,
        }
        return pairs + [(name, value) for name, value in single.items() if value]


def read_status(reader: Reader) -> JobStatus:
    """The status of a job, in whatever case it comes; `CANCELLED` is taken as well."""
    text = reader.text("status").upper().replace("CANCELLED", "CANCELED")
    try:
        return JobStatus(text)
    except ValueError:
        raise reader.error(f"{text!r} is no known job status") from None


def _read_failure(reader: Reader) -> JobFailure | None:
    if isinstance(reader.raw("error"), str):
        return JobFailure(message=reader.optional_text("error"))
    failure = reader.object("error")
    if failure is None:
        return None
    return JobFailure(
        error_type=failure.optional_text("error_type", "type"),
        message=failure.optional_text("error_message", "message"),
    )
