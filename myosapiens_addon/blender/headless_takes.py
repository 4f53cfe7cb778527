# SPDX-License-Identifier: GPL-3.0-or-later
"""Sub-commands that put takes on armatures."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import InputError
from . import paths, report, session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

Answer = tuple[Any, str]

logger = logging.getLogger(__name__)


def import_files(options: argparse.Namespace) -> Answer:
    """Apply output files that are already here; no service is involved."""
    row = report.TakeReport(output_files=[str(path) for path in options.output])
    name = options.name or paths.take_name(options.output[0])
    _land_and_save(row, options.output, name=name, options=options)
    return {"takes": [row.as_dict()]}, row.sentence(options.out)


def landing_options(options: argparse.Namespace) -> session.LandingOptions:
    """The words of the command line as options of the landing."""
    return session.LandingOptions(
        armature=options.armature,
        new_armature=options.new_armature,
        rate=options.rate,
        start_frame=options.start_frame,
        set_range=options.set_range,
    )


def _land_and_save(
    row: report.TakeReport,
    files: Sequence[Path],
    *,
    name: str,
    options: argparse.Namespace,
) -> None:
    """Land a take, save the .blend, and write the report whatever becomes of it."""
    try:
        row.landed(session.land(files, name=name, options=landing_options(options)))
        save_blend(options.out)
        if options.preview is not None:
            from . import preview

            preview.render_preview(bpy.data.objects[row.armature], path=options.preview)
    except InputError as error:
        row.status, row.error = "failed", error.sentence
        raise
    finally:
        if options.report is not None:
            report.write(options.report, [row])
    for warning in row.warnings:
        logger.warning("%s", warning)


def save_blend(path: Path) -> None:
    """Save a copy of the open file, its name and what it is linked to unchanged.

    Raises:
        InputError: it cannot be written there.
    """
    with paths.replacing(path) as temporary:
        # Blender would keep a backup of a file that is there.
        temporary.unlink()
        try:
            bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)
        except RuntimeError as error:
            reason = str(error).strip().rpartition(": ")[2]
            raise InputError(f"{path} cannot be saved: {reason}.") from error
