# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues of assets: a text file beside the .blend, in Blender's own format.

`blender_assets.cats.txt` holds one catalogue per line, `UUID:path/of/it:simple name`, and its
first line that is no remark says `VERSION 1`.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import bpy

from ..files import replacing

FILE = "blender_assets.cats.txt"
MOST_BYTES = 4_000_000
HEADER = "# This is an Asset Catalog Definition file for Blender.\n\nVERSION 1\n\n"


def ensure(catalog: str, folder: Path) -> tuple[str, str]:
    """The id of a catalogue, made where it is missing.

    Args:
        catalog: its path, `Mocap/Walks`.
        folder: where the .blend is.

    Returns:
        The id, empty when it could not be made, and a sentence that says why.
    """
    wanted = "/".join(part.strip().replace(":", "-") for part in catalog.split("/") if part.strip())
    file = _file_for(folder)
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else HEADER
        found = _find(text, wanted)
        if found:
            return found, ""
        made = str(uuid.uuid4())
        line = f"{made}:{wanted}:{wanted.replace('/', '-')}\n"
        with replacing(file) as temporary:
            temporary.write_text(text.rstrip("\n") + "\n" + line, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        return "", f"The catalogue {catalog!r} could not be made: {error}."
    return made, ""


def _file_for(folder: Path) -> Path:
    """The catalogue file of the library that the .blend is in.

    Blender reads that of an asset library's own folder and no other. Of a library that is not set
    up on this machine, it is the one that the nearest folder has.
    """
    libraries: Any = bpy.context.preferences.filepaths.asset_libraries
    roots = [Path(bpy.path.abspath(entry.path)) for entry in libraries if entry.path]
    around = [root for root in roots if folder.resolve().is_relative_to(root.resolve())]
    if around:
        return max(around, key=lambda root: len(root.parts)) / FILE
    for place in (folder, *folder.parents):
        file = place / FILE
        if file.is_file() and file.stat().st_size < MOST_BYTES:
            return file
    return folder / FILE


def _find(text: str, wanted: str) -> str:
    for line in text.splitlines():
        parts = line.strip().split(":")
        if len(parts) >= 2 and not line.startswith("#") and parts[1] == wanted:
            return parts[0]
    return ""
