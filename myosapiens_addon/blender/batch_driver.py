# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins and lands the takes of a batch, in Blender's main thread."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import MyoSapiensError
from ..files import clear_unfinished
from ..jobs import events
from ..jobs.batch import End, Status
from ..jobs.pipeline import Pipeline
from ..jobs.record import Stage
from ..takes import preflight
from . import batch_ledger, batch_takes, headless_takes, paths, report, scene_armatures
from .compat import runs_as_module

if TYPE_CHECKING:
    from ..jobs.events import Event, Finished
    from ..jobs.record import JobRecord
    from ..jobs.settings import Connect, PipelineSettings
    from ..jobs.uploads import Uploads
    from .batch_ledger import Ledger
    from .batch_progress import Progress
    from .batch_takes import BatchTake

STILL_SOLVING = "Interrupted; the job goes on on the service, and the same command goes on with it."
NO_PICTURE = "There is no picture of the result: {}"
THUMBNAIL = {"frames": 3, "width": 240, "height": 110}

logger = logging.getLogger(__name__)


class Driver:
    """What `jobs.batch.Batch` is done with here.

    Args:
        base_url: the service.
        connect: makes a client for it.
        settings: of the pipelines.
        uploads: what is on the service already.
        ledger: what was begun before.
        progress: is told of all.
        downloads: the folder for output files.
        thumbnails: the folder for pictures; None for none.
    """

    def __init__(
        self,
        *,
        base_url: str,
        connect: Connect,
        settings: PipelineSettings,
        uploads: Uploads,
        ledger: Ledger,
        progress: Progress,
        downloads: Path,
        thumbnails: Path | None,
    ) -> None:
        self._base_url = base_url
        self._connect = connect
        self._settings = settings
        self._uploads = uploads
        self._ledger = ledger
        self._progress = progress
        self._downloads = downloads
        self._thumbnails = thumbnails
        self._keys: dict[BatchTake, str] = {}
        self._stage = _OpenFile()
        self._checked: dict[str, MyoSapiensError | None] = {}

    def begin(self, take: BatchTake) -> Pipeline | None:
        """The take's pipeline, from where an earlier run left it; None where it has landed."""
        take.report.times.setdefault("begun", _now())
        key = take.key(self._base_url, self._uploads)
        self._ledger.own(key)
        self._keys[take] = key
        record = self._ledger.find(key)
        notes = json.loads(json.dumps(take.notes(key).as_dict()))
        if record is not None and _has_landed(record, notes, take):
            _recall(take, record)
            self._picture_again(take, record)
            return None
        headless_takes.check_places(take.options)
        self._check_target(take)
        self._progress.begin(take)
        if record is None:
            return Pipeline.begin(
                headless_takes.job_spec(take.options, downloads=self._downloads),
                base_url=self._base_url,
                journal=self._ledger.journal,
                connect=self._connect,
                settings=self._settings,
                landing=notes,
            )
        self._ledger.change(record, landing=MappingProxyType(notes), **_gone(record))
        self._clear(take)
        return Pipeline.resume(
            record.token,
            journal=self._ledger.journal,
            connect=self._connect,
            settings=self._settings,
        )

    def land(self, take: BatchTake, finished: Finished) -> None:
        """Put the take's motion into its file, and write down that this is done."""
        self._progress.tell(take, "landing")
        record, row = finished.record, take.report
        row.job_id = record.job_id or ""
        row.seconds |= record.seconds
        row.warnings = list(record.warnings)
        row.output_files = [str(path) for path in finished.files.values()]
        if not row.coverage:
            self._look(take)
        self._stage.open(take.blend)
        self._stage.touch()
        headless_takes.land_and_save(
            row,
            list(finished.files.values()),
            name=paths.take_name(take.options.c3d),
            options=headless_takes.landing_options(take.options),
            out=take.options.out,
            preview=take.options.preview,
            angles=take.options.angles_out,
            spec=record.spec,
        )
        if self._thumbnails is not None:
            self._picture(take, self._thumbnails)
        row.times["ended"] = _now()
        landing = {**record.landing, batch_ledger.ROW: row.as_dict()}
        self._ledger.change(record, landed=True, landing=MappingProxyType(landing))

    def hear(self, take: BatchTake, event: Event) -> None:
        """Take over what the report wants, and tell."""
        match event:
            case events.Checked():
                _cover(take, event.found)
            case events.Started():
                take.report.job_id = event.job_id
            case events.Warned():
                if event.sentence not in take.report.warnings:
                    take.report.warnings.append(event.sentence)
            case _:
                pass
        self._progress.hear(take, event)

    def ended(self, take: BatchTake, end: End) -> None:
        """Write down how it ended."""
        row = take.report
        row.times["ended"] = row.times.get("ended") or _now()
        if end.status in (Status.FAILED, Status.CANCELLED):
            row.status = end.status.value
            row.error = end.error.sentence if end.error is not None else None
        if end.status is Status.CANCELLED and row.job_id:
            row.error = STILL_SOLVING
        self._write_own_report(take)
        key = self._keys.pop(take, None)
        if key is not None:
            self._ledger.release(key)
        self._progress.end(take, end)

    def _clear(self, take: BatchTake) -> None:
        """Remove what an earlier run was writing when it was killed.

        No other batch has this take. A `resume` that saves it just now is told that it cannot.
        """
        written = [getattr(take.options, name) for name in batch_takes.WRITTEN]
        if self._thumbnails is not None:
            written.append(_thumbnail(take, self._thumbnails))
        for path in written:
            if path is not None:
                clear_unfinished(path)

    def _write_own_report(self, take: BatchTake) -> None:
        """The report that a row asks for; where it cannot be, the batch's own has it all."""
        path, row = take.options.report, take.report
        if path is None:
            return
        try:
            report.write(path, [row])
        except MyoSapiensError as error:
            if error.sentence != row.error:
                row.warnings.append(error.sentence)

    def _check_target(self, take: BatchTake) -> None:
        """Refuse, before anything is paid, an armature that no take can land on; once for each."""
        options = headless_takes.landing_options(take.options)
        wanted = json.dumps({"blend": take.blend, **vars(options)}, sort_keys=True)
        if wanted not in self._checked:
            self._stage.open(take.blend)
            try:
                headless_takes.check_target(take.options, self._base_url)
            except MyoSapiensError as error:
                self._checked[wanted] = error
            else:
                self._checked[wanted] = None
        found = self._checked[wanted]
        if found is not None:
            raise found

    def _look(self, take: BatchTake) -> None:
        """A take that an earlier run has sent: its markers were looked at then."""
        try:
            _cover(take, preflight.check(take.options.c3d, take.options.markerset))
        except MyoSapiensError as error:
            logger.debug("%s", error.sentence)

    def _picture_again(self, take: BatchTake, record: JobRecord) -> None:
        """The picture of a take that landed before, where it is wanted and not there."""
        if self._thumbnails is None or Path(take.report.thumbnail or "?").is_file():
            return
        try:
            self._stage.open(str(take.options.out.absolute()))
            self._stage.touch()
            self._picture(take, self._thumbnails)
            # So that the next run finds it.
            landing = {**record.landing, batch_ledger.ROW: take.report.as_dict()}
            self._ledger.change(record, landing=MappingProxyType(landing))
        except MyoSapiensError as error:
            take.report.warnings.append(NO_PICTURE.format(error))

    def _picture(self, take: BatchTake, folder: Path) -> None:
        """The picture is an extra: the take is done, whatever becomes of it."""
        from . import preview

        path = _thumbnail(take, folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target = scene_armatures.find(take.report.armature)
            preview.render_preview(target, path=path, **THUMBNAIL)
        except (MyoSapiensError, OSError) as error:
            take.report.warnings.append(NO_PICTURE.format(error))
        else:
            take.report.thumbnail = str(path.absolute())


class _OpenFile:
    """The file that is open in Blender: opened anew for each take, so that none sees another's."""

    def __init__(self) -> None:
        self._clean: str | None = None

    def open(self, blend: str) -> None:
        """Open a file as it is on the disk, or an empty one."""
        if self._clean == blend:
            return
        self._clean = None
        if not blend:
            bpy.ops.wm.read_homefile(use_empty=runs_as_module())
        else:
            try:
                bpy.ops.wm.open_mainfile(filepath=blend)
            except RuntimeError as error:
                reason = str(error).strip().rpartition(": ")[2]
                raise MyoSapiensError(f"{blend} cannot be opened: {reason}.") from error
        self._clean = blend

    def touch(self) -> None:
        """It is not as on the disk any more."""
        self._clean = None


def _thumbnail(take: BatchTake, folder: Path) -> Path:
    return folder / f"{take.name}.png"


def _has_landed(record: JobRecord, notes: dict[str, Any], take: BatchTake) -> bool:
    """Whether an earlier run did all that is asked for, and its result is there."""
    told = {name: value for name, value in record.landing.items() if name != batch_ledger.ROW}
    written = [getattr(take.options, name) for name in batch_takes.WRITTEN if name != "report"]
    there = all(path.is_file() for path in written if path is not None)
    return record.landed and told == notes and there


def _recall(take: BatchTake, record: JobRecord) -> None:
    """The row that the report had of a take when it landed."""
    kept = record.landing.get(batch_ledger.ROW)
    known = take.report.__dataclass_fields__
    fixed = ("number", "name", "c3d", "markerset", "out", "blend", "before")
    for name, value in (kept if isinstance(kept, dict) else {}).items():
        if name in known and name not in fixed:
            setattr(take.report, name, value)
    take.report.status, take.report.before = "done", True


def _gone(record: JobRecord) -> dict[str, Any]:
    """What to change in a record whose output files are not here any more: fetch them again."""
    files_there = all(path.is_file() for path in record.files.values())
    fetched = record.stage is Stage.FINISHED and not files_there
    return {"landed": False, **({"stage": Stage.SOLVED} if fetched else {})}


def _cover(take: BatchTake, found: preflight.Preflight) -> None:
    take.report.coverage = [
        {"marker": marker, "share": round(found.coverage[label], 4)}
        for marker, label in found.matched.items()
    ] + [{"marker": marker, "share": 0.0} for marker in found.missing]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
