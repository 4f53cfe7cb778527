# SPDX-License-Identifier: GPL-3.0-or-later
"""The studio's settings, in memory from when the extension is enabled.

The file may lie on a share that answers slowly, or not at all, so a thread reads it: neither
Blender's start nor any drawing waits for it. Until it is read nothing is sent, for it may say
where to. In the background there is nobody to keep waiting, and whoever asks first waits.
Without a file to look for there is no thread, and nothing is imported for it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

import bpy

from ..errors import InputError
from ..studio.settings import MAPS, NOTHING, VARIABLE, StudioSettings
from . import compat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..retarget.mapping.presets import Preset

    # What the file says, and the bone maps of the folder that it names.
    Loaded = tuple[StudioSettings, tuple[Preset, ...]]

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S = 0.1
BACKGROUND_LIMIT_S = 60.0
_STILL_READING = StudioSettings(
    refusal="The studio's settings are still being read; if that goes on, its share does not "
    "answer."
)


class _Reader(threading.Thread):
    """Looks for the file and reads it."""

    def __init__(self, environ: Mapping[str, str], folders: tuple[str, ...]) -> None:
        super().__init__(name="myosapiens-studio", daemon=True)
        self._environ = environ
        self._folders = folders
        self.loaded: Loaded | None = None
        # For all who ask together: a command asks many times before it ends.
        self.waited_until = time.monotonic() + BACKGROUND_LIMIT_S

    def run(self) -> None:
        try:
            self.loaded = _load(self._environ, self._folders)
        except Exception as error:
            logger.exception("The studio's settings could not be read.")
            refusal = f"The studio's settings could not be read ({type(error).__name__})."
            self.loaded = (StudioSettings(refusal=refusal), ())


def _load(environ: Mapping[str, str], folders: tuple[str, ...]) -> Loaded:
    # Imported when there is something to read: the parser takes longer than all of this.
    from ..service.address import normalise_base_url
    from ..studio import finding, reading

    path = finding.find(environ, folders)
    if path is None:
        return (NOTHING, ())
    found = reading.read(path, environ=environ, check_url=normalise_base_url)
    if found.maps is None:
        return (found, ())
    from ..retarget.mapping import presets

    return (found, presets.in_folder(found.maps, is_shared=True))


_readers: list[_Reader] = []


def start() -> None:
    """Read the file anew; what was read before counts no more."""
    forget()
    folders = compat.system_script_folders()
    reader = _Reader(dict(os.environ), folders)
    _readers.append(reader)
    if not (folders or VARIABLE in os.environ):
        reader.loaded = (NOTHING, ())
        return
    reader.start()
    if not bpy.app.background:
        bpy.app.timers.register(_when_read, first_interval=0.0, persistent=True)


def forget() -> None:
    """Nothing was read yet; keys are asked for anew."""
    forget_keys()
    _readers.clear()
    if bpy.app.timers.is_registered(_when_read):
        bpy.app.timers.unregister(_when_read)


def forget_keys() -> None:
    """Ask anew for a key that a command gave."""
    loaded = _readers[0].loaded if _readers else None
    if loaded is not None and loaded[0].key is not None:
        from ..studio import keys

        keys.forget()


def _when_read() -> float | None:
    """Tell, once the thread is done, those who have asked before; a timer."""
    from . import live
    from .operators import bone_map

    if not _readers:
        return None
    if _readers[0].loaded is None:
        return LOOK_INTERVAL_S
    tell_faults(logger)
    bone_map.forget_presets()
    live.account().forget()
    return None


def _current() -> Loaded | None:
    if not _readers:
        start()
    reader = _readers[0]
    if reader.loaded is None and bpy.app.background:
        reader.join(max(0.0, reader.waited_until - time.monotonic()))
    return reader.loaded


def current() -> StudioSettings:
    """The studio's settings; reads no file. For the main thread."""
    found = _current()
    return _STILL_READING if found is None else found[0]


def is_being_read() -> bool:
    """Whether they are not known yet."""
    return _current() is None


def maps() -> tuple[Preset, ...]:
    """The studio's bone maps."""
    found = _current()
    return () if found is None else found[1]


def maps_first() -> bool:
    """Whether a bone map of the studio goes before one of the seat's that is called alike."""
    return current().is_locked(MAPS)


def tell_faults(log: logging.Logger) -> None:
    """Warn of all that is wrong with the file."""
    for fault in current().faults:
        log.warning("%s", fault.sentence)


def check_allowed() -> None:
    """Refuse to send anything while it is not certain where to.

    Raises:
        InputError: the settings are not read yet, or locked and wrong.
    """
    refusal = current().refusal
    if refusal:
        raise InputError(refusal)


def register() -> None:
    """Begin to read."""
    start()


def unregister() -> None:
    """A thread that still waits for a share is left to itself: it holds nothing of Blender's."""
    forget()
