# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one job, as it stands in the journal. It never holds a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from ..service.texts import one_line
from .spec import JobSpec

SCHEMA = 1


class Stage(Enum):
    """How far a job has come.

    `POSTED` is written before the request that starts it: whoever finds a record there does
    not know whether the job exists, and must look.
    """

    CREATED = "created"
    UPLOADED = "uploaded"
    POSTED = "posted"
    STARTED = "started"
    SOLVED = "solved"
    CANCELING = "canceling"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether there is nothing left to do."""
        return self in {Stage.FINISHED, Stage.FAILED, Stage.CANCELED}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The last error, in words; no key and no presigned address is in it.

    Attributes:
        sentence: what is wrong, where, and what to do.
        kind: the error's class.
        retryable: whether the same may succeed later.
        request_id: for the service's support.
        status: the HTTP status, where there was an answer.
        detail: what the service itself said, in one line; empty where it said nothing.
    """

    sentence: str
    kind: str
    retryable: bool = False
    request_id: str | None = None
    status: int | None = None
    detail: str = ""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """From its fields as a dictionary; what is not known is left out, missing is as usual.

        Raises:
            TypeError, AttributeError: it is none.
        """
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: content for name, content in value.items() if name in known})


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """One job.

    Attributes:
        token: made here, and in the job's metadata on the service: how it is found again.
        base_url: the service it belongs to.
        name: what people know it by: the take's file without its ending, or what the service
            tells of a job that was started elsewhere.
        adopted: whether it was started elsewhere and is only fetched here.
        character_id: the character it is solved on, once the service confirmed it.
        earlier_jobs: ids of jobs that used the take's asset before this one, where it was on
            the service already.
        posted_at: when the request that starts it was about to be sent.
        outputs: output's name to asset id, once solved.
        files: output's name to path, once fetched.
        seconds: time spent: `upload`, `solve`, `download`.
        landing: the caller's own notes on where the result is to go (JSON).
        landed: whether the caller did that.
    """

    token: str
    base_url: str
    spec: JobSpec
    created_at: datetime
    updated_at: datetime
    name: str = ""
    adopted: bool = False
    stage: Stage = Stage.CREATED
    c3d_asset_id: str | None = None
    markerset_asset_id: str | None = None
    character_id: str | None = None
    character_version: str | None = None
    earlier_jobs: tuple[str, ...] = ()
    posted_at: datetime | None = None
    job_id: str | None = None
    revision: int | None = None
    outputs: Mapping[str, str] = field(default_factory=_nothing)
    files: Mapping[str, Path] = field(default_factory=_nothing)
    seconds: Mapping[str, float] = field(default_factory=_nothing)
    warnings: tuple[str, ...] = ()
    fault: Fault | None = None
    landing: Mapping[str, Any] = field(default_factory=_nothing)
    landed: bool = False

    @property
    def take_name(self) -> str:
        """The name to show: one line, never empty."""
        name = one_line(self.name or _name_of(self.spec))
        return name or f"Job {(self.job_id or self.token)[:8]}"

    def as_dict(self) -> dict[str, Any]:
        """JSON."""
        return {
            "schema": SCHEMA,
            "token": self.token,
            "base_url": self.base_url,
            "spec": self.spec.as_dict(),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "name": self.name,
            "adopted": self.adopted,
            "stage": self.stage.value,
            "c3d_asset_id": self.c3d_asset_id,
            "markerset_asset_id": self.markerset_asset_id,
            "character_id": self.character_id,
            "character_version": self.character_version,
            "earlier_jobs": list(self.earlier_jobs),
            "posted_at": self.posted_at and self.posted_at.isoformat(),
            "job_id": self.job_id,
            "revision": self.revision,
            "outputs": dict(self.outputs),
            "files": {name: str(path) for name, path in self.files.items()},
            "seconds": dict(self.seconds),
            "warnings": list(self.warnings),
            "fault": None if self.fault is None else vars(self.fault),
            "landing": dict(self.landing),
            "landed": self.landed,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """From `as_dict`, of this version or an earlier one.

        Raises:
            KeyError, TypeError, ValueError, AttributeError, InputError: it is not one.
        """
        posted_at = value["posted_at"]
        spec = JobSpec.from_dict(value["spec"])
        return cls(
            token=value["token"],
            base_url=value["base_url"],
            spec=spec,
            name=str(value.get("name") or _name_of(spec)),
            adopted=bool(value.get("adopted", False)),
            created_at=datetime.fromisoformat(value["created_at"]),
            updated_at=datetime.fromisoformat(value["updated_at"]),
            stage=Stage(value["stage"]),
            c3d_asset_id=value["c3d_asset_id"],
            markerset_asset_id=value["markerset_asset_id"],
            character_id=value["character_id"],
            character_version=value["character_version"],
            earlier_jobs=tuple(value.get("earlier_jobs", ())),
            posted_at=None if posted_at is None else datetime.fromisoformat(posted_at),
            job_id=value["job_id"],
            revision=value["revision"],
            outputs=MappingProxyType(dict(value["outputs"])),
            files=MappingProxyType({name: Path(path) for name, path in value["files"].items()}),
            seconds=MappingProxyType(dict(value["seconds"])),
            warnings=tuple(value["warnings"]),
            fault=None if value["fault"] is None else Fault.from_dict(value["fault"]),
            landing=MappingProxyType(dict(value["landing"])),
            landed=bool(value["landed"]),
        )


def _name_of(spec: JobSpec) -> str:
    return "" if spec.c3d is None else spec.c3d.stem


def now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)
