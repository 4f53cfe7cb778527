# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job tells, and what its row in the list makes of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..jobs import events
from ..jobs.record import Stage
from .rows import Row, State

if TYPE_CHECKING:
    from ..jobs.record import JobRecord
    from .landed import Landing
    from .live_landing import LiveLanding

# How a record of the journal is shown that nobody works on.
STATES = {
    Stage.FINISHED: State.READY,
    Stage.FAILED: State.FAILED,
    Stage.CANCELED: State.CANCELED,
}
MINUTE_S = 60
UNITS = ("B", "KB", "MB", "GB", "TB")
KILO = 1000.0


def apply(row: Row, message: events.Event) -> None:
    """Change a row by one event of its pipeline."""
    if row.record is not None:
        row.job_id, row.warnings = row.record.job_id, row.record.warnings
    if isinstance(message, events.TERMINAL):
        _end(row, message)
    else:
        _progress(row, message)


def _progress(row: Row, message: events.Event) -> None:
    match message:
        case events.Uploading():
            row.set(State.UPLOADING, note=_bytes("Sending", message), share=_share(message))
        case events.Started():
            row.job_id = message.job_id
            row.set(State.STARTING, note="Started")
        case events.Queued(position=int(place)):
            row.set(State.QUEUED, note=f"In the queue, place {place}")
        case events.Queued():
            row.set(State.QUEUED)
        case events.Running():
            row.set(State.RUNNING, note=f"Solving, {duration(message.seconds)}")
        case events.Downloading():
            row.set(State.DOWNLOADING, note=_bytes("Fetching", message), share=_share(message))
        case events.Warned():
            row.warnings = tuple(dict.fromkeys([*row.warnings, message.sentence]))
        case events.Canceling():
            row.set(State.CANCELING)
        case _:
            pass


def _end(row: Row, message: events.Event) -> None:
    match message:
        case events.Finished():
            row.files = tuple(message.files.values())
            row.job_id = message.record.job_id
            row.set(State.READY)
            row.say("")
        case events.Failed():
            row.fault, row.can_resume = message.fault, message.resumable
            row.set(State.FAILED)
            row.say(message.sentence, alert=True)
        case events.Canceled(remote_told=told):
            row.can_resume = not told
            row.set(State.CANCELED)
            row.say("" if told else "The service could not be told yet: press Cancel again later.")
        case _:
            row.can_resume = True
            row.set(State.OFFERED)
            row.say("It was let go of here and goes on on the service: press Go On.")


def landed(row: Row, landing: LiveLanding) -> None:
    """The result is on an armature."""
    result = landing.result
    row.set(State.DONE)
    if result is None:
        return
    # First what was found here: a service has a line on every marker.
    row.warnings = tuple(dict.fromkeys([*result.warnings, *row.warnings]))
    row.finished = (
        f"Action {result.action!r} on {result.armature!r}: {result.frames} keyed frames of a "
        f"{result.capture_rate_hz:g} Hz take."
    )
    if result.bone_map:
        row.finished += f" Bone map: {result.bone_map}."
    if not math.isnan(result.direction_error_deg):
        row.finished += f" Bones point right within {max(result.direction_error_deg, 0.01):.2g}°."
    row.finished += _besides(result)
    row.say(row.finished)


def _besides(result: Landing) -> str:
    """What there is besides the pose, and how far it is from what the service says."""
    from . import report

    parts: list[str] = []
    if result.source and result.source != "motion.glb":
        parts.append(f"Read from {result.source}.")
    if result.distance is not None:
        parts.append(f"Bodies are {report.against_xpos(result)}.")
    if result.angles:
        parts.append(f"{result.angles} joint angles are keyed.")
    if result.meshes:
        parts.append(f"{result.meshes} meshes hang on the bones.")
    return "".join(f" {part}" for part in parts)


def from_record(record: JobRecord, *, is_free: bool) -> Row:
    """The row of a job that the journal knows and nobody here works on."""
    state = STATES.get(record.stage, State.OFFERED) if is_free else State.ELSEWHERE
    row = Row(
        name=record.take_name,
        base_url=record.base_url,
        state=State.DONE if state is State.READY and record.landed else state,
        token=record.token,
        job_id=record.job_id,
        record=record,
        spec=record.spec,
        fault=record.fault,
        warnings=record.warnings,
        files=tuple(record.files.values()),
        created_at=record.created_at,
        can_resume=is_free and not record.stage.is_final,
    )
    row.say(_sentence(row), alert=row.state is State.FAILED)
    return row


def _sentence(row: Row) -> str:
    if row.state is State.READY:
        return "The result is here: choose a target and press Import."
    if row.state is State.OFFERED:
        last = f"{row.fault.sentence} " if row.fault else ""
        return f"{last}This job was not followed to its end: press Go On."
    if row.state is State.ELSEWHERE:
        return "Another Blender works on this job."
    return row.fault.sentence if row.fault and row.state is State.FAILED else ""


def _share(message: events.Uploading | events.Downloading) -> float | None:
    return message.bytes_done / message.bytes_total if message.bytes_total else None


def _bytes(verb: str, message: events.Uploading | events.Downloading) -> str:
    total = f" of {size(message.bytes_total)}" if message.bytes_total else ""
    return f"{verb} {message.name}, {size(message.bytes_done)}{total},"


def size(count: int | None) -> str:
    """A number of bytes for people; empty for one that is not known."""
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= KILO and unit < len(UNITS) - 1:
        value, unit = value / KILO, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit else f"{value:.0f} {UNITS[0]}"


def duration(seconds: float) -> str:
    """`12 s` or `2:05 min`."""
    whole = int(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    return f"{whole // MINUTE_S}:{whole % MINUTE_S:02d} min"
