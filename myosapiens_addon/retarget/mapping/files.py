# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone maps in files; what stands in them is in `document`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ... import small_text
from ...files import replacing_for_user
from . import document
from .document import FORMAT, VERSION, Document
from .roles import RoleMap

# A map of every bone of the largest rigs has 30 KB; a file of this size is something else.
LARGEST_FILE_BYTES = 1024 * 1024


def read(path: Path) -> RoleMap:
    """Read a map that was kept.

    Raises:
        InputError: the file cannot be read, or is no bone map.
    """
    found = load(path)
    return RoleMap(
        chains={role: tuple(names[0] for names in chain) for role, chain in found.bones.items()},
        preset=found.preset,
        title=found.title or path.stem,
        rig=found.rig,
    )


def load(path: Path) -> Document:
    """Read a map or a preset as it is written.

    Raises:
        InputError: the file cannot be read, or is no bone map.
    """
    text = small_text.read(path, what="a bone map (JSON)", most_bytes=LARGEST_FILE_BYTES)
    return document.parse(text, path.name)


def write(path: Path, role_map: RoleMap) -> None:
    """Keep a map; a file that is there is replaced as a whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    top: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    top |= {"id": role_map.preset} if role_map.preset else {}
    top |= {"title": role_map.title} if role_map.title else {}
    top |= role_map.rig
    top["bones"] = {
        role: chain[0] if len(chain) == 1 else list(chain)
        for role, chain in role_map.chains.items()
        if chain
    }
    text = json.dumps(top, indent=2, ensure_ascii=False) + "\n"
    # What could not be read again is not written.
    document.parse(text, path.name)
    with replacing_for_user(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
