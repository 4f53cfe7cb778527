# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a take lands, and how: plain values that also stand in the journal. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

SCENE_RATE = "scene"
CAPTURE_RATE = "capture"


@dataclass(frozen=True, kw_only=True)
class LandingOptions:
    """Where a take lands, and how.

    Attributes:
        armature: name of the armature object; None for the active or only one, else a new one.
        new_armature: build the character's own armature, whatever is in the scene.
        rate: `scene`, `capture` (keys between the scene's frames) or frames per second.
        start_frame: the scene frame of the take's first moment.
        set_range: make the scene play the take.
    """

    armature: str | None = None
    new_armature: bool = False
    rate: str | float = SCENE_RATE
    start_frame: int = 1
    set_range: bool = False


@dataclass(frozen=True, kw_only=True)
class LandingNotes:
    """What the journal keeps of it, so that another start of Blender can do what was asked for.

    Attributes:
        name: of the action, and of a new armature.
        options: where and how.
        blend: the file it was started in, empty for one that was never saved.
        out: where the command line writes the result; empty for a job of the window.
    """

    name: str
    options: LandingOptions
    blend: str = ""
    out: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON."""
        return {"name": self.name, "blend": self.blend, "out": self.out, **vars(self.options)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], *, name: str) -> Self:
        """From `as_dict`, or from nothing: a job of another machine has no notes.

        Args:
            value: the notes of a record.
            name: what to call it where they do not say.
        """
        known = LandingOptions.__dataclass_fields__
        options = LandingOptions(**{key: value[key] for key in known if key in value})
        return cls(
            name=str(value.get("name") or name),
            options=options,
            blend=str(value.get("blend") or ""),
            out=str(value.get("out") or ""),
        )
