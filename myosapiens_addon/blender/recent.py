# SPDX-License-Identifier: GPL-3.0-or-later
"""The markersets used last, remembered from one start of Blender to the next."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import replacing
from . import paths

if TYPE_CHECKING:
    from ..errors import MyoSapiensError
    from .session import Session

logger = logging.getLogger(__name__)

MOST = 8


class Recent:
    """Paths, the one used last first.

    Attributes:
        markersets: absolute paths.
    """

    def __init__(self, session: Session) -> None:
        self.markersets: list[str] = []
        self._session = session

    def load(self) -> None:
        """Read them, in a thread."""

        def loaded(found: list[str]) -> None:
            self.markersets = list(dict.fromkeys([*self.markersets, *found]))[:MOST]
            self._session.touch()

        self._session.call(_read, _file(), then=loaded, failed=_ignore)

    def use(self, markerset: str) -> None:
        """Put one in front, and keep it on disk, in a thread."""
        if not markerset or self.markersets[:1] == [markerset]:
            return
        self.markersets = list(dict.fromkeys([markerset, *self.markersets]))[:MOST]
        kept = list(self.markersets)
        self._session.call(_write, _file(), kept, then=lambda _nothing: None, failed=_ignore)


def _file() -> Path:
    return paths.user_directory("recent") / "markersets.json"


def _ignore(error: MyoSapiensError) -> None:
    logger.debug("%s", error.sentence)


def _read(file: Path) -> list[str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        logger.warning("%s is passed over: %s", file.name, type(error).__name__)
        return []
    entries = content if isinstance(content, list) else []
    return [entry for entry in entries if isinstance(entry, str)][:MOST]


def _write(file: Path, markersets: list[str]) -> None:
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(markersets), encoding="utf-8")
