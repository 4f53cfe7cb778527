# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions of a few lines, as zips that Blender accepts."""

from __future__ import annotations

import zipfile
from pathlib import Path

MANIFEST = """
schema_version = "1.0.0"
id = "{id}"
version = "{version}"
name = "Tiny"
tagline = "Does nothing"
maintainer = "Tests"
type = "add-on"
blender_version_min = "4.2.0"
license = ["SPDX:GPL-3.0-or-later"]
{platforms}
"""
CODE = """
def register():
    pass


def unregister():
    pass
"""


def made_zip(
    path: Path,
    version: str,
    *,
    extension: str = "tiny",
    platform: str = "",
    remark: str = "",
) -> Path:
    """Write an extension's zip; another remark is another content."""
    platforms = f'platforms = ["{platform}"]' if platform else ""
    with zipfile.ZipFile(path, "w") as archive:
        text = MANIFEST.format(id=extension, version=version, platforms=platforms)
        archive.writestr("blender_manifest.toml", text)
        archive.writestr("__init__.py", f"{CODE}# {remark}\n")
    return path
