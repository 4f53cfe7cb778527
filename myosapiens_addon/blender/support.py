# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service's support needs to know of a job, for the clipboard."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..jobs.faults import mask

if TYPE_CHECKING:
    from .rows import Row

MANIFEST = "blender_manifest.toml"


def details(row: Row) -> str:
    """All that is known of a job, one fact per line, without keys and folders."""
    facts = {
        "extension_version": extension_version(),
        "blender_version": bpy.app.version_string,
        "platform": f"{platform.system()} {platform.machine()}",
    }
    if row.record is not None:
        from ..jobs.support import support_text

        return support_text(row.record, fault=row.fault, **facts)
    lines = [
        f"MyoSapiens for Blender: {facts['extension_version']}",
        f"Blender: {facts['blender_version']}",
        f"Platform: {facts['platform']}",
        f"Take: {row.name}",
        f"Job: {row.job_id or 'none yet'}",
        f"State: {row.status}",
        f"Service: {row.base_url}",
        f"Message: {row.sentence}",
    ]
    return mask("\n".join(lines) + "\n")


def extension_version() -> str:
    """The version number of the manifest; it stands beside the package once installed."""
    import tomllib

    package = Path(__file__).resolve().parents[1]
    for folder in (package, package.parent):
        manifest = folder / MANIFEST
        if manifest.is_file():
            return str(tomllib.loads(manifest.read_text(encoding="utf-8"))["version"])
    return "unknown"
