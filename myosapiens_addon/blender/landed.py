# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a take that was put on an armature."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from ..motion import heads
from .landing_options import OBJECT, LandingOptions

if TYPE_CHECKING:
    from ..motion.decoding import Decoded
    from ..motion.heads import Distance
    from ..motion.joint_angles import JointAngles
    from .extras import Extras
    from .landing import Made
    from .self_check import Found

# Keys are straight lines between whole frames at least; more than this is somebody else's doing.
CHECK_LIMIT_DEG = 1.0


@dataclass(kw_only=True)
class Landing:
    """What became of one take.

    Attributes:
        action: the new action's name.
        armature: the armature object's name.
        frames: keyed moments.
        capture_rate_hz: frames per second of the capture.
        scene_rate_hz: frames per second of the scene.
        seconds: time spent, by stage (`decode`, `retarget`, `write`, `check`).
        warnings: sentences for the user.
        bone_map: what said which bone follows what.
        direction_error_deg: the largest angle between a bone as Blender poses it and as it
            should be, over a few frames; NaN when nobody looked.
        source: name of the file that the motion is from.
        distance: how far the motion is from `xpos.parquet`, over all frames.
        shown_distance: how far Blender's own bone heads are from it, over a few frames.
        angles: how many joint angles have a curve.
        meshes: how many meshes are bound to bones.
        table: the joint angles, where they were asked for and there are any.
    """

    action: str = ""
    armature: str = ""
    frames: int = 0
    capture_rate_hz: float = 0.0
    scene_rate_hz: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    bone_map: str = ""
    direction_error_deg: float = math.nan
    source: str = ""
    distance: Distance | None = None
    shown_distance: Distance | None = None
    angles: int = 0
    meshes: int = 0
    table: JointAngles | None = None

    def read(self, decoded: Decoded) -> None:
        """Note what came of the files."""
        self.capture_rate_hz = decoded.motion.rate_hz
        self.source = decoded.source
        self.distance = decoded.distance
        self.table = decoded.angles
        self.warnings += decoded.warnings

    def add(self, added: Extras) -> None:
        """Note what came besides the pose."""
        self.angles, self.meshes = added.angles, added.meshes
        self.warnings += added.warnings


def note_check(
    landing: Landing,
    found: Found,
    *,
    made: Made,
    decoded: Decoded,
    options: LandingOptions,
) -> None:
    """Write down how far Blender's own poses are from what they should be."""
    shown = bpy.data.objects.get(landing.armature)
    if shown is not None and shown.data.pose_position == "REST":
        landing.warnings.append(
            f"The armature {landing.armature!r} shows its rest position; choose Pose Position in "
            "its properties to see the take."
        )
    landing.direction_error_deg = round(found.degrees, 4)
    if found.degrees > CHECK_LIMIT_DEG:
        landing.warnings.append(
            f"The bone {found.bone!r} points {found.degrees:.1f} degrees off at frame "
            f"{found.frame:g}: something else on the armature {landing.armature!r} (a constraint, "
            "a driver, another strip) changes its pose."
        )
    # Only a character's own armature, on the recorded way, has its bones where bodies were.
    is_as_recorded = not options.in_place and options.path_scale in (None, 1.0)
    is_own = not made.map_title and options.carrier != OBJECT
    # What the whole motion could not be compared with was told when that was tried.
    known = decoded.heads if decoded.distance is not None else None
    if known is not None and found.names and is_as_recorded and is_own:
        times = made.expected.times
        landing.shown_distance = heads.compare(known, found.names, times, found.heads)
