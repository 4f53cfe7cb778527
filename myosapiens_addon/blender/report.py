# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.json`: what became of each take."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..files import replacing_for_user

if TYPE_CHECKING:
    from pathlib import Path

    from .landed import Landing

STAGES = ("upload", "solve", "download", "decode", "retarget", "write", "extras", "check")


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
    source: str = ""
    xpos: dict[str, Any] | None = None
    joint_angles: int = 0
    meshes: int = 0
    angles_file: str = ""

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
        self.source = landing.source
        self.xpos = _against_xpos(landing)
        self.joint_angles, self.meshes = landing.angles, landing.meshes

    def as_dict(self) -> dict[str, Any]:
        """The row as the report file holds it."""
        return asdict(self)

    def sentence(self, out: Path) -> str:
        """What was done, for people."""
        far = ""
        if self.xpos is not None:
            far = f" Bodies are {far_from_xpos(self.xpos)}."
        return (
            f"{out}: action {self.action!r} on {self.armature!r}, {self.frames} keyed moments "
            f"({self.capture_rate:g} Hz take, {self.scene_rate:g} fps scene).{far}"
        )


def _against_xpos(landing: Landing) -> dict[str, Any] | None:
    """How far the motion, and Blender's bone heads, are from `xpos.parquet`; None if unknown."""
    found, shown = landing.distance, landing.shown_distance
    if found is None:
        return None
    return {
        "largest_mm": found.largest_mm,
        "mean_mm": found.mean_mm,
        "body": found.body,
        "time_s": found.time_s,
        "bodies": found.bodies,
        "frames": found.frames,
        "bone_heads": None
        if shown is None
        else {
            "largest_mm": shown.largest_mm,
            "mean_mm": shown.mean_mm,
            "bone": shown.body,
            "time_s": shown.time_s,
            "frames": shown.frames,
        },
    }


def far_from_xpos(found: dict[str, Any]) -> str:
    """A few words on the distance, such as `within 0.002 mm of xpos (0.0004 mm on average)`."""
    heads = found["bone_heads"]
    shown = f", bone heads within {_mm(heads['largest_mm'])} (some frames)" if heads else ""
    return (
        f"within {_mm(found['largest_mm'])} of xpos, {_mm(found['mean_mm'])} on average, at "
        f"{found['body']}{shown}"
    )


def _mm(value: float) -> str:
    return f"{max(value, 0.001):.2g} mm" if value < 10.0 else f"{value:.0f} mm"


def against_xpos(landing: Landing) -> str:
    """The same as `far_from_xpos` for a landing; empty where there was nothing to compare."""
    found = _against_xpos(landing)
    return far_from_xpos(found) if found is not None else ""


def write(path: Path, takes: list[TakeReport]) -> None:
    """Write the report file.

    Raises:
        InputError: the place cannot be written to.
    """
    text = json.dumps({"takes": [take.as_dict() for take in takes]}, indent=2) + "\n"
    with replacing_for_user(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
