# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on rigs: how tests land them, and how alike both are then."""

from __future__ import annotations

from collections.abc import Mapping
from unittest.mock import patch

import bpy
import numpy as np

from myosapiens_addon.blender import landing as landings
from myosapiens_addon.blender import reading
from myosapiens_addon.motion.motion import Motion
from tests.blender.rig_builders import Built
from tests.helpers import figures, likeness
from tests.helpers.motions import as_decoded

CLOSE_DEG = 0.5


def land(built: Built, motion: Motion, **options: object) -> landings.Landing:
    """Put a take on an armature, a key for each of its own frames."""
    wanted = {"armature": built.name, "rate": "capture"} | options
    with patch.object(reading.Wanted, "decode", lambda _wanted: as_decoded(motion)):
        return landings.land([], name="Take 01", options=landings.LandingOptions(**wanted))


def some(motion: Motion, count: int = 5) -> list[int]:
    """Some of a take's frames, spread over it."""
    return np.linspace(0, motion.frame_count - 1, count).round().astype(int).tolist()


def scene_frames(motion: Motion, rows: list[int], start_frame: int = 1) -> np.ndarray:
    """Where they are in the scene."""
    render = bpy.context.scene.render
    return start_frame + motion.times[rows] * render.fps / render.fps_base


def shown_take(motion: Motion, rows: list[int]) -> likeness.Shown:
    """The take in some of its frames."""
    chains = {
        role: tuple(name for name in names if name in motion.names)
        for role, names in figures.chains().items()
    }
    return likeness.of_motion(motion, chains, rows)


def both(
    built: Built, motion: Motion, count: int = 5, others: Mapping[str, str] | None = None
) -> tuple[likeness.Shown, likeness.Shown]:
    """Take and armature in the same moments."""
    rows = some(motion, count)
    return shown_take(motion, rows), built.shown(scene_frames(motion, rows), others)


def check_alike(
    take: likeness.Shown,
    target: likeness.Shown,
    *,
    legs: bool = True,
) -> dict[str, float]:
    """All measures of likeness; fails where one is beyond the limit."""
    found = likeness.limbs(take, target) | likeness.trunk(take, target)
    found |= {f"palm{side}": value for side, value in likeness.palms(take, target).items()}
    if legs:
        found |= {f"sole{side}": value for side, value in likeness.feet(take, target).items()}
    else:
        found = {key: value for key, value in found.items() if not key.startswith(likeness.LEGS)}
    wrong = {key: round(value, 2) for key, value in found.items() if not value <= CLOSE_DEG}
    assert not wrong, f"degrees off: {wrong}"
    return found


def check_ground(target: likeness.Shown, ratio: float) -> None:
    """The toes come down to where they stand at rest, and not below."""
    for side in likeness.SIDES:
        rest = target.rest[f"toe{side}"][0] @ target.up
        heights = target.heads[f"toe{side}"][0] @ target.up
        assert heights.min() > rest - 0.02 * ratio
        assert heights.min() < rest + 0.02 * ratio
