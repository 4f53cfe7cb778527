# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.json`: what became of each take."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .paths import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from .landing import Landing

STAGES = ("upload", "solve", "download", "decode", "retarget", "write", "check")


@dataclass(kw_only=True)
class TakeReport:
    """One row of the report; `status` is `done`, `failed` or `cancelled`."""

    c3d: str = ""
    markerset: str = ""
    status: str = "failed"
    job_id: str = ""
    action: str = ""
    armature: str = ""
    frames: int = 0
    capture_rate: float = 0.0
    scene_rate: float = 0.0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    warnings: list[str] = field(default_factory=list)
    error: str | None = None
    output_files: list[str] = field(default_factory=list)
    bone_map: str = ""
    direction_error_deg: float | None = None

    def landed(self, landing: Landing) -> None:
        """Take over what is known of the landing."""
        self.status = "done"
        self.action, self.armature = landing.action, landing.armature
        self.frames = landing.frames
        self.capture_rate = round(landing.capture_rate_hz, 4)
        self.scene_rate = round(landing.scene_rate_hz, 4)
        self.seconds |= landing.seconds
        self.warnings += landing.warnings
        self.bone_map = landing.bone_map
        if not math.isnan(landing.direction_error_deg):
            self.direction_error_deg = landing.direction_error_deg

    def as_dict(self) -> dict[str, Any]:
        """The row as the report file holds it."""
        return asdict(self)

    def sentence(self, out: Path) -> str:
        """What was done, for people."""
        return (
            f"{out}: action {self.action!r} on {self.armature!r}, {self.frames} keyed moments "
            f"({self.capture_rate:g} Hz take, {self.scene_rate:g} fps scene)."
        )


def write(path: Path, takes: list[TakeReport]) -> None:
    """Write the report file.

    Raises:
        InputError: the place cannot be written to.
    """
    text = json.dumps({"takes": [take.as_dict() for take in takes]}, indent=2) + "\n"
    with replacing(path) as temporary:
        try:
            temporary.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}.") from error
