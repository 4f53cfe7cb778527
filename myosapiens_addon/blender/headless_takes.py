# SPDX-License-Identifier: GPL-3.0-or-later
"""Sub-commands that put takes on armatures."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bpy

from ..errors import InputError, MyoSapiensError
from ..files import check_writable, replacing_for_user
from ..jobs.journal import Journal
from ..jobs.pipeline import Pipeline
from ..jobs.spec import JobSpec, Subject
from ..takes import preflight
from . import (
    angle_tables,
    headless_jobs,
    headless_outputs,
    landing,
    landing_checks,
    paths,
    preferences,
    report,
    scene_armatures,
    take_defaults,
)
from .answer import Answer
from .connection import connector
from .landing_options import LandingNotes, LandingOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WARNINGS_SHOWN = 5

logger = logging.getLogger(__name__)


def import_files(options: argparse.Namespace) -> Answer:
    """Apply output files that are already here; no service is involved."""
    row = report.TakeReport(output_files=[str(path) for path in options.output])
    name = options.name or paths.take_name(options.output[0])
    with _reported(row, options):
        check_places(options)
        _land_as_said(row, options.output, name=name, options=options)
    return Answer(data={"takes": [row.as_dict()]}, text=row.sentence(options.out))


def retarget(options: argparse.Namespace) -> Answer:
    """Solve a take on the service and put it on an armature.

    All that can be found wrong beforehand is found before anything is sent: a job costs money.
    """
    row = report.TakeReport(c3d=str(options.c3d), markerset=str(options.markerset))
    with _reported(row, options):
        check_places(options)
        check_target(options, preferences.read(base_url=options.base_url).base_url)
        row.warnings += _checked(options)
        journal = Journal(paths.user_directory("jobs"))
        settings = preferences.read(base_url=options.base_url)
        connect = connector(settings)
        pipeline = Pipeline.begin(
            job_spec(options),
            base_url=settings.base_url,
            journal=journal,
            connect=connect,
            settings=headless_jobs.pipeline_settings(settings),
            landing=_notes(options),
        )
        finished = headless_jobs.follow(pipeline, row)
        files = list(finished.files.values())
        with _kept_for_later(files):
            name = paths.take_name(options.c3d)
            _land_as_said(row, files, name=name, options=options, spec=pipeline.record.spec)
        headless_jobs.mark_landed(journal, pipeline.token)
    return Answer(data={"takes": [row.as_dict()]}, text=row.sentence(options.out))


def check_target(options: argparse.Namespace, base_url: str) -> None:
    """Refuse, before anything is paid, an armature of the open file that no take can land on.

    Raises:
        RigError, InputError: it cannot, or is not there.
    """
    wanted = landing_options(options)
    name = landing.pick_armature(wanted)
    target = scene_armatures.find(name) if name is not None else None
    landing_checks.check_options(wanted)
    if target is not None:
        landing_checks.check_target(target, wanted)
    landing_checks.check_outputs(base_url, wanted, target)


def _checked(options: argparse.Namespace) -> tuple[str, ...]:
    found = preflight.check(options.c3d, options.markerset)
    if found.errors:
        raise InputError(" ".join(found.errors))
    logger.info("%s: %s", options.c3d.name, found.summary)
    return found.warnings


def job_spec(options: argparse.Namespace, *, downloads: Path | None = None) -> JobSpec:
    """What the service is to do, with a new folder for what comes back."""
    parent = downloads or paths.user_directory("downloads")
    name = paths.file_name(options.c3d.stem)
    return JobSpec(
        c3d=options.c3d,
        markerset=options.markerset,
        out_dir=paths.new_directory(parent, name),
        character_id=options.character,
        subject=Subject(height_m=options.height, weight_kg=options.weight, gender=options.gender),
        enable_scaling=not options.no_scaling,
    )


def landing_options(options: argparse.Namespace) -> LandingOptions:
    """The words of the command line as options of the landing.

    Raises:
        InputError: one of them is the studio's to say.
    """
    take_defaults.check_command_line(options)
    return LandingOptions(
        armature=options.armature,
        new_armature=options.new_armature,
        rate=options.rate,
        start_frame=options.start_frame,
        set_range=options.set_range,
        bone_map=options.map,
        path_scale=options.path_scale,
        in_place=options.in_place,
        carrier=options.carrier,
        contacts=options.contacts,
        use_ik=options.ik,
        tolerance_deg=options.tolerance_deg,
        tolerance_mm=options.tolerance_mm,
        as_strip=options.nla,
        as_asset=options.asset,
        catalog=options.catalog,
        **headless_outputs.as_options(options),
    )


def _notes(options: argparse.Namespace) -> dict[str, object]:
    """What `resume` needs to land the take as it was asked for here."""
    return LandingNotes(
        name=paths.take_name(options.c3d),
        options=landing_options(options),
        blend=bpy.data.filepath,
        out=str(options.out.absolute()),
    ).as_dict()


def _land_as_said(
    row: report.TakeReport,
    files: Sequence[Path],
    *,
    name: str,
    options: argparse.Namespace,
    spec: JobSpec | None = None,
) -> None:
    land_and_save(
        row,
        files,
        name=name,
        options=landing_options(options),
        out=options.out,
        preview=options.preview,
        angles=options.angles_out,
        spec=spec,
    )


def land_and_save(
    row: report.TakeReport,
    files: Sequence[Path],
    *,
    name: str,
    options: LandingOptions,
    out: Path,
    preview: Path | None = None,
    angles: Path | None = None,
    spec: JobSpec | None = None,
) -> None:
    """Land a take, save the .blend, and write what else is asked for."""
    library = out.absolute().parent
    landed = landing.land(files, name=name, options=options, library=library, spec=spec)
    row.landed(landed)
    save_blend(out)
    if angles is not None and landed.table is not None:
        angle_tables.write(angles, landed.table)
        row.angles_file = str(angles)
    if preview is not None:
        _render(row, preview)


def _render(row: report.TakeReport, path: Path) -> None:
    """The picture is an extra: the take is done, whatever becomes of it."""
    from . import preview

    try:
        preview.render_preview(bpy.data.objects[row.armature], path=path)
    except MyoSapiensError as error:
        row.warnings.append(error.sentence)


def check_places(options: argparse.Namespace) -> None:
    """Find out before the work whether all that is asked for can be written.

    Raises:
        InputError: something cannot.
    """
    if options.angles_out is not None:
        angle_tables.check(options.angles_out)
    for path in (options.out, options.report, options.preview):
        if path is not None:
            check_writable(path)


@contextmanager
def _reported(row: report.TakeReport, options: argparse.Namespace) -> Iterator[None]:
    """Write the report, whatever becomes of the take."""
    try:
        yield
    except MyoSapiensError as error:
        row.status, row.error = "failed", error.sentence
        raise
    except KeyboardInterrupt:
        row.status, row.error = "cancelled", "Interrupted."
        raise
    finally:
        _tell_warnings(row.warnings)
        if options.report is not None:
            report.write(options.report, [row])


def _tell_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings[:WARNINGS_SHOWN]:
        logger.warning("%s", warning)
    if len(warnings) > WARNINGS_SHOWN:
        logger.warning("%d more warnings are in the report.", len(warnings) - WARNINGS_SHOWN)


@contextmanager
def _kept_for_later(files: Sequence[Path]) -> Iterator[None]:
    """Say where the paid result is when it could not be used."""
    try:
        yield
    except MyoSapiensError:
        names = " ".join(str(path) for path in files)
        logger.info("The result is kept: %s (see the sub-command import)", names)
        raise


def save_blend(path: Path) -> None:
    """Save a copy of the open file, its name and what it is linked to unchanged.

    Raises:
        InputError: it cannot be written there.
    """
    # Blender would keep a backup of a file that is there.
    with replacing_for_user(path, suffix=path.suffix) as temporary:
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)
        except RuntimeError as error:
            reason = str(error).strip().rpartition(": ")[2]
            raise InputError(f"{path} cannot be saved: {reason}.") from error
