# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service's support needs to know of a job, as a text to paste into a message.

It holds no API key, no presigned address and no name of a folder of the user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..service.address import without_query
from ..service.texts import one_line
from .faults import mask
from .folders import hide_folders

if TYPE_CHECKING:
    from .record import Fault, JobRecord

Line = tuple[str, object]


def support_text(
    record: JobRecord,
    *,
    fault: Fault | None = None,
    extension_version: str,
    blender_version: str,
    platform: str,
) -> str:
    """All that is known of a job, one fact per line; what is not known has no line.

    Args:
        record: the job as it stands in the journal.
        fault: what went wrong, where that is not the record's own last error.
        extension_version: of this extension.
        blender_version: of Blender.
        platform: system and machine.
    """
    lines = [
        ("MyoSapiens for Blender", extension_version),
        ("Blender", blender_version),
        ("Platform", platform),
        *_job_lines(record),
        *_fault_lines(fault or record.fault),
        *(("Warning", sentence) for sentence in record.warnings),
        *_time_lines(record),
    ]
    known = tuple(_known_paths(record))
    told = [f"{name}: {one_line(str(value))}" for name, value in lines if value not in (None, "")]
    return "".join(f"{hide_folders(mask(line), known)}\n" for line in told)


def _job_lines(record: JobRecord) -> list[Line]:
    character = (record.character_id, record.character_version)
    return [
        ("Take", record.take_name),
        ("Files", ", ".join(path.name for path in _input_files(record))),
        ("Job", record.job_id or "none yet"),
        ("Token", record.token),
        ("Stage", record.stage.value),
        ("Started", "elsewhere" if record.adopted else "here"),
        ("Service", without_query(record.base_url)),
        ("API revision", record.revision),
        ("Character", " ".join(part for part in character if part)),
        ("Outputs", ", ".join(record.outputs)),
    ]


def _fault_lines(fault: Fault | None) -> list[Line]:
    if fault is None:
        return []
    return [
        ("Error", fault.sentence),
        ("Kind", fault.kind),
        ("HTTP status", fault.status),
        ("Request id", fault.request_id),
        ("The service said", fault.detail),
    ]


def _time_lines(record: JobRecord) -> list[Line]:
    spent = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in record.seconds.items())
    return [
        ("Created", _moment(record.created_at)),
        ("Sent to start", record.posted_at and _moment(record.posted_at)),
        ("Last change", _moment(record.updated_at)),
        ("Time spent", spent),
    ]


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _input_files(record: JobRecord) -> list[Path]:
    return [path for path in (record.spec.c3d, record.spec.markerset) if path is not None]


def _known_paths(record: JobRecord) -> Iterator[Path]:
    """Every path that the record knows, with the folders that the files are in."""
    notes = [Path(note) for note in record.landing.values() if isinstance(note, str)]
    for path in (*_input_files(record), *record.files.values(), *notes):
        yield from (path, path.parent)
    yield record.spec.out_dir
