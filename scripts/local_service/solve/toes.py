# SPDX-License-Identifier: GPL-3.0-or-later
"""Bends toes that carry no marker: just as far as the floor makes them."""

# scipy comes without full types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from .chain import Chain, Points
from .skeleton import Joint

Array = NDArray[np.float64]
SMOOTHING_S = 0.035


def bend(
    chain: Chain, poses: Array, *, scales: Array, marked: frozenset[str], rate_hz: float
) -> None:
    """Set the toes' joints in place, where no marker tells them.

    Args:
        chain: Scaled to the subject.
        poses: (frames, nq).
        scales: (bodies, 3).
        marked: Names of the bodies that carry markers.
        rate_hz: Frames per second, for the smoothing.
    """
    for joint in chain.joints:
        tip = _tip(chain, joint)
        if tip is None or joint.range is None or joint.body in marked:
            continue
        body = int(tip.bodies[0])
        tip_m = tip.local_m[0] * scales[body]
        angles = np.array([_least_extension(chain, pose, body, tip_m) for pose in poses])
        spread = SMOOTHING_S * rate_hz
        # Widened before it is smoothed: toes bend a little early rather than too little.
        angles = maximum_filter1d(angles, 2 * round(spread) + 1, mode="nearest")
        angles = gaussian_filter1d(angles, spread, mode="nearest")
        poses[:, joint.qpos] = np.clip(angles, *joint.range)


def _tip(chain: Chain, joint: Joint) -> Points | None:
    """The toe's tip, for a joint that bends a toe."""
    if not joint.body.startswith("toes") or joint.kind != "hinge":
        return None
    tip = chain.sites("toe_tip" + joint.body.removeprefix("toes"))
    return tip if tip.bodies.size else None


def _least_extension(chain: Chain, pose: Array, body: int, tip_m: Array) -> float:
    """The least extension (rad, 0 or more) that keeps the tip from the floor.

    For an extension e the tip's height is h + A cos e + B sin e = h + r cos(e - p).
    """
    chain.pose(pose)
    forward, up, side = chain.rotations()[chain.parents[body], 2]
    height = chain.data.xpos[body, 2] + side * tip_m[2]
    along = forward * tip_m[0] + up * tip_m[1]
    across = up * tip_m[0] - forward * tip_m[1]
    if height + along >= 0:
        return 0.0
    reach, phase = np.hypot(along, across), np.arctan2(across, along)
    return max(0.0, float(phase - np.arccos(np.clip(-height / reach, -1.0, 1.0))))
