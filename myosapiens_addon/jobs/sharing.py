# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pipelines of a batch share, so that the service is asked once for what all need."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .pace import Pace

if TYPE_CHECKING:
    from .uploads import Uploads


class Characters:
    """Characters that the service has confirmed: what was asked for to id and version."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.settled: dict[tuple[str | None, str | None], tuple[str, str]] = {}


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """What the pipelines of a batch share; safe to use from several threads."""

    uploads: Uploads
    characters: Characters = field(default_factory=Characters)
    pace: Pace = field(default_factory=Pace)
