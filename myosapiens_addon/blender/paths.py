# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the extension keeps its files, and names for them."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..errors import InputError
from ..service.revisions import RevisionMemory
from . import studio

if TYPE_CHECKING:
    from ..retarget.mapping.presets import Shelves

PACKAGE = __package__.rpartition(".")[0]
APART = "myosapiens"
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)


def user_directory(part: str) -> Path:
    """A folder of ours that lasts (`jobs`, `downloads`), made when it is missing.

    Raises:
        InputError: it cannot be made.
    """
    try:
        if PACKAGE.startswith("bl_ext."):
            return Path(bpy.utils.extension_path_user(PACKAGE, path=part, create=True))
        # Run from a checkout there is no extension, and so no folder of its own.
        home = Path(bpy.utils.user_resource("CONFIG", path=APART)) / part
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder for the extension's own files cannot be made: {error}."
        ) from error
    return home


def bone_maps() -> Shelves:
    """Where bone maps are besides the built-in ones: the user's own, and the studio's.

    Raises:
        InputError: the user's folder cannot be made.
    """
    from ..retarget.mapping.presets import Shelves

    own = user_directory("maps")
    return Shelves(own=own, shared=studio.maps(), shared_first=studio.maps_first())


def new_directory(parent: Path, name: str) -> Path:
    """A folder that was not there before, called `name` or nearly so.

    Raises:
        InputError: it cannot be made.
    """
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(f"{folder} cannot be made: {error.strerror}.") from error
        return folder
    raise AssertionError("counting never ends")


def take_name(path: Path) -> str:
    """The name of a take: its file's name without the ending, at most as Blender takes."""
    return path.stem[:60] or "take"


def file_name(text: str) -> str:
    """A text as part of a file name that every system accepts."""
    name = re.sub(r"[^\w.-]+", "_", text).strip("._") or "unnamed"
    # Windows takes these for devices, whatever the ending.
    return f"{name}_" if DEVICES.fullmatch(name.partition(".")[0]) else name


@functools.cache
def _memory_in(file: Path) -> RevisionMemory:
    return RevisionMemory(file)


def revision_memory() -> RevisionMemory:
    """What is known of servers, kept between starts; one for all who ask."""
    return _memory_in(user_directory("service") / "revisions.json")
