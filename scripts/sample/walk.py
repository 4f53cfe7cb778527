# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk: the whole body's pose at any moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample import gait, steps
from sample.subject import SIDES, Subject

Array = NDArray[np.float64]

RATE_HZ = 100.0
FRAMES = 480

# Where she is when the recording begins: at the lab's near end, her right foot swinging.
_START_M = np.array([-3.05, 0.18, 0.0])
_START_PHASE = 0.85

# The thorax turns back by 1.7 of what the pelvis turns, and stays about level and upright.
_THORAX_TURN, _THORAX_LEVEL = -1.7, 0.8
_SPINE_SHARES = {"lumbar_5": 0.15, "lumbar_3": 0.25, "thoracic": 0.6}
_NECK_SHARES = {"cervical_7": 0.5, "skull": 0.5}
_ARM_ABDUCTION_DEG = 7.0
_CLAVICLE_SHARE = 0.12  # of the shoulder's swing
_PRONATION_DEG = 8.0


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A gait that starts at a place and a phase of the cycle."""

    gait: steps.Gait

    def phase(self, time_s: Array) -> Array:
        """(n,) cycles since the right heel strike before the start."""
        return _START_PHASE + np.asarray(time_s) / gait.STRIDE_S

    def poses(self, subject: Subject, time_s: Array) -> Array:
        """(n, nq) coordinates of the subject's model at each time."""
        phase = self.phase(time_s)
        right, left = self.gait.at(phase), self.gait.at(phase + 0.5)
        arms = {name: _both(keys, phase) for name, keys in gait.ARM_KEYS.items()}
        rows: list[Array] = []
        for row in range(len(phase)):
            steps.pose_leg(subject, "r", right[row])
            steps.pose_leg(subject, "l", left[row])
            place = right[row, :3] + _START_M - [_START_PHASE * gait.STRIDE_M, 0.0, 0.0]
            yaw, obliquity, tilt = right[row, 3:6].tolist()
            subject.set_root(place, (yaw, obliquity, tilt))
            _pose_trunk(subject, yaw=yaw, obliquity=obliquity, tilt=tilt)
            for column, side in enumerate(SIDES):
                swing, elbow = (arms[name][row, column] for name in gait.ARM_KEYS)
                _pose_arm(subject, side, swing=float(swing), elbow=float(elbow))
            rows.append(subject.qpos())
        return np.array(rows)


def make(subject: Subject) -> Walk:
    """Her walk."""
    return Walk(gait=steps.fit(subject))


def times_s() -> Array:
    """(FRAMES,) the times of the recording's frames."""
    return np.arange(FRAMES) / RATE_HZ


def _both(keys: gait.Keys, phase: Array) -> Array:
    """(n, 2) a curve for the right side and for the left."""
    return np.stack([gait.sample(keys, phase), gait.sample(keys, phase + 0.5)], axis=1)


def _pose_trunk(subject: Subject, *, yaw: float, obliquity: float, tilt: float) -> None:
    """Spine against the pelvis, and the neck such that the head looks ahead."""
    turn = _THORAX_TURN * yaw
    for part, share in _SPINE_SHARES.items():
        subject.set_hinges(
            {
                f"{part}_rotation": share * turn,
                f"{part}_bending": share * _THORAX_LEVEL * obliquity,
                f"{part}_flexion": -share * _THORAX_LEVEL * tilt,
            }
        )
    for part, share in _NECK_SHARES.items():
        subject.set_hinges({f"{part}_rotation": -share * (yaw + turn)})


def _pose_arm(subject: Subject, side: str, *, swing: float, elbow: float) -> None:
    subject.set_shoulder(side, flexion_deg=swing, abduction_deg=_ARM_ABDUCTION_DEG)
    subject.set_hinges(
        {
            f"elbow_flexion_{side}": elbow,
            f"forearm_pronation_{side}": _PRONATION_DEG,
            f"clavicle_protraction_{side}": _CLAVICLE_SHARE * swing,
        }
    )
